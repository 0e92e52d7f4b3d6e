//! What the types do where a caller names no policy.

use crate::arithmetic::Arithmetic;
use crate::encoded::{EncodeError, Encoded};
use crate::format::Format;
use crate::policy::{InfinityPolicy, NanPolicy, Overflow, Policy};
use crate::real::Real;
use crate::rounding::Rounding;

/// The type's own policy. It refuses nothing.
pub(crate) const fn policy(format: Format) -> Policy {
    match format {
        Format::Posit(_) | Format::Takum(_) => saturating().with_infinity(InfinityPolicy::Nan),
        _ => saturating().with_overflow(Overflow::Special),
    }
}

/// The saturating policy, which refuses nothing either.
pub(crate) const fn saturating() -> Policy {
    Policy::new(Rounding::TiesEven, Overflow::Saturate).with_nan(NanPolicy::Largest)
}

/// Operations under the type's own policy.
pub(crate) const fn arithmetic(format: Format) -> Arithmetic {
    Arithmetic::new(format, policy(format))
}

/// The result of a policy that refuses nothing.
pub(crate) const fn total(result: Result<Encoded, EncodeError>) -> Encoded {
    match result {
        Ok(encoded) => encoded,
        Err(_) => panic!("neither of the two policies refuses a value"),
    }
}

/// The code of a value.
pub(crate) const fn encode(format: Format, x: Real) -> Encoded {
    total(format.encode_real(x, &policy(format), 0))
}
