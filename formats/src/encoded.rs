//! The result of encoding: a code, or why there is none.

use crate::format::Format;
use crate::policy::Overflow;
use crate::status::Status;

/// A code and what happened on the way to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub struct Encoded {
    /// The code, in the low bits.
    pub code: u32,
    /// Which flags the conversion raised.
    pub status: Status,
}

/// A value that cannot be encoded under the policy given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// NaN where the format has none and the policy is [`NanPolicy::Error`](crate::NanPolicy::Error).
    #[error("NaN has no counterpart in {format}: choose another NaN policy to allow it")]
    Nan {
        /// The format.
        format: Format,
    },
    /// Infinity under [`InfinityPolicy::Error`](crate::InfinityPolicy::Error), or where it would have to be wrapped.
    #[error(
        "infinity is refused in {format} under this policy: choose another infinity or overflow policy to allow it"
    )]
    Infinity {
        /// The format.
        format: Format,
    },
    /// A policy that has no meaning for the format.
    #[error(
        "the overflow policy `{overflow}` has no meaning for {format}: it is one of integers and fixed point of full range"
    )]
    Overflow {
        /// The policy.
        overflow: Overflow,
        /// The format.
        format: Format,
    },
    /// The exact result of an operation, to be wrapped, has more digits than are kept of it.
    #[error(
        "the exact result spans more than 64 bits and cannot be reduced by `{overflow}` in {format}: choose an overflow policy that saturates"
    )]
    Digits {
        /// The policy.
        overflow: Overflow,
        /// The format.
        format: Format,
    },
}
