//! From text to the code of a format.

use super::ParseNumberError;
use crate::encoded::{EncodeError, Encoded};
use crate::format::Format;
use crate::natural::encode;
use crate::real::{Class, Real};

/// The code of a text. NaN and infinity are taken at their word: the format must have them.
pub(crate) fn parse(format: Format, text: &str) -> Result<Encoded, ParseNumberError> {
    let x = Real::from_decimal(text)?;
    match x.class() {
        Class::Nan if !format.has_nan() => Err(EncodeError::Nan { format }.into()),
        Class::Infinite if !format.has_infinity() => Err(EncodeError::Infinity { format }.into()),
        _ => Ok(encode(format, x)),
    }
}
