//! Stochastic gradient descent over orthonormal matrices by the iterated Cayley transform.
//!
//! After Li, Fuxin and Todorovic (ICLR 2020, "Efficient Riemannian optimization on the Stiefel manifold via the Cayley
//! transform"). With X `[n, p]`, `XᵀX = I`, and G the gradient of the loss at X:
//!
//! ```text
//! V <- β V - G
//! Ŵ  = V Xᵀ - ½ X (Xᵀ V Xᵀ)        W = Ŵ - Ŵᵀ        V <- W X       the tangent part of V
//! t  = min(rate, 1 / (|W|₁ + 10⁻⁸))
//! Y  = X + t V;   Y <- X + t/2 W (X + Y), five times              Y = (I - t/2 W)⁻¹ (I + t/2 W) X in the limit
//! X <- Y
//! ```

use ndarray::{Array2, ArrayView2};

use crate::algorithms::AlgorithmError;
use crate::algorithms::linalg::{orthonormalize, product};

/// Parameters of [`cayley_sgd`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CayleyParams {
    /// The greatest step.
    pub rate: f64,
    /// β, at least 0 and below 1.
    pub momentum: f64,
    /// Steps.
    pub steps: usize,
    /// Rounds of the fixed-point iteration.
    pub rounds: usize,
    /// Steps between two orthonormalisations, which remove what the finite iteration leaves. With 1 every loss is that of an
    /// orthonormal matrix; with more, the losses between are those of matrices near one, and may lie below the minimum.
    pub retract_every: usize,
}

impl Default for CayleyParams {
    fn default() -> Self {
        Self { rate: 1.5, momentum: 0.0, steps: 200, rounds: 5, retract_every: 1 }
    }
}

/// How a descent went.
#[derive(Clone, Debug, PartialEq)]
pub struct CayleyInfo {
    /// The loss before each step, and after the last one.
    pub losses: Vec<f64>,
    /// The index in `losses` of the result.
    pub best: usize,
}

/// Minimises a loss over matrices with orthonormal columns and gives the best one met, never worse than the start.
///
/// `objective(x, step)` gives the loss at x and its gradient there.
///
/// ```
/// use fewbit::algorithms::rotate::{CayleyParams, cayley_sgd};
/// use ndarray::array;
/// // The rotation nearest to a turn by 90°, from the identity: f = -tr(AᵀX), with gradient -A.
/// let a = array![[0.0, -1.0], [1.0, 0.0]];
/// let start = array![[1.0, 0.0], [0.0, 1.0]];
/// let (x, _) = cayley_sgd(start.view(), &CayleyParams::default(), |x, _| (-(&a * &x).sum(), -a.clone()))?;
/// assert!((x - &a).iter().all(|e| e.abs() < 1e-6));
/// # Ok::<(), fewbit::algorithms::AlgorithmError>(())
/// ```
///
/// # Errors
/// A start without independent columns, a gradient of another shape, a loss or gradient that is not finite, a parameter
/// out of its range.
pub fn cayley_sgd(
    start: ArrayView2<'_, f64>,
    params: &CayleyParams,
    mut objective: impl FnMut(ArrayView2<'_, f64>, usize) -> (f64, Array2<f64>),
) -> Result<(Array2<f64>, CayleyInfo), AlgorithmError> {
    params.check()?;
    let mut x = orthonormalize(start)?;
    let mut velocity = Array2::<f64>::zeros(x.dim());
    let mut best = x.clone();
    let mut info = CayleyInfo { losses: Vec::with_capacity(params.steps + 1), best: 0 };
    for step in 0..=params.steps {
        let (loss, gradient) = objective(x.view(), step);
        AlgorithmError::check_shape("the gradient", gradient.dim(), x.dim())?;
        let finite = loss.is_finite() && gradient.iter().all(|g| g.is_finite());
        if !finite {
            let value = if loss.is_finite() { f64::NAN } else { loss };
            let expected = "finite, with a finite gradient";
            return Err(AlgorithmError::Parameter { name: "the loss", value, expected });
        }
        if info.losses.get(info.best).is_none_or(|&least| loss < least) {
            info.best = step;
            best.assign(&x);
        }
        info.losses.push(loss);
        if step == params.steps {
            break;
        }
        velocity = velocity * params.momentum - &gradient;
        x = params.advance(&x, &mut velocity);
        if (step + 1).is_multiple_of(params.retract_every) {
            x = orthonormalize(x.view())?;
        }
    }
    Ok((orthonormalize(best.view())?, info))
}

impl CayleyParams {
    fn check(&self) -> Result<(), AlgorithmError> {
        let refuse =
            |name, value, expected| Err(AlgorithmError::Parameter { name, value, expected });
        if !(self.rate > 0.0 && self.rate.is_finite()) {
            return refuse("the rate", self.rate, "a finite number above 0");
        }
        if !(0.0..1.0).contains(&self.momentum) {
            return refuse("the momentum", self.momentum, "at least 0 and below 1");
        }
        if self.retract_every == 0 {
            return refuse("the number of steps between orthonormalisations", 0.0, "at least 1");
        }
        Ok(())
    }

    /// One step from x along the tangent part of the velocity, which replaces the velocity.
    fn advance(&self, x: &Array2<f64>, velocity: &mut Array2<f64>) -> Array2<f64> {
        let m = product(velocity.view(), x.t());
        let half = &m - &(product(x.view(), product(x.t(), m.view()).view()) * 0.5);
        let w = &half - &half.t();
        *velocity = product(w.view(), x.view());
        let columns = w.columns().into_iter().map(|c| c.iter().map(|e| e.abs()).sum::<f64>());
        let norm = columns.fold(0.0, f64::max);
        let t = self.rate.min(1.0 / (norm + 1e-8));
        let mut y = x + &(&*velocity * t);
        for _ in 0..self.rounds {
            y = x + &(product(w.view(), (x + &y).view()) * (t / 2.0));
        }
        y
    }
}
