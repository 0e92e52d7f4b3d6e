//! GPFQ in its Gram form (Lybrand and Saab, arXiv 2010.15822; memory-efficient form: arXiv 2409.17092, algorithm 1).

use ndarray::{Axis, Zip};

use crate::algorithms::feedback::{Clipping, Feedback};
use crate::algorithms::linalg::{Scalar, gather, product};
use crate::algorithms::problem::{Part, Solver};
use crate::algorithms::{AlgorithmError, Order, Precision, Problem, Solution};
use crate::tasks;

/// Rows of a parallel task.
const ROWS: usize = 16;

/// Parameters of [`gpfq`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct GpfqParams {
    /// Which input comes first.
    pub order: Order,
    /// Of the loop.
    pub precision: Precision,
}

/// GPFQ: rounds input by input, each time toward what brings the partial outputs together.
///
/// ```text
/// q_t = Q( <X̃_t, u_{t-1} + w_t X_t> / |X̃_t|² )      u_t = u_{t-1} + w_t X_t - q_t X̃_t
/// ```
///
/// computed from the Gram matrices alone,
///
/// ```text
/// q_t = Q( (G_tt w_t + sum_{j<t} (G_tj w_j - H_tj q_j)) / H_tt )
///     = Q( w_t + sum_{j<=t} (G - H)_tj w_j / H_tt + sum_{j<t} (w_j - q_j) H_tj / H_tt )
/// ```
///
/// of which the second line, without cancellation of large terms, is evaluated. No damping. `O(out in²)`.
///
/// # Errors
/// Shapes that do not fit, values that are not finite.
pub fn gpfq(problem: &Problem<'_>, params: &GpfqParams) -> Result<Solution, AlgorithmError> {
    problem.solve(params)
}

impl Solver for GpfqParams {
    fn order(&self) -> Order {
        self.order
    }

    fn precision(&self) -> Precision {
        self.precision
    }

    fn feedback<'w, T: Scalar>(
        &self,
        part: &Part<'w, T>,
    ) -> Result<Feedback<'w, T>, AlgorithmError> {
        let diagonal = part.diagonal();
        let lower = part.mismatch(|t, j, x| if j <= t { x / diagonal[t] } else { 0.0 });
        let target = part.target();
        let base = lower.map(|lower| {
            let mut base = product(part.float().view(), lower.t());
            let rows = base.axis_chunks_iter_mut(Axis(0), ROWS);
            tasks::for_each(rows.zip(target.axis_chunks_iter(Axis(0), ROWS)), |(base, target)| {
                Zip::from(base).and(target).for_each(|base, target| *base = *target + *base);
            });
            base
        });
        let errors = gather(part.gram.h.view(), &part.order, &part.order, |_, t, x| {
            T::of(x * part.scale / diagonal[t])
        });
        Ok(Feedback {
            target,
            base,
            errors: Some(errors),
            values: None,
            clipping: Clipping::Propagated,
            damping: 0.0,
            metric: None,
        })
    }
}
