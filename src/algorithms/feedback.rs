//! The loop that all sequential solvers share: round a column, feed its error into the columns that follow.
//!
//! In processing order, with `A` and `B` strictly upper triangular:
//!
//! ```text
//! y_t = base_t + sum_{j<t} d_j A_jt + sum_{j<t} y_j B_jt
//! q_t = round(y_t)                    within what the constraint leaves
//! d_t = w_t - q_t                     the error against the target w
//! ```
//!
//! GPTQ, GPFQ, Qronos and GPTAQ differ only in `base`, `A` and `B` (see each). Rows do not depend on each other: they are
//! cut into lanes of [`LANES`] that run in parallel. Columns are cut into blocks of [`BLOCK`]: what earlier blocks feed into
//! a block is one matrix product ("lazy update"), the rest is done column by column. The result does not depend on the
//! number of threads.

use ndarray::linalg::general_mat_mul;
use ndarray::parallel::prelude::*;
use ndarray::{Array2, ArrayView2, Axis, s};

use super::AlgorithmError;
use super::constraint::{Budget, Constraint};
use super::grid::{Chosen, Grid, IntegerGrid};
use super::linalg::Real;

/// Rows of a parallel task.
const LANES: usize = 128;
/// Columns between two matrix products.
const BLOCK: usize = 64;

/// What becomes of the part of a value that the constraint takes away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Forgiveness {
    /// Nothing: it is an error like that of rounding, and the following columns correct it.
    #[default]
    None,
    /// It is forgiven: only the error against the value after the constraint is fed on, as Brevitas does with GPTQ.
    Constraint,
}

/// One run of the loop; matrices in processing order.
pub(super) struct Feedback<'a, T> {
    /// Original columns in processing order.
    pub order: &'a [usize],
    /// The targets, `[rows, cols]`.
    pub target: ArrayView2<'a, T>,
    /// What is added to the target to give `base`; `None` for zero.
    pub offset: Option<ArrayView2<'a, T>>,
    /// `A`, strictly upper triangular (the rest is not read).
    pub errors: ArrayView2<'a, T>,
    /// `B`, likewise.
    pub values: Option<ArrayView2<'a, T>>,
    pub forgiveness: Forgiveness,
}

/// Codes and values in the original order of columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Rounded {
    /// Codes of the grid's format, `[rows, cols]`.
    pub codes: Array2<u32>,
    /// Their values, `[rows, cols]`.
    pub values: Array2<f32>,
}

impl<T: Real> Feedback<'_, T> {
    /// Runs the loop for the rows `first..` of the grid; `original` are the weights in the original order, for the
    /// constraint.
    pub(super) fn run(
        &self,
        first: usize,
        original: ArrayView2<'_, T>,
        grid: &dyn Grid<T>,
        constraint: Option<&dyn Constraint<T>>,
    ) -> Result<Rounded, AlgorithmError> {
        let (rows, cols) = self.target.dim();
        let starts: Vec<usize> = (0..rows).step_by(LANES).collect();
        let parts = starts
            .into_par_iter()
            .map(|start| {
                let lanes = start..(start + LANES).min(rows);
                let kept = match constraint {
                    None => None,
                    Some(constraint) => {
                        let grid = grid.integers().ok_or_else(no_integers)?;
                        let weights = original.slice(s![lanes.clone(), ..]);
                        let rows = first + lanes.start..first + lanes.end;
                        Some((grid, constraint.open(rows, weights, grid)?))
                    }
                };
                Ok(Lanes::new(self, grid, first, lanes).solve(kept))
            })
            .collect::<Result<Vec<_>, AlgorithmError>>()?;
        let mut rounded =
            Rounded { codes: Array2::zeros((rows, cols)), values: Array2::zeros((rows, cols)) };
        let codes = rounded.codes.axis_chunks_iter_mut(Axis(0), LANES).into_par_iter();
        let values = rounded.values.axis_chunks_iter_mut(Axis(0), LANES);
        codes.zip(values).zip(parts).for_each(|((mut codes, mut values), part)| {
            for (step, &col) in self.order.iter().enumerate() {
                codes.column_mut(col).assign(&part.codes.row(step));
                ndarray::Zip::from(values.column_mut(col))
                    .and(part.values.row(step))
                    .for_each(|to, from| *to = from.to_double() as f32);
            }
        });
        Ok(rounded)
    }
}

fn no_integers() -> AlgorithmError {
    AlgorithmError::Constraint(
        "an integer accumulator constrains formats whose values are whole multiples of the smallest one, with a zero \
         and at most 16 bits; this one is not"
            .into(),
    )
}

/// Rows `lanes`, transposed: everything is `[step, lane]`.
struct Lanes<'a, 'b, T: Real> {
    run: &'a Feedback<'b, T>,
    grid: &'a dyn Grid<T>,
    first: usize,
    y: Array2<T>,
    d: Array2<T>,
    codes: Array2<u32>,
    values: Array2<T>,
}

struct Part<T> {
    codes: Array2<u32>,
    values: Array2<T>,
}

type Kept<'a, T> = Option<(&'a dyn IntegerGrid<T>, Box<dyn Budget<T>>)>;

impl<'a, 'b, T: Real> Lanes<'a, 'b, T> {
    fn new(
        run: &'a Feedback<'b, T>,
        grid: &'a dyn Grid<T>,
        first: usize,
        lanes: std::ops::Range<usize>,
    ) -> Self {
        let first = first + lanes.start;
        let transposed = |m: ArrayView2<'_, T>| {
            m.slice(s![lanes.clone(), ..]).t().as_standard_layout().into_owned()
        };
        let target = transposed(run.target);
        let mut y = target.clone();
        if let Some(offset) = run.offset {
            y = y + transposed(offset);
        }
        let dim = y.dim();
        Self {
            run,
            grid,
            first,
            y,
            d: target,
            codes: Array2::zeros(dim),
            values: Array2::zeros(dim),
        }
    }

    fn solve(mut self, mut kept: Kept<'_, T>) -> Part<T> {
        let cols = self.y.nrows();
        for start in (0..cols).step_by(BLOCK) {
            let end = (start + BLOCK).min(cols);
            self.feed(start, end);
            let errors =
                self.run.errors.slice(s![start..end, start..end]).as_standard_layout().into_owned();
            let values = self
                .run
                .values
                .map(|b| b.slice(s![start..end, start..end]).as_standard_layout().into_owned());
            for step in start..end {
                self.round(step, &mut kept);
                self.spread(step, start, end, &errors, values.as_ref());
            }
        }
        Part { codes: self.codes, values: self.values }
    }

    /// What all earlier blocks feed into columns `start..end`.
    fn feed(&mut self, start: usize, end: usize) {
        let (done, mut rest) = self.y.view_mut().split_at(Axis(0), start);
        let mut block = rest.slice_mut(s![..end - start, ..]);
        let columns = s![..start, start..end];
        let one = T::one();
        general_mat_mul(
            one,
            &self.run.errors.slice(columns).t(),
            &self.d.slice(s![..start, ..]),
            one,
            &mut block,
        );
        if let Some(values) = self.run.values {
            general_mat_mul(one, &values.slice(columns).t(), &done, one, &mut block);
        }
    }

    /// What column `step` feeds into the rest of its block.
    fn spread(
        &mut self,
        step: usize,
        start: usize,
        end: usize,
        errors: &Array2<T>,
        values: Option<&Array2<T>>,
    ) {
        let (done, mut rest) = self.y.view_mut().split_at(Axis(0), step + 1);
        for to in step + 1..end {
            let at = [step - start, to - start];
            let mut row = rest.row_mut(to - step - 1);
            row.scaled_add(errors[at], &self.d.row(step));
            if let Some(values) = values {
                row.scaled_add(values[at], &done.row(step));
            }
        }
    }

    /// Rounds column `step` and turns its target in `d` into the error.
    fn round(&mut self, step: usize, kept: &mut Kept<'_, T>) {
        let col = self.run.order[step];
        let row = self.first;
        let mut y = self.y.row_mut(step);
        let (mut codes, mut values) = (self.codes.row_mut(step), self.values.row_mut(step));
        let mut d = self.d.row_mut(step);
        // Rows of owned standard-layout arrays are contiguous.
        let (Some(y), Some(codes), Some(values), Some(d)) =
            (y.as_slice_mut(), codes.as_slice_mut(), values.as_slice_mut(), d.as_slice_mut())
        else {
            return;
        };
        if let Some((grid, budget)) = kept {
            let before = y.to_vec();
            budget.shrink(col, y);
            let mut levels = vec![0; y.len()];
            let limits = budget.limits(col);
            let chosen = Chosen { codes, values, levels: &mut levels };
            grid.round_within(row, col, y, limits, chosen);
            if self.run.forgiveness == Forgiveness::Constraint {
                for i in 0..y.len() {
                    let ends = [limits.low[i], limits.high[i]].map(|l| grid.value(row + i, col, l));
                    let held = y[i].max(ends[0].min(ends[1])).min(ends[0].max(ends[1]));
                    d[i] = d[i] - (before[i] - held);
                }
            }
            y.copy_from_slice(&before);
            budget.commit(col, &levels);
        } else {
            self.grid.round(row, col, y, codes, values);
        }
        for (d, value) in d.iter_mut().zip(values) {
            *d = *d - *value;
        }
    }
}
