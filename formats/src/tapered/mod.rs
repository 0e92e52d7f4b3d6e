//! Tapered formats, whose exponent takes as many bits as it needs and leaves the rest to the fraction: posits, takums, and
//! HiF8, which has a file to itself.
//!
//! Of a posit or takum, a positive value is an infinite string of bits; a code of `n` bits is a zero and the first `n - 1` of these, and the
//! values grow with the strings. So both formats are rounded as numbers are: cut the string, look at what was cut
//! off, and perhaps add one. The negative of a value has the two's complement of its code. Code 0 is zero; 1 followed by
//! zeros is NaR, "not a real", the only special value.
//!
//! A value other than zero becomes zero only in a mode that says so (toward zero, or up or down to it). A string that is
//! rounded up past the last code is an overflow, and the policy decides; both standards saturate.

pub(crate) mod hif8;
mod posit;
mod takum;

pub use posit::PositFormat;
pub use takum::TakumFormat;

use crate::encoded::Encoded;
use crate::error::EncodeError;
use crate::format::Format;
use crate::policy::{InfinityPolicy, Overflow, Policy, SubnormalInput};
use crate::real::{Class, Real};
use crate::rounding::Rounding;
use crate::status::Status;

/// The string of a positive value's leading 64 bits, aligned to the left; the last bit stands for all after it too.
#[derive(Clone, Copy)]
struct BitString(u64);

impl BitString {
    /// Beyond every code.
    const LARGEST: Self = Self(u64::MAX);
    /// Below every code but zero's.
    const SMALLEST: Self = Self(1);

    /// A head of 1 to 63 bits, followed by the bits of `tail`, which is aligned to the left.
    const fn new(head: u64, length: u32, tail: u64) -> Self {
        let cut_off = tail & ((1 << length) - 1) != 0;
        Self(head << (64 - length) | tail >> length | cut_off as u64)
    }
}

/// The fraction of a value, aligned to the left.
const fn fraction(x: Real) -> u64 {
    x.significand() << 1
}

/// `(1 + fraction / 2^64) * 2^exponent`, which the caller knows to be a normal `f64`.
const fn assemble(fraction: u64, exponent: i32) -> f64 {
    f64::from_bits(((exponent + 1023) as u64) << 52 | fraction >> 12)
}

/// The magnitude of a code of `bits` bits and whether it is negated; `None` for zero and NaR.
const fn magnitude(code: u32, bits: u32) -> Option<(u64, bool)> {
    let half = 1u64 << (bits - 1);
    let code = code as u64 & (2 * half - 1);
    if code == 0 || code == half {
        None
    } else if code > half {
        Some((2 * half - code, true))
    } else {
        Some((code, false))
    }
}

/// Zero or NaR.
const fn decode_special(code: u32, bits: u32) -> f64 {
    if code >> (bits - 1) & 1 == 0 { 0.0 } else { f64::NAN }
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
const fn stops_at_zero(rounding: Rounding, negative: bool) -> bool {
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
