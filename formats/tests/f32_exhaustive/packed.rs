//! A result of a conversion in one word.

use fewbit_formats::{EncodeError, Encoded};
use fewbit_testkit::rounding::Answer;

/// The code, above it the flags; or one bit that says what was refused.
pub(crate) type Packed = u64;

/// An input is refused because it is NaN.
pub(crate) const REFUSED_NAN: Packed = 1 << 40;
/// An input is refused because it is infinite.
pub(crate) const REFUSED_INFINITY: Packed = 1 << 41;
/// An input is refused because the overflow policy has no meaning.
pub(crate) const REFUSED_OVERFLOW: Packed = 1 << 42;
/// Any of these.
pub(crate) const REFUSED: Packed = REFUSED_NAN | REFUSED_INFINITY | REFUSED_OVERFLOW;

/// The oracle's answer.
pub(crate) fn answer(answer: Answer) -> Packed {
    Packed::from(answer.flags) << 32 | Packed::from(answer.code)
}

/// A code without flags.
pub(crate) fn exact(code: u32) -> Packed {
    code.into()
}

/// The flags of an answer.
pub(crate) fn flags(packed: Packed) -> u8 {
    (packed >> 32) as u8
}

/// The result of an encoder.
#[inline(always)]
pub(crate) fn result(result: Result<Encoded, EncodeError>) -> Packed {
    match result {
        Ok(Encoded { code, status }) => Packed::from(status.bits()) << 32 | Packed::from(code),
        Err(EncodeError::Nan { .. }) => REFUSED_NAN,
        Err(EncodeError::Infinity { .. }) => REFUSED_INFINITY,
        Err(EncodeError::Overflow { .. }) => REFUSED_OVERFLOW,
        // What the oracle never answers.
        Err(_) => Packed::MAX,
    }
}
