//! From values to the codes of any format.

use crate::encoded::{EncodeError, Encoded};
use crate::format::{Format, TERNARY};
use crate::integer::encode::encode_units;
use crate::policy::{InfinityPolicy, NanPolicy, Policy, SubnormalInput};
use crate::real::{Class, Real};
use crate::status::Status;
use crate::tapered::hif8;

impl Format {
    /// The code of a value under a policy, and what happened to the value.
    ///
    /// The value is rounded once, as though the format had no largest value; then the overflow policy looks at the
    /// rounded value. `random` supplies the bits of stochastic rounding, in its low end
    /// ([`philox::bits`](crate::philox::bits)); other modes ignore it.
    ///
    /// # Errors
    ///
    /// NaN or infinity where the policy refuses them; an overflow policy that has no meaning for the format.
    #[inline]
    pub fn encode(
        self,
        x: impl Into<Real>,
        policy: &Policy,
        random: u32,
    ) -> Result<Encoded, EncodeError> {
        self.encode_real(x.into(), policy, random)
    }

    /// [`Format::encode`], usable in constants.
    ///
    /// Always inlined, with all that it calls: where format and policy are constants, their cases are decided by the
    /// compiler, and a loop over values is left with the arithmetic of one format.
    ///
    /// # Errors
    ///
    /// As [`Format::encode`].
    #[inline(always)]
    pub const fn encode_real(
        self,
        x: Real,
        policy: &Policy,
        random: u32,
    ) -> Result<Encoded, EncodeError> {
        match self {
            Self::Float(float) => float.encode(x, policy, random),
            Self::Int(int) => int.encode(x, policy, random),
            Self::Fixed(fixed) => fixed.encode(x, policy, random),
            Self::Binary => encode_binary(x, policy),
            Self::Ternary => encode_units(x, TERNARY, 0, self, policy, random),
            Self::Posit(posit) => posit.encode(x, policy, random),
            Self::Takum(takum) => takum.encode(x, policy, random),
            Self::HiF8 => hif8::encode::encode(x, policy, random),
        }
    }
}

/// The sign of a value; that of zero, of either sign, is +1.
const fn encode_binary(x: Real, policy: &Policy) -> Result<Encoded, EncodeError> {
    let flushed = matches!(policy.subnormal_input, SubnormalInput::Flush);
    let (positive, status) = match x.class() {
        Class::Infinite if matches!(policy.infinity, InfinityPolicy::Error) => {
            return Err(EncodeError::Infinity { format: Format::Binary });
        }
        Class::Infinite if !matches!(policy.infinity, InfinityPolicy::Nan) => {
            (!x.is_negative(), Status::INVALID)
        }
        Class::Nan | Class::Infinite => match policy.nan {
            NanPolicy::Error => return Err(EncodeError::Nan { format: Format::Binary }),
            NanPolicy::Smallest => (false, Status::INVALID),
            NanPolicy::Zero
            | NanPolicy::NegativeZero
            | NanPolicy::MlDtypes
            | NanPolicy::Largest => (true, Status::INVALID),
        },
        Class::Zero => (true, Status::INEXACT),
        Class::Subnormal if flushed => (true, Status::INEXACT),
        Class::Subnormal | Class::Normal => {
            let one = x.exponent() == 0 && x.significand() == 1 << 63;
            (!x.is_negative(), Status::INEXACT.when(!one))
        }
    };
    Ok(Encoded { code: positive as u32, status })
}
