//! Lanes that multiply and add, against the formats' own rounding of the exact sum.

use fewbit_formats::{Format, NanPolicy, Overflow, Policy, Rounding};

use super::on_every_set;
use crate::reference::{Dyadic, Value};
use crate::simd::{Float, FloatLanes, FmaLanes, IsaKernel, Lanes, NarrowFloat, Simd, StepLanes};

/// Bits of numbers at the edges of `f32` and of narrower formats, and any others.
fn numbers(seed: u64) -> impl FnMut() -> f32 {
    const EDGES: [u32; 24] = [
        0,
        1,
        2,
        0x007f_ffff,
        0x0080_0000,
        0x0080_0001,
        0x3f80_0000,
        0x3f80_0001,
        0x3f7f_ffff,
        0x3fff_ffff,
        0x4000_0000,
        0x477f_e000,
        0x477f_efff,
        0x477f_f000,
        0x477f_f001,
        0x3880_0000,
        0x3380_0000,
        0x3300_0000,
        0x3300_0001,
        0x7f7f_ffff,
        0x7f7f_0000,
        0x7f80_0000,
        0x7fc0_0000,
        0x4780_0000,
    ];
    let mut state = seed;
    move || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        let word = (state >> 32) as u32;
        let magnitude = match word >> 29 {
            0..2 => EDGES[word as usize % EDGES.len()],
            // Few exponents, so that sums cancel and end near ties.
            2..5 => 0x3f00_0000 + (word & 0x01ff_ffff),
            5 => 0x3f00_0000 + (word & 0x01ff_e000),
            _ => word & 0x7fff_ffff,
        };
        let x = f32::from_bits(magnitude | word << 31);
        if x.is_nan() { f32::NAN } else { x }
    }
}

fn rounded(x: &Value, format: Format, rounding: Rounding) -> f64 {
    let policy = Policy::new(rounding, Overflow::Ieee).with_nan(NanPolicy::Error);
    format.encode(x.to_real(), &policy, 0).map_or(f64::NAN, |code| format.decode(code.code))
}

/// `a * b + c` by IEEE's rules.
fn exact(a: f32, b: f32, c: f32) -> Value {
    let [a, b, c] = [a, b, c].map(|x| Value::from_f64(x.into()));
    let product = a.times(&b);
    match (product.finite(), c.finite()) {
        (Some(p), Some(c_finite)) => {
            let sum: Dyadic = p + c_finite;
            let negative = product.is_negative() && c.is_negative();
            if sum.is_zero() { Value::zero(negative) } else { Value::Finite(sum) }
        }
        (Some(_), None) => c,
        (None, Some(_)) => product,
        (None, None) if product == c => c,
        (None, None) => Value::Nan,
    }
}

fn check(found: f32, expected: f64, what: &str, [a, b, c]: [f32; 3]) {
    let same =
        f64::from(found).to_bits() == expected.to_bits() || found.is_nan() && expected.is_nan();
    assert!(same, "{what} of {a:e} {b:e} {c:e}: {found:e} instead of {expected:e}");
}

fn narrow_float<E: Float>(format: Format, lane_bits: u32) -> NarrowFloat<E> {
    let Format::Float(float) = format else { panic!("{format} is no float") };
    let exponents = (float.min_exponent(), float.largest_exponent());
    NarrowFloat::new(float.fraction_bits(), exponents, format.max_finite(), lane_bits)
}

#[derive(Clone, Copy)]
struct CheckDoubles;

impl IsaKernel for CheckDoubles {
    type Output = ();

    fn run<S: Simd>(self, simd: S) {
        fn check<L: FloatLanes<Element = f64>>(lanes: L) {
            let mut next = numbers(11);
            for _ in 0..if cfg!(miri) { 2 } else { 2000 } {
                // Numbers of more digits than a single has.
                let x: Vec<f64> = (0..L::N)
                    .map(|_| f64::from(next()) * (1.0 + f64::from(next()) * 2f64.powi(-40)))
                    .collect();
                for name in ["e6m9", "e5m10", "e8m23", "e4m3", "e9m22"] {
                    let format = name.parse::<Format>().unwrap();
                    let to = narrow_float(format, 52);
                    let (mut even, mut zero) = (vec![0.0; L::N], vec![0.0; L::N]);
                    lanes.store(lanes.narrow_even(lanes.load(&x), to), &mut even);
                    lanes.store(lanes.narrow_zero(lanes.load(&x), to), &mut zero);
                    for ((x, even), zero) in x.iter().zip(even).zip(zero) {
                        let value = Value::from_f64(*x);
                        for (found, rounding) in
                            [(even, Rounding::TiesEven), (zero, Rounding::TowardZero)]
                        {
                            let expected = rounded(&value, format, rounding);
                            let same = found.to_bits() == expected.to_bits()
                                || found.is_nan() && expected.is_nan();
                            assert!(
                                same,
                                "{name} {rounding:?} of {x:e}: {found:e}, not {expected:e}"
                            );
                        }
                    }
                }
            }
        }
        check(simd.f64());
    }
}

#[test]
fn doubles_are_rounded_to_narrower_floats() {
    on_every_set(CheckDoubles);
}

#[derive(Clone, Copy)]
struct Check;

impl IsaKernel for Check {
    type Output = ();

    fn run<S: Simd>(self, simd: S) {
        let lanes = simd.fma();
        let rounds = if cfg!(miri) { 2 } else { 4000 };
        let mut next = numbers(7);
        let custom = |text: &str| text.parse::<Format>().unwrap();
        let narrow =
            [(16, Format::BF16), (10, Format::E8M13), (1, custom("e8m22")), (22, custom("e8m1"))];
        for _ in 0..rounds {
            let [a, b, c] = [0; 3].map(|_| (0..16).map(|_| next()).collect::<Vec<f32>>());
            let [va, vb, vc] = [&a, &b, &c].map(|x| lanes.load(x));
            let stored = |v| {
                let mut out = [4.0; 17];
                lanes.store(v, &mut out);
                assert_eq!(out[16], 4.0);
                out
            };
            let sums = [
                ("fma_even", stored(lanes.fma_even(va, vb, vc)), Rounding::TiesEven),
                ("fma_zero", stored(lanes.fma_zero(va, vb, vc)), Rounding::TowardZero),
                ("fma_odd", stored(lanes.fma_odd(va, vb, vc)), Rounding::Odd),
            ];
            let mut cuts = vec![
                (
                    "half_even".to_owned(),
                    stored(lanes.half_even(va)),
                    Format::F16,
                    Rounding::TiesEven,
                ),
                (
                    "half_zero".to_owned(),
                    stored(lanes.half_zero(va)),
                    Format::F16,
                    Rounding::TowardZero,
                ),
            ];
            for (cut, format) in narrow {
                let (even, zero) = (lanes.cut_even(va, cut), lanes.cut_zero(va, cut));
                cuts.push((format!("cut_even {cut}"), stored(even), format, Rounding::TiesEven));
                cuts.push((format!("cut_zero {cut}"), stored(zero), format, Rounding::TowardZero));
            }
            for name in ["e6m9", "e5m2", "e3m11", "e5m10", "e4m3", "e7m1", "e2m21"] {
                let format = custom(name);
                let to = narrow_float(format, 23);
                let (even, zero) = (lanes.narrow_even(va, to), lanes.narrow_zero(va, to));
                cuts.push((
                    format!("narrow_even {name}"),
                    stored(even),
                    format,
                    Rounding::TiesEven,
                ));
                cuts.push((
                    format!("narrow_zero {name}"),
                    stored(zero),
                    format,
                    Rounding::TowardZero,
                ));
            }
            for i in 0..Self::lanes(lanes) {
                let operands = [a[i], b[i], c[i]];
                let sum = exact(a[i], b[i], c[i]);
                for (what, found, rounding) in &sums {
                    check(found[i], rounded(&sum, Format::F32, *rounding), what, operands);
                }
                let value = Value::from_f64(a[i].into());
                for (what, found, format, rounding) in &cuts {
                    check(found[i], rounded(&value, *format, *rounding), what, operands);
                }
            }
            assert_eq!(stored(lanes.splat(b[0]))[0].to_bits(), b[0].to_bits());
            check_single_products(lanes, &a, &b, &c);
            let around = lanes.fma_around(va, vb, vc);
            let [down, up] = around.map(stored);
            let odd = stored(lanes.odd_of(around));
            for i in 0..Self::lanes(lanes) {
                let sum = exact(a[i], b[i], c[i]);
                let number = |x: f64| if x == 0.0 { 0.0 } else { x };
                for (found, rounding) in
                    [(down[i], Rounding::Down), (up[i], Rounding::Up), (odd[i], Rounding::Odd)]
                {
                    // Zeros of either sign.
                    let expected = number(rounded(&sum, Format::F32, rounding));
                    check(found + 0.0, expected, "fma_around", [a[i], b[i], c[i]]);
                }
            }
        }
    }
}

/// Sums whose products are numbers of `f32`: of factors of 12 digits, or with one that is a power of two.
fn check_single_products<L: StepLanes>(lanes: L, a: &[f32], b: &[f32], c: &[f32]) {
    let few = |x: &f32| if x.is_finite() { f32::from_bits(x.to_bits() & !0xfff) } else { *x };
    let mut a: Vec<f32> = a.iter().map(few).collect();
    let b: Vec<f32> = b.iter().map(few).collect();
    for (a, b) in a.iter_mut().zip(&b) {
        let exact = f64::from(*a) * f64::from(*b);
        // One that is not is replaced by a factor that leaves the other one as it is.
        if exact.is_finite() && f64::from(exact as f32) != exact {
            *a = 1f32.copysign(*a);
        }
    }
    let [va, vb, vc] = [&a[..], &b, c].map(|x| lanes.load(x));
    let stored = |v| {
        let mut out = [0.0; 16];
        lanes.store(v, &mut out);
        out
    };
    let [zero, odd] =
        [stored(lanes.fma_zero_of_single(va, vb, vc)), stored(lanes.fma_odd_of_single(va, vb, vc))];
    let [down, up] = lanes.fma_around_of_single(va, vb, vc).map(stored);
    for i in 0..L::N {
        let (sum, operands) = (exact(a[i], b[i], c[i]), [a[i], b[i], c[i]]);
        check(zero[i], rounded(&sum, Format::F32, Rounding::TowardZero), "fma_zero", operands);
        check(odd[i], rounded(&sum, Format::F32, Rounding::Odd), "fma_odd", operands);
        for (found, rounding) in [(down[i], Rounding::Down), (up[i], Rounding::Up)] {
            let expected = rounded(&sum, Format::F32, rounding);
            let number = if expected == 0.0 { 0.0 } else { expected };
            check(found + 0.0, number, "fma_around", operands);
        }
    }
}

/// What is counted, against the same comparisons of numbers.
#[derive(Clone, Copy)]
struct CheckCounts;

impl IsaKernel for CheckCounts {
    type Output = ();

    fn run<S: Simd>(self, simd: S) {
        let lanes = simd.fma();
        let mut next = numbers(11);
        for _ in 0..if cfg!(miri) { 2 } else { 1000 } {
            let mut vectors = [0; 4].map(|_| (0..16).map(|_| next()).collect::<Vec<f32>>());
            for i in (0..16).step_by(3) {
                vectors[1][i] = vectors[0][i];
            }
            for i in (0..16).step_by(4) {
                vectors[3][i] = vectors[2][i];
            }
            let [a, b, x, y] = &vectors;
            let [va, vb, vx, vy] = [a, b, x, y].map(|v| lanes.load(v));
            let (count, limit) = (lanes.splat(7.0), lanes.splat(65520.0));
            let stored = |v| {
                let mut out = [4.0; 17];
                lanes.store(v, &mut out);
                assert_eq!(out[16], 4.0);
                out
            };
            let different = stored(lanes.count_different(count, [vx, vy]));
            let same = stored(lanes.count_same(count, va, vb, [vx, vy]));
            let below = stored(lanes.count_below(count, va, limit, [vx, vy]));
            let from = stored(lanes.count_from(count, va, limit));
            let start = [lanes.splat(-1.0), lanes.splat(1.0)];
            let finite = lanes.extend_finite(start, va).map(stored);
            let all = lanes.extend(start, va).map(stored);
            for i in 0..Check::lanes(lanes) {
                let counted = |more: bool| if more { 8.0 } else { 7.0 };
                let differ = x[i] != y[i] && !x[i].is_nan() && !y[i].is_nan();
                let (a, b) = (a[i], b[i]);
                assert_eq!(different[i], counted(differ));
                assert_eq!(same[i], counted(differ && a == b));
                assert_eq!(below[i], counted(differ && a.abs() < 65520.0));
                assert_eq!(from[i], counted(a.is_finite() && a.abs() >= 65520.0), "{a}");
                // `min` and `max` are the other operand where one is NaN.
                assert_eq!([all[0][i], all[1][i]], [a.min(-1.0), a.max(1.0)]);
                let a = if a.is_finite() { a } else { 0.0 };
                assert_eq!([finite[0][i], finite[1][i]], [a.min(-1.0), a.max(1.0)]);
            }
        }
    }
}

#[test]
fn counts_are_of_comparisons() {
    on_every_set(CheckCounts);
}

impl Check {
    fn lanes<L: FmaLanes>(_: L) -> usize {
        L::N
    }
}

#[test]
fn methods_equal_one_rounding_of_the_exact_result() {
    on_every_set(Check);
}

#[derive(Clone, Copy)]
struct Divides;

impl IsaKernel for Divides {
    type Output = ();

    fn run<S: Simd>(self, simd: S) {
        let lanes = simd.fma();
        let (mut next, width) = (numbers(5), <S::Fma as Lanes>::N);
        let mut others = numbers(6);
        // Far from both ends of the range, or zero: of such alone some sets find quotients sooner.
        let moderate = |x: f32| match x.to_bits() >> 23 & 0xff {
            0 => x * 0.0,
            field => f32::from_bits(x.to_bits() & 0x807f_ffff | (48 + field % 160) << 23),
        };
        for round in 0..1 << 15 {
            let (mut a, mut b, mut found) = ([0f32; 16], [1f32; 16], [[0f32; 16]; 2]);
            for (a, b) in a.iter_mut().zip(&mut b) {
                // A whole quotient now and then.
                let (x, y) = (next(), others().abs());
                let (x, y) = if round % 2 == 0 { (x, y) } else { (moderate(x), moderate(y)) };
                *b = if y.is_finite() && y > 0.0 { y } else { 3.0 };
                let whole = f32::from_bits(x.to_bits() & 0x0007_0000 | 0x3f80_0000) * *b;
                *a = if x.to_bits() & 0x18 == 0 { whole } else { x };
                *a = if a.is_finite() { *a } else { 1.0 };
            }
            let (x, y) = (lanes.load(&a), lanes.load(&b));
            lanes.store(lanes.div(x, y), &mut found[0]);
            lanes.store(lanes.div_odd(x, y), &mut found[1]);
            for lane in 0..width {
                let (a, b, [near, odd]) = (a[lane], b[lane], found.map(|all| all[lane]));
                assert_eq!(near.to_bits(), (a / b).to_bits(), "{a:e} / {b:e}");
                // Whether the quotient is this number is told by a product, which is exact.
                let product = |q: f32| f64::from(q) * f64::from(b);
                let expected = if product(near) == f64::from(a) {
                    near
                } else {
                    let above = product(near.abs()) > f64::from(a.abs());
                    let toward_zero = near.abs().to_bits() - u32::from(above);
                    f32::from_bits(toward_zero | 1).copysign(a)
                };
                assert_eq!(odd.to_bits(), expected.to_bits(), "{a:e} / {b:e} is not {odd:e}");
            }
        }
    }
}

#[test]
fn quotients_are_rounded_to_odd() {
    on_every_set(Divides);
}

#[derive(Clone, Copy)]
struct Halves;

impl IsaKernel for Halves {
    type Output = ();

    fn run<S: Simd>(self, simd: S) {
        let (lanes, width) = (simd.fma(), <S::Fma as Lanes>::N);
        for first in (0..1u32 << 16).step_by(width) {
            let mut halves = [0; 16];
            for (half, bits) in halves.iter_mut().zip(first..) {
                *half = bits as u16;
            }
            let mut found = [0f32; 16];
            lanes.store(lanes.of_halves(halves), &mut found);
            for (&half, found) in halves.iter().zip(found).take(width) {
                let expected = Format::F16.decode(half.into());
                let same = found.is_nan() && expected.is_nan()
                    || f64::from(found).to_bits() == expected.to_bits();
                assert!(same, "{half:#x} is {expected:e}, not {found:e}");
                assert_eq!(found.is_sign_negative(), half >> 15 == 1, "{half:#x}");
            }
        }
        let policy = Policy::new(Rounding::TiesEven, Overflow::Ieee).with_nan(NanPolicy::Error);
        let mut next = numbers(7);
        for _ in 0..1 << 14 {
            let mut x = [0f32; 16];
            // Near half precision's range half of the time.
            x.iter_mut().for_each(|x| {
                let y = next();
                *x = if y.to_bits() & 4 == 0 { y } else { y % 70000.0 };
            });
            let found = lanes.to_halves(lanes.load(&x));
            for (&x, found) in x.iter().zip(found).take(width) {
                match Format::F16.encode(x, &policy, 0) {
                    Ok(expected) => assert_eq!(u32::from(found), expected.code, "{x:e}"),
                    Err(_) => assert!(x.is_nan() && found & 0x7fff > 0x7c00, "{x:e}: {found:#x}"),
                }
            }
        }
    }
}

#[test]
fn halves_are_those_of_the_format() {
    on_every_set(Halves);
}
