//! The quantized weights and how they came about.

use std::ops::Range;

use ndarray::{Array2, s};
use serde::Serialize;

use crate::memory::zero_matrix;

/// The quantized weights and how they came about.
#[derive(Clone, Debug, PartialEq)]
pub struct Solution {
    /// Codes of the grid's format, `[out, in]`.
    pub codes: Array2<u32>,
    /// Their values, `[out, in]`.
    pub values: Array2<f32>,
    /// What the solver did.
    pub info: Info,
}

/// What a solver did; zeros where there is nothing to report.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Info {
    /// Inputs that were zero in every sample; their weights become the code of zero.
    pub dead_inputs: usize,
    /// What was added to the diagonal of `H / samples`; of several groups the greatest.
    pub damping: f64,
}

impl Solution {
    /// Zeros, to be filled in.
    pub(super) fn zeros(dim: (usize, usize)) -> Self {
        Self { codes: zero_matrix(dim), values: zero_matrix(dim), info: Info::default() }
    }

    /// Takes over codes and values of some rows.
    pub(super) fn set_rows(&mut self, rows: Range<usize>, of: &Self) {
        self.codes.slice_mut(s![rows.clone(), ..]).assign(&of.codes);
        self.values.slice_mut(s![rows, ..]).assign(&of.values);
    }

    /// With the damping that was used.
    pub(super) fn with_damping(mut self, damping: f64) -> Self {
        self.info.damping = damping;
        self
    }
}
