//! The numbers of an array of any shape, as integers or as reals.

use super::npy::{Npy, Values};
use crate::error::CliError;

/// Integers, as narrow as their type allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Integers {
    /// Of at most 32 bits with a sign.
    Narrow(Vec<i32>),
    /// Of more.
    Wide(Vec<i64>),
}

impl Integers {
    /// Integers of any of NumPy's types, and the shape.
    ///
    /// # Errors
    /// Floats; a number beyond int64.
    pub(crate) fn of(npy: Npy) -> Result<(Vec<usize>, Self), CliError> {
        fn narrow<T: Into<i32> + Copy>(values: &[T]) -> Integers {
            Integers::Narrow(values.iter().map(|&v| v.into()).collect())
        }
        // Those are taken as they are, without a copy.
        if let Values::I32(values) = npy.values {
            return Ok((npy.shape, Self::Narrow(values)));
        }
        if let Values::I64(values) = npy.values {
            return Ok((npy.shape, Self::Wide(values)));
        }
        let integers = match &npy.values {
            Values::I8(v) => narrow(v),
            Values::I16(v) => narrow(v),
            Values::U8(v) => narrow(v),
            Values::U16(v) => narrow(v),
            Values::U32(v) => Self::Wide(v.iter().map(|&v| v.into()).collect()),
            Values::U64(v) => match v.iter().map(|&v| i64::try_from(v)).collect() {
                Ok(wide) => Self::Wide(wide),
                Err(_) => return Err(npy.wrong("holds a number beyond int64".into())),
            },
            _ => return Err(npy.wrong(format!("holds {}; integers are needed", npy.dtype()))),
        };
        Ok((npy.shape, integers))
    }

    /// All of them as int64.
    pub(crate) fn into_wide(self) -> Vec<i64> {
        match self {
            Self::Narrow(values) => values.into_iter().map(Into::into).collect(),
            Self::Wide(values) => values,
        }
    }
}

impl Npy {
    /// The numbers as float64, exactly.
    ///
    /// # Errors
    /// Integers of 64 bits.
    pub(crate) fn f64_values(&self) -> Result<Vec<f64>, CliError> {
        fn wide<T: Into<f64> + Copy>(values: &[T]) -> Vec<f64> {
            values.iter().map(|&v| v.into()).collect()
        }
        Ok(match &self.values {
            Values::I8(v) => wide(v),
            Values::I16(v) => wide(v),
            Values::I32(v) => wide(v),
            Values::U8(v) => wide(v),
            Values::U16(v) => wide(v),
            Values::U32(v) => wide(v),
            Values::F16(v) => v.iter().map(|v| v.to_f64()).collect(),
            Values::F32(v) => wide(v),
            Values::F64(v) => v.clone(),
            Values::I64(_) | Values::U64(_) => {
                return Err(self.wrong(format!(
                    "holds {}; floats, or integers of at most 32 bits, are needed",
                    self.dtype()
                )));
            }
        })
    }
}
