//! The weights of one layer, what is known of its inputs, and what they may become.

use std::marker::PhantomData;
use std::ops::Range;

use ndarray::{Array2, ArrayView2, CowArray, Ix2, s};

use super::AlgorithmError;
use super::constraint::Constraint;
use super::error::check_finite;
use super::feedback::Feedback;
use super::grid::Grid;
use super::linalg::{Precision, Scalar, gather};
use super::order::Order;
use super::solution::Solution;
use super::statistics::{Gram, Statistics};

/// The weights of one layer, what is known of its inputs, and what they may become: the argument of every solver.
#[derive(Clone, Copy)]
pub struct Problem<'a> {
    /// `[out, in]`; of a grouped layer `[out, in / groups]`, the output channels of a group side by side.
    pub weights: ArrayView2<'a, f32>,
    /// Of the inputs; its groups are those of the layer.
    pub statistics: &'a Statistics,
    /// The values to choose from.
    pub grid: &'a Grid,
    /// What the chosen integers have to keep.
    pub constraint: Option<&'a dyn Constraint>,
}

/// A solver that rounds input after input.
pub(super) trait Solver {
    /// Which input comes first.
    fn order(&self) -> Order;
    /// What its loop computes in.
    fn precision(&self) -> Precision;
    /// What it makes of a group's statistics.
    fn feedback<'w, T: Scalar>(
        &self,
        part: &Part<'w, T>,
    ) -> Result<Feedback<'w, T>, AlgorithmError>;
}

/// One group of a layer.
pub(super) struct Part<'a, T> {
    /// The values to choose from, of the whole weight matrix.
    pub grid: &'a Grid,
    /// What the chosen integers have to keep.
    pub constraint: Option<&'a dyn Constraint>,
    /// Rows of the whole weight matrix.
    pub rows: Range<usize>,
    /// Original columns in processing order.
    pub order: Vec<usize>,
    /// Weights in the original order.
    pub weights: ArrayView2<'a, f32>,
    /// Sums over samples, in the original order.
    pub gram: &'a Gram,
    /// `1 / samples`.
    pub scale: f64,
    /// Dead inputs.
    pub dead: usize,
    scalar: PhantomData<T>,
}

impl<'a> Problem<'a> {
    /// The same on another grid.
    pub(super) fn on<'b>(&'b self, grid: &'b Grid) -> Problem<'b> {
        Problem { grid, ..*self }
    }

    /// Checks shapes and values.
    pub(super) fn check(&self) -> Result<(), AlgorithmError> {
        let (rows, cols) = self.weights.dim();
        if rows == 0 || cols == 0 {
            return Err(AlgorithmError::Empty { what: "the weight matrix", rows, cols });
        }
        check_finite("the weight matrix", self.weights, 0)?;
        AlgorithmError::check_shape("the grid", self.grid.dim(), (rows, cols))?;
        let groups = self.statistics.grams.len();
        AlgorithmError::check_shape(
            "the Gram matrix",
            (self.statistics.inputs(), self.statistics.inputs()),
            (cols * groups, cols * groups),
        )?;
        if groups == 0 || !rows.is_multiple_of(groups) {
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

    /// Solves group by group.
    pub(super) fn solve(&self, solver: &impl Solver) -> Result<Solution, AlgorithmError> {
        match solver.precision() {
            Precision::Single => self.solve_by::<f32>(solver),
            Precision::Double => self.solve_by::<f64>(solver),
        }
    }

    fn solve_by<T: Scalar>(&self, solver: &impl Solver) -> Result<Solution, AlgorithmError> {
        self.solve_in::<T>(solver.order(), |part| {
            let feedback = solver.feedback(part)?;
            let run = feedback.run(&part.order);
            let solution = run.round(part.rows.start, part.weights, self.grid, self.constraint)?;
            Ok(solution.solution.with_damping(feedback.damping))
        })
    }

    /// Solves group by group with `solve`, which gives a group's codes and the damping that it used.
    pub(super) fn solve_in<T: Scalar>(
        &self,
        order: Order,
        mut solve: impl FnMut(&Part<'_, T>) -> Result<Solution, AlgorithmError>,
    ) -> Result<Solution, AlgorithmError> {
        let parts = self.parts::<T>(order)?;
        if let [part] = parts.as_slice() {
            let mut solution = solve(part)?;
            solution.info.dead_inputs += part.dead;
            return Ok(solution);
        }
        let mut solution = Solution::zeros(self.weights.dim());
        for part in parts {
            let of_part = solve(&part)?;
            solution.set_rows(part.rows.clone(), &of_part);
            solution.info.dead_inputs += part.dead;
            solution.info.damping = solution.info.damping.max(of_part.info.damping);
        }
        Ok(solution)
    }

    /// The groups of the layer.
    pub(super) fn parts<T: Scalar>(
        &self,
        order: Order,
    ) -> Result<Vec<Part<'a, T>>, AlgorithmError> {
        self.check()?;
        let share = self.weights.nrows() / self.statistics.grams.len();
        let grams = self.statistics.grams.iter().enumerate();
        Ok(grams
            .map(|(index, gram)| self.part(index * share..(index + 1) * share, gram, order))
            .collect())
    }

    fn part<T: Scalar>(&self, rows: Range<usize>, gram: &'a Gram, order: Order) -> Part<'a, T> {
        let diagonal = gram.h.diag();
        let order = order.columns(&diagonal.to_vec());
        let weights = self.weights.slice_move(s![rows.clone(), ..]);
        let dead = diagonal.iter().filter(|&&x| x <= 0.0).count();
        Part {
            grid: self.grid,
            constraint: self.constraint,
            rows,
            order,
            weights,
            gram,
            scale: 1.0 / self.statistics.samples as f64,
            dead,
            scalar: PhantomData,
        }
    }
}

impl<'a, T: Scalar> Part<'a, T> {
    /// Weights in processing order; 0 at dead inputs.
    pub(super) fn target(&self) -> CowArray<'a, T, Ix2> {
        if self.dead == 0 {
            return self.float();
        }
        let (diagonal, order) = (self.gram.h.diag(), &self.order);
        gather(self.weights, &self.all_rows(), order, |_, step, w| {
            T::of(if diagonal[order[step]] > 0.0 { w.into() } else { 0.0 })
        })
        .into()
    }

    /// The numbers of this group's rows, from 0.
    pub(super) fn all_rows(&self) -> Vec<usize> {
        (0..self.rows.len()).collect()
    }

    /// The diagonal of `H / samples` in processing order, 1 at dead inputs.
    pub(super) fn diagonal(&self) -> Vec<f64> {
        let entry = |&col: &usize| self.gram.h[[col, col]] * self.scale;
        self.order.iter().map(entry).map(|x| if x > 0.0 { x } else { 1.0 }).collect()
    }

    /// `damping` times the mean of the diagonal over live inputs.
    pub(super) fn mean_damping(&self, damping: f64) -> Result<f64, AlgorithmError> {
        AlgorithmError::check_damping(damping)?;
        let live = self.order.len() - self.dead;
        let sum = self.gram.h.diag().sum() * self.scale;
        Ok(if live == 0 { 0.0 } else { damping * sum / live as f64 })
    }

    /// `(G - H) / samples` in processing order, each entry through `map(row, col, entry)`; `None` where both inputs are the
    /// same.
    pub(super) fn mismatch(
        &self,
        map: impl Fn(usize, usize, f64) -> f64 + Sync,
    ) -> Option<Array2<T>> {
        let g = self.gram.g.as_ref()?;
        let (h, order) = (&self.gram.h, &self.order);
        Some(gather(g.view(), order, order, |i, j, x| {
            T::of(map(i, j, (x - h[[order[i], order[j]]]) * self.scale))
        }))
    }

    /// All weights in processing order, those of dead inputs too.
    pub(super) fn float(&self) -> CowArray<'a, T, Ix2> {
        let in_order = self.order.iter().enumerate().all(|(step, &input)| step == input);
        match T::borrow(self.weights) {
            Some(weights) if in_order && weights.is_standard_layout() => weights.into(),
            _ => {
                let convert = |_, _, w: f32| T::of(w.into());
                gather(self.weights, &self.all_rows(), &self.order, convert).into()
            }
        }
    }
}
