//! From values to HiF8's codes.

use super::{
    BANDS, INFINITY, INFINITY_RANK, LARGEST, NAN, NORMAL_EXPONENT, SIGN, Steps, magnitude,
};
use crate::encoded::{EncodeError, Encoded};
use crate::format::Format;
use crate::policy::{InfinityPolicy, Overflow, Policy, SubnormalInput, SubnormalOutput};
use crate::real::{Class, Real};
use crate::rounding::Rounding;
use crate::status::Status;
use crate::tapered::encode::stops_at_zero;

/// Encodes a value; see [`Format::encode`].
#[inline(always)]
pub(crate) const fn encode(x: Real, policy: &Policy, random: u32) -> Result<Encoded, EncodeError> {
    let negative = x.is_negative();
    match x.class() {
        Class::Nan => {
            return Ok(Encoded { code: NAN, status: Status::INVALID.when(x.is_signaling()) });
        }
        Class::Infinite => return encode_infinity(negative, policy),
        Class::Zero => return Ok(Encoded { code: 0, status: Status::NONE }),
        Class::Subnormal if matches!(policy.subnormal_input, SubnormalInput::Flush) => {
            return Ok(Encoded { code: 0, status: Status::INEXACT });
        }
        Class::Subnormal | Class::Normal => {}
    }
    let rounded = Steps::of(x).rounded(policy.rounding, negative, random);
    let inexact = Status::INEXACT.when(!rounded.lost.is_zero());
    let tiny = rounded.whole < BANDS[1].rank;
    let flush = match policy.subnormal_output {
        SubnormalOutput::Keep => false,
        SubnormalOutput::FlushBefore => x.exponent() < NORMAL_EXPONENT,
        SubnormalOutput::FlushAfter => tiny,
    };
    let underflow = Status::UNDERFLOW.union(Status::INEXACT);
    if flush {
        return Ok(Encoded { code: 0, status: underflow });
    }
    if rounded.whole >= INFINITY_RANK {
        return encode_overflow(negative, policy.rounding, policy.overflow);
    }
    let status = if tiny && !rounded.lost.is_zero() { underflow } else { inexact };
    Ok(Encoded { code: signed(negative, magnitude(rounded.whole)), status })
}

/// An infinity given, which is beyond every value in every direction.
#[inline(always)]
const fn encode_infinity(negative: bool, policy: &Policy) -> Result<Encoded, EncodeError> {
    let kept = Encoded { code: signed(negative, INFINITY), status: Status::NONE };
    match policy.infinity {
        InfinityPolicy::Error => Err(EncodeError::Infinity { format: Format::HiF8 }),
        InfinityPolicy::Nan => Ok(Encoded { code: NAN, status: Status::NONE }),
        InfinityPolicy::Keep => Ok(kept),
        InfinityPolicy::AsOverflow => match policy.overflow {
            Overflow::Special | Overflow::Ieee | Overflow::SatNone => Ok(kept),
            overflow => encode_overflow(negative, Rounding::TiesEven, overflow),
        },
    }
}

/// A value that was rounded to infinity's rank or beyond it.
#[inline(always)]
const fn encode_overflow(
    negative: bool,
    rounding: Rounding,
    overflow: Overflow,
) -> Result<Encoded, EncodeError> {
    let stops = stops_at_zero(rounding, negative);
    let code = match overflow {
        Overflow::Saturate | Overflow::SaturateSymmetric => signed(negative, LARGEST),
        Overflow::Ieee | Overflow::SatNone if stops => signed(negative, LARGEST),
        Overflow::Special | Overflow::Ieee | Overflow::SatNone => signed(negative, INFINITY),
        Overflow::Zero => 0,
        Overflow::Wrap | Overflow::WrapSignMagnitude => {
            return Err(EncodeError::Overflow { overflow, format: Format::HiF8 });
        }
    };
    Ok(Encoded { code, status: Status::OVERFLOW.union(Status::INEXACT) })
}

/// A magnitude with a sign; zero has none.
#[inline(always)]
const fn signed(negative: bool, magnitude: u32) -> u32 {
    if negative && magnitude != 0 { SIGN | magnitude } else { magnitude }
}
