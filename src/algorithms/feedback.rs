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
//! cut into tasks of at most [`LANES`] rows. Columns are halved recursively: once the first half is solved, what it feeds into the
//! second is one matrix product ("lazy update"), of which A and B are laid out once for all tasks; runs of [`BASE`] columns go one
//! by one. The result depends neither on the number of threads nor on which rows share a task.

use ndarray::{Array2, ArrayView1, ArrayView2, ArrayViewMut2, Axis, CowArray, Ix2, s};

use super::AlgorithmError;
use super::constraint::{Budget, Constraint};
use super::grid::{Chosen, Grid};
use super::linalg::{BASE, Halves, Right, Scalar, halve, share, transpose_into};
use super::solution::Solution;
use crate::memory::zero_matrix;
use crate::simd::{Vectorized, vectorize};
use crate::tasks;

/// The most rows of a parallel task.
const LANES: usize = 256;

/// Whether clipping by the constraint is propagated to the following columns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Clipping {
    /// It is an error like that of rounding, and the following columns correct it.
    #[default]
    Propagated,
    /// Only the error against the value after clipping is fed on, as Brevitas does with GPTQ.
    Dropped,
}

/// What a solver makes of a group's statistics, whatever the grid; matrices in processing order.
pub(super) struct Feedback<'w, T> {
    /// The targets, `[rows, cols]`.
    pub target: CowArray<'w, T, Ix2>,
    /// `base`, likewise; `None` for the targets.
    pub base: Option<Array2<T>>,
    /// `A`, strictly upper triangular (the rest is not read); `None` for zero.
    pub errors: Option<Array2<T>>,
    /// `B`, likewise.
    pub values: Option<Array2<T>>,
    pub clipping: Clipping,
    /// What was added to the diagonal of `H / samples`.
    pub damping: f64,
    /// D where A is the N of `H + damping = N D Nᵀ`: then `sum_t D_t (y_t - q_t)² - damping |w - q|²` is the error of the
    /// outputs.
    pub metric: Option<Vec<T>>,
}

/// What a run found.
#[derive(Clone, Debug, PartialEq)]
pub struct Rounded {
    /// Codes and values.
    pub solution: Solution,
    /// The error of every row's outputs, where the loop knows it.
    pub losses: Option<Vec<f64>>,
}

/// One run of the loop.
pub(super) struct Run<'a, T> {
    /// Original columns in processing order.
    pub order: &'a [usize],
    /// The targets, `[rows, cols]`, in processing order.
    pub target: ArrayView2<'a, T>,
    /// See [`Feedback::base`].
    pub base: Option<&'a Array2<T>>,
    /// See [`Feedback::errors`].
    pub errors: Option<&'a Array2<T>>,
    /// See [`Feedback::values`].
    pub values: Option<&'a Array2<T>>,
    pub clipping: Clipping,
    /// D and the damping, where the error of the outputs follows from them.
    pub metric: Option<(&'a [T], f64)>,
}

impl<T> Feedback<'_, T> {
    /// The run toward the solver's own targets.
    pub(super) fn run<'a>(&'a self, order: &'a [usize]) -> Run<'a, T> {
        Run {
            order,
            target: self.target.view(),
            base: self.base.as_ref(),
            errors: self.errors.as_ref(),
            values: self.values.as_ref(),
            clipping: self.clipping,
            metric: self.metric.as_deref().filter(|_| self.is_plain()).map(|d| (d, self.damping)),
        }
    }

    /// Whether nothing but errors of the weights themselves is fed on, and all of these.
    fn is_plain(&self) -> bool {
        self.base.is_none() && self.values.is_none() && self.clipping == Clipping::Propagated
    }

    /// The run toward other targets, which the inputs' mismatch is corrected in already.
    pub(super) fn run_toward<'a>(
        &'a self,
        order: &'a [usize],
        target: ArrayView2<'a, T>,
    ) -> Run<'a, T> {
        Run { target, base: None, values: None, metric: None, ..self.run(order) }
    }
}

impl<T: Scalar> Run<'_, T> {
    /// Runs the loop for the rows `first..` of the grid; `original` are the weights in the original order, for the
    /// constraint.
    pub(super) fn round(
        &self,
        first: usize,
        original: ArrayView2<'_, f32>,
        grid: &Grid,
        constraint: Option<&dyn Constraint>,
    ) -> Result<Rounded, AlgorithmError> {
        let dim = self.target.dim();
        let mut rounded = Solution::zeros(dim);
        let mut losses = vec![0.0; dim.0];
        let [errors, values] =
            [self.errors, self.values].map(|upper| upper.map(|upper| Halves::new(upper.view())));
        // Whole vectors, as far as there are enough rows.
        let share = share(dim.0, LANES).next_multiple_of(16);
        let codes = rounded.codes.axis_chunks_iter_mut(Axis(0), share);
        let found = rounded.values.axis_chunks_iter_mut(Axis(0), share);
        let of_rows = codes.zip(found).zip(losses.chunks_mut(share)).enumerate();
        tasks::try_for_each(of_rows, |(task, ((codes, found), losses))| {
            let lanes = task * share..task * share + codes.nrows();
            let rows = first + lanes.start..first + lanes.end;
            let weights = original.slice(s![lanes.clone(), ..]);
            let budget = constraint.map(|c| c.budget(rows.clone(), weights, grid)).transpose()?;
            let sources = [&errors, &values].map(|halves| {
                halves.as_ref().map(|halves| Source { halves, right: halves.right(lanes.len()) })
            });
            let of_grid = (grid, rows.start);
            let mut lanes = Lanes::new(self, of_grid, lanes, budget, sources, (codes, found));
            lanes.solve(0, dim.1);
            losses.copy_from_slice(&lanes.losses);
            Ok::<(), AlgorithmError>(())
        })?;
        Ok(Rounded { solution: rounded, losses: self.metric.map(|_| losses) })
    }
}

/// The rows of one task, transposed: everything is `[step, lane]`.
struct Lanes<'a, 'b, 'c, T: Scalar> {
    run: &'a Run<'b, T>,
    grid: &'a Grid,
    budget: Option<Box<dyn Budget>>,
    /// Row of the grid that lane 0 is.
    row: usize,
    y: Array2<T>,
    /// The targets; behind the step reached the errors.
    d: Array2<T>,
    /// What feeds `d` and `y` into later steps.
    sources: [Option<Source<'a, T>>; 2],
    /// Of the steps that are rounded one by one, the first of them first.
    codes: Vec<u32>,
    values: Vec<T>,
    /// What was found, `[lane, original column]`.
    found: (ArrayViewMut2<'c, u32>, ArrayViewMut2<'c, f32>),
    losses: Vec<f64>,
    scratch: Scratch<T>,
}

/// What feeds steps into later ones, a half at a time.
struct Source<'a, T> {
    halves: &'a Halves<'a, T>,
    /// The steps that are done.
    right: Right<T>,
}

/// Memory for one step under a constraint.
struct Scratch<T> {
    shrunk: Vec<T>,
    levels: Vec<i64>,
}

/// Steps that are rounded one by one, with the feedback between them.
struct Columns<'l, 'a, 'b, 'c, T: Scalar> {
    lanes: &'l mut Lanes<'a, 'b, 'c, T>,
    start: usize,
    end: usize,
    /// See [`Feedback::errors`]; of these steps.
    errors: Option<Array2<T>>,
    /// See [`Feedback::values`]; of these steps.
    values: Option<Array2<T>>,
}

impl<T: Scalar> Vectorized for Columns<'_, '_, '_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { lanes, start, end, errors, values } = self;
        for step in start..end {
            let [errors, values] =
                [&errors, &values].map(|m| m.as_ref().map(|m| m.column(step - start)));
            lanes.feed((start, step), errors, values);
            lanes.round(step, step - start);
        }
    }
}

/// What some steps feed into a later one.
struct Fed<'a, T> {
    lanes: usize,
    /// Their errors, `[step, lane]`.
    d: &'a [T],
    /// What they rounded, likewise.
    y: &'a [T],
    errors: Option<ArrayView1<'a, T>>,
    values: Option<ArrayView1<'a, T>>,
}

impl<T: Scalar> Fed<'_, T> {
    /// Adds it for `W` lanes, whose sums stay in registers, and says how many these are.
    #[inline(always)]
    fn add<const W: usize>(&self, first: usize, to: &mut [T]) -> usize {
        let to = &mut to[first..first + W];
        let mut sums = [T::zero(); W];
        sums.copy_from_slice(to);
        for (t, (d, y)) in
            self.d.chunks_exact(self.lanes).zip(self.y.chunks_exact(self.lanes)).enumerate()
        {
            for (factors, from) in [(&self.errors, d), (&self.values, y)] {
                if let Some(factors) = factors {
                    let (by, from) = (factors[t], &from[first..first + W]);
                    for lane in 0..W {
                        sums[lane] = sums[lane] + from[lane] * by;
                    }
                }
            }
        }
        to.copy_from_slice(&sums);
        W
    }
}

impl<'a, 'b, 'c, T: Scalar> Lanes<'a, 'b, 'c, T> {
    fn new(
        run: &'a Run<'b, T>,
        (grid, row): (&'a Grid, usize),
        lanes: std::ops::Range<usize>,
        budget: Option<Box<dyn Budget>>,
        sources: [Option<Source<'a, T>>; 2],
        found: (ArrayViewMut2<'c, u32>, ArrayViewMut2<'c, f32>),
    ) -> Self {
        let dim = (run.target.ncols(), lanes.len());
        let transposed = |matrix: ArrayView2<'_, T>| {
            let mut to = zero_matrix(dim);
            transpose_into(matrix.slice(s![lanes.clone(), ..]), to.view_mut(), |x| x);
            to
        };
        let d = transposed(run.target);
        let y = run.base.map_or_else(|| d.clone(), |base| transposed(base.view()));
        let (codes, values) = (vec![0; BASE * dim.1], vec![T::zero(); BASE * dim.1]);
        let losses = vec![0.0; dim.1];
        let scratch = Scratch { shrunk: vec![T::zero(); dim.1], levels: vec![0; dim.1] };
        Self { run, grid, budget, row, y, d, sources, codes, values, found, losses, scratch }
    }

    /// Solves the steps `start..end`; what earlier steps feed into them is already in `y`.
    fn solve(&mut self, start: usize, end: usize) {
        if end - start <= BASE {
            return self.solve_base(start, end);
        }
        let cut = start + halve(end - start);
        self.solve(start, cut);
        for Source { halves, right } in self.sources.iter().flatten() {
            halves.add(start..end, right, self.y.slice_mut(s![cut..end, ..]));
        }
        self.solve(cut, end);
    }

    fn solve_base(&mut self, start: usize, end: usize) {
        let block = |matrix: &Array2<T>| {
            matrix.slice(s![start..end, start..end]).as_standard_layout().into_owned()
        };
        let errors = self.run.errors.map(block);
        let values = self.run.values.map(block);
        vectorize(Columns { lanes: self, start, end, errors, values });
        for (source, from) in self.sources.iter_mut().zip([&self.d, &self.y]) {
            let Some(Source { right, .. }) = source else { continue };
            for step in start..end {
                if let Some(from) = from.row(step).as_slice() {
                    right.set_row(step, from);
                }
            }
        }
        self.write(start, end);
    }

    /// Adds what the steps from `start` on feed into this one.
    #[inline(always)]
    fn feed(
        &mut self,
        (start, step): (usize, usize),
        errors: Option<ArrayView1<'_, T>>,
        values: Option<ArrayView1<'_, T>>,
    ) {
        let lanes = self.y.ncols();
        let (Some(y), Some(d)) = (self.y.as_slice_mut(), self.d.as_slice()) else { return };
        let (done, to) = y[start * lanes..].split_at_mut((step - start) * lanes);
        let fed = Fed { lanes, d: &d[start * lanes..step * lanes], y: done, errors, values };
        let mut first = 0;
        while first < lanes {
            first += match lanes - first {
                64.. => fed.add::<64>(first, to),
                16.. => fed.add::<16>(first, to),
                _ => fed.add::<1>(first, to),
            };
        }
    }

    /// Rounds one step, the `place`th of those that are rounded one by one, and turns its target in `d` into the error.
    #[inline(always)]
    fn round(&mut self, step: usize, place: usize) {
        let col = self.run.order[step];
        let lanes = self.y.ncols();
        let lane = step * lanes..(step + 1) * lanes;
        // Both are owned and in standard layout.
        let (Some(y), Some(d)) = (self.y.as_slice_mut(), self.d.as_slice_mut()) else { return };
        let (y, d) = (&mut y[lane.clone()], &mut d[lane]);
        let found = place * lanes..(place + 1) * lanes;
        let (codes, values) = (&mut self.codes[found.clone()], &mut self.values[found]);
        let (grid, row) = (self.grid, self.row);
        match &mut self.budget {
            None => grid.round(row, col, y, codes, values),
            Some(budget) => {
                let Scratch { shrunk, levels } = &mut self.scratch;
                shrunk.copy_from_slice(y);
                if let Some(thresholds) = budget.thresholds(col) {
                    let steps = thresholds.iter().zip(grid.steps(row, col, lanes));
                    for (y, (theta, step)) in shrunk.iter_mut().zip(steps) {
                        let by = T::of(*theta) * T::of(step);
                        let drawn = y.signum() * (y.abs() - by).max(T::zero());
                        *y = if *theta > 0.0 { drawn } else { *y };
                    }
                }
                let limits = budget.limits(col);
                let chosen = Chosen { codes, values, levels };
                grid.round_within(row, col, shrunk, limits, chosen);
                if self.run.clipping == Clipping::Dropped {
                    for lane in 0..lanes {
                        let value = |level| T::of(grid.value(row + lane, col, level));
                        let (a, b) = (value(limits.low[lane]), value(limits.high[lane]));
                        let held = shrunk[lane].max(a.min(b)).min(a.max(b));
                        d[lane] = d[lane] - (y[lane] - held);
                    }
                }
                budget.commit(col, levels);
            }
        }
        d.iter_mut().zip(&*values).for_each(|(d, value)| *d = *d - *value);
        if let Some((metric, damping)) = self.run.metric {
            let weight = metric[step].to_double();
            let rounded = y.iter().zip(&*values).zip(&*d);
            for (loss, ((y, value), d)) in self.losses.iter_mut().zip(rounded) {
                let (apart, error) = ((*y - *value).to_double(), d.to_double());
                *loss += weight * apart * apart - damping * error * error;
            }
        }
    }

    /// Puts the results of some steps where they belong.
    fn write(&mut self, start: usize, end: usize) {
        let columns = &self.run.order[start..end];
        scatter(&self.codes, columns, &mut self.found.0, |code| code);
        scatter(&self.values, columns, &mut self.found.1, |value| value.to_double() as f32);
    }
}

/// `to[lane, columns[step]] = from[step, lane]`, converted.
fn scatter<A: Copy, B: Copy>(
    from: &[A],
    columns: &[usize],
    to: &mut ArrayViewMut2<'_, B>,
    convert: impl Fn(A) -> B,
) {
    let lanes = to.nrows();
    let run = columns[0]..columns[0] + columns.len();
    if run.clone().eq(columns.iter().copied()) {
        let from = ArrayView2::from_shape((columns.len(), lanes), &from[..columns.len() * lanes]);
        let from = from.unwrap_or_else(|_| unreachable!("as many as steps and lanes"));
        return transpose_into(from, to.slice_mut(s![.., run]), convert);
    }
    for (lane, to) in to.rows_mut().into_iter().enumerate() {
        if let Some(to) = to.into_slice() {
            for (from, &column) in from[lane..].iter().step_by(lanes).zip(columns) {
                to[column] = convert(*from);
            }
        }
    }
}
