//! Solvers whose work that does not depend on the grid is done once.

use ndarray::{Array2, ArrayView2, s};

use crate::algorithms::constraint::Constraint;
pub(super) use crate::algorithms::feedback::Rounded;
use crate::algorithms::feedback::{Feedback, Run};
use crate::algorithms::grid::Grid;
use crate::algorithms::linalg::{Precision, Scalar, gather};
use crate::algorithms::problem::{Part, Solver};
use crate::algorithms::{AlgorithmError, Problem, Solution};

/// A solver that rounds input after input: the parameters of [`rtn`](crate::algorithms::rtn),
/// [`gptq`](crate::algorithms::gptq), [`gpfq`](crate::algorithms::gpfq), [`qronos`](crate::algorithms::qronos) and
/// [`gptaq`](crate::algorithms::gptaq).
pub trait SequentialSolver: Sync {
    /// Does what depends on the statistics alone.
    #[doc(hidden)]
    fn prepare<'a>(&self, problem: &Problem<'a>) -> Result<Box<dyn Rounder + 'a>, AlgorithmError>;
}

/// A solver that is ready to round to any grid.
pub trait Rounder {
    /// Codes and values.
    fn round(
        &self,
        grid: &Grid,
        constraint: Option<&dyn Constraint>,
    ) -> Result<Rounded, AlgorithmError>;

    /// Codes and values around other weights than those of the problem, `[out, in]`.
    fn round_toward(
        &self,
        target: ArrayView2<'_, f32>,
        grid: &Grid,
        constraint: Option<&dyn Constraint>,
    ) -> Result<Rounded, AlgorithmError>;
}

impl<S: Solver + Sync> SequentialSolver for S {
    fn prepare<'a>(&self, problem: &Problem<'a>) -> Result<Box<dyn Rounder + 'a>, AlgorithmError> {
        Ok(match self.precision() {
            Precision::Single => Box::new(Prepared::<f32>::new(self, problem)?),
            Precision::Double => Box::new(Prepared::<f64>::new(self, problem)?),
        })
    }
}

struct Prepared<'a, T> {
    parts: Vec<(Part<'a, T>, Feedback<'a, T>)>,
    dim: (usize, usize),
}

impl<'a, T: Scalar> Prepared<'a, T> {
    fn new(solver: &impl Solver, problem: &Problem<'a>) -> Result<Self, AlgorithmError> {
        let prepared = |part: Part<'a, T>| {
            let feedback = solver.feedback(&part)?;
            Ok((part, feedback))
        };
        let parts = problem.parts::<T>(solver.order())?.into_iter().map(prepared);
        Ok(Self {
            parts: parts.collect::<Result<_, AlgorithmError>>()?,
            dim: problem.weights.dim(),
        })
    }

    fn each(
        &self,
        grid: &Grid,
        constraint: Option<&dyn Constraint>,
        target: impl Fn(&Part<'a, T>) -> Option<Array2<T>>,
    ) -> Result<Rounded, AlgorithmError> {
        let mut solution = Solution::zeros(self.dim);
        let mut losses = Vec::with_capacity(self.dim.0);
        for (part, feedback) in &self.parts {
            let target = target(part);
            let run: Run<'_, T> = match &target {
                None => feedback.run(&part.order),
                Some(target) => feedback.run_toward(&part.order, target.view()),
            };
            let of_part = run.round(part.rows.start, part.weights, grid, constraint)?;
            solution.set_rows(part.rows.clone(), &of_part.solution);
            losses.extend(of_part.losses.into_iter().flatten());
            solution.info.dead_inputs += part.dead;
            solution.info.damping = solution.info.damping.max(feedback.damping);
        }
        let losses = (losses.len() == self.dim.0).then_some(losses);
        Ok(Rounded { solution, losses })
    }
}

impl<T: Scalar> Rounder for Prepared<'_, T> {
    fn round(
        &self,
        grid: &Grid,
        constraint: Option<&dyn Constraint>,
    ) -> Result<Rounded, AlgorithmError> {
        self.each(grid, constraint, |_| None)
    }

    fn round_toward(
        &self,
        target: ArrayView2<'_, f32>,
        grid: &Grid,
        constraint: Option<&dyn Constraint>,
    ) -> Result<Rounded, AlgorithmError> {
        self.each(grid, constraint, |part| {
            let rows = target.slice(s![part.rows.clone(), ..]);
            Some(gather(rows, &part.all_rows(), &part.order, |_, _, w| T::of(w.into())))
        })
    }
}
