//! Weight magnitude reduction (Zhang et al. 2024, "MagR: weight magnitude reduction for enhancing post-training
//! quantization").
//!
//! Per row, `min ½ (w - w₀)ᵀ H (w - w₀) + α |w|∞` by proximal gradient descent:
//!
//! ```text
//! v = w - η H (w - w₀)                       η <= 1 / σmax(H)
//! w = v - P(v), P(v) the nearest point of |·|₁ <= η α         the proximal map of η α |·|∞
//! ```

use ndarray::{Array2, ArrayView2, Axis};

use super::awq::check_gram;
use crate::algorithms::error::check_finite;
use crate::algorithms::linalg::{largest_eigenvalue, product};
use crate::algorithms::{AlgorithmError, project_l1};
use crate::tasks;

/// Parameters of [`magr`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MagrParams {
    /// α, in units of the objective: H is taken as it is given, so divide sums over samples by their number first.
    pub alpha: f64,
    /// Steps.
    pub steps: usize,
}

impl Default for MagrParams {
    fn default() -> Self {
        Self { alpha: 0.01, steps: 200 }
    }
}

/// The result of [`magr`].
#[derive(Clone, Debug, PartialEq)]
pub struct Magr {
    /// The weights with smaller maxima.
    pub weights: Array2<f32>,
    /// The objective summed over rows before each step and after the last; it does not rise.
    pub objective: Vec<f64>,
    /// η of the last step.
    pub step: f64,
}

/// Shrinks the greatest weight of each row while the output stays near.
///
/// η starts from the inverse of an estimate of `σmax(H)`; should the objective of any row rise with it, the step is undone and
/// η halved, so that no row ever gets worse.
///
/// # Errors
/// Weights that are empty, shapes that do not fit, numbers that are not finite, a negative α.
pub fn magr(
    weights: ArrayView2<'_, f32>,
    gram: ArrayView2<'_, f64>,
    params: &MagrParams,
) -> Result<Magr, AlgorithmError> {
    let (rows, cols) = weights.dim();
    if rows == 0 || cols == 0 {
        return Err(AlgorithmError::Empty { what: "the weight matrix", rows, cols });
    }
    check_finite("the weight matrix", weights, 0)?;
    AlgorithmError::check_shape("the Gram matrix", gram.dim(), (cols, cols))?;
    check_gram(gram)?;
    if !(params.alpha >= 0.0 && params.alpha.is_finite()) {
        let (name, value, expected) = ("alpha", params.alpha, "a finite number of at least 0");
        return Err(AlgorithmError::Parameter { name, value, expected });
    }
    let original = weights.mapv(f64::from);
    let sigma = largest_eigenvalue(gram, 30);
    let mut magr = Magr { weights: weights.to_owned(), objective: Vec::new(), step: 0.0 };
    // H of zero: only the penalty is left, and all weights vanish in one step.
    let mut eta = if sigma > 0.0 { 1.0 / sigma } else { f64::MAX };
    let mut w = original.clone();
    let mut image = Array2::<f64>::zeros(w.dim());
    let mut values = objective(&w, &original, &image, params.alpha);
    magr.objective.push(values.iter().sum());
    for _ in 0..params.steps {
        let mut next = if sigma > 0.0 { &w - &(&image * eta) } else { w.clone() };
        let radius = (eta * params.alpha).min(f64::MAX);
        tasks::for_each(next.axis_iter_mut(Axis(0)), |mut row| {
            let mut projected = row.to_vec();
            project_l1(&mut projected, radius);
            row.iter_mut().zip(projected).for_each(|(v, p)| *v -= p);
        });
        let next_image = product((&next - &original).view(), gram);
        let next_values = objective(&next, &original, &next_image, params.alpha);
        // Rounding may lift the value at the minimum by some units in the last place.
        let worse = |(new, old): (&f64, &f64)| *new > old * (1.0 + 1e-12) + 1e-300;
        if next_values.iter().zip(&values).any(worse) {
            eta /= 2.0;
            magr.objective.push(values.iter().sum());
            continue;
        }
        (w, image, values) = (next, next_image, next_values);
        magr.objective.push(values.iter().sum());
    }
    magr.step = eta;
    magr.weights = w.mapv(|w| w as f32);
    Ok(magr)
}

/// Per row; `image` is `(W - W₀) H`.
fn objective(w: &Array2<f64>, original: &Array2<f64>, image: &Array2<f64>, alpha: f64) -> Vec<f64> {
    let rows = w.rows().into_iter().zip(original.rows()).zip(image.rows());
    rows.map(|((w, original), image)| {
        let quadratic: f64 = w.iter().zip(original).zip(image).map(|((w, o), i)| (w - o) * i).sum();
        let most = w.iter().fold(0.0, |most: f64, w| w.abs().max(most));
        quadratic / 2.0 + alpha * most
    })
    .collect()
}
