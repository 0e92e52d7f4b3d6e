//! Every primitive of every instruction set against its scalar definition.

use super::{Isa, Lanes, Simd, Task, Word, run};

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

struct Check;

impl Task for Check {
    type Output = ();

    fn run<S: Simd>(self, simd: S) {
        check(
            simd.lanes32(),
            |x| x,
            |acc, a, b| {
                let (a, b) = (a as i32, b as i32);
                let product =
                    |shift: u32| i64::from((a >> shift) as i16) * i64::from((b >> shift) as i16);
                acc.wrapping_add(product(0)).wrapping_add(product(16))
            },
        );
        let sign_extended = |x| i64::from(x as i32);
        check(simd.lanes64(), sign_extended, |acc, a, b| acc.wrapping_add(a * b));
    }
}

fn check<L: Lanes>(lanes: L, operand: fn(i64) -> i64, dot: fn(i64, i64, i64) -> i64) {
    let rounds = if cfg!(miri) { 3 } else { 200 };
    for seed in 0..rounds {
        let [a, b, c] = [0, 1, 2].map(|n| words::<L::Word>(L::N, seed * 3 + n));
        let stored = |v: L::V| {
            let canary = L::Word::truncate(0x5555_5555);
            let mut out = vec![canary; L::N + 1];
            lanes.store(v, &mut out);
            assert_eq!(out[L::N], canary, "a store stays within its lanes");
            out.truncate(L::N);
            out
        };
        let each = |f: &dyn Fn(i64, i64, i64) -> i64| -> Vec<L::Word> {
            let lanes = a.iter().zip(&b).zip(&c);
            lanes.map(|((a, b), c)| L::Word::truncate(f(a.widen(), b.widen(), c.widen()))).collect()
        };
        let [va, vb, vc] = [&a, &b, &c].map(|words| lanes.load(words));
        assert_eq!(stored(va), a);
        assert_eq!(stored(lanes.splat(b[0])), vec![b[0]; L::N]);
        assert_eq!(stored(lanes.add(va, vb)), each(&|a, b, _| a.wrapping_add(b)), "add");
        assert_eq!(stored(lanes.min(va, vb)), each(&|a, b, _| a.min(b)), "min");
        assert_eq!(stored(lanes.max(va, vb)), each(&|a, b, _| a.max(b)), "max");
        let changed = each(&|a, b, c| c.wrapping_add((a != b).into()));
        assert_eq!(stored(lanes.count_changed(vc, va, vb)), changed, "count_changed");
        for bits in [2, 7, L::Word::BITS / 2, L::Word::BITS - 1] {
            let (mask, sign) = (!(-1i64 << bits), 1i64 << (bits - 1));
            let [vm, vs] = [mask, sign].map(|x| lanes.splat(L::Word::truncate(x)));
            let wrapped = each(&|a, _, _| a << (64 - bits) >> (64 - bits));
            assert_eq!(stored(lanes.wrap(va, vm, vs)), wrapped, "wrap to {bits}");
        }
        let operands = |words: &[L::Word]| {
            lanes.load(
                &words.iter().map(|x| L::Word::truncate(operand(x.widen()))).collect::<Vec<_>>(),
            )
        };
        let summed = each(&|a, b, c| dot(c, operand(a), operand(b)));
        // Pairs of -32768 on both sides sum to 2^31, which only arithmetic modulo 2^32 holds.
        assert_eq!(stored(lanes.dot(vc, operands(&a), operands(&b))), summed, "dot");
    }
}

#[test]
fn primitives_equal_their_definitions() {
    for isa in Isa::ALL {
        match run(isa, Check) {
            Ok(()) => assert!(isa.is_available()),
            Err(error) => {
                assert!(!isa.is_available());
                println!("primitives of {isa} not run: {error}");
            }
        }
    }
}
