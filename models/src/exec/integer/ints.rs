//! Arrays of integers of the width that codes have.

use ndarray::{ArcArray, ArrayD, IxDyn};

/// Integers of 8 bits where they fit, else of 32.
#[derive(Clone, Debug, PartialEq)]
pub enum Ints {
    /// Signed bytes.
    I8(ArcArray<i8, IxDyn>),
    /// Unsigned bytes.
    U8(ArcArray<u8, IxDyn>),
    /// Words.
    I32(ArcArray<i32, IxDyn>),
}

/// Runs one expression on the integers of whatever width.
macro_rules! each {
    ($ints:expr, $array:ident => $body:expr) => {
        match $ints {
            $crate::exec::integer::ints::Ints::I8($array) => $body,
            $crate::exec::integer::ints::Ints::U8($array) => $body,
            $crate::exec::integer::ints::Ints::I32($array) => $body,
        }
    };
}
pub(super) use each;

/// Integers of the same width, whose array is made of these.
macro_rules! map_ints {
    ($ints:expr, $array:ident => $body:expr) => {
        match $ints {
            $crate::exec::integer::ints::Ints::I8($array) => {
                $crate::exec::integer::ints::Ints::I8($body)
            }
            $crate::exec::integer::ints::Ints::U8($array) => {
                $crate::exec::integer::ints::Ints::U8($body)
            }
            $crate::exec::integer::ints::Ints::I32($array) => {
                $crate::exec::integer::ints::Ints::I32($body)
            }
        }
    };
}
pub(super) use map_ints;

impl Ints {
    /// These integers, in bytes if the range fits them.
    pub(super) fn new(values: &ArrayD<i64>, (low, high): (i64, i64)) -> Self {
        if low >= 0 && high <= 255 {
            Self::U8(values.mapv(|x| x as u8).into_shared())
        } else if low >= -128 && high <= 127 {
            Self::I8(values.mapv(|x| x as i8).into_shared())
        } else {
            Self::I32(values.mapv(|x| x as i32).into_shared())
        }
    }

    /// The extents of the axes.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        each!(self, array => array.shape())
    }

    /// The integers as `f32`; those of codes of at most 24 bits are exact.
    #[must_use]
    pub fn to_f32(&self) -> ArrayD<f32> {
        each!(self, array => array.mapv(|x| x as f32))
    }

    /// The integers as `i64`.
    #[must_use]
    pub fn to_i64(&self) -> ArrayD<i64> {
        each!(self, array => array.mapv(i64::from))
    }

    /// Whether these are the same elements in memory, and not only equal ones.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::I8(a), Self::I8(b)) => a.shape() == b.shape() && a.as_ptr() == b.as_ptr(),
            (Self::U8(a), Self::U8(b)) => a.shape() == b.shape() && a.as_ptr() == b.as_ptr(),
            (Self::I32(a), Self::I32(b)) => a.shape() == b.shape() && a.as_ptr() == b.as_ptr(),
            _ => false,
        }
    }

    /// The same type, of these whole numbers.
    pub(super) fn like(&self, values: &ArrayD<f32>) -> Self {
        match self {
            Self::I8(_) => Self::I8(values.mapv(|x| x as i8).into_shared()),
            Self::U8(_) => Self::U8(values.mapv(|x| x as u8).into_shared()),
            Self::I32(_) => Self::I32(values.mapv(|x| x as i32).into_shared()),
        }
    }
}
