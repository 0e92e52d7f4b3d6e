//! Values of metadata.

use std::fmt;

/// The types, each a row: variant, Rust type, number in files, name.
macro_rules! value_types {
    ($($(#[doc = $doc:literal])+ $variant:ident($rust:ty) = $id:literal, $name:literal;)+) => {
        /// The type of a value of metadata.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ValueType {
            $($(#[doc = $doc])+ $variant,)+
        }

        /// A value of metadata.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Value {
            $($(#[doc = $doc])+ $variant($rust),)+
        }

        /// An array of metadata: all values have one type.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Array {
            $($(#[doc = $doc])+ $variant(Vec<$rust>),)+
        }

        impl ValueType {
            /// Every type.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Its number in files.
            #[must_use]
            pub const fn id(self) -> u32 {
                match self { $(Self::$variant => $id),+ }
            }

            /// Its name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// The type of this number.
            #[must_use]
            pub fn from_id(id: u32) -> Option<Self> {
                Self::ALL.iter().copied().find(|kind| kind.id() == id)
            }
        }

        impl Value {
            /// Its type.
            #[must_use]
            pub const fn value_type(&self) -> ValueType {
                match self { $(Self::$variant(_) => ValueType::$variant),+ }
            }
        }

        impl Array {
            /// The type of its values.
            #[must_use]
            pub const fn value_type(&self) -> ValueType {
                match self { $(Self::$variant(_) => ValueType::$variant),+ }
            }

            /// How many values it has.
            #[must_use]
            pub fn len(&self) -> usize {
                match self { $(Self::$variant(values) => values.len()),+ }
            }
        }

        $(impl From<$rust> for Value {
            fn from(value: $rust) -> Self {
                Self::$variant(value)
            }
        })+
    };
}

value_types! {
    /// `u8`.
    U8(u8) = 0, "uint8";
    /// `i8`.
    I8(i8) = 1, "int8";
    /// `u16`.
    U16(u16) = 2, "uint16";
    /// `i16`.
    I16(i16) = 3, "int16";
    /// `u32`.
    U32(u32) = 4, "uint32";
    /// `i32`.
    I32(i32) = 5, "int32";
    /// `f32`.
    F32(f32) = 6, "float32";
    /// Truth values.
    Bool(bool) = 7, "bool";
    /// Text in UTF-8.
    String(String) = 8, "string";
    /// Arrays.
    Array(Array) = 9, "array";
    /// `u64`.
    U64(u64) = 10, "uint64";
    /// `i64`.
    I64(i64) = 11, "int64";
    /// `f64`.
    F64(f64) = 12, "float64";
}

impl fmt::Display for ValueType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Array {
    /// Whether there are no values.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The values of an array of integers; `None` for other types and for a value beyond `i64`.
    ///
    /// ```
    /// use fewbit_models::gguf::Array;
    /// assert_eq!(Array::I32(vec![3, -1]).integers(), Some(vec![3, -1]));
    /// assert_eq!(Array::F32(vec![3.0]).integers(), None);
    /// ```
    #[must_use]
    pub fn integers(&self) -> Option<Vec<i64>> {
        fn all<T: Copy + TryInto<i64>>(values: &[T]) -> Option<Vec<i64>> {
            values.iter().map(|&value| value.try_into().ok()).collect()
        }
        match self {
            Self::U8(values) => all(values),
            Self::I8(values) => all(values),
            Self::U16(values) => all(values),
            Self::I16(values) => all(values),
            Self::U32(values) => all(values),
            Self::I32(values) => all(values),
            Self::U64(values) => all(values),
            Self::I64(values) => all(values),
            Self::F32(_) | Self::F64(_) | Self::Bool(_) | Self::String(_) | Self::Array(_) => None,
        }
    }
}

impl Value {
    /// The value of an integer of any type; `None` for other types and for a value beyond `i64`.
    #[must_use]
    pub fn integer(&self) -> Option<i64> {
        match *self {
            Self::U8(value) => Some(value.into()),
            Self::I8(value) => Some(value.into()),
            Self::U16(value) => Some(value.into()),
            Self::I16(value) => Some(value.into()),
            Self::U32(value) => Some(value.into()),
            Self::I32(value) => Some(value.into()),
            Self::U64(value) => value.try_into().ok(),
            Self::I64(value) => Some(value),
            Self::F32(_) | Self::F64(_) | Self::Bool(_) | Self::String(_) | Self::Array(_) => None,
        }
    }

    /// The value of a float of any type, rounded to `f32`; `None` for other types.
    #[must_use]
    pub fn float(&self) -> Option<f32> {
        match *self {
            Self::F32(value) => Some(value),
            Self::F64(value) => Some(value as f32),
            _ => None,
        }
    }

    /// The text; `None` for other types.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}
