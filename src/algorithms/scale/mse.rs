//! Scales from the greatest magnitude, and the best of a grid below them.

use ndarray::{Array2, ArrayView2};

use super::Codebook;
use super::rows::{per_run, usable};
use crate::algorithms::AlgorithmError;

/// `max |w| / largest value`, in f64 and rounded to f32.
///
/// ```
/// use fewbit::algorithms::scale::{Codebook, absmax_scales};
/// use fewbit::formats::Format;
/// use ndarray::array;
/// let int4 = Codebook::of_format(Format::INT4)?; // -8 to 7
/// let scales = absmax_scales(array![[0.5f32, -4.0, 1.0, 0.0]].view(), 2, &int4)?;
/// assert_eq!(scales, array![[0.5, 0.125]]);
/// # Ok::<(), fewbit::algorithms::AlgorithmError>(())
/// ```
///
/// # Errors
/// Weights that are empty or not finite, a group of 0.
pub fn absmax_scales(
    weights: ArrayView2<'_, f32>,
    group: usize,
    codebook: &Codebook,
) -> Result<Array2<f32>, AlgorithmError> {
    per_run(weights, group, |_, w| usable(absmax(w) / codebook.largest()))
}

/// Parameters of [`mse_scales`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MseParams {
    /// n: candidates are `i / n` of the absmax scale.
    pub candidates: u32,
    /// The first i; the last is n, the absmax scale itself.
    pub first: u32,
}

impl Default for MseParams {
    fn default() -> Self {
        Self { candidates: 20, first: 2 }
    }
}

/// The one of `i / n * max |w| / largest value` with the least `sum (w - s q)²`; of equal ones the smallest.
///
/// Never worse than the absmax scale, which is among them.
///
/// # Errors
/// Weights that are empty or not finite, a group of 0, a first candidate that is 0 or beyond the last.
pub fn mse_scales(
    weights: ArrayView2<'_, f32>,
    group: usize,
    codebook: &Codebook,
    params: &MseParams,
) -> Result<Array2<f32>, AlgorithmError> {
    if params.first == 0 || params.first > params.candidates {
        return Err(AlgorithmError::Parameter {
            name: "the first candidate",
            value: params.first.into(),
            expected: "at least 1 and at most the number of candidates",
        });
    }
    per_run(weights, group, |_, w| {
        let start = absmax(w) / codebook.largest();
        let mut best = (f64::INFINITY, usable(start));
        for i in params.first..=params.candidates {
            let scale = usable(start * f64::from(i) / f64::from(params.candidates));
            let error = squared_error(w, codebook, scale);
            if error < best.0 {
                best = (error, scale);
            }
        }
        best.1
    })
}

pub(super) fn absmax(w: &[f64]) -> f64 {
    w.iter().fold(0.0, |most, w| w.abs().max(most))
}

fn squared_error(w: &[f64], codebook: &Codebook, scale: f32) -> f64 {
    let scale = f64::from(scale);
    w.iter().map(|w| (w - scale * codebook.nearest(w / scale)).powi(2)).sum()
}
