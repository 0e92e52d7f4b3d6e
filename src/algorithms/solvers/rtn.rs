//! Round-to-nearest.

use crate::algorithms::feedback::{Feedback, Forgiveness};
use crate::algorithms::problem::Scalar;
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
    match params.precision {
        Precision::Single => solve::<f32>(problem, params),
        Precision::Double => solve::<f64>(problem, params),
    }
}

fn solve<T: Scalar>(problem: &Problem<'_>, params: &RtnParams) -> Result<Solution, AlgorithmError> {
    problem.solve::<T>(params.order, |part, run| {
        // Dead inputs keep their weights: nothing makes up for them, but nothing is gained by dropping them either.
        let float = part.float();
        let feedback = Feedback {
            order: &part.order,
            target: float.view(),
            offset: None,
            errors: None,
            values: None,
            forgiveness: Forgiveness::None,
        };
        Ok((run.feedback(part, &feedback)?, 0.0))
    })
}
