//! GPTAQ (Li et al., arXiv 2504.02692).

use crate::algorithms::factor::Factor;
use crate::algorithms::feedback::{Clipping, Feedback};
use crate::algorithms::linalg::{Scalar, transposed};
use crate::algorithms::problem::{Part, Solver};
use crate::algorithms::{AlgorithmError, Order, Precision, Problem, Solution};

/// Parameters of [`gptaq`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GptaqParams {
    /// Added to the diagonal of H, in units of the mean diagonal over live inputs.
    pub damping: f64,
    /// How much of the mismatch is corrected; 1 in the paper's derivation, 0.25 in its code and in Brevitas.
    pub strength: f64,
    /// Which input comes first.
    pub order: Order,
    /// Whether clipping by the constraint is an error to correct.
    pub clipping: Clipping,
    /// Of the loop.
    pub precision: Precision,
}

impl Default for GptaqParams {
    fn default() -> Self {
        Self {
            damping: 0.01,
            strength: 0.25,
            order: Order::Natural,
            clipping: Clipping::Propagated,
            precision: Precision::Single,
        }
    }
}

/// GPTAQ: GPTQ that also moves the remaining weights to make up for an input's own mismatch `X_t - X̃_t` once the input is
/// rounded.
///
/// ```text
/// P = strength * triu((Gᵀ - H) Uᵀ, 1) U          U the upper Cholesky factor of (H + damping)⁻¹
/// w_{>t} <- w_{>t} - (w_t - q_t) / U_tt U_t,>t + w_t P_t,>t
/// ```
///
/// In the triangular basis of [`gptq`](super::gptq) the second term adds `strength * sum_{j<t} y_j B_jt` to `y_t`, with B the
/// strict upper triangle of `(Gᵀ - H) N⁻ᵀ D⁻¹`. `O(2 in³ + 2 out in²)`.
///
/// # Errors
/// As [`gptq`](super::gptq).
pub fn gptaq(problem: &Problem<'_>, params: &GptaqParams) -> Result<Solution, AlgorithmError> {
    problem.solve(params)
}

impl Solver for GptaqParams {
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
        let values = part.mismatch(|_, _, x| x * self.strength).map(|mismatch| {
            // (G - H)ᵀ = Gᵀ - H.
            factor.spread(transposed(mismatch.view()), None)
        });
        Ok(Feedback {
            target: part.target(),
            base: None,
            errors: Some(factor.n),
            values,
            clipping: self.clipping,
            damping,
            metric: Some(factor.d),
        })
    }
}
