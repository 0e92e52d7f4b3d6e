//! Scales of a quantizer, and scales from the greatest magnitude of any set of values.

use fewbit_formats::{Format, Overflow, Policy, Rounding};
use ndarray::{Array2, ArrayView2, Ix2};

use super::Codebook;
use super::rows::{per_run, usable};
use crate::algorithms::AlgorithmError;
use crate::algorithms::error::check_finite;
use crate::quantize::{Quantizer, ScaleRule, ScaleSource, Scheme};

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
    per_run(weights, group, |_, w| {
        usable(w.iter().fold(0.0, |most: f64, w| w.abs().max(most)) / codebook.largest())
    })
}

/// The scales that a [`Quantizer`] finds, such as the least squared error ([`ScaleSource::Mse`]) or half-quadratic optimisation
/// ([`ScaleSource::Hqo`]), with elements rounded to nearest, ties to even, and saturated.
///
/// ```
/// use fewbit::algorithms::scale::quantizer_scales;
/// use fewbit::formats::Format;
/// use fewbit::quantize::{MseSearch, ScaleSource, Statistic};
/// use ndarray::array;
/// // Of i / 20 of 4 / 8 the last: 4 becomes 3.5, and all else is exact.
/// let w = array![[4.0f32, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]];
/// let search = ScaleSource::Mse(MseSearch::grid(Statistic::AbsMax));
/// assert_eq!(quantizer_scales(w.view(), 8, Format::INT4, search)?, array![[0.5]]);
/// # Ok::<(), fewbit::algorithms::AlgorithmError>(())
/// ```
///
/// # Errors
/// Weights that are empty or not finite, a group of 0, parameters out of their range.
pub fn quantizer_scales(
    weights: ArrayView2<'_, f32>,
    group: usize,
    format: Format,
    source: ScaleSource,
) -> Result<Array2<f32>, AlgorithmError> {
    let (rows, cols) = weights.dim();
    if rows == 0 || cols == 0 {
        return Err(AlgorithmError::Empty { what: "the weight matrix", rows, cols });
    }
    check_finite("the weight matrix", weights, 0)?;
    let scheme = Scheme::new(format).per_group(1, group);
    let policy = Policy::new(Rounding::TiesEven, Overflow::Saturate);
    let scales =
        Quantizer::new(scheme, ScaleRule::new(source), policy)?.parameters(&weights)?.scale;
    let shape = scales.shape().to_vec();
    let matrix = scales.into_dimensionality::<Ix2>();
    matrix.map_err(|_| AlgorithmError::Granularity(format!("scales of shape {shape:?}")))
}
