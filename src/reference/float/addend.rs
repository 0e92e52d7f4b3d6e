//! What enters a register: values, and the exponents by which they are aligned.

use fewbit_formats::Format;

use super::Value;
use crate::reference::Dyadic;

/// What enters a step: a value, and the exponent by which an aligned register lines it up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addend {
    /// The exact value.
    pub value: Value,
    /// For a product the sum of its factors' exponents, not renormalised, so that the significand lies below 4; means
    /// nothing for zeros, infinities and NaN.
    pub exponent: i32,
    /// The part of `exponent` that comes from block scales.
    pub scale_exponent: i32,
}

impl Addend {
    /// A value that was held in `format`, or in no format.
    pub fn new(value: Value, format: Option<Format>) -> Self {
        let exponent = value.finite().map_or(0, |x| exponent_in(x, format));
        Self { value, exponent, scale_exponent: 0 }
    }

    /// The exact product; exponents add.
    pub fn times(&self, other: &Self) -> Self {
        Self {
            value: self.value.times(&other.value),
            exponent: self.exponent + other.exponent,
            scale_exponent: self.scale_exponent + other.scale_exponent,
        }
    }

    /// The same element under a block scale.
    pub fn scaled(&self, scale: &Self) -> Self {
        Self { scale_exponent: self.scale_exponent + scale.exponent, ..self.times(scale) }
    }
}

/// The exponent that `x` has in `format`: that of the smallest normal value where `x` is subnormal.
pub(super) fn exponent_in(x: &Dyadic, format: Option<Format>) -> i32 {
    let least = match format {
        Some(Format::Float(float)) => float.min_exponent(),
        _ => i32::MIN,
    };
    x.floor_log2().map_or(0, |exponent| exponent.max(least))
}
