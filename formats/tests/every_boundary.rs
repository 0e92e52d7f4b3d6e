//! Around every value and every tie, in every rounding mode and overflow policy, codes and flags equal the oracle's.

mod common;

use common::{
    answer, custom_floats, float_spec, int_spec, modes, overflows, p3109_floats, random_bits,
    table_floats,
};
use fewbit_formats::{EncodeError, FloatFormat, Format, Policy};
use fewbit_testkit::rounding::{self as oracle, HiF8Oracle, OVERFLOW, TaperedSpec, around, exact};
use num_bigint::BigInt;
use num_rational::BigRational;

/// Inputs around a value and around the middle between it and the next.
fn inputs(value: &BigRational, next: &BigRational) -> Vec<f64> {
    let two = BigRational::from_integer(BigInt::from(2));
    let quarter = (value * &two + value + next) / (&two * &two);
    let middle = (value + next) / two;
    [value, &middle, &quarter].into_iter().flat_map(around).collect()
}

fn check_float(float: FloatFormat, magnitudes: impl Iterator<Item = u32>) {
    let (format, oracle) = (Format::Float(float), float_spec(float).oracle());
    let top = float.max_magnitude();
    let mut points: Vec<f64> = magnitudes
        .flat_map(|magnitude| match magnitude {
            // Below the first value of a format without zero, and beyond the last value of any.
            0 if !float.has_zero() => inputs(&exact(0.0), &oracle.value(0)),
            _ if magnitude > top => {
                let end = oracle.value(magnitude);
                [inputs(&end, &(&end + &end)), vec![f64::MAX]].concat()
            }
            _ => inputs(&oracle.value(magnitude), &oracle.value(magnitude + 1)),
        })
        .filter(|&x| x != 0.0)
        .collect();
    points.extend([
        f64::from_bits(1),
        f64::MIN_POSITIVE,
        f64::from(f32::from_bits(1)),
        f64::from(f32::MAX),
    ]);
    points.extend(points.clone().iter().map(|x| -x));
    points.sort_by(f64::total_cmp);
    points.dedup();
    for (index, &x) in points.iter().enumerate() {
        let value = oracle.place(&exact(x));
        for (rounding, mode) in modes() {
            let random = random_bits(index as u32);
            let plain = oracle.encode(&value, mode, oracle::Overflow::Saturate, random);
            for (policy, overflow) in overflows() {
                if matches!(overflow, oracle::Overflow::Wrap | oracle::Overflow::WrapSignMagnitude)
                {
                    continue;
                }
                let expected = if plain.flags & OVERFLOW == 0 {
                    plain
                } else {
                    oracle.encode(&value, mode, overflow, random)
                };
                let policy = Policy::new(rounding, policy);
                let found = answer(format.encode(x, &policy, random).unwrap());
                assert_eq!(found, expected, "{format} {x:e} {rounding} {overflow:?} {random:#x}");
                if f64::from(x as f32) == x {
                    let found = answer(format.encode(x as f32, &policy, random).unwrap());
                    assert_eq!(found, expected, "{format} {x:e} as f32 {rounding} {overflow:?}");
                }
            }
        }
    }
}

/// The magnitudes to look at: all of narrow formats; of wide ones the ends, the edges of some binades and some between.
fn magnitudes(float: FloatFormat) -> Vec<u32> {
    let top = float.max_magnitude();
    if float.bits() <= 8 {
        return (0..=top + 1).collect();
    }
    let one = 1u32 << float.fraction_bits();
    let edges = [0, one, 2 * one, top / 2 / one * one, top / one * one, top, top + 1];
    let edges = edges.into_iter().flat_map(|m| [m.saturating_sub(1), m, m + 1]);
    let spread = (1..8u64).map(|i| (u64::from(top) * i * 7919 / 65536 % u64::from(top)) as u32);
    let mut all: Vec<u32> = edges.chain(spread).filter(|&m| m <= top + 1).collect();
    all.sort_unstable();
    all.dedup();
    all
}

#[test]
fn floats_of_the_table() {
    for float in table_floats() {
        check_float(float, magnitudes(float).into_iter());
    }
}

#[test]
fn custom_floats_of_every_shape() {
    for float in custom_floats() {
        check_float(float, magnitudes(float).into_iter());
    }
}

#[test]
fn p3109_floats_of_up_to_5_bits() {
    for float in p3109_floats(3..=5) {
        check_float(float, magnitudes(float).into_iter());
    }
}

#[test]
fn integers_and_fixed_point() {
    const NAMES: &[&str] = &[
        "int1", "int2", "int4", "int8", "uint1", "uint4", "uint8", "int2n", "int4n", "int8n",
        "uint4n", "fix8.4", "ufix8.4", "fix4.-2", "fix4.9", "fix6.6", "int16", "uint16", "int32",
        "uint32", "uint32n", "fix32.16", "ternary",
    ];
    for name in NAMES {
        check_integer(name.parse().unwrap());
    }
}

fn check_integer(format: Format) {
    let spec = int_spec(format);
    let (min, max) = (spec.min(), spec.max());
    // All of a narrow range and as much again outside; of a wide one its ends and its middle.
    let near = |n: &BigInt| (-3..=3).map(|d| n + BigInt::from(d)).collect::<Vec<_>>();
    let units: Vec<BigInt> = if spec.bits <= 6 {
        let span = 3i64 << spec.bits;
        (-span..=span).map(BigInt::from).collect()
    } else {
        [&min, &max, &BigInt::from(0), &(&max * 2 + 1), &(&min * 2 - 1), &(&max * 1001 + 77)]
            .into_iter()
            .flat_map(near)
            .collect()
    };
    let mut points: Vec<f64> = units
        .iter()
        .flat_map(|n| {
            let at = |n: BigInt| BigRational::from(n) * spec.unit();
            inputs(&at(n.clone()), &at(n + 1))
        })
        .filter(|&x| x != 0.0)
        .collect();
    let huge = [
        2.0f64.powi(52) + 1.0,
        2.0f64.powi(62),
        2.0f64.powi(63) + 2048.0,
        2.0f64.powi(64),
        3e30,
        f64::MAX,
        1e-300,
    ];
    points.extend(huge.into_iter().flat_map(|x| [x, -x]));
    points.sort_by(f64::total_cmp);
    points.dedup();
    for (index, &x) in points.iter().enumerate() {
        let value = spec.place(&exact(x));
        for (rounding, mode) in modes() {
            let random = random_bits(index as u32);
            for (policy, overflow) in overflows() {
                let expected = spec.encode(&value, mode, overflow, random);
                let found = format.encode(x, &Policy::new(rounding, policy), random);
                match expected {
                    Some(expected) => {
                        let found = found.map(answer);
                        assert_eq!(found, Ok(expected), "{format} {x:e} {rounding} {overflow:?}");
                    }
                    None => {
                        assert_eq!(
                            found,
                            Err(EncodeError::Overflow { overflow: policy, format }),
                            "{x:e}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn posits_and_takums() {
    let posits =
        [3, 4, 5, 6, 8, 16, 32].map(|bits| (format!("posit{bits}"), TaperedSpec::Posit { bits }));
    let takums =
        [2, 3, 5, 8, 12, 16, 32].map(|bits| (format!("takum{bits}"), TaperedSpec::Takum { bits }));
    for (name, spec) in posits.into_iter().chain(takums) {
        check_tapered(name.parse().unwrap(), spec);
    }
}

fn check_tapered(format: Format, spec: TaperedSpec) {
    // The strings of one bit more hold the ties; those of wide formats are sampled.
    let longer = match spec {
        TaperedSpec::Posit { bits } => TaperedSpec::Posit { bits: bits + 1 },
        TaperedSpec::Takum { bits } => TaperedSpec::Takum { bits: bits + 1 },
    };
    let last = (1u64 << spec.bits()) - 1;
    let count = last.min(128);
    let mut points: Vec<f64> = (1..=count)
        .map(|i| if last <= 128 { i } else { last * i / count })
        .chain([1, 2, 3, last - 1])
        .filter_map(|code| longer.decode(code))
        .flat_map(|value| around(&value))
        .filter(|&x| x != 0.0)
        .collect();
    points.extend([
        1e-300,
        1e300,
        2f64.powi(254),
        2f64.powi(255),
        2f64.powi(-255) * 1.5,
        2f64.powi(-256),
        f64::MAX,
    ]);
    points.extend(points.clone().iter().map(|x| -x));
    points.sort_by(f64::total_cmp);
    points.dedup();
    for (index, &x) in points.iter().enumerate() {
        let place = spec.place(&exact(x));
        for (rounding, mode) in modes() {
            let random = random_bits(index as u32);
            for (policy, overflow) in overflows() {
                if matches!(overflow, oracle::Overflow::Wrap | oracle::Overflow::WrapSignMagnitude)
                {
                    continue;
                }
                let expected = spec.encode(&place, mode, overflow, random);
                let found = format.encode(x, &Policy::new(rounding, policy), random).map(answer);
                assert_eq!(
                    found,
                    Ok(expected),
                    "{format} {x:e} {rounding} {overflow:?} {random:#x}"
                );
            }
        }
    }
}

#[test]
fn hif8() {
    let oracle = HiF8Oracle::default();
    let values = oracle.values();
    let mut points: Vec<f64> = values
        .windows(2)
        .flat_map(|pair| inputs(&pair[0], &pair[1]))
        .filter(|&x| x != 0.0)
        .collect();
    let end = &values[values.len() - 1];
    points.extend(inputs(end, &(end + end)));
    points.extend([f64::from_bits(1), 2f64.powi(-87), 2f64.powi(-88), 1e-300, f64::MAX]);
    points.extend(points.clone().iter().map(|x| -x));
    points.sort_by(f64::total_cmp);
    points.dedup();
    for (index, &x) in points.iter().enumerate() {
        let place = oracle.place(&exact(x));
        for (rounding, mode) in modes() {
            for random in [random_bits(index as u32), random_bits(index as u32 + 1)] {
                for (policy, overflow) in overflows() {
                    let found = Format::HIF8.encode(x, &Policy::new(rounding, policy), random);
                    if matches!(
                        overflow,
                        oracle::Overflow::Wrap | oracle::Overflow::WrapSignMagnitude
                    ) {
                        let refused = |error| matches!(error, EncodeError::Overflow { .. });
                        assert!(found.is_ok() || found.is_err_and(refused), "{x:e}");
                        continue;
                    }
                    let expected = oracle.encode(&place, mode, overflow, random);
                    let found = found.map(answer);
                    assert_eq!(found, Ok(expected), "{x:e} {rounding} {overflow:?} {random:#x}");
                }
            }
        }
    }
}
