//! Exponents of numbers, as powers of two: what registers align by.

use fewbit_formats::Format;

use super::extent::digits;
use crate::accumulate::{Accumulator, Register, Stage};

/// Whether exponents are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Powers {
    /// A register aligns by them.
    Wanted,
    /// None does.
    Unwanted,
}

impl Powers {
    /// What the registers of `acc` ask for.
    pub(super) fn of(acc: &Accumulator) -> Self {
        let aligns = |stage: &Stage| {
            matches!(stage.register, Register::Aligned { .. } | Register::Datapath(_))
        };
        if acc.stages().iter().any(aligns) { Self::Wanted } else { Self::Unwanted }
    }
}

/// The power of two of the exponent that `x` has in a format whose least one is that of `least`; 0 for zero. For numbers
/// near neither end of the range of `f64`; what infinities and NaN have means nothing.
#[inline(always)]
pub(super) fn power_of(x: f64, least: f64) -> f64 {
    let own = f64::from_bits(x.to_bits() & POWER);
    let power = if own < least { least } else { own };
    if x == 0.0 { 0.0 } else { power }
}

/// The same exponent as an integer of 8 bits, where these hold it; the least integer for zero.
#[inline(always)]
pub(super) fn exponent_of(x: f64, least: f64) -> i8 {
    let field = (power_of(x, least).to_bits() >> 52) as i32;
    if x == 0.0 { i8::MIN } else { (field - 1023) as i8 }
}

/// The exponent of an `f64`.
const POWER: u64 = 0x7ff0_0000_0000_0000;

/// `2^exponent`
pub(super) fn power_of_two(exponent: i32) -> f64 {
    match exponent {
        -1022..=1023 => f64::from_bits(((exponent + 1023) as u64) << 52),
        _ => 2f64.powi(exponent),
    }
}

/// The exponent of the smallest normal value; `None` for formats that have no such value.
pub(super) fn least_exponent(format: Format) -> Option<i32> {
    match format {
        Format::Float(float) => Some(float.min_exponent()),
        _ => None,
    }
}

/// `2^exponent` of the exponent that `x` has in `format`, which is not below that of the smallest normal value; 0 for zero,
/// infinities and NaN.
pub(super) fn power(x: f64, format: Format) -> f64 {
    let least = least_exponent(format).unwrap_or(i32::MIN);
    digits(x).map_or(0.0, |(_, exponent)| power_of_two(exponent.max(least)))
}
