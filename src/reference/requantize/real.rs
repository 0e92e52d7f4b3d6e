//! Scales that are real numbers: in f32 as ONNX Runtime and FINN+ compute, or exactly.

use fewbit_formats::Rounding;
use fewbit_formats::rounding::split;

use super::sum::Sum;
use crate::requantize::{Requantization, RequantizePolicy};

/// ONNX Runtime's order: to f32, product, clamp to the output's range less the zero point, nearest with ties to even.
pub(super) fn onnx(job: &Requantization, sum: Sum, scale: f32) -> i128 {
    let (format, zero_point) = (job.format(), job.zero_point());
    let least = (format.min() - zero_point) as f32;
    let most = (format.max() - zero_point) as f32;
    let product = (sum.value as f32 * scale).clamp(least, most);
    product.round_ties_even() as i128
}

/// `round(x scale + bias)`, each operation in f32. A value beyond 128 bits becomes the last one, which no output holds.
pub(super) fn finn(sum: Sum, scale: f32, bias: f32) -> i128 {
    let value = (sum.value as f32 * scale + bias).round_ties_even() as i128;
    // Room for the zero point.
    value.clamp(i128::MIN / 2, i128::MAX / 2)
}

/// The exact product with a scale below 2^31, rounded once.
pub(super) fn exact(sum: Sum, scale: f64, random: u32) -> i128 {
    let (significand, exponent) = parts(scale);
    // At most 64 and 53 bits; the exponent of a scale below 2^31 is below 31 where its significand has one bit.
    let product = sum.value * significand;
    match exponent {
        0.. => product << exponent,
        _ => round_shifted(product, exponent.unsigned_abs(), mode(sum.policy), random),
    }
}

/// `x / 2^shift`, rounded once.
pub(super) fn shifted(sum: Sum, shift: i32, random: u32) -> i128 {
    round_shifted(sum.value, shift.unsigned_abs(), mode(sum.policy), random)
}

/// The mode of a policy that names one.
fn mode(policy: RequantizePolicy) -> Rounding {
    match policy {
        RequantizePolicy::Exact(mode) | RequantizePolicy::Shift(mode) => mode,
        _ => Rounding::TiesEven,
    }
}

/// `(s, e)` with `x = s 2^e` and `s` odd or 0.
fn parts(x: f64) -> (i128, i32) {
    let field = (x.to_bits() >> 52 & 0x7ff) as i32;
    let leading = if field == 0 { 0 } else { 1 << 52 };
    let significand = i128::from(x.to_bits() & ((1 << 52) - 1) | leading);
    if significand == 0 {
        return (0, 0);
    }
    let zeros = significand.trailing_zeros();
    let odd = significand >> zeros;
    (if x < 0.0 { -odd } else { odd }, field.max(1) - 1075 + zeros as i32)
}

/// `x / 2^shift`, rounded by the one function of the formats.
fn round_shifted(x: i128, shift: u32, mode: Rounding, random: u32) -> i128 {
    let magnitude = x.unsigned_abs();
    let whole = magnitude.checked_shr(shift).unwrap_or(0);
    // What is cut off, in units of 2^-64; its last bit stands for all below.
    let units = match shift {
        0..=64 => ((magnitude << (64 - shift)) as u64, false),
        _ => {
            let unit = shift - 64;
            let units = magnitude.checked_shr(unit).unwrap_or(0);
            (units as u64, magnitude != units.checked_shl(unit).unwrap_or(0))
        }
    };
    let (_, lost) = split(units.0 | u64::from(units.1), 64);
    let away = mode.steps_away(x < 0, whole & 1 != 0, lost, random);
    let rounded = (whole + u128::from(away)) as i128;
    if x < 0 { -rounded } else { rounded }
}
