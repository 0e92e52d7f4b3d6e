//! From values to integers in units of a power of two.

use super::{FixedFormat, IntFormat, IntRange};
use crate::encoded::{EncodeError, Encoded};
use crate::format::Format;
use crate::policy::{InfinityPolicy, NanPolicy, Overflow, Policy, SubnormalInput};
use crate::real::{Class, Real};
use crate::status::Status;

impl IntFormat {
    /// Encodes a value; see [`Format::encode`].
    ///
    /// # Errors
    ///
    /// As [`Format::encode`].
    #[inline(always)]
    pub const fn encode(
        self,
        x: Real,
        policy: &Policy,
        random: u32,
    ) -> Result<Encoded, EncodeError> {
        encode_units(x, self, 0, Format::Int(self), policy, random)
    }
}

impl FixedFormat {
    /// Encodes a value; see [`Format::encode`].
    ///
    /// # Errors
    ///
    /// As [`Format::encode`].
    #[inline(always)]
    pub const fn encode(
        self,
        x: Real,
        policy: &Policy,
        random: u32,
    ) -> Result<Encoded, EncodeError> {
        encode_units(x, self.integer, self.fraction_bits(), Format::Fixed(self), policy, random)
    }
}

/// Rounds `x * 2^fraction_bits` to an integer of the given range. `format` is what errors name.
#[inline(always)]
pub(crate) const fn encode_units(
    x: Real,
    range: IntFormat,
    fraction_bits: i32,
    format: Format,
    policy: &Policy,
    random: u32,
) -> Result<Encoded, EncodeError> {
    match x.class() {
        Class::Nan => encode_nan(range, format, policy),
        Class::Infinite => match (policy.infinity, policy.overflow) {
            (InfinityPolicy::Error, _) | (_, Overflow::Wrap | Overflow::WrapSignMagnitude) => {
                Err(EncodeError::Infinity { format })
            }
            (InfinityPolicy::Nan, _) => encode_nan(range, format, policy),
            (InfinityPolicy::AsOverflow | InfinityPolicy::Keep, overflow) => {
                Ok(invalid(range, beyond(range, overflow, x.is_negative())))
            }
        },
        Class::Zero => Ok(Encoded { code: 0, status: Status::NONE }),
        Class::Subnormal if matches!(policy.subnormal_input, SubnormalInput::Flush) => {
            Ok(Encoded { code: 0, status: Status::INEXACT })
        }
        Class::Subnormal | Class::Normal => {
            encode_finite(x, range, fraction_bits, format, policy, random)
        }
    }
}

/// A finite value other than zero.
#[inline(always)]
const fn encode_finite(
    x: Real,
    range: IntFormat,
    fraction_bits: i32,
    format: Format,
    policy: &Policy,
    random: u32,
) -> Result<Encoded, EncodeError> {
    let negative = x.is_negative();
    // The significand counts 2^(exponent - 63); a unit is 2^-fraction_bits.
    let shift = 63 - (x.exponent() as i64 + fraction_bits as i64);
    if shift <= 1 {
        // At least 2^62 units: beyond every range. Only the low bits of the whole number may be asked for.
        let low_bits = match -shift {
            -1 => policy.rounding.round(0, x.significand(), 1, negative, random).whole as u64,
            _ if x.is_cut() && policy.overflow.wraps() => {
                return Err(EncodeError::Digits { overflow: policy.overflow, format });
            }
            up if up < 64 => x.significand() << up,
            _ => 0,
        };
        let wrapped = if negative { low_bits.wrapping_neg() } else { low_bits };
        return encode_overflow(wrapped as i64, negative, range, format, policy);
    }
    let shift = if shift > 128 { 128 } else { shift as u32 };
    let rounded = policy.rounding.round(0, x.significand(), shift, negative, random);
    let value = if negative { -rounded.whole } else { rounded.whole };
    if value < range.min() || value > range.max() || is_asymmetric(value, range, policy.overflow) {
        return encode_overflow(value, negative, range, format, policy);
    }
    let status = Status::INEXACT.when(!rounded.lost.is_zero());
    Ok(Encoded { code: range.code(value), status })
}

/// Whether symmetric saturation excludes a value of the range.
#[inline(always)]
const fn is_asymmetric(value: i64, range: IntFormat, overflow: Overflow) -> bool {
    matches!(overflow, Overflow::SaturateSymmetric) && range.is_signed() && value < -range.max()
}

/// A rounded value outside the range, of which at least the low bits are given.
#[inline(always)]
const fn encode_overflow(
    value: i64,
    negative: bool,
    range: IntFormat,
    format: Format,
    policy: &Policy,
) -> Result<Encoded, EncodeError> {
    let value = match policy.overflow {
        Overflow::Wrap | Overflow::WrapSignMagnitude if matches!(range.range, IntRange::Narrow) => {
            return Err(EncodeError::Overflow { overflow: policy.overflow, format });
        }
        Overflow::Wrap => value,
        Overflow::WrapSignMagnitude => fold(value, range),
        overflow => beyond(range, overflow, negative),
    };
    Ok(invalid(range, value))
}

/// Folds a value back into the range: its low bits, inverted where the lowest bit cut off is not their sign.
#[inline(always)]
const fn fold(value: i64, range: IntFormat) -> i64 {
    let cut = value >> range.bits & 1;
    let sign = value >> (range.bits - 1) & 1;
    if range.is_signed() && cut != sign { !value } else { value }
}

/// The value that stands for one beyond the range.
#[inline(always)]
const fn beyond(range: IntFormat, overflow: Overflow, negative: bool) -> i64 {
    match overflow {
        Overflow::Zero => 0,
        Overflow::SaturateSymmetric if negative && range.is_signed() => -range.max(),
        _ if negative => range.min(),
        _ => range.max(),
    }
}

/// What stands for NaN; an integer has none.
#[inline(always)]
const fn encode_nan(
    range: IntFormat,
    format: Format,
    policy: &Policy,
) -> Result<Encoded, EncodeError> {
    let value = match policy.nan {
        NanPolicy::Error => return Err(EncodeError::Nan { format }),
        NanPolicy::Zero | NanPolicy::NegativeZero | NanPolicy::MlDtypes => 0,
        NanPolicy::Largest => range.max(),
        NanPolicy::Smallest => range.min(),
    };
    Ok(invalid(range, value))
}

/// A value that stands for one that has no counterpart.
#[inline(always)]
const fn invalid(range: IntFormat, value: i64) -> Encoded {
    Encoded { code: range.code(value), status: Status::INVALID }
}
