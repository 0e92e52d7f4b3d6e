//! From values to posits and takums, by the strings of bits that stand for them.

use super::{BitString, PositFormat, TakumFormat, posit, takum};
use crate::encoded::{EncodeError, Encoded};
use crate::format::Format;
use crate::policy::{InfinityPolicy, Overflow, Policy, SubnormalInput};
use crate::real::{Class, Real};
use crate::rounding::Rounding;
use crate::status::Status;

impl PositFormat {
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
        encode(x, posit::string(x), self.bits(), Format::Posit(self), policy, random)
    }
}

impl TakumFormat {
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
        encode(x, takum::string(x), self.bits(), Format::Takum(self), policy, random)
    }
}

/// Encodes a value whose string, if it is positive, is `string`.
#[inline(always)]
const fn encode(
    x: Real,
    string: BitString,
    bits: u32,
    format: Format,
    policy: &Policy,
    random: u32,
) -> Result<Encoded, EncodeError> {
    let negative = x.is_negative();
    let nar = 1u32 << (bits - 1);
    match x.class() {
        Class::Nan => {
            let status = Status::INVALID.when(x.is_signaling());
            return Ok(Encoded { code: nar, status });
        }
        Class::Infinite => {
            return match policy.infinity {
                InfinityPolicy::Error => Err(EncodeError::Infinity { format }),
                InfinityPolicy::Nan => Ok(Encoded { code: nar, status: Status::NONE }),
                InfinityPolicy::Keep | InfinityPolicy::AsOverflow => {
                    encode_overflow(negative, bits, format, Rounding::TiesEven, policy.overflow)
                }
            };
        }
        Class::Zero => return Ok(Encoded { code: 0, status: Status::NONE }),
        Class::Subnormal if matches!(policy.subnormal_input, SubnormalInput::Flush) => {
            return Ok(Encoded { code: 0, status: Status::INEXACT });
        }
        Class::Subnormal | Class::Normal => {}
    }
    let shift = 65 - bits;
    let underflow = Status::UNDERFLOW.when(string.0 >> shift == 0);
    let rounded = policy.rounding.round(0, string.0, shift, negative, random);
    let magnitude = match rounded.whole {
        0 if !stops_at_zero(policy.rounding, negative) => 1,
        whole => whole as u32,
    };
    if magnitude == nar {
        return encode_overflow(negative, bits, format, policy.rounding, policy.overflow);
    }
    let status = Status::INEXACT.when(!rounded.lost.is_zero()).union(underflow);
    Ok(Encoded { code: signed(negative, magnitude, bits), status })
}

/// Whether a mode rounds everything between zero and the first value to zero.
#[inline(always)]
pub(super) const fn stops_at_zero(rounding: Rounding, negative: bool) -> bool {
    match rounding {
        Rounding::TowardZero => true,
        Rounding::Up => negative,
        Rounding::Down => !negative,
        _ => false,
    }
}

/// A value that was rounded beyond the last code.
#[inline(always)]
const fn encode_overflow(
    negative: bool,
    bits: u32,
    format: Format,
    rounding: Rounding,
    overflow: Overflow,
) -> Result<Encoded, EncodeError> {
    let nar = 1u32 << (bits - 1);
    let largest = signed(negative, nar - 1, bits);
    let code = match overflow {
        Overflow::Saturate | Overflow::SaturateSymmetric | Overflow::SatNone => largest,
        Overflow::Ieee if stops_at_zero(rounding, negative) => largest,
        Overflow::Special | Overflow::Ieee => nar,
        Overflow::Zero => 0,
        Overflow::Wrap | Overflow::WrapSignMagnitude => {
            return Err(EncodeError::Overflow { overflow, format });
        }
    };
    Ok(Encoded { code, status: Status::OVERFLOW.union(Status::INEXACT) })
}

/// The code of a magnitude, zero's included, with a sign.
#[inline(always)]
const fn signed(negative: bool, magnitude: u32, bits: u32) -> u32 {
    let code = if negative { magnitude.wrapping_neg() } else { magnitude };
    (code as u64 & ((1 << bits) - 1)) as u32
}
