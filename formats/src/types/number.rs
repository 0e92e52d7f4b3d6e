//! What the types have in common, for generic code.

use crate::decimal::ParseNumberError;
use crate::format::Format;
use crate::real::Real;
use core::fmt::{Debug, Display};
use core::str::FromStr;

/// A type of this module: a code of a fixed format.
///
/// ```
/// use fewbit_formats::types::{E2M1FN, E4M3FN, Number};
/// fn values<T: Number>() -> impl Iterator<Item = f64> {
///     (0..T::FORMAT.code_count() as u32).map(|code| T::FORMAT.decode(code))
/// }
/// assert_eq!(values::<E2M1FN>().fold(0.0, f64::max), 6.0);
/// assert_eq!(values::<E4M3FN>().fold(0.0, f64::max), 448.0);
/// ```
pub trait Number:
    Copy
    + Debug
    + Display
    + FromStr<Err = ParseNumberError>
    + PartialEq
    + PartialOrd
    + Send
    + Sync
    + Sealed
    + 'static
{
    /// The storage of a code.
    type Bits;
    /// The format.
    const FORMAT: Format;

    /// The value of a code; bits above the format's width are ignored.
    #[must_use]
    fn from_code(code: u32) -> Self;

    /// The code.
    #[must_use]
    fn code(self) -> u32;

    /// The value as an operand.
    #[must_use]
    fn real(self) -> Real {
        Self::FORMAT.decode_real(self.code())
    }
}

/// Formats and types belong together; there are no others.
pub trait Sealed {}
