//! Qronos (Zhang, Colbert, Saab, Dai; arXiv 2505.11695).

use ndarray::{Array2, ArrayView2};

use crate::algorithms::factor::Factor;
use crate::algorithms::feedback::{Clipping, Feedback};
use crate::algorithms::linalg::{Scalar, largest_eigenvalue, product};
use crate::algorithms::problem::{Part, Solver};
use crate::algorithms::{AlgorithmError, Order, Precision, Problem, Solution};

/// Parameters of [`qronos`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QronosParams {
    /// Added to the diagonal of H, in units of its greatest eigenvalue; 1e-6 in Brevitas.
    pub damping: f64,
    /// Which input comes first.
    pub order: Order,
    /// Whether clipping by the constraint is an error to correct.
    pub clipping: Clipping,
    /// Of the loop.
    pub precision: Precision,
}

impl Default for QronosParams {
    fn default() -> Self {
        Self {
            damping: 1e-6,
            order: Order::Natural,
            clipping: Clipping::Propagated,
            precision: Precision::Single,
        }
    }
}

/// Qronos: corrects the error already made, in earlier layers too, then shapes the weights not yet rounded.
///
/// ```text
/// minimise |X w - X̃ q|²;  w^(0) = w;  for t = 1, 2, ...
/// q_t        = Q( <X̃_t, X w - sum_{j<t} q_j X̃_j - sum_{j>t} w_j^(t-1) X̃_j> / |X̃_t|² )
/// w_{>t}^(t) = argmin_v |X w - sum_{j<=t} q_j X̃_j - sum_{j>t} v_j X̃_j|²
/// ```
///
/// The paper's fast form is one such step, one retargeting, and GPTQ on X̃. In the triangular basis `H + λI = N D Nᵀ`
/// (see [`gptq`](super::gptq)) the retargeting is an offset to the values that GPTQ rounds:
///
/// ```text
/// R = w (G - H)ᵀ                      the gradient of the mismatch
/// q_1 = Q( w_1 + R_1 / H_11 )
/// q_t = Q( w_t + (R N⁻ᵀ D⁻¹)_t + sum_{j<t} (w_j - q_j) N_jt )
/// ```
///
/// `λ = damping * sigma_max(H)` by 30 power iterations; it pulls the retargeted weights toward w. Without a mismatch
/// Qronos is GPTQ with this damping. `O(in³ / 3 + 2 out in²)`.
///
/// # Errors
/// Shapes that do not fit, values that are not finite, a negative damping, an H that is singular without damping.
pub fn qronos(problem: &Problem<'_>, params: &QronosParams) -> Result<Solution, AlgorithmError> {
    problem.solve(params)
}

impl Solver for QronosParams {
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
        AlgorithmError::check_damping(self.damping)?;
        let damping = self.damping * part.scale * largest_eigenvalue(part.gram.h.view(), 30);
        let factor = Factor::new(part, damping)?;
        let target = part.target();
        let base = retarget(part, &factor, target.view());
        Ok(Feedback {
            target,
            base,
            errors: Some(factor.n),
            values: None,
            clipping: self.clipping,
            damping,
            metric: Some(factor.d),
        })
    }
}

/// What is rounded first.
fn retarget<T: Scalar>(
    part: &Part<'_, T>,
    factor: &Factor<T>,
    target: ArrayView2<'_, T>,
) -> Option<Array2<T>> {
    let mismatch = part.mismatch(|_, _, x| x)?;
    let gradient = match part.dead {
        // Targets are the weights themselves.
        0 => product(target, mismatch.t()),
        _ => product(part.float().view(), mismatch.t()),
    };
    let diagonal = T::of(part.diagonal()[0]);
    let first = gradient.column(0).mapv(|r| r / diagonal);
    let mut base = factor.spread(gradient, Some(target));
    base.column_mut(0).assign(&(&target.column(0) + &first));
    Some(base)
}
