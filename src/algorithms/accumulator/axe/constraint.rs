//! AXE's budgets as solvers ask for them.

use std::ops::Range;

use ndarray::ArrayView2;

use super::budget::Budgets;
use super::tiers::{Axe, SoftThreshold};
use crate::algorithms::AlgorithmError;
use crate::algorithms::constraint::{Budget, Constraint};
use crate::algorithms::grid::Grid;

impl Constraint for Axe {
    fn open(
        &self,
        rows: Range<usize>,
        weights: ArrayView2<'_, f32>,
        grid: &Grid,
    ) -> Result<Box<dyn Budget>, AlgorithmError> {
        AlgorithmError::check_shape(
            "the constraint's list of inputs",
            (1, self.ranges.len()),
            (1, weights.ncols()),
        )?;
        let thresholds = match self.soft {
            SoftThreshold::Off => None,
            SoftThreshold::On => Some(self.thresholds(rows.start, weights, grid)),
        };
        Ok(Box::new(Budgets::new(self.clone(), rows.len(), thresholds)))
    }
}
