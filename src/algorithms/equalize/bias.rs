//! Bias correction: the mean of the output error is moved into the bias (Nagel et al. 2019).

use ndarray::{Array1, ArrayView1, ArrayView2, Axis};

use crate::algorithms::AlgorithmError;
use crate::algorithms::error::check_finite;

/// `b + W E[x] - Ŵ E[x̃]`: the bias with which the quantized layer's mean output is that of the float layer.
///
/// `float_mean` is the mean of the float inputs, `quantized_mean` that of the inputs that the quantized layer gets.
///
/// ```
/// use fewbit::algorithms::equalize::correct_bias;
/// use ndarray::array;
/// let (w, q) = (array![[0.75f32, -0.5]], array![[1.0f32, -0.5]]);
/// let mean = array![4.0, 1.0];
/// let bias = correct_bias(array![0.5f32].view(), (w.view(), mean.view()), (q.view(), mean.view()))?;
/// assert_eq!(bias, array![-0.5]); // 0.5 + (3 - 0.5) - (4 - 0.5)
/// # Ok::<(), fewbit::algorithms::AlgorithmError>(())
/// ```
///
/// # Errors
/// Shapes that do not fit, numbers that are not finite.
pub fn correct_bias(
    bias: ArrayView1<'_, f32>,
    (weights, float_mean): (ArrayView2<'_, f32>, ArrayView1<'_, f64>),
    (quantized, quantized_mean): (ArrayView2<'_, f32>, ArrayView1<'_, f64>),
) -> Result<Array1<f32>, AlgorithmError> {
    let (rows, cols) = weights.dim();
    AlgorithmError::check_shape("the quantized weights", quantized.dim(), (rows, cols))?;
    check_finite("the weight matrix", weights, 0)?;
    check_finite("the quantized weights", quantized, 0)?;
    for (what, mean) in
        [("the float inputs' means", float_mean), ("the quantized inputs' means", quantized_mean)]
    {
        AlgorithmError::check_shape(what, (1, mean.len()), (1, cols))?;
        if let Some((col, &value)) = mean.iter().enumerate().find(|(_, x)| !x.is_finite()) {
            return Err(AlgorithmError::NotFinite { what, row: 0, col, value });
        }
    }
    let shift =
        weights.mapv(f64::from).dot(&float_mean) - quantized.mapv(f64::from).dot(&quantized_mean);
    add(bias, &shift, rows)
}

/// `b + mean(Y - Ŷ)`, Y the float layer's outputs `[samples, out]` and Ŷ the quantized layer's.
///
/// # Errors
/// Shapes that do not fit, no sample, numbers that are not finite.
pub fn correct_bias_from_data(
    bias: ArrayView1<'_, f32>,
    float: ArrayView2<'_, f32>,
    quantized: ArrayView2<'_, f32>,
) -> Result<Array1<f32>, AlgorithmError> {
    AlgorithmError::check_shape("the quantized outputs", quantized.dim(), float.dim())?;
    check_finite("the float outputs", float, 0)?;
    check_finite("the quantized outputs", quantized, 0)?;
    let difference = float.mapv(f64::from) - quantized.mapv(f64::from);
    let shift = difference.mean_axis(Axis(0)).ok_or(AlgorithmError::NoSamples)?;
    let outputs = shift.len();
    add(bias, &shift, outputs)
}

fn add(
    bias: ArrayView1<'_, f32>,
    shift: &Array1<f64>,
    outputs: usize,
) -> Result<Array1<f32>, AlgorithmError> {
    AlgorithmError::check_shape("the bias", (bias.len(), 1), (outputs, 1))?;
    check_finite("the bias", bias.insert_axis(Axis(1)), 0)?;
    let sum = bias.iter().zip(shift).map(|(&b, shift)| (f64::from(b) + shift) as f32);
    Ok(sum.collect())
}
