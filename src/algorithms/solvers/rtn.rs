//! Round-to-nearest.

use crate::algorithms::feedback::{Clipping, Feedback};
use crate::algorithms::linalg::Scalar;
use crate::algorithms::problem::{Part, Solver};
use crate::algorithms::{AlgorithmError, Order, Precision, Problem, Solution};

/// Parameters of [`rtn`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RtnParams {
    /// Matters under a constraint alone: whose turn comes first while the budget lasts.
    pub order: Order,
    /// Of the division by the scale.
    pub precision: Precision,
}

/// Round-to-nearest: `q_t = Q(w_t)`, no error is passed on.
///
/// Only shapes and, for [`Order::Descending`], the diagonal of H are used of the statistics.
///
/// # Errors
/// Shapes that do not fit, weights that are not finite, a constraint on a grid without integers.
pub fn rtn(problem: &Problem<'_>, params: &RtnParams) -> Result<Solution, AlgorithmError> {
    problem.solve(params)
}

impl Solver for RtnParams {
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
        Ok(Feedback {
            // Dead inputs keep their weights: nothing makes up for them, but nothing is gained by dropping them either.
            target: part.float(),
            base: None,
            errors: None,
            values: None,
            clipping: Clipping::Propagated,
            damping: 0.0,
            metric: None,
        })
    }
}
