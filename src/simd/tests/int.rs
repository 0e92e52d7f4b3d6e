//! Lanes of integers.

use super::on_every_set;
use crate::simd::{ByteLanes, Int16Lanes, IntLanes, IsaKernel, Linear, Simd, Word, both};

/// Values at and around every edge, and some in between.
fn words<W: Word>(count: usize, seed: u64) -> Vec<W> {
    let edges = [
        0,
        1,
        -1,
        i64::MAX,
        i64::MIN,
        i32::MAX.into(),
        i32::MIN.into(),
        0x7fff,
        -0x8000,
        0x8000_8000_u32.into(),
        0x7fff_7fff,
        0xffff_0000_u32.into(),
        12345,
    ];
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        state >> 11
    };
    (0..count)
        .map(|_| {
            let pick = next();
            let value = if pick % 3 == 0 {
                (next() << 20 ^ next()) as i64
            } else {
                edges[pick as usize % edges.len()]
            };
            W::truncate(value)
        })
        .collect()
}

#[derive(Clone, Copy)]
struct Check;

impl IsaKernel for Check {
    type Output = ();

    fn run<S: Simd>(self, simd: S) {
        check_look_up(simd.int32());
        check_codes(simd.int32());
        check(
            simd.int32(),
            |x| x,
            |acc, a, b| {
                let (a, b) = (a as i32, b as i32);
                let product =
                    |shift: u32| i64::from((a >> shift) as i16) * i64::from((b >> shift) as i16);
                acc.wrapping_add(product(0)).wrapping_add(product(16))
            },
        );
        check_bytes(simd.int32());
        check_narrow(simd.int32());
        let sign_extended = |x| i64::from(x as i32);
        check(simd.int64(), sign_extended, |acc, a, b| acc.wrapping_add(a * b));
    }
}

fn check<L: IntLanes>(lanes: L, operand: fn(i64) -> i64, dot: fn(i64, i64, i64) -> i64) {
    let rounds = if cfg!(miri) { 3 } else { 200 };
    for seed in 0..rounds {
        let [a, b, c] = [0, 1, 2].map(|n| words::<L::Element>(L::N, seed * 3 + n));
        let stored = |v: L::V| {
            let canary = L::Element::truncate(0x5555_5555);
            let mut out = vec![canary; L::N + 1];
            lanes.store(v, &mut out);
            assert_eq!(out[L::N], canary, "a store stays within its lanes");
            out.truncate(L::N);
            out
        };
        let each = |f: &dyn Fn(i64, i64, i64) -> i64| -> Vec<L::Element> {
            let lanes = a.iter().zip(&b).zip(&c);
            lanes
                .map(|((a, b), c)| L::Element::truncate(f(a.widen(), b.widen(), c.widen())))
                .collect()
        };
        let [va, vb, vc] = [&a, &b, &c].map(|words| lanes.load(words));
        assert_eq!(stored(va), a);
        assert_eq!(stored(lanes.splat(b[0])), vec![b[0]; L::N]);
        assert_eq!(stored(lanes.add(va, vb)), each(&|a, b, _| a.wrapping_add(b)), "add");
        assert_eq!(stored(lanes.min(va, vb)), each(&|a, b, _| a.min(b)), "min");
        assert_eq!(stored(lanes.max(va, vb)), each(&|a, b, _| a.max(b)), "max");
        let changed = each(&|a, b, c| c.wrapping_add((a != b).into()));
        assert_eq!(stored(lanes.count_changed(vc, va, vb)), changed, "count_changed");
        for bits in [2, 7, L::Element::BITS / 2, L::Element::BITS - 1] {
            let (mask, sign) = (!(-1i64 << bits), 1i64 << (bits - 1));
            let [vm, vs] = [mask, sign].map(|x| lanes.splat(L::Element::truncate(x)));
            let wrapped = each(&|a, _, _| a << (64 - bits) >> (64 - bits));
            assert_eq!(stored(lanes.wrap(va, vm, vs)), wrapped, "wrap to {bits}");
        }
        let operands = |words: &[L::Element]| {
            lanes.load(
                &words.iter().map(|x| L::Element::truncate(operand(x.widen()))).collect::<Vec<_>>(),
            )
        };
        let summed = each(&|a, b, c| dot(c, operand(a), operand(b)));
        // Pairs of -32768 on both sides sum to 2^31, which only arithmetic modulo 2^32 holds.
        assert_eq!(stored(lanes.dot(vc, operands(&a), operands(&b))), summed, "dot");
    }
}

/// Words of bytes at every edge: pairs of 255 and -128 are among them.
fn check_bytes<L: ByteLanes>(lanes: L) {
    let rounds = if cfg!(miri) { 3 } else { 200 };
    for seed in 0..rounds {
        let bytes = |n: u64| -> Vec<i32> {
            let edges = [0x80u8, 0x7f, 0xff, 0, 1, 0x81];
            let picks: Vec<i64> = words(4 * L::N, seed * 3 + n);
            let byte = |x: &i64| {
                if x & 256 == 0 { edges[x.unsigned_abs() as usize % 6] } else { *x as u8 }
            };
            let quads = picks.chunks(4);
            quads.map(|q| i32::from_le_bytes([0, 1, 2, 3].map(|i| byte(&q[i])))).collect()
        };
        let (a, b, c) = (bytes(0), bytes(1), words::<i32>(L::N, seed * 3 + 2));
        let [va, vb, vc] = [&a, &b, &c].map(|words| lanes.load(words));
        let stored = |v: L::V| {
            let mut out = vec![0; L::N];
            lanes.store(v, &mut out);
            out
        };
        let each = |f: &dyn Fn(i32, i32, i32) -> i32| -> Vec<i32> {
            a.iter().zip(&b).zip(&c).map(|((&a, &b), &c)| f(a, b, c)).collect()
        };
        let pairs = |a: i32, b: i32| {
            let half = |x: i32| [i64::from(x as i16), i64::from(x >> 16)];
            // Two products of -32768 each sum to 2^31, which is not asked for.
            half(a)[0] * half(b)[0] + half(a)[1] * half(b)[1]
        };
        let far = |a: i32| if a == both(i16::MIN) { 0 } else { a };
        let (vfa, expected) = (
            lanes.load(&a.iter().map(|&a| far(a)).collect::<Vec<_>>()),
            each(&|a, b, c| {
                (i64::from(c) + pairs(far(a), b)).clamp(i32::MIN.into(), i32::MAX.into()) as i32
            }),
        );
        assert_eq!(stored(lanes.dot_saturating(vc, vfa, vb)), expected, "dot_saturating");
        for bits in [0, 1, 12, 31] {
            assert_eq!(stored(lanes.shift_left(va, bits)), each(&|a, _, _| a << bits));
            assert_eq!(stored(lanes.shift_right(va, bits)), each(&|a, _, _| a >> bits));
        }
        let same = each(&|a, b, c| if a == b { c.wrapping_add(a) } else { c });
        assert_eq!(stored(lanes.add_same(vc, va, va, vb)), same, "add_same");
        let twice = each(&|a, _, c| c.wrapping_add(a));
        assert_eq!(stored(lanes.add_same(vc, va, vb, vb)), twice, "add_same");
        let greater = a.iter().zip(&b).any(|(&a, &b)| a as i16 > b as i16 || a >> 16 > b >> 16);
        assert_eq!(lanes.any_greater16(va, vb), greater, "any_greater16");
        assert!(
            !lanes.any_greater16(va, va) && !lanes.any_greater16(lanes.splat(both(i16::MIN)), va)
        );
        assert_eq!(lanes.greatest(va), a.iter().copied().fold(i32::MIN, i32::max), "greatest");
        let dot = |a: i32, b: i32, c: i32| {
            let products = a.to_le_bytes().into_iter().zip(b.to_le_bytes());
            products.fold(c, |sum, (a, b)| sum.wrapping_add(i32::from(a) * i32::from(b as i8)))
        };
        assert_eq!(stored(lanes.dot_bytes(vc, va, vb)), each(&dot), "dot_bytes");
        // Products of so few bits that two of them fit 16.
        let small = |word: i32| word & 0x7f7f_7f7f;
        let (small_a, of_pairs) =
            (a.iter().map(|&a| small(a)).collect::<Vec<_>>(), |a: i32, b: i32, c: i32| {
                let (a, b) = (small(a).to_le_bytes(), b.to_le_bytes());
                let product = |i: usize| i16::from(a[i]) * i16::from(b[i] as i8);
                let half =
                    |i: usize| ((c >> (8 * i)) as i16).wrapping_add(product(i) + product(i + 1));
                i32::from(half(2)) << 16 | i32::from(half(0)) & 0xffff
            });
        let found = stored(lanes.dot_pairs(vc, lanes.load(&small_a), vb));
        assert_eq!(found, each(&of_pairs), "dot_pairs");
        let bytewise = |word: i32, f: &dyn Fn(i8) -> u8| {
            i32::from_le_bytes(word.to_le_bytes().map(|byte| f(byte as i8)))
        };
        let magnitude = each(&|a, _, _| bytewise(a, &i8::unsigned_abs));
        assert_eq!(stored(lanes.magnitudes(va)), magnitude, "magnitudes");
        let negative = each(&|a, _, _| bytewise(a, &|x| x.unsigned_abs().wrapping_neg()));
        assert_eq!(stored(lanes.negative_magnitudes(va)), negative, "negative_magnitudes");
        let positive = each(&|a, _, _| bytewise(a, &|x| x.max(0).cast_unsigned()));
        assert_eq!(stored(lanes.positives(va)), positive, "positives");
        assert_eq!(stored(lanes.and(vc, va)), each(&|a, _, c| a & c), "and");
        assert_eq!(stored(lanes.sub(vc, va)), each(&|a, _, c| c.wrapping_sub(a)), "sub");
        assert_eq!(stored(lanes.xor(vc, va)), each(&|a, _, c| a ^ c), "xor");
        assert_eq!(lanes.any_greater(va, vb), a.iter().zip(&b).any(|(a, b)| a > b));
        let mut one = a.clone();
        for lane in 0..L::N {
            assert!(!lanes.any_greater(lanes.load(&one), va), "any_greater of equals");
            if a[lane] < i32::MAX {
                one[lane] += 1;
                assert!(lanes.any_greater(lanes.load(&one), va), "any_greater, lane {lane}");
                one[lane] -= 1;
            }
        }
    }
}

/// The halves of words as lanes, at the ends of 16 bits among others.
fn check_look_up<L: ByteLanes>(lanes: L) {
    for seed in 0..if cfg!(miri) { 1 } else { 50 } {
        let (table, codes) = (words::<i32>(128, seed), words::<i32>(L::N, seed + 1000));
        let table: [i32; 128] = table.try_into().unwrap();
        let halves: &[u16] = bytemuck::cast_slice(&table);
        let expected: Vec<i32> = bytemuck::cast_slice::<i32, u8>(&codes)
            .iter()
            .map(|&code| i32::from(halves[usize::from(code)]) << 16)
            .collect();
        let found = lanes.look_up(&table, lanes.load(&codes));
        let mut out = vec![0; 4 * L::N];
        for (found, out) in found.into_iter().zip(out.chunks_mut(L::N)) {
            lanes.store(found, out);
        }
        assert_eq!(out, expected);
    }
}

/// Whole numbers next to linear functions, low bytes, and words of neighbours.
fn check_codes<L: ByteLanes>(lanes: L) {
    let splat = |x: f32| lanes.splat(x.to_bits().cast_signed());
    let stored = |v: L::V| {
        let mut out = vec![0; L::N];
        lanes.store(v, &mut out);
        out
    };
    for seed in 0..if cfg!(miri) { 3 } else { 200 } {
        let numbers = words::<i32>(L::N, seed);
        // Powers of two, so that nothing is rounded but to a whole number.
        let (factor, zero_point) =
            ([1.0, 0.5, 0.25, -0.125][seed as usize % 4], seed as f32 - 60.0);
        let (low, high) = if seed % 2 == 0 { (0.0, 255.0) } else { (-128.0, 127.0) };
        let by = Linear {
            factor: splat(factor),
            zero_point: splat(zero_point),
            low: splat(low),
            high: splat(high),
        };
        let v = lanes.load(&numbers);
        let [codes, far] = lanes.nearest(v, by);
        let low_bytes = lanes.low_bytes(codes);
        for (lane, (&number, far)) in numbers.iter().zip(stored(far)).enumerate() {
            let x = f64::from(number) * f64::from(factor) + f64::from(zero_point);
            let x = x.clamp(low.into(), high.into());
            let whole = x.round_ties_even();
            assert_eq!(low_bytes[lane], whole as i64 as u8, "{number} {factor} {zero_point}");
            let far = f32::from_bits(far.cast_unsigned());
            assert_eq!(f64::from(far), (x - whole).abs(), "{number} {factor} {zero_point}");
        }
        let bytes: [u8; 32] =
            std::array::from_fn(|i| (seed as u8).wrapping_mul(91) ^ (i as u8).wrapping_mul(37));
        for (lane, word) in stored(lanes.neighbours(&bytes)).into_iter().enumerate() {
            assert_eq!(word.to_le_bytes(), bytes[lane..lane + 4]);
        }
        let low: Vec<u8> = numbers.iter().map(|&number| number as u8).collect();
        assert_eq!(lanes.low_bytes(v)[..L::N], low);
    }
}

fn check_narrow<L: Int16Lanes>(lanes: L) {
    let rounds = if cfg!(miri) { 3 } else { 200 };
    for seed in 0..rounds {
        let [a, b, c] = [0, 1, 2].map(|n| words::<i32>(L::N, seed * 3 + n));
        let [va, vb, vc] = [&a, &b, &c].map(|words| lanes.load(words));
        let stored = |v: L::V| {
            let mut out = vec![0; L::N];
            lanes.store(v, &mut out);
            out
        };
        let halves = |word: i32| [word as i16, (word >> 16) as i16];
        let word = |[low, high]: [i16; 2]| i32::from(high) << 16 | i32::from(low) & 0xffff;
        let each = |f: &dyn Fn(i16, i16, i16) -> i16| -> Vec<i32> {
            let lanes = a.iter().zip(&b).zip(&c);
            let both = |((&a, &b), &c)| {
                let (a, b, c) = (halves(a), halves(b), halves(c));
                word([f(a[0], b[0], c[0]), f(a[1], b[1], c[1])])
            };
            lanes.map(both).collect()
        };
        let pairs = |f: &dyn Fn([i16; 2], [i16; 2]) -> i32| -> Vec<i32> {
            a.iter().zip(&b).map(|(&a, &b)| f(halves(a), halves(b))).collect()
        };
        assert_eq!(stored(lanes.join_low(va, vb)), pairs(&|a, b| word([a[0], b[0]])), "join_low");
        assert_eq!(stored(lanes.join_high(va, vb)), pairs(&|a, b| word([a[1], b[1]])), "join_high");
        let [even, odd] = lanes.split(va).map(stored);
        assert_eq!(even, pairs(&|a, _| a[0].into()), "split");
        assert_eq!(odd, pairs(&|a, _| a[1].into()), "split");
        let [low, high] = lanes.low_and_high(va).map(stored);
        assert_eq!(low, each(&|a, _, _| (a as i8).into()), "low_and_high");
        assert_eq!(high, each(&|a, _, _| a >> 8), "low_and_high");
        for place in 0..4 {
            let byte = |word: i32| i16::from(word.to_le_bytes()[place]);
            let expected: Vec<_> = a.iter().map(|&a| both(byte(a))).collect();
            assert_eq!(stored(lanes.spread(va, place)), expected, "spread {place}");
        }
        for bits in 0..16 {
            assert_eq!(stored(lanes.shift_right16(va, bits)), each(&|a, _, _| a >> bits));
        }
        assert_eq!(stored(lanes.add16(va, vb)), each(&|a, b, _| a.wrapping_add(b)), "add16");
        let saturated = each(&|a, b, _| a.saturating_add(b));
        assert_eq!(stored(lanes.add_saturating16(va, vb)), saturated, "add_saturating16");
        assert_eq!(stored(lanes.sub16(va, vb)), each(&|a, b, _| a.wrapping_sub(b)), "sub16");
        assert_eq!(stored(lanes.mul16(va, vb)), each(&|a, b, _| a.wrapping_mul(b)), "mul16");
        assert_eq!(stored(lanes.min16(va, vb)), each(&|a, b, _| a.min(b)), "min16");
        assert_eq!(stored(lanes.max16(va, vb)), each(&|a, b, _| a.max(b)), "max16");
        for bits in 2..16 {
            let [mask, sign] = [(1i32 << bits) - 1, 1 << (bits - 1)].map(|x| x as i16);
            let [vm, vs] = [mask, sign].map(|x| lanes.splat(both(x)));
            let wrapped = each(&|a, _, _| a << (16 - bits) >> (16 - bits));
            assert_eq!(stored(lanes.wrap16(va, vm, vs)), wrapped, "wrap16 to {bits}");
        }
        let added = each(&|a, b, c| if a == b { c.wrapping_add(b) } else { c });
        assert_eq!(stored(lanes.add_same16(vc, vb, va, vb)), added, "add_same16");
    }
}

#[test]
fn methods_equal_their_definitions() {
    on_every_set(Check);
}
