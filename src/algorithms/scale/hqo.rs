//! Scales by half-quadratic optimisation: a norm of the error below the first, so that few large errors are accepted for
//! many small ones (Badri and Shaji 2023, "Half-quadratic quantization of large machine learning models").
//!
//! ```text
//! e = s shrink(w / s - q)         shrink(x) = sign(x) max(|x| - |x|^(p-1) / β, 0)
//! s = median of (w - e) / q       over q other than 0
//! β <- κ β
//! ```
//!
//! Errors are shrunk in units of the scale, so that the result does not depend on the units of the weights.

use ndarray::{Array2, ArrayView2};

use super::Codebook;
use super::mse::absmax;
use super::rows::{per_run, usable};
use crate::algorithms::AlgorithmError;

/// Parameters of [`hqo_scales`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HqoParams {
    /// Rounds at most.
    pub rounds: usize,
    /// β of the first round.
    pub beta: f64,
    /// κ.
    pub kappa: f64,
    /// p, above 0 and at most 1.
    pub p: f64,
}

impl Default for HqoParams {
    fn default() -> Self {
        Self { rounds: 1000, beta: 10.0, kappa: 1.01, p: 0.7 }
    }
}

/// Scales by half-quadratic optimisation from the absmax scale on, until the mean magnitude of the error no longer falls.
///
/// Never worse than the absmax scale in the mean of `|w - s q|`.
///
/// # Errors
/// Weights that are empty or not finite, a group of 0, a parameter out of its range.
pub fn hqo_scales(
    weights: ArrayView2<'_, f32>,
    group: usize,
    codebook: &Codebook,
    params: &HqoParams,
) -> Result<Array2<f32>, AlgorithmError> {
    let positive = |name, value: f64| match value > 0.0 && value.is_finite() {
        true => Ok(()),
        false => Err(AlgorithmError::Parameter { name, value, expected: "finite and above 0" }),
    };
    positive("beta", params.beta)?;
    positive("kappa", params.kappa)?;
    if !(params.p > 0.0 && params.p <= 1.0) {
        let (name, value, expected) = ("p", params.p, "above 0 and at most 1");
        return Err(AlgorithmError::Parameter { name, value, expected });
    }
    per_run(weights, group, |_, w| {
        let mut scale = usable(absmax(w) / codebook.largest());
        let mut error = mean_error(w, codebook, scale);
        let mut beta = params.beta;
        for _ in 0..params.rounds {
            let next = update(w, codebook, scale, beta, params.p);
            let Some(next) = next.filter(|s| *s > 0.0 && s.is_finite()).map(usable) else { break };
            let next_error = mean_error(w, codebook, next);
            if next_error.is_nan() || next_error >= error {
                break;
            }
            (scale, error) = (next, next_error);
            beta *= params.kappa;
        }
        scale
    })
}

fn update(w: &[f64], codebook: &Codebook, scale: f32, beta: f64, p: f64) -> Option<f64> {
    let scale = f64::from(scale);
    let ratios = w.iter().filter_map(|w| {
        let q = codebook.nearest(w / scale);
        let error = w / scale - q;
        let kept = (error.abs() - error.abs().powf(p - 1.0) / beta).max(0.0).copysign(error);
        (q != 0.0).then(|| (w - scale * kept) / q)
    });
    let mut ratios: Vec<f64> = ratios.collect();
    let middle = ratios.len().checked_sub(1)? / 2;
    Some(*ratios.select_nth_unstable_by(middle, f64::total_cmp).1)
}

fn mean_error(w: &[f64], codebook: &Codebook, scale: f32) -> f64 {
    let scale = f64::from(scale);
    let sum: f64 = w.iter().map(|w| (w - scale * codebook.nearest(w / scale)).abs()).sum();
    sum / w.len() as f64
}
