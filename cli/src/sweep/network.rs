//! A network of linear layers in codes, run through an accumulator.

use fewbit::Accumulator;
use fewbit::accumulate::bounds::{self, InputRange, Inputs};
use fewbit::quantize::{Parameters, QuantizeError, Quantizer};
use fewbit::tensor::AnyQuantTensor;
use ndarray::{Array1, Array2, ArrayD, ArrayView2, Axis, Ix2, Zip};
use rayon::prelude::*;

use super::codes::CodeFormat;
use crate::error::CliError;
use crate::product::Factor;

/// `y = W x + b`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FloatLayer {
    /// `[outputs, inputs]`.
    pub(crate) weights: Array2<f32>,
    /// `[outputs]`.
    pub(crate) bias: Array1<f32>,
}

/// A linear layer in codes.
///
/// ```text
/// sum_k (cw - zw) (cx - zx)  =  acc(sum_k cw cx)  -  zx sum_k cw  -  zw sum_k cx  +  K zw zx
/// ```
///
/// Only the first term runs through the accumulator; the others are corrections outside, and vanish where the zero
/// points are 0.
struct Layer {
    /// Codes, `[inputs, outputs]`.
    weights: Factor,
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

/// Linear layers with ReLU between them.
pub(crate) struct Network {
    layers: Vec<Layer>,
    input_codes: InputRange,
}

/// What came out of a network, and how often its accumulators overflowed.
pub(crate) struct Pass {
    /// The last layer's numbers, `[samples, outputs]`.
    pub(crate) outputs: Array2<f32>,
    /// Outputs of all layers with at least one overflow in any stage.
    pub(crate) overflowed: u64,
    /// Outputs of all layers.
    pub(crate) sums: u64,
}

impl FloatLayer {
    /// `x W^T + b`: sums in f64, in ascending k, rounded once; the same bits on every machine.
    fn forward(&self, x: ArrayView2<'_, f32>) -> Array2<f32> {
        let mut y = Array2::zeros((x.nrows(), self.weights.nrows()));
        let rows: Vec<_> = y.outer_iter_mut().zip(x.outer_iter()).collect();
        rows.into_par_iter().for_each(|(mut y, x)| {
            for ((y, weights), bias) in y.iter_mut().zip(self.weights.outer_iter()).zip(&self.bias)
            {
                let products = x.iter().zip(weights).map(|(&x, &w)| f64::from(x) * f64::from(w));
                *y = products.fold(f64::from(*bias), |sum, product| sum + product) as f32;
            }
        });
        y
    }
}

/// What the float layers, with ReLU between them, compute from `inputs`, `[samples, inputs]`.
pub(crate) fn float_outputs(layers: &[FloatLayer], inputs: ArrayView2<'_, f32>) -> Array2<f32> {
    let mut x = inputs.to_owned();
    for (index, layer) in layers.iter().enumerate() {
        if index > 0 {
            x.mapv_inplace(relu);
        }
        x = layer.forward(x.view());
    }
    x
}

impl Network {
    /// Quantizes `layers`: weights per output, activations per layer with the scale that covers what the float network
    /// computes from `calibration`, `[samples, inputs]`.
    ///
    /// # Errors
    /// A layer or a calibration without numbers.
    pub(crate) fn quantize(
        layers: &[FloatLayer],
        weights: CodeFormat,
        acts: CodeFormat,
        calibration: ArrayView2<'_, f32>,
    ) -> Result<Self, CliError> {
        let (weight_quantizer, input_quantizer) = (weights.row_quantizer()?, acts.quantizer()?);
        let mut x = calibration.to_owned();
        let mut quantized = Vec::with_capacity(layers.len());
        for layer in layers {
            let parameters = input_quantizer.parameters(&x.view())?;
            let tensor = weight_quantizer.quantize(&layer.weights.view())?;
            let codes = integers(&tensor)?;
            quantized.push(Layer {
                weight_scales: tensor.scale().iter().copied().collect(),
                weight_zeros: whole(tensor.zero_point().map(|z| z.to_owned()), codes.nrows()),
                weight_sums: codes.sum_axis(Axis(1)),
                weights: Factor::new(codes.reversed_axes()),
                input_scale: first(&parameters.scale),
                input_zero: whole(parameters.zero_point.clone(), 1)[0],
                inputs: fixed(&input_quantizer, parameters)?,
                bias: layer.bias.clone(),
            });
            x = layer.forward(x.view());
            x.mapv_inplace(relu);
        }
        Ok(Self { layers: quantized, input_codes: acts.range() })
    }

    /// Runs `inputs`, `[samples, inputs]`, through every layer; every product goes through `acc`.
    pub(crate) fn run(
        &self,
        inputs: ArrayView2<'_, f32>,
        acc: &Accumulator,
    ) -> Result<Pass, CliError> {
        let mut pass = Pass { outputs: inputs.to_owned(), overflowed: 0, sums: 0 };
        for (index, layer) in self.layers.iter().enumerate() {
            if index > 0 {
                pass.outputs.mapv_inplace(relu);
            }
            let codes = integers(&layer.inputs.quantize(&pass.outputs.view())?)?;
            let (sums, overflowed) = layer.weights.multiply(codes.view(), acc)?;
            pass.overflowed += overflowed;
            pass.sums += sums.len() as u64;
            pass.outputs = layer.rescale(codes.view(), sums.view());
        }
        Ok(pass)
    }

    /// The least width at which no register that sums a whole row can overflow, whatever the codes of the activations.
    pub(crate) fn guaranteed_bits(&self) -> Result<u32, CliError> {
        let whole_rows: Accumulator = "exact".parse()?;
        let mut bits = 1;
        for layer in &self.layers {
            let rows = bounds::Layer::new(layer.weights.codes.t(), Inputs::Same(self.input_codes))?;
            bits = bits.max(rows.bounds(&whole_rows)?.required_bits(0));
        }
        Ok(bits)
    }
}

impl Layer {
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

fn relu(y: f32) -> f32 {
    y.max(0.0)
}

/// The quantizer that keeps these parameters.
fn fixed(quantizer: &Quantizer, parameters: Parameters) -> Result<Quantizer, CliError> {
    Ok(quantizer.clone().with_parameters(parameters)?)
}

/// The codes of a matrix as integers.
fn integers(tensor: &AnyQuantTensor) -> Result<Array2<i64>, CliError> {
    let codes = tensor.ints().map_err(QuantizeError::from)?;
    Ok(codes.into_dimensionality::<Ix2>()?)
}

fn first(parameter: &ArrayD<f32>) -> f32 {
    parameter.iter().copied().next().unwrap_or(1.0)
}

/// Zero points as the whole numbers that they are; `count` zeros where there are none.
fn whole(zero_points: Option<ArrayD<f32>>, count: usize) -> Vec<i64> {
    zero_points.map_or_else(|| vec![0; count], |z| z.iter().map(|&z| z as i64).collect())
}
