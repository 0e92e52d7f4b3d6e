//! What a scale is to be, before it has a code.

use super::error::GroupError;
use super::format::has_powers_alone;
use super::policy::GroupPolicy;
use crate::format::Format;
use crate::policy::Policy;
use crate::real::{Class, Real};
use crate::scale::{LeastScale, ZeroBlock};

/// What a scale is to be, before it has a code.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ratio {
    /// That of a block of zeros.
    Zero,
    /// A number, to be rounded.
    Number(Real),
    /// The power of two that the scale rule gives for this largest magnitude.
    Power(Real),
    /// The largest there is.
    Largest,
    /// NaN.
    Nan,
}

impl Ratio {
    /// Its code in the format of the scale, `measure` being the format that it scales to.
    pub(super) fn code(
        self,
        format: Format,
        measure: Format,
        policy: &GroupPolicy,
    ) -> Result<u32, GroupError> {
        let number = match self {
            Self::Nan => return encoded(format, Real::nan(false), &policy.scale_code),
            Self::Largest => Real::from_f64(format.max_finite()),
            Self::Zero => match policy.scale.zero_block {
                ZeroBlock::One => Real::from_f64(1.0),
                ZeroBlock::Zero if format.has_zero() => Real::zero(false),
                ZeroBlock::Zero | ZeroBlock::Smallest => Real::from_f64(format.smallest_positive()),
            },
            Self::Number(number) => number,
            // Under an outer scale that was rounded to zero.
            Self::Power(amax) if amax.class() == Class::Infinite => {
                Real::from_f64(format.max_finite())
            }
            Self::Power(amax) if amax.class() == Class::Zero => {
                Real::from_f64(format.smallest_positive())
            }
            Self::Power(amax) => {
                let exponent = policy.scale.rule.exponent(amax, measure, policy.scale.arithmetic);
                let limit = |value: f64| Real::from_f64(value).exponent();
                let exponent =
                    exponent.max(limit(format.smallest_positive())).min(limit(format.max_finite()));
                Real::from_scaled(false, 1, exponent)
            }
        };
        let code = encoded(format, number, &policy.scale_code)?;
        let least = match policy.scale.least {
            LeastScale::SmallestNormal => {
                format.smallest_normal().unwrap_or(format.smallest_positive())
            }
            LeastScale::SmallestPositive => format.smallest_positive(),
            LeastScale::Any => return Ok(code),
        };
        if has_powers_alone(format) || format.decode(code) >= least {
            return Ok(code);
        }
        encoded(format, Real::from_f64(least), &policy.scale_code)
    }
}

/// The code of `x` in the format of a scale.
pub(super) fn encoded(format: Format, x: Real, policy: &Policy) -> Result<u32, GroupError> {
    let encoded = format.encode_real(x, policy, 0).map_err(GroupError::Scale)?;
    Ok(encoded.code)
}

/// The value of a scale's code, rounded to `f32` where it is not one.
pub(super) fn decode(format: Format, code: u32) -> f32 {
    format.decode(code) as f32
}
