//! NumPy arrays of whatever numbers.

use numpy::{PyArrayMethods, PyReadonlyArrayDyn, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::prelude::*;

use crate::errors::type_error;

/// Declares an enum of arrays by element, and how one becomes it.
macro_rules! arrays {
    ($(#[$doc:meta])* $name:ident { $($variant:ident($element:ty)),* }) => {
        $(#[$doc])*
        pub(crate) enum $name<'py> {
            $(
                #[doc = concat!("Of `", stringify!($element), "`.")]
                $variant(PyReadonlyArrayDyn<'py, $element>),
            )*
        }

        impl<'a, 'py> FromPyObject<'a, 'py> for $name<'py> {
            type Error = PyErr;

            fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
                $(
                    if let Ok(array) = object.cast::<numpy::PyArrayDyn<$element>>() {
                        return Ok(Self::$variant(array.try_readonly()?));
                    }
                )*
                let expected = [$(stringify!($element)),*].join(", ");
                let found = match object.cast::<PyUntypedArray>() {
                    Ok(array) => format!("an array of {}", array.dtype()),
                    Err(_) => format!("{}", object.get_type().name()?),
                };
                Err(type_error(format!("expected an array of {expected}, not {found}")))
            }
        }
    };
}

arrays! {
    /// Values to convert.
    Numbers { F32(f32), F64(f64), I8(i8), U8(u8), I16(i16), U16(u16), I32(i32), U32(u32), I64(i64), U64(u64) }
}
arrays! {
    /// Integers that are multiplied.
    Integers { I8(i8), U8(u8), I16(i16), U16(u16), I32(i32), U32(u32), I64(i64) }
}
arrays! {
    /// Codes.
    Codes { U8(u8), U16(u16), U32(u32) }
}

/// Runs one expression on the array of whatever element.
macro_rules! each {
    ($name:ident: $any:expr, [$($variant:ident),*], $array:ident => $body:expr) => {
        match $any {
            $($name::$variant($array) => $body,)*
        }
    };
}
pub(crate) use each;
