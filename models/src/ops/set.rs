//! Operators' attributes as fields of structs: read by name, written where they are not the default.

use super::{Attribute, Attributes, OpError};

/// Reads and writes the attributes of an operator.
pub trait AttributeSet: Sized {
    /// Takes what it understands.
    ///
    /// # Errors
    /// Attributes that are missing or cannot be.
    fn from_attributes(attributes: &mut Attributes) -> Result<Self, OpError>;

    /// Those that are not the default.
    fn put_attributes(&self, attributes: &mut Attributes);
}

/// A type that an attribute can have.
pub(crate) trait AttributeValue: Sized + PartialEq {
    /// Takes the attribute, if it is there.
    fn take(attributes: &mut Attributes, name: &str) -> Result<Option<Self>, OpError>;

    /// As a file carries it; `None` to leave it out.
    fn put(&self) -> Option<Attribute>;
}

macro_rules! plain {
    ($($type:ty: $take:ident, $variant:ident;)*) => {$(
        impl AttributeValue for $type {
            fn take(attributes: &mut Attributes, name: &str) -> Result<Option<Self>, OpError> {
                attributes.$take(name)
            }

            fn put(&self) -> Option<Attribute> {
                Some(Attribute::$variant(self.clone().into()))
            }
        }
    )*};
}

plain! {
    i64: int, Int;
    f32: float, Float;
    bool: flag, Int;
    String: text, Text;
    Vec<i64>: ints, Ints;
    Vec<f32>: floats, Floats;
    Vec<String>: texts, Texts;
}

fn natural(name: &str, value: i64) -> Result<usize, OpError> {
    let problem = || OpError::attribute(name, format!("{value} is below 0 or too large"));
    usize::try_from(value).ok().filter(|&v| v <= i32::MAX as usize).ok_or_else(problem)
}

impl AttributeValue for usize {
    fn take(attributes: &mut Attributes, name: &str) -> Result<Option<Self>, OpError> {
        attributes.int(name)?.map(|value| natural(name, value)).transpose()
    }

    fn put(&self) -> Option<Attribute> {
        Some(Attribute::Int(*self as i64))
    }
}

impl AttributeValue for Vec<usize> {
    fn take(attributes: &mut Attributes, name: &str) -> Result<Option<Self>, OpError> {
        let values = attributes.ints(name)?;
        let all = |values: Vec<i64>| values.into_iter().map(|v| natural(name, v)).collect();
        values.map(all).transpose()
    }

    fn put(&self) -> Option<Attribute> {
        Some(Attribute::Ints(self.iter().map(|&value| value as i64).collect()))
    }
}

impl<T: AttributeValue> AttributeValue for Option<T> {
    fn take(attributes: &mut Attributes, name: &str) -> Result<Option<Self>, OpError> {
        Ok(T::take(attributes, name)?.map(Some))
    }

    fn put(&self) -> Option<Attribute> {
        self.as_ref().and_then(AttributeValue::put)
    }
}

/// Structs of attributes: name in the file, field, type, default. `flatten` puts the attributes of another set in.
macro_rules! attributes {
    ($(
        $(#[$doc:meta])*
        $name:ident {
            $( $(#[$field_doc:meta])* $attribute:literal $field:ident: $type:ty = $default:expr; )*
            $( flatten $(#[$inner_doc:meta])* $inner:ident: $inner_type:ty; )?
        }
    )*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name {
            $( $(#[$field_doc])* pub $field: $type, )*
            $( $(#[$inner_doc])* pub $inner: $inner_type, )?
        }

        impl Default for $name {
            fn default() -> Self {
                Self {
                    $( $field: $default, )*
                    $( $inner: <$inner_type>::default(), )?
                }
            }
        }

        impl $crate::ops::AttributeSet for $name {
            #[allow(unused_variables, reason = "a set may be empty")]
            fn from_attributes(
                attributes: &mut $crate::ops::Attributes,
            ) -> Result<Self, $crate::ops::OpError> {
                Ok(Self {
                    $( $field: <$type as $crate::ops::set::AttributeValue>::take(attributes, $attribute)?
                        .unwrap_or($default), )*
                    $( $inner: <$inner_type as $crate::ops::AttributeSet>::from_attributes(attributes)?, )?
                })
            }

            #[allow(unused_variables, reason = "a set may be empty")]
            fn put_attributes(&self, attributes: &mut $crate::ops::Attributes) {
                $(
                    let default: $type = $default;
                    if self.$field != default {
                        use $crate::ops::set::AttributeValue;
                        if let Some(value) = self.$field.put() {
                            attributes.insert($attribute, value);
                        }
                    }
                )*
                $( self.$inner.put_attributes(attributes); )?
            }
        }
    )*};
}
pub(crate) use attributes;

/// Enums that files write as words; the first is the default.
macro_rules! words {
    ($(
        $(#[$doc:meta])*
        $name:ident { $( $(#[$variant_doc:meta])* $variant:ident = $word:literal $(| $other:literal)*; )* }
    )*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum $name {
            $( $(#[$variant_doc])* $variant, )*
        }

        impl Default for $name {
            fn default() -> Self {
                [$( Self::$variant ),*][0]
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;

            fn from_str(word: &str) -> Result<Self, String> {
                match word {
                    $( $word $(| $other)* => Ok(Self::$variant), )*
                    _ => Err(format!("`{word}` is none of {}", [$( $word ),*].join(", "))),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(match self {
                    $( Self::$variant => $word, )*
                })
            }
        }

        impl $crate::ops::set::AttributeValue for $name {
            fn take(
                attributes: &mut $crate::ops::Attributes,
                name: &str,
            ) -> Result<Option<Self>, $crate::ops::OpError> {
                let word = attributes.text(name)?;
                let parsed = word.map(|word| word.parse()).transpose();
                parsed.map_err(|problem: String| $crate::ops::OpError::attribute(name, problem))
            }

            fn put(&self) -> Option<$crate::ops::Attribute> {
                Some($crate::ops::Attribute::Text(self.to_string()))
            }
        }
    )*};
}
pub(crate) use words;
