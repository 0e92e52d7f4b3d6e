//! The weights of one layer, what is known of its inputs, and what they may become.

use std::ops::Range;

use ndarray::{Array2, ArrayView2, s};

use super::AlgorithmError;
use super::constraint::Constraint;
use super::error::check_finite;
use super::feedback::{Feedback, Rounded};
use super::grid::{AnyGrid, Grid};
use super::linalg::Real;
use super::order::{Order, reorder_both, reorder_columns};
use super::statistics::{Gram, Statistics};

/// The weights of one layer, what is known of its inputs, and what they may become: the argument of every solver.
#[derive(Clone, Copy)]
pub struct Problem<'a> {
    /// `[out, in]`; of a grouped layer `[out, in / groups]`, the output channels of a group side by side.
    pub weights: ArrayView2<'a, f32>,
    /// Of the inputs; its groups are those of the layer.
    pub statistics: &'a Statistics,
    /// The values to choose from.
    pub grid: &'a dyn AnyGrid,
    /// What the chosen integers have to keep.
    pub constraint: Option<&'a dyn AnyConstraint>,
}

/// In what a solver runs its loop; factorisations are in f64 always.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// f32.
    #[default]
    Single,
    /// f64: half the speed.
    Double,
}

/// What a solver did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Info {
    /// Inputs that were zero in every sample; their weights become the code of zero.
    pub dead_inputs: usize,
    /// What was added to the diagonal of `H / samples`; of several groups the greatest.
    pub damping: f64,
}

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

/// A constraint for both precisions.
pub trait AnyConstraint: Constraint<f32> + Constraint<f64> {
    /// As a constraint on f32.
    fn single(&self) -> &dyn Constraint<f32>;
    /// As a constraint on f64.
    fn double(&self) -> &dyn Constraint<f64>;
}

impl<C: Constraint<f32> + Constraint<f64>> AnyConstraint for C {
    fn single(&self) -> &dyn Constraint<f32> {
        self
    }
    fn double(&self) -> &dyn Constraint<f64> {
        self
    }
}

/// A precision that grids and constraints come in.
pub(super) trait Scalar: Real {
    fn grid(grid: &dyn AnyGrid) -> &dyn Grid<Self>;
    fn constraint(constraint: &dyn AnyConstraint) -> &dyn Constraint<Self>;
}

impl Scalar for f32 {
    fn grid(grid: &dyn AnyGrid) -> &dyn Grid<Self> {
        grid.single()
    }
    fn constraint(constraint: &dyn AnyConstraint) -> &dyn Constraint<Self> {
        constraint.single()
    }
}

impl Scalar for f64 {
    fn grid(grid: &dyn AnyGrid) -> &dyn Grid<Self> {
        grid.double()
    }
    fn constraint(constraint: &dyn AnyConstraint) -> &dyn Constraint<Self> {
        constraint.double()
    }
}

/// One group of a layer, in processing order.
pub(super) struct Part<T> {
    /// Rows of the whole weight matrix.
    pub rows: Range<usize>,
    pub order: Vec<usize>,
    /// Weights in processing order; 0 at dead inputs.
    pub target: Array2<T>,
    /// Weights in the original order; 0 at dead inputs.
    pub original: Array2<T>,
    /// `H / samples`, 1 on the diagonal of dead inputs.
    pub h: Array2<f64>,
    /// `(G - H) / samples` for all weights, dead or not; `None` where both inputs are the same.
    pub mismatch: Option<Array2<f64>>,
    /// Weights in processing order, dead inputs included.
    pub float: Array2<T>,
    pub dead: usize,
}

impl<'a> Problem<'a> {
    /// Checks shapes and values.
    pub(super) fn check(&self) -> Result<(), AlgorithmError> {
        let (rows, cols) = self.weights.dim();
        if rows == 0 || cols == 0 {
            return Err(AlgorithmError::Empty { what: "the weight matrix", rows, cols });
        }
        check_finite("the weight matrix", self.weights, 0)?;
        AlgorithmError::check_shape(
            "the grid",
            Grid::<f32>::dim(self.grid.single()),
            (rows, cols),
        )?;
        let groups = self.statistics.grams.len();
        AlgorithmError::check_shape(
            "the Gram matrix",
            (self.statistics.inputs(), self.statistics.inputs()),
            (cols * groups, cols * groups),
        )?;
        if groups == 0 || rows % groups != 0 {
            return Err(AlgorithmError::Group {
                group: groups,
                inputs: rows,
                what: "a grouped layer",
            });
        }
        if self.statistics.samples == 0 {
            return Err(AlgorithmError::NoSamples);
        }
        Ok(())
    }

    /// Solves group by group with `solve`, which gives a group's codes and the damping that it used.
    pub(super) fn solve<T: Scalar>(
        &self,
        order: Order,
        mut solve: impl FnMut(&Part<T>, &Run<'_, T>) -> Result<(Rounded, f64), AlgorithmError>,
    ) -> Result<Solution, AlgorithmError> {
        self.check()?;
        let mut solution = Solution {
            codes: Array2::zeros(self.weights.dim()),
            values: Array2::zeros(self.weights.dim()),
            info: Info::default(),
        };
        let share = self.weights.nrows() / self.statistics.grams.len();
        for (index, gram) in self.statistics.grams.iter().enumerate() {
            let part = self.part::<T>(index * share..(index + 1) * share, gram, order);
            let run =
                Run { grid: T::grid(self.grid), constraint: self.constraint.map(T::constraint) };
            let (rounded, damping) = solve(&part, &run)?;
            solution.codes.slice_mut(s![part.rows.clone(), ..]).assign(&rounded.codes);
            solution.values.slice_mut(s![part.rows.clone(), ..]).assign(&rounded.values);
            solution.info.dead_inputs += part.dead;
            solution.info.damping = solution.info.damping.max(damping);
        }
        Ok(solution)
    }

    fn part<T: Scalar>(&self, rows: Range<usize>, gram: &Gram, order: Order) -> Part<T> {
        let samples = self.statistics.samples as f64;
        let diagonal: Vec<f64> = gram.h.diag().to_vec();
        let order = order.columns(&diagonal);
        let weights = self.weights.slice(s![rows.clone(), ..]).mapv(|w| T::of(w.into()));
        let mut original = weights.clone();
        let mut h = reorder_both(gram.h.view(), &order) / samples;
        let mismatch = gram.g.as_ref().map(|g| (reorder_both(g.view(), &order) / samples) - &h);
        let mut dead = 0;
        for (step, &col) in order.iter().enumerate() {
            if diagonal[col] <= 0.0 {
                original.column_mut(col).fill(T::zero());
                h[[step, step]] = 1.0;
                dead += 1;
            }
        }
        let target = reorder_columns(original.view(), &order);
        let float = reorder_columns(weights.view(), &order);
        Part { rows, order, target, original, h, mismatch, float, dead }
    }
}

/// Where a group's values come from.
pub(super) struct Run<'a, T> {
    pub grid: &'a dyn Grid<T>,
    pub constraint: Option<&'a dyn Constraint<T>>,
}

impl<T: Scalar> Run<'_, T> {
    pub(super) fn feedback(
        &self,
        part: &Part<T>,
        loop_: &Feedback<'_, T>,
    ) -> Result<Rounded, AlgorithmError> {
        loop_.run(part.rows.start, part.original.view(), self.grid, self.constraint)
    }
}

impl<T> Part<T> {
    /// `damping` times the mean of the diagonal over live inputs.
    pub(super) fn mean_damping(&self, damping: f64) -> Result<f64, AlgorithmError> {
        AlgorithmError::check_damping(damping)?;
        let live = self.order.len() - self.dead;
        // Dead inputs have 1 on the diagonal.
        let sum = self.h.diag().sum() - self.dead as f64;
        Ok(if live == 0 { 0.0 } else { damping * sum / live as f64 })
    }
}
