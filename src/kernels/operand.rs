//! Integer operands and what the kernels keep of them.

use std::sync::{Arc, Mutex};

use ndarray::{Array2, ArrayView2};

use super::pack::{Layout, Panels};

mod sealed {
    pub trait Sealed {}
}

/// An integer type that a product takes: `i8 u8 i16 u16 i32 u32 i64`.
pub trait Operand: sealed::Sealed + Copy + Ord + Send + Sync + 'static {
    /// The same value.
    fn to_i64(self) -> i64;
}

macro_rules! operand {
    ($($int:ty),*) => {
        $(
            impl sealed::Sealed for $int {}

            impl Operand for $int {
                #[inline(always)]
                fn to_i64(self) -> i64 {
                    self.into()
                }
            }
        )*
    };
}

operand!(i8, u8, i16, u16, i32, u32, i64);

/// A matrix in the narrowest storage that the kernels work on.
#[derive(Clone, Debug)]
pub(super) enum Codes {
    I16(Array2<i16>),
    I32(Array2<i32>),
    I64(Array2<i64>),
}

/// A matrix and the range of its values.
#[derive(Clone, Debug)]
pub(super) struct Matrix {
    pub(super) codes: Codes,
    pub(super) min: i64,
    pub(super) max: i64,
}

impl Matrix {
    pub(super) fn new<T: Operand>(view: ArrayView2<'_, T>) -> Self {
        let mut range = None;
        for &x in view {
            let (low, high) = range.unwrap_or((x, x));
            range = Some((x.min(low), x.max(high)));
        }
        let (min, max) = range.map_or((0, 0), |(low, high)| (low.to_i64(), high.to_i64()));
        let within = |low: i64, high: i64| min >= low && max <= high;
        let codes = if within(i16::MIN.into(), i16::MAX.into()) {
            Codes::I16(view.mapv(|x| x.to_i64() as i16))
        } else if within(i32::MIN.into(), i32::MAX.into()) {
            Codes::I32(view.mapv(|x| x.to_i64() as i32))
        } else {
            Codes::I64(view.mapv(Operand::to_i64))
        };
        Self { codes, min, max }
    }

    pub(super) fn dim(&self) -> (usize, usize) {
        match &self.codes {
            Codes::I16(codes) => codes.dim(),
            Codes::I32(codes) => codes.dim(),
            Codes::I64(codes) => codes.dim(),
        }
    }

    /// The greatest magnitude.
    pub(super) fn magnitude(&self) -> u128 {
        u128::from(self.min.unsigned_abs().max(self.max.unsigned_abs()))
    }

    pub(super) fn fits_i16(&self) -> bool {
        matches!(self.codes, Codes::I16(_))
    }

    pub(super) fn fits_i32(&self) -> bool {
        !matches!(self.codes, Codes::I64(_))
    }

    pub(super) fn get(&self, row: usize, col: usize) -> i64 {
        match &self.codes {
            Codes::I16(codes) => codes[[row, col]].into(),
            Codes::I32(codes) => codes[[row, col]].into(),
            Codes::I64(codes) => codes[[row, col]],
        }
    }
}

/// A right operand that is converted once and multiplied many times, such as a layer's weights.
///
/// The layouts that the kernels want are made at first use and kept.
#[derive(Debug)]
pub struct PackedMatrix {
    pub(super) matrix: Matrix,
    layouts: Mutex<Vec<(Layout, Arc<Panels>)>>,
}

impl PackedMatrix {
    /// Takes over the values of `matrix`, `[K, N]`.
    pub fn new<T: Operand>(matrix: ArrayView2<'_, T>) -> Self {
        Self { matrix: Matrix::new(matrix), layouts: Mutex::default() }
    }

    /// `[K, N]`.
    pub fn dim(&self) -> (usize, usize) {
        self.matrix.dim()
    }

    /// Its columns in `layout`, packed now or before.
    pub(super) fn panels(&self, layout: Layout) -> Arc<Panels> {
        // A poisoned lock means that a packing panicked in another thread; what is in the list is whole nevertheless.
        let mut layouts = self.layouts.lock().unwrap_or_else(|poison| poison.into_inner());
        if let Some((_, panels)) = layouts.iter().find(|(known, _)| *known == layout) {
            return Arc::clone(panels);
        }
        let panels = Arc::new(Panels::columns(&self.matrix, layout));
        layouts.push((layout, Arc::clone(&panels)));
        panels
    }
}
