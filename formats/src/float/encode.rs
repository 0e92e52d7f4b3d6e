//! From values to codes: one rounding, then the policies.

use super::{FloatFormat, NanCodes};
use crate::encoded::{EncodeError, Encoded};
use crate::format::Format;
use crate::policy::{
    InfinityPolicy, NanPayload, NanPolicy, NanSign, Overflow, Policy, SubnormalInput,
    SubnormalOutput, ZeroSign,
};
use crate::real::{Class, Real};
use crate::rounding::Rounding;
use crate::status::Status;

/// IEEE 754's answers to a value too large: infinity or what stands for it, or the largest value.
enum Beyond {
    Infinity,
    Nan,
    Largest,
    Zero,
}

impl FloatFormat {
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
        let negative = x.is_negative();
        match x.class() {
            Class::Nan => self.encode_nan(x, policy),
            Class::Infinite => match policy.infinity {
                InfinityPolicy::Error => Err(EncodeError::Infinity { format: Format::Float(self) }),
                InfinityPolicy::Nan => self.encode_nan(Real::nan(negative), policy),
                InfinityPolicy::Keep if self.has_infinity() && (self.is_signed() || !negative) => {
                    let code = self.signed(negative, self.max_magnitude() + 1);
                    Ok(Encoded { code, status: Status::NONE })
                }
                // An infinity given is beyond every value in every direction: no rounding mode brings it back.
                InfinityPolicy::Keep | InfinityPolicy::AsOverflow => {
                    match self.encode_overflow(negative, policy.with_rounding(Rounding::TiesEven)) {
                        Ok(Encoded { code, .. }) if self.is_infinite(code) => {
                            Ok(Encoded { code, status: Status::NONE })
                        }
                        result => result,
                    }
                }
            },
            Class::Zero => self.encode_zero(negative, Status::NONE, policy),
            Class::Subnormal if matches!(policy.subnormal_input, SubnormalInput::Flush) => {
                self.encode_zero(negative, Status::INEXACT, policy)
            }
            Class::Subnormal | Class::Normal => self.encode_finite(x, policy, random),
        }
    }

    /// A finite value other than zero.
    #[inline(always)]
    const fn encode_finite(
        self,
        x: Real,
        policy: &Policy,
        random: u32,
    ) -> Result<Encoded, EncodeError> {
        let (negative, min_exponent) = (x.is_negative(), self.min_exponent());

        // 1. One unit is one step of the code in the binade of `x`, or of the subnormals below it.
        let below = min_exponent as i64 - x.exponent() as i64;
        let depth = if below > 0 { below } else { 0 };
        let shift = 63 - self.fraction_bits as i64 + depth;
        let shift = if shift > 128 { 128 } else { shift as u32 };

        // 2. Magnitudes count the codes upward through all binades, as though there were no last one.
        let binades = if below > 0 { 0 } else { -below };
        let base = (binades << self.fraction_bits) - self.first_binade();
        let rounded = policy.rounding.round(base, x.significand(), shift, negative, random);
        // Where there is no zero, what stays below the first value becomes it.
        let is_inexact = !rounded.lost.is_zero() || rounded.whole < 0;
        let inexact = Status::INEXACT.when(is_inexact);

        // 3. Underflow.
        let tiny = below > 0 && self.is_tiny(x, below, policy.rounding, random);
        let status = inexact.union(Status::UNDERFLOW.when(tiny && is_inexact));
        let flush = match policy.subnormal_output {
            SubnormalOutput::Keep => false,
            SubnormalOutput::FlushBefore => below > 0,
            SubnormalOutput::FlushAfter => tiny,
        };
        if flush && self.has_zero() {
            return self.encode_zero(negative, Status::INEXACT.union(Status::UNDERFLOW), policy);
        }

        // 4. The ends of the format.
        if rounded.whole <= 0 && self.has_zero() {
            return self.encode_zero(negative, status, policy);
        }
        if negative && !self.is_signed() || rounded.whole > self.max_magnitude() as i64 {
            return self.encode_overflow(negative, *policy);
        }
        let magnitude = if rounded.whole < 0 { 0 } else { rounded.whole as u32 };
        Ok(Encoded { code: self.signed(negative, magnitude), status })
    }

    /// The magnitudes that subnormal values would have in a format without zero, whose first code is a power of two.
    #[inline(always)]
    const fn first_binade(self) -> i64 {
        if self.has_zero() { 0 } else { 1 << self.fraction_bits }
    }

    /// Whether a value in a binade `below` the smallest normal one stays there when it is rounded to the format's
    /// precision without a least exponent: tininess after rounding.
    #[inline(always)]
    const fn is_tiny(self, x: Real, below: i64, rounding: Rounding, random: u32) -> bool {
        if below > 1 {
            return true;
        }
        // Magnitudes counted down through the binade of `x` as they would be below the smallest normal one.
        let binade = 1i64 << self.fraction_bits;
        let base = -binade - self.first_binade();
        let shift = 63 - self.fraction_bits();
        let rounded = rounding.round(base, x.significand(), shift, x.is_negative(), random);
        rounded.whole - base < 2 * binade
    }

    /// A zero of the given sign, reached with the given status.
    #[inline(always)]
    const fn encode_zero(
        self,
        negative: bool,
        status: Status,
        policy: &Policy,
    ) -> Result<Encoded, EncodeError> {
        if !self.has_zero() {
            return self.encode_overflow(true, *policy);
        }
        let negative =
            negative && self.has_negative_zero() && matches!(policy.zero_sign, ZeroSign::Keep);
        Ok(Encoded { code: self.signed(negative, 0), status })
    }

    /// A rounded value beyond the largest of its sign, or below the smallest in a format without that sign or zero.
    #[inline(always)]
    const fn encode_overflow(self, negative: bool, policy: Policy) -> Result<Encoded, EncodeError> {
        let missing = negative && !self.is_signed();
        let status = Status::OVERFLOW.union(Status::INEXACT);
        let beyond = match policy.overflow {
            Overflow::Saturate | Overflow::SaturateSymmetric => Beyond::Largest,
            Overflow::Special => self.beyond_any(missing),
            Overflow::Ieee => {
                if !missing && self.stops_at_largest(policy.rounding, negative) {
                    Beyond::Largest
                } else {
                    self.beyond_any(missing)
                }
            }
            Overflow::SatNone => {
                if missing {
                    self.beyond_any(missing)
                } else if !self.has_infinity() || self.stops_at_largest(policy.rounding, negative) {
                    Beyond::Largest
                } else {
                    Beyond::Infinity
                }
            }
            Overflow::Zero => Beyond::Zero,
            Overflow::Wrap | Overflow::WrapSignMagnitude => {
                return Err(EncodeError::Overflow {
                    overflow: policy.overflow,
                    format: Format::Float(self),
                });
            }
        };
        let code = match beyond {
            Beyond::Infinity => self.signed(negative, self.max_magnitude() + 1),
            Beyond::Nan => self.nan_code(Real::nan(negative), &policy),
            Beyond::Largest if missing => 0,
            Beyond::Largest => self.signed(negative, self.max_magnitude()),
            Beyond::Zero => 0,
        };
        Ok(Encoded { code, status })
    }

    /// Infinity, else NaN, else the largest value; there is no negative infinity without a sign.
    #[inline(always)]
    const fn beyond_any(self, missing_sign: bool) -> Beyond {
        if self.has_infinity() && !missing_sign {
            Beyond::Infinity
        } else if self.has_nan() {
            Beyond::Nan
        } else {
            Beyond::Largest
        }
    }

    /// Whether rounding mode and sign choose the largest value rather than infinity: the directed modes that step
    /// back from it, and round-to-odd where the largest value's code is the odd one of the two.
    #[inline(always)]
    const fn stops_at_largest(self, rounding: Rounding, negative: bool) -> bool {
        match rounding {
            Rounding::TowardZero => true,
            Rounding::Up => negative,
            Rounding::Down => !negative,
            Rounding::Odd => self.max_magnitude() & 1 != 0,
            _ => false,
        }
    }

    /// NaN, or what stands for it.
    #[inline(always)]
    const fn encode_nan(self, x: Real, policy: &Policy) -> Result<Encoded, EncodeError> {
        if self.has_nan() {
            let status = Status::INVALID.when(x.is_signaling());
            return Ok(Encoded { code: self.nan_code(x, policy), status });
        }
        let negative_zero = self.signed(self.has_negative_zero(), 0);
        let code = match policy.nan {
            NanPolicy::Error => return Err(EncodeError::Nan { format: Format::Float(self) }),
            NanPolicy::Zero => 0,
            NanPolicy::NegativeZero => negative_zero,
            NanPolicy::MlDtypes => {
                if x.is_negative() {
                    0
                } else {
                    negative_zero
                }
            }
            NanPolicy::Largest => self.max_magnitude(),
            NanPolicy::Smallest => {
                if self.is_signed() {
                    self.signed(true, self.max_magnitude())
                } else {
                    0
                }
            }
        };
        Ok(Encoded { code, status: Status::INVALID })
    }

    /// The code of a NaN in a format that has one.
    #[inline(always)]
    const fn nan_code(self, x: Real, policy: &Policy) -> u32 {
        let negative = x.is_negative() && matches!(policy.nan_sign, NanSign::Keep);
        match self.nan {
            NanCodes::NegativeZero => self.sign_mask(),
            NanCodes::TopMagnitude | NanCodes::None => self.signed(negative, self.magnitude_mask()),
            NanCodes::TopExponent => {
                let quiet = 1 << (self.fraction_bits - 1);
                let fraction = match policy.nan_payload {
                    NanPayload::Canonical => quiet,
                    NanPayload::AllOnes => (1 << self.fraction_bits) - 1,
                    NanPayload::Truncate => {
                        quiet | (x.significand() >> (64 - self.fraction_bits())) as u32
                    }
                };
                self.signed(negative, self.max_magnitude() + 1 + fraction)
            }
        }
    }

    /// A magnitude with a sign, where the format has one.
    #[inline]
    const fn signed(self, negative: bool, magnitude: u32) -> u32 {
        if negative { self.sign_mask() | magnitude } else { magnitude }
    }
}
