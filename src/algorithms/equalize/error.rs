//! The error of a layer's output, from Gram matrices.

use ndarray::{Array2, ArrayView2};

use crate::algorithms::AlgorithmError;
use crate::algorithms::linalg::product;

/// `|X (W - Ŵ)ᵀ|²`, the sum over the rows d of `W - Ŵ` of `dᵀ H d` with `H = XᵀX`.
///
/// ```
/// use fewbit::algorithms::equalize::output_error;
/// use ndarray::array;
/// let h = array![[2.0, 1.0], [1.0, 2.0]];
/// let (w, q) = (array![[1.0f32, 1.0]], array![[0.0f32, 1.0]]);
/// assert_eq!(output_error(w.view(), q.view(), h.view())?, 2.0);
/// # Ok::<(), fewbit::algorithms::AlgorithmError>(())
/// ```
///
/// # Errors
/// Shapes that do not fit.
pub fn output_error(
    w: ArrayView2<'_, f32>,
    q: ArrayView2<'_, f32>,
    h: ArrayView2<'_, f64>,
) -> Result<f64, AlgorithmError> {
    AlgorithmError::check_shape("the quantized weights", q.dim(), w.dim())?;
    AlgorithmError::check_shape("the Gram matrix", h.dim(), (w.ncols(), w.ncols()))?;
    let mut difference = w.mapv(f64::from);
    difference.zip_mut_with(&q, |d, &q| *d -= f64::from(q));
    Ok(energy(difference.view(), h))
}

/// `tr(D H Dᵀ)`.
pub(super) fn energy(d: ArrayView2<'_, f64>, h: ArrayView2<'_, f64>) -> f64 {
    let image: Array2<f64> = product(d, h);
    image.iter().zip(d).map(|(a, b)| a * b).sum()
}
