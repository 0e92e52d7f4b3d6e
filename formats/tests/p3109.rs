//! P3109, draft of June 2026: every code point of every format, and its projections, against the draft's own terms.

use fewbit_formats::{
    Class, Domain, Excerpt, FloatFormat, Format, InfinityPolicy, Overflow, Policy, Real, Rounding,
    Signedness,
};
use fewbit_testkit::rounding::{P3109Rounding, P3109Saturation, P3109Spec, P3109Value};

/// Every format of a width, as the draft has it and as the library has it.
fn formats(bits: u32) -> Vec<(P3109Spec, Format)> {
    let mut all = Vec::new();
    for signed in [true, false] {
        for precision in 1..=bits - u32::from(signed) {
            for extended in [true, false] {
                let signedness = if signed { Signedness::Signed } else { Signedness::Unsigned };
                let domain = if extended { Domain::Extended } else { Domain::Finite };
                let name = Excerpt::new("P3109");
                let format = FloatFormat::p3109(bits, precision, signedness, domain, name);
                let spec = P3109Spec { bits, precision, signed, extended };
                all.push((spec, Format::Float(format.unwrap())));
            }
        }
    }
    all
}

/// An exact value in the draft's terms, its significand odd or zero.
fn meaning(x: Real) -> P3109Value {
    let negative = x.is_negative();
    match x.class() {
        Class::Nan => P3109Value::Nan,
        Class::Infinite => P3109Value::Infinity { negative },
        Class::Zero => P3109Value::Finite { negative, significand: 0, exponent: 0 },
        Class::Subnormal | Class::Normal => {
            let zeros = x.significand().trailing_zeros();
            let significand = (x.significand() >> zeros) as u32;
            P3109Value::Finite { negative, significand, exponent: x.exponent() - 63 + zeros as i32 }
        }
    }
}

fn reduced(value: P3109Value) -> P3109Value {
    match value {
        P3109Value::Finite { negative, significand: 0, .. } => {
            P3109Value::Finite { negative, significand: 0, exponent: 0 }
        }
        P3109Value::Finite { negative, significand, exponent } => {
            let zeros = significand.trailing_zeros();
            let significand = significand >> zeros;
            P3109Value::Finite { negative, significand, exponent: exponent + zeros as i32 }
        }
        other => other,
    }
}

#[test]
fn every_code_point_of_3_to_16_bits() {
    let (mut count, mut beyond_f64) = (0, 0);
    for bits in 3..=16 {
        for (spec, format) in formats(bits) {
            let name = format!(
                "binary{bits}p{}{}{}",
                spec.precision,
                if spec.signed { 's' } else { 'u' },
                if spec.extended { 'e' } else { 'f' }
            );
            assert_eq!(name.parse(), Ok(format));
            let exponent_bits = bits - spec.precision + u32::from(!spec.signed);
            assert_eq!(format.fits_f64(), exponent_bits <= 11, "{name}");
            for code in 0..1u32 << bits {
                let found = meaning(format.decode_real(code));
                assert_eq!(found, reduced(spec.meaning(code)), "{name} {code:#x}");
                if format.fits_f64() {
                    let (found, expected) = (format.decode(code), spec.decode(code));
                    assert!(
                        found.to_bits() == expected.to_bits()
                            || found.is_nan() && expected.is_nan(),
                        "{name} {code:#x}: {found:e} for {expected:e}"
                    );
                }
            }
            count += 1;
            beyond_f64 += u32::from(!format.fits_f64());
        }
    }
    // Per width 2 * (bits - 1) signed and 2 * bits unsigned ones.
    assert_eq!((count, beyond_f64), (14 * 36, 50));
}

/// Values, ties, quarters and the numbers next to them, of both signs.
fn inputs(values: &[(f64, u32)]) -> Vec<f64> {
    let finite: Vec<f64> = values.iter().map(|v| v.0).filter(|v| v.is_finite()).collect();
    let (low, high) = (finite[0], finite[finite.len() - 1]);
    let last_step = high - finite[finite.len() - 2];
    let mut points =
        vec![high + last_step / 2.0, high + last_step, 3.0 * high, low - last_step, 1e300, 1e-300];
    for pair in finite.windows(2) {
        let step = pair[1] - pair[0];
        points.extend([0.0, 0.125, 0.5, 0.6875].map(|part| pair[0] + part * step));
    }
    let mut all: Vec<f64> = points.iter().flat_map(|x| [x.next_down(), *x, x.next_up()]).collect();
    all.extend(all.clone().iter().map(|x| -x));
    all.extend([f64::INFINITY, f64::NEG_INFINITY, f64::NAN]);
    all
}

#[test]
fn projections_of_3_to_8_bits() {
    use P3109Rounding::*;
    let roundings = [
        (TowardZero, Rounding::TowardZero, 0),
        (TowardPositive, Rounding::Up, 0),
        (TowardNegative, Rounding::Down, 0),
        (TiesToAway, Rounding::TiesAway, 0),
        (TiesToEven, Rounding::TiesEven, 0),
        (ToOdd, Rounding::Odd, 0),
        (StochasticA(3, 0), Rounding::Stochastic { bits: 3 }, 0),
        (StochasticA(3, 5), Rounding::Stochastic { bits: 3 }, 5),
        (StochasticB(2, 1), Rounding::StochasticMiddle { bits: 2 }, 1),
        (StochasticB(8, 0xfe), Rounding::StochasticMiddle { bits: 8 }, 0xfe),
        (StochasticC(1, 1), Rounding::StochasticNearest { bits: 1 }, 1),
        (StochasticC(4, 9), Rounding::StochasticNearest { bits: 4 }, 9),
    ];
    let saturations = [
        (P3109Saturation::SatFinite, Overflow::Saturate, InfinityPolicy::AsOverflow),
        (P3109Saturation::SatPropagate, Overflow::Saturate, InfinityPolicy::Keep),
        (P3109Saturation::SatNone, Overflow::SatNone, InfinityPolicy::AsOverflow),
    ];
    let mut count = 0u64;
    for bits in 3..=8 {
        for (spec, format) in formats(bits) {
            let values = spec.values();
            for x in inputs(&values) {
                for (draft, rounding, random) in roundings {
                    for (saturation, overflow, infinity) in saturations {
                        let policy = Policy::new(rounding, overflow).with_infinity(infinity);
                        let found = format.encode(x, &policy, random).unwrap().code;
                        let expected = spec.project(&values, x, draft, saturation);
                        assert_eq!(found, expected, "{format} {x:e} {draft:?} {saturation:?}");
                        count += 1;
                    }
                }
            }
        }
    }
    assert!(count > 5_000_000, "{count}");
}
