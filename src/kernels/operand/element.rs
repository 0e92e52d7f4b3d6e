//! Element types of integer matrices: what callers may pass, and the storage that kernels work on.

use ndarray::{ArrayView2, CowArray, Ix2};

use crate::simd::{Call, Lanes, Simd, Task, run_best};

mod sealed {
    use ndarray::ArrayView2;

    use super::Codes;

    pub trait Sealed: Sized {
        /// The view in the first storage type that holds all values of this one.
        fn codes(view: ArrayView2<'_, Self>) -> Codes<'_>;
    }
}

/// An integer type that a product takes: `i8 u8 i16 u16 i32 u32 i64`.
pub trait Operand: sealed::Sealed + Copy + Ord + Send + Sync + 'static {
    /// The same value.
    fn to_i64(self) -> i64;
}

macro_rules! operand {
    ($($int:ty => $codes:ident $(as $wider:ty)?),*) => {
        $(
            impl sealed::Sealed for $int {
                fn codes(view: ArrayView2<'_, Self>) -> Codes<'_> {
                    $(let view = view.mapv(<$wider>::from);)?
                    Codes::$codes(view.into())
                }
            }

            impl Operand for $int {
                #[inline(always)]
                fn to_i64(self) -> i64 {
                    self.into()
                }
            }
        )*
    };
}

operand!(
    i8 => I8, u8 => U8, i16 => I16, u16 => I32 as i32, i32 => I32, u32 => I64 as i64, i64 => I64
);

/// A matrix in a storage that the kernels work on.
#[derive(Clone, Debug)]
pub enum Codes<'a> {
    U8(CowArray<'a, u8, Ix2>),
    I8(CowArray<'a, i8, Ix2>),
    I16(CowArray<'a, i16, Ix2>),
    I32(CowArray<'a, i32, Ix2>),
    I64(CowArray<'a, i64, Ix2>),
}

/// `$body` with `$codes` bound to the array of whichever element.
macro_rules! any_codes {
    ($any:expr, $codes:ident => $body:expr) => {
        match $any {
            $crate::kernels::operand::element::Codes::U8($codes) => $body,
            $crate::kernels::operand::element::Codes::I8($codes) => $body,
            $crate::kernels::operand::element::Codes::I16($codes) => $body,
            $crate::kernels::operand::element::Codes::I32($codes) => $body,
            $crate::kernels::operand::element::Codes::I64($codes) => $body,
        }
    };
}
pub(crate) use any_codes;

/// The least and greatest value; (0, 0) of nothing.
pub(crate) fn range_of<T: Operand>(view: ArrayView2<'_, T>) -> (i64, i64) {
    let Some(&first) = view.first() else { return (0, 0) };
    let mut range = (first, first);
    let mut add = |values: &[T]| {
        let (low, high) = run_best(RangeOf { values, start: first });
        range = (range.0.min(low), range.1.max(high));
    };
    if let Some(values) = view.as_slice_memory_order() {
        add(values);
    } else {
        for row in view.rows() {
            match row.as_slice() {
                Some(values) => add(values),
                None => row.iter().for_each(|&x| add(&[x])),
            }
        }
    }
    (range.0.to_i64(), range.1.to_i64())
}

/// Least and greatest of `values` and `start`, compiled for an instruction set.
struct RangeOf<'a, T> {
    values: &'a [T],
    start: T,
}

impl<T: Operand> Task for RangeOf<'_, T> {
    type Output = (T, T);

    fn run<S: Simd>(self, simd: S) -> (T, T) {
        simd.lanes32().vectorize(self)
    }
}

impl<T: Operand> Call for RangeOf<'_, T> {
    type Output = (T, T);

    #[inline(always)]
    fn call(self) -> (T, T) {
        let (mut low, mut high) = (self.start, self.start);
        for &x in self.values {
            low = low.min(x);
            high = high.max(x);
        }
        (low, high)
    }
}
