//! Typed views for the packers: matrices of bytes, and of integers of at most 16 bits.

use std::sync::OnceLock;

use ndarray::ArrayView2;

use super::element::range_of;

/// A matrix of bytes, borrowed; its range is shared with the [`Matrix`] that it is of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ByteMatrix<'a> {
    pub(crate) codes: ByteCodes<'a>,
    pub(crate) range: &'a OnceLock<(i64, i64)>,
}

/// The elements of a [`ByteMatrix`].
#[derive(Clone, Copy, Debug)]
pub(crate) enum ByteCodes<'a> {
    U8(ArrayView2<'a, u8>),
    I8(ArrayView2<'a, i8>),
}

/// `$body` with `$codes` bound to the view of either element.
macro_rules! any_bytes {
    ($any:expr, $codes:ident => $body:expr) => {
        match $any {
            $crate::kernels::operand::bytes::ByteCodes::U8($codes) => $body,
            $crate::kernels::operand::bytes::ByteCodes::I8($codes) => $body,
        }
    };
}
pub(crate) use any_bytes;

impl ByteMatrix<'_> {
    /// The transpose.
    pub(crate) fn t(self) -> Self {
        let codes = match self.codes {
            ByteCodes::U8(codes) => ByteCodes::U8(codes.reversed_axes()),
            ByteCodes::I8(codes) => ByteCodes::I8(codes.reversed_axes()),
        };
        Self { codes, ..self }
    }

    /// `(rows, columns)`
    pub(crate) fn dim(&self) -> (usize, usize) {
        any_bytes!(&self.codes, codes => codes.dim())
    }

    /// The least and the greatest value; looked for once.
    pub(crate) fn range(&self) -> (i64, i64) {
        *self.range.get_or_init(|| any_bytes!(self.codes, codes => range_of(codes)))
    }

    /// What its elements are.
    pub(crate) fn sign(&self) -> ByteSign {
        match self.codes {
            ByteCodes::U8(_) => ByteSign::Unsigned,
            ByteCodes::I8(_) => ByteSign::Signed,
        }
    }

    /// What the range cannot exceed, known without a look at the values: the element type's.
    pub(crate) fn known_range(&self) -> (i64, i64) {
        self.range.get().copied().unwrap_or(match self.codes {
            ByteCodes::U8(_) => (0, u8::MAX.into()),
            ByteCodes::I8(_) => (i8::MIN.into(), i8::MAX.into()),
        })
    }

    /// Whether every value is one of `i8`.
    pub(crate) fn fits_i8(&self) -> bool {
        matches!(self.codes, ByteCodes::I8(_)) || self.range().1 <= i8::MAX.into()
    }
}

/// What bytes stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ByteSign {
    /// 0 to 255.
    Unsigned,
    /// -128 to 127.
    Signed,
}

/// A byte that is a code.
pub(crate) trait Byte: bytemuck::Pod + Sync {
    /// It as it lies in memory.
    fn bits(self) -> u8;
}

impl Byte for u8 {
    #[inline(always)]
    fn bits(self) -> u8 {
        self
    }
}

impl Byte for i8 {
    #[inline(always)]
    fn bits(self) -> u8 {
        self.cast_unsigned()
    }
}

/// The elements of a matrix of integers of at most 16 bits, borrowed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Int16Codes<'a> {
    U8(ArrayView2<'a, u8>),
    I8(ArrayView2<'a, i8>),
    I16(ArrayView2<'a, i16>),
}

impl Int16Codes<'_> {
    /// `(rows, columns)`
    pub(crate) fn dim(&self) -> (usize, usize) {
        match self {
            Self::U8(codes) => codes.dim(),
            Self::I8(codes) => codes.dim(),
            Self::I16(codes) => codes.dim(),
        }
    }

    /// The transpose.
    pub(crate) fn t(self) -> Self {
        match self {
            Self::U8(codes) => Self::U8(codes.reversed_axes()),
            Self::I8(codes) => Self::I8(codes.reversed_axes()),
            Self::I16(codes) => Self::I16(codes.reversed_axes()),
        }
    }
}
