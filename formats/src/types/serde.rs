//! serde: a number in text formats, a code in binary ones.
//!
//! In a format that people read (JSON, YAML) a finite value is a number and any other the text `NaN`, `inf` or `-inf`, as
//! such formats have no numbers for these. It is read from a number or a text, rounded as `from_f64` and `FromStr` do: so
//! numbers written by others are understood, and a reader of JSON that is off by one in the last place of an `f64` does no
//! harm. In a binary format the code is what counts: an unsigned integer as wide as the storage, which is an error if it
//! has more bits than the format.

use super::Number;
use crate::decimal::parse;
use crate::format::Format;
use crate::natural::encode;
use crate::real::Real;
use ::serde::de::{Deserializer, Error, Unexpected, Visitor};
use ::serde::ser::Serializer;
use core::fmt;
use core::marker::PhantomData;

/// Writes a number for people, or the code by `binary`.
pub(super) fn serialize<T: Number, S: Serializer>(
    x: T,
    serializer: S,
    binary: impl FnOnce(S) -> Result<S::Ok, S::Error>,
) -> Result<S::Ok, S::Error> {
    let value = T::FORMAT.decode(x.code());
    match serializer.is_human_readable() {
        true if value.is_finite() => serializer.serialize_f64(value),
        true => serializer.collect_str(&x),
        false => binary(serializer),
    }
}

/// Reads a number or a text.
pub(super) fn deserialize_number<'de, T: Number, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    deserializer.deserialize_any(NumberVisitor(PhantomData))
}

/// Takes a code that was read.
pub(super) fn from_code<T: Number, E: Error>(code: u32) -> Result<T, E> {
    if u64::from(code) < T::FORMAT.code_count() {
        return Ok(T::from_code(code));
    }
    Err(E::invalid_value(Unexpected::Unsigned(code.into()), &Code(T::FORMAT)))
}

/// What was expected of a code.
struct Code(Format);

impl ::serde::de::Expected for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a code of {}, which has {} bits", self.0, self.0.bits())
    }
}

struct NumberVisitor<T>(PhantomData<T>);

impl<T: Number> NumberVisitor<T> {
    fn number<E>(x: impl Into<Real>) -> Result<T, E> {
        Ok(T::from_code(encode(T::FORMAT, x.into()).code))
    }
}

impl<T: Number> Visitor<'_> for NumberVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a number or a text such as NaN, for {}", T::FORMAT)
    }

    fn visit_f64<E: Error>(self, x: f64) -> Result<T, E> {
        Self::number(x)
    }

    fn visit_i64<E: Error>(self, x: i64) -> Result<T, E> {
        Self::number(x)
    }

    fn visit_u64<E: Error>(self, x: u64) -> Result<T, E> {
        Self::number(x)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        parse(T::FORMAT, text).map(|read| T::from_code(read.code)).map_err(E::custom)
    }
}

/// Implements both traits for a type and its storage.
macro_rules! serde_impls {
    ($name:ident, $bits:ident) => {
        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let binary =
                    |serializer: S| ::serde::Serialize::serialize(&self.to_bits(), serializer);
                $crate::types::serde::serialize(*self, serializer, binary)
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> Result<Self, D::Error> {
                if deserializer.is_human_readable() {
                    return $crate::types::serde::deserialize_number(deserializer);
                }
                let code = <$bits as ::serde::Deserialize>::deserialize(deserializer)?;
                $crate::types::serde::from_code(code.into())
            }
        }
    };
}

pub(super) use serde_impls;
