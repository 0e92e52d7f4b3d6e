//! NaN operands.

use super::Raised;
use crate::real::{Class, Real};
use crate::status::Status;

/// The result of an operation on NaN: the first one, quiet; `None` where no operand is NaN.
pub(super) const fn propagate(a: Real, b: Real) -> Option<Raised> {
    let first = match (a.class(), b.class()) {
        (Class::Nan, _) => a,
        (_, Class::Nan) => b,
        _ => return None,
    };
    let status = Status::INVALID.when(a.is_signaling() || b.is_signaling());
    Some(Raised { value: first.quieted(), status })
}
