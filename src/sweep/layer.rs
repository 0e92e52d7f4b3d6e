//! A linear layer in codes.

use ndarray::{Array1, Array2, ArrayD, ArrayView2, Axis, Zip};

use super::error::SweepError;
use super::factor::Factor;
use super::float::FloatLayer;
use crate::accumulate::Accumulator;
use crate::quantize::{QuantizeError, Quantizer};
use crate::tensor::AnyQuantTensor;

/// A linear layer in codes.
///
/// ```text
/// sum_k (cw - zw) (cx - zx)  =  acc(sum_k cw cx)  -  zx sum_k cw  -  zw sum_k cx  +  K zw zx
/// ```
///
/// Only the first term runs through the accumulator; the others are corrections outside, and vanish where the zero
/// points are 0.
pub(super) struct CodeLayer {
    /// Codes, `[inputs, outputs]`.
    pub(super) weights: Factor,
    /// Per output.
    weight_scales: Vec<f32>,
    weight_zeros: Vec<i64>,
    weight_sums: Array1<i64>,
    /// Static: with the scale that calibration gave.
    inputs: Quantizer,
    input_scale: f32,
    input_zero: i64,
    bias: Array1<f32>,
}

impl CodeLayer {
    /// These weights with the bias of `layer`, and inputs by a quantizer with the scale that covers `calibration`,
    /// `[samples, inputs]`.
    pub(super) fn new(
        layer: &FloatLayer,
        tensor: &AnyQuantTensor,
        inputs: &Quantizer,
        calibration: ArrayView2<'_, f32>,
    ) -> Result<Self, QuantizeError> {
        let parameters = inputs.parameters(&calibration)?;
        let codes = integers(tensor, layer.weights.dim())?;
        Ok(Self {
            weight_scales: tensor.scale().iter().copied().collect(),
            weight_zeros: whole(tensor.zero_point().map(|z| z.to_owned()), codes.nrows()),
            weight_sums: codes.sum_axis(Axis(1)),
            weights: Factor::new(codes.reversed_axes()),
            input_scale: parameters.scale.iter().copied().next().unwrap_or(1.0),
            input_zero: whole(parameters.zero_point.clone(), 1)[0],
            inputs: inputs.clone().with_parameters(parameters)?,
            bias: layer.bias.clone(),
        })
    }

    /// The layer's numbers from `inputs`, `[samples, inputs]`, whose products go through `acc`, and how many of them
    /// overflowed in any stage.
    pub(super) fn run(
        &self,
        inputs: ArrayView2<'_, f32>,
        acc: &Accumulator,
    ) -> Result<(Array2<f32>, u64), SweepError> {
        let codes = integers(&self.inputs.quantize(&inputs)?, inputs.dim())?;
        let (sums, overflowed) = self.weights.multiply(codes.view(), acc)?;
        Ok((self.rescale(codes.view(), sums.view()), overflowed))
    }

    /// Sums of products of codes as numbers.
    fn rescale(&self, codes: ArrayView2<'_, i64>, sums: ArrayView2<'_, i64>) -> Array2<f32> {
        let input_zero = i128::from(self.input_zero);
        let length = codes.ncols() as i128;
        let code_sums = codes.sum_axis(Axis(1));
        let mut outputs = Array2::zeros(sums.raw_dim());
        for ((mut outputs, sums), &code_sum) in
            outputs.outer_iter_mut().zip(sums.outer_iter()).zip(&code_sums)
        {
            Zip::indexed(&mut outputs).and(&sums).for_each(|output, y, &sum| {
                let zero = i128::from(self.weight_zeros[output]);
                let corrected = i128::from(sum)
                    - input_zero * i128::from(self.weight_sums[output])
                    - zero * i128::from(code_sum)
                    + length * zero * input_zero;
                let scale = f64::from(self.weight_scales[output]) * f64::from(self.input_scale);
                *y = (corrected as f64 * scale + f64::from(self.bias[output])) as f32;
            });
        }
        outputs
    }
}

/// The codes of a matrix as integers.
fn integers(tensor: &AnyQuantTensor, dim: (usize, usize)) -> Result<Array2<i64>, QuantizeError> {
    let codes = tensor.ints().map_err(QuantizeError::from)?;
    let mut matrix = Array2::zeros(dim);
    matrix.iter_mut().zip(codes).for_each(|(to, code)| *to = code);
    Ok(matrix)
}

/// Zero points as the whole numbers that they are; `count` zeros where there are none.
fn whole(zero_points: Option<ArrayD<f32>>, count: usize) -> Vec<i64> {
    zero_points.map_or_else(|| vec![0; count], |z| z.iter().map(|&z| z as i64).collect())
}
