//! GPTQ, also known as OPTQ and LDLQ (Frantar et al., arXiv 2210.17323; Chee et al., arXiv 2307.13304).

use crate::algorithms::factor::Factor;
use crate::algorithms::feedback::{Clipping, Feedback};
use crate::algorithms::linalg::Scalar;
use crate::algorithms::problem::{Part, Solver};
use crate::algorithms::{AlgorithmError, Order, Precision, Problem, Solution};

/// Parameters of [`gptq`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GptqParams {
    /// Added to the diagonal of H, in units of the mean diagonal over live inputs; 0.01 in the paper and in Brevitas.
    pub damping: f64,
    /// Which input comes first.
    pub order: Order,
    /// Whether clipping by the constraint is an error to correct.
    pub clipping: Clipping,
    /// Of the loop.
    pub precision: Precision,
}

impl Default for GptqParams {
    fn default() -> Self {
        Self {
            damping: 0.01,
            order: Order::Natural,
            clipping: Clipping::Propagated,
            precision: Precision::Single,
        }
    }
}

/// GPTQ: rounds input by input; after each the inputs not yet rounded take the least-squares optimum.
///
/// ```text
/// minimise |X̃ (w - q)|² = (w - q) H (w - q)ᵀ      H <- H + damping * mean(diag H) I
/// q_t = Q(w_t);  w_{>t} <- argmin_v |X̃ (w - [q_{<=t}, v])|²
/// ```
///
/// computed as `q_t = Q(w_t + sum_{j<t} (w_j - q_j) N_jt)` with `H = N D Nᵀ`, N unit upper triangular, which equals the
/// published form with the upper Cholesky factor U of `H⁻¹` step by step and needs no inverse. In exact arithmetic
/// `|X̃ (w - q)|² = sum_t D_t (y_t - q_t)²` with `y_t` the value that was rounded and `D_t = 1 / U_tt²`.
///
/// `O(in³ / 3 + out in²)`.
///
/// # Errors
/// Shapes that do not fit, values that are not finite, a negative damping, an H that is singular without damping.
pub fn gptq(problem: &Problem<'_>, params: &GptqParams) -> Result<Solution, AlgorithmError> {
    problem.solve(params)
}

impl Solver for GptqParams {
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
        let damping = part.mean_damping(self.damping)?;
        let factor = Factor::new(part, damping)?;
        Ok(Feedback {
            target: part.target(),
            base: None,
            errors: Some(factor.n),
            values: None,
            clipping: self.clipping,
            damping,
            metric: Some(factor.d),
        })
    }
}
