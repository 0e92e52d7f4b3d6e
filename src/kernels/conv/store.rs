//! Outputs to memory: without what lies between their rows.

use std::cell::RefCell;

use super::copy::rows;
use super::words::Field;
use crate::kernels::output::{Output, StoreMode};
use crate::simd::Vectorized;

/// Writes the values of a channel, row by row.
pub(super) struct Store<'a, T> {
    pub(super) field: &'a Field,
    pub(super) store: StoreMode,
    /// In the rows of the field.
    pub(super) values: &'a [i32],
    pub(super) out: &'a mut [T],
}

impl<T: Output> Vectorized for Store<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { field, store, values, out } = self;
        let (pitch, columns) = (field.pitch, field.outputs[1]);
        match store {
            StoreMode::Whole => rows(
                values,
                pitch,
                columns,
                out,
                #[inline(always)]
                |value| T::cut(value.into()),
            ),
            mode @ StoreMode::LowBits(_) => {
                rows(
                    values,
                    pitch,
                    columns,
                    out,
                    #[inline(always)]
                    |value| T::cut(value.into()).keep(mode),
                );
            }
        }
    }
}

/// Gives `f` memory for so many sums, which a thread keeps.
pub(super) fn dense(count: usize, f: impl FnOnce(&mut [i32])) {
    thread_local! {
        static SUMS: RefCell<Vec<i32>> = const { RefCell::new(Vec::new()) };
    }
    SUMS.with_borrow_mut(|sums| {
        if sums.len() < count {
            sums.resize(count, 0);
        }
        f(&mut sums[..count]);
    });
}
