//! An integer matrix in the narrowest storage that holds its values.

use std::sync::OnceLock;

use ndarray::ArrayView2;

use super::bytes::{ByteCodes, ByteMatrix, Int16Codes};
use super::element::{Codes, Operand, any_codes, range_of};

/// A matrix and the range of its values.
#[derive(Clone, Debug)]
pub(crate) struct Matrix<'a> {
    pub(crate) codes: Codes<'a>,
    range: OnceLock<(i64, i64)>,
}

impl<'a> Matrix<'a> {
    /// The values of `view` in the narrowest storage; borrowed where that is their own.
    pub(crate) fn new<T: Operand>(view: ArrayView2<'a, T>) -> Self {
        Self::narrowest(T::codes(view))
    }

    /// These codes in the narrowest storage that holds them.
    fn narrowest(codes: Codes<'a>) -> Self {
        if matches!(codes, Codes::U8(_) | Codes::I8(_)) {
            // There is no narrower storage, so that nothing asks for the range yet.
            return Self { codes, range: OnceLock::new() };
        }
        let (min, max) = any_codes!(&codes, codes => range_of(codes.view()));
        let within = |low: i64, high: i64| min >= low && max <= high;
        let codes = if within(0, u8::MAX.into()) {
            Codes::U8(any_codes!(&codes, codes => codes.mapv(|x| x.to_i64() as u8)).into())
        } else if within(i8::MIN.into(), i8::MAX.into()) {
            Codes::I8(any_codes!(&codes, codes => codes.mapv(|x| x.to_i64() as i8)).into())
        } else if matches!(codes, Codes::I16(_)) {
            codes
        } else if within(i16::MIN.into(), i16::MAX.into()) {
            Codes::I16(any_codes!(&codes, codes => codes.mapv(|x| x.to_i64() as i16)).into())
        } else if matches!(codes, Codes::I32(_)) {
            codes
        } else if within(i32::MIN.into(), i32::MAX.into()) {
            Codes::I32(any_codes!(&codes, codes => codes.mapv(|x| x.to_i64() as i32)).into())
        } else {
            codes
        };
        Self { codes, range: (min, max).into() }
    }

    /// The values of `view` in the storage of their type, whatever they are.
    pub(crate) fn unchanged<T: Operand>(view: ArrayView2<'a, T>) -> Self {
        Self { codes: T::codes(view), range: OnceLock::new() }
    }

    /// The same values, owned.
    pub(crate) fn into_owned(self) -> Matrix<'static> {
        let codes = match self.codes {
            Codes::U8(codes) => Codes::U8(codes.into_owned().into()),
            Codes::I8(codes) => Codes::I8(codes.into_owned().into()),
            Codes::I16(codes) => Codes::I16(codes.into_owned().into()),
            Codes::I32(codes) => Codes::I32(codes.into_owned().into()),
            Codes::I64(codes) => Codes::I64(codes.into_owned().into()),
        };
        Matrix { codes, ..self }
    }
}

impl Matrix<'_> {
    /// `(rows, columns)`
    pub(crate) fn dim(&self) -> (usize, usize) {
        any_codes!(&self.codes, codes => codes.dim())
    }

    /// The least and the greatest value; looked for once.
    pub(crate) fn range(&self) -> (i64, i64) {
        *self.range.get_or_init(|| any_codes!(&self.codes, codes => range_of(codes.view())))
    }

    /// The greatest magnitude.
    pub(crate) fn magnitude(&self) -> u128 {
        magnitude(self.range())
    }

    /// Its codes as bytes, where that is what they are: `[rows, columns]` as the matrix has them.
    pub(crate) fn bytes(&self) -> Option<ByteMatrix<'_>> {
        let codes = match &self.codes {
            Codes::U8(codes) => ByteCodes::U8(codes.view()),
            Codes::I8(codes) => ByteCodes::I8(codes.view()),
            Codes::I16(_) | Codes::I32(_) | Codes::I64(_) => return None,
        };
        Some(ByteMatrix { codes, range: &self.range })
    }

    /// Its codes as integers of at most 16 bits, where that is what they are.
    pub(crate) fn int16(&self) -> Option<Int16Codes<'_>> {
        match &self.codes {
            Codes::U8(codes) => Some(Int16Codes::U8(codes.view())),
            Codes::I8(codes) => Some(Int16Codes::I8(codes.view())),
            Codes::I16(codes) => Some(Int16Codes::I16(codes.view())),
            Codes::I32(_) | Codes::I64(_) => None,
        }
    }

    /// Whether the storage is one of at most 32 bits.
    pub(crate) fn fits_i32(&self) -> bool {
        !matches!(self.codes, Codes::I64(_))
    }

    /// One value.
    #[allow(clippy::useless_conversion, reason = "one of the types is i64 already")]
    pub(crate) fn get(&self, row: usize, col: usize) -> i64 {
        any_codes!(&self.codes, codes => i64::from(codes[[row, col]]))
    }
}

/// The greatest magnitude in a range.
pub(crate) fn magnitude((low, high): (i64, i64)) -> u128 {
    u128::from(low.unsigned_abs().max(high.unsigned_abs()))
}
