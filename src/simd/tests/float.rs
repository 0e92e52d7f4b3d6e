//! Lanes of floating-point numbers.

use super::on_every_set;
use crate::simd::{AlignLanes, Float, FloatLanes, IsaKernel, Simd};

#[derive(Clone, Copy)]
struct Check;

impl IsaKernel for Check {
    type Output = ();

    fn run<S: Simd>(self, simd: S) {
        check(simd.f32());
        check(simd.f64());
        check_aligned(simd.f32());
    }
}

/// Numbers at the edges of truncation, and others of all sizes.
fn numbers(count: usize, seed: u64) -> Vec<f64> {
    const EDGES: [f64; 14] = [
        0.0,
        -0.0,
        0.5,
        -0.5,
        1.0,
        1.5,
        2.5,
        -3.5,
        8_388_607.5,
        8_388_608.0,
        16_777_215.0,
        4_503_599_627_370_495.5,
        4_503_599_627_370_497.0,
        0.99999994,
    ];
    let mut state = seed;
    (0..count)
        .map(|_| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let fraction = (state >> 12) as f64 * 2f64.powi(-51) - 1.0;
            match state >> 62 {
                0 => EDGES[(state >> 40) as usize % EDGES.len()],
                _ => fraction * 2f64.powi((state >> 32) as i32 % 60),
            }
        })
        .collect()
}

fn check<L: FloatLanes>(lanes: L) {
    for seed in 0..if cfg!(miri) { 2 } else { 500 } {
        let [a, b] = [1, 2].map(|n| -> Vec<L::Element> {
            numbers(L::N, seed * 2 + n).into_iter().map(L::Element::nearest).collect()
        });
        let wide = |x: L::Element| -> f64 { x.into() };
        let each = |f: &dyn Fn(f64, f64) -> f64| -> Vec<u64> {
            a.iter()
                .zip(&b)
                .map(|(&a, &b)| wide(L::Element::nearest(f(wide(a), wide(b)))).to_bits())
                .collect()
        };
        let stored = |v| -> Vec<u64> {
            let mut out = vec![L::Element::nearest(4.0); L::N + 1];
            lanes.store(v, &mut out);
            assert_eq!(wide(out[L::N]), 4.0, "a store stays within its lanes");
            out[..L::N].iter().map(|&x| wide(x).to_bits()).collect()
        };
        let (va, vb) = (lanes.load(&a), lanes.load(&b));
        // Sum and product of two f32 are rounded once more from f64 without harm.
        assert_eq!(stored(lanes.add(va, vb)), each(&|a, b| a + b), "add");
        assert_eq!(stored(lanes.sub(va, vb)), each(&|a, b| a - b), "sub");
        assert_eq!(stored(lanes.mul(va, vb)), each(&|a, b| a * b), "mul");
        let max = stored(lanes.max(va, vb));
        let number = |bits: Vec<u64>| bits.into_iter().map(f64::from_bits).collect::<Vec<_>>();
        assert_eq!(number(max), number(each(&|a, b| a.max(b))), "max");
        assert_eq!(stored(lanes.trunc(va)), each(&|a, _| a.trunc()), "trunc");
        // Few digits, so that nothing is rounded.
        let few = |x: &[L::Element]| -> Vec<L::Element> {
            x.iter().map(|&x| L::Element::nearest((wide(x) % 1000.0).trunc())).collect()
        };
        let (few_a, few_b) = (few(&a), few(&b));
        let (fa, fb) = (lanes.load(&few_a), lanes.load(&few_b));
        let found = stored(lanes.mul_add_exact(fa, fb, fa));
        let expected: Vec<u64> = few_a
            .iter()
            .zip(&few_b)
            .map(|(&a, &b)| (wide(a) * wide(b) + wide(a)).to_bits())
            .collect();
        assert_eq!(found, expected, "mul_add_exact");
        let halves = |x: &[L::Element]| -> Vec<L::Element> {
            x.iter().map(|&x| L::Element::nearest(wide(x) + 0.75)).collect()
        };
        let (ha, hb) = (halves(&few_a), halves(&few_b));
        let mut sums = vec![L::Element::nearest(0.0); L::N];
        let one = lanes.add_whole(lanes.splat(L::Element::nearest(0.0)), lanes.load(&ha));
        lanes.store(lanes.add_whole(one, lanes.load(&hb)), &mut sums);
        for ((sum, &a), &b) in sums.iter().zip(&ha).zip(&hb) {
            assert_eq!(sum.whole(), wide(a).trunc() + wide(b).trunc(), "add_whole");
        }
        assert_eq!(stored(lanes.splat(a[0])), vec![wide(a[0]).to_bits(); L::N]);
    }
}

/// Integers of all sizes, and those at the ends.
fn words(count: usize, seed: u64) -> Vec<i32> {
    let mut state = seed;
    (0..count)
        .map(|_| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            match state >> 61 {
                0 => i32::MAX - (state >> 50 & 3) as i32,
                1 => i32::MIN + (state >> 50 & 3) as i32,
                _ => (state >> 29) as i32 >> (state >> 24 & 31),
            }
        })
        .collect()
}

fn check_aligned<L: AlignLanes>(lanes: L) {
    for seed in 0..if cfg!(miri) { 2 } else { 500 } {
        let [a, b, c] = [1, 2, 3].map(|n| words(L::N, seed * 3 + n));
        let float = |x: &[i32]| -> Vec<f32> {
            x.iter().map(|x| f32::from_bits(x.cast_unsigned())).collect()
        };
        let [va, vb, vc] = [&a, &b, &c].map(|x| lanes.load(&float(x)));
        let bytes = |words: &[i32]| -> Vec<i8> {
            words.iter().flat_map(|x| x.to_ne_bytes()).map(u8::cast_signed).collect()
        };
        let stored = |v| -> Vec<i32> {
            let mut out = vec![0f32; L::N];
            lanes.store(v, &mut out);
            out.iter().map(|x| x.to_bits().cast_signed()).collect()
        };
        let sums = bytes(&a)
            .into_iter()
            .zip(bytes(&b))
            .map(|(a, b)| (i32::from(a) + i32::from(b)).clamp(-128, 127));
        let greatest: Vec<i32> =
            sums.zip(bytes(&c)).map(|(sum, so_far)| sum.max(so_far.into())).collect();
        let found = bytes(&stored(lanes.greatest_sums(vc, va, vb)));
        assert!(found.iter().map(|&x| i32::from(x)).eq(greatest), "greatest_sums");
        let powers: Vec<f32> =
            lanes.powers(va).into_iter().flat_map(|v| float(&stored(v))).collect();
        for (&exponent, power) in bytes(&a).iter().zip(powers) {
            match exponent {
                ..-126 => assert!(power <= 0.0, "2^{exponent} is {power}"),
                _ => assert_eq!(f64::from(power), 2f64.powi(exponent.into())),
            }
        }
        let each = |f: fn(i32, i32) -> i32| -> Vec<i32> {
            a.iter().zip(&b).map(|(&a, &b)| f(a, b)).collect()
        };
        assert_eq!(stored(lanes.and(va, vb)), each(|a, b| a & b), "and");
        assert_eq!(stored(lanes.sub_bits(va, vb)), each(i32::wrapping_sub), "sub_bits");
        // Halves, so that something is cut off; as far as 2^30.
        let halves: Vec<f32> = b.iter().map(|&b| (b / 2) as f32 / 2.0).collect();
        let zero = |total: i64| -> i32 {
            let nearest = total as f32;
            let beyond = (nearest as f64).abs() > (total as f64).abs();
            (nearest.to_bits() - u32::from(beyond)).cast_signed()
        };
        let total = |a: i32, v: f32| i64::from(a) + v.trunc() as i64;
        let expected: Vec<i32> = a.iter().zip(&halves).map(|(&a, &v)| zero(total(a, v))).collect();
        assert_eq!(stored(lanes.wider_zero(va, lanes.load(&halves))), expected, "wider_zero");
        let small: Vec<i32> = a.iter().map(|a| a / 2).collect();
        let expected: Vec<i32> =
            small.iter().zip(&halves).map(|(&a, &v)| zero(total(a, v))).collect();
        let found = lanes.whole_zero(lanes.load(&float(&small)), lanes.load(&halves));
        assert_eq!(stored(found), expected, "whole_zero");
    }
}

#[test]
fn methods_equal_the_scalar_operations() {
    on_every_set(Check);
}
