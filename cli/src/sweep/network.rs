//! A network of linear layers in codes, run through an accumulator.

use fewbit::Accumulator;
use fewbit::accumulate::bounds::{self, InputRange, Inputs};
use ndarray::{Array1, Array2, ArrayView2, Axis, Zip};

use super::codes::{Affine, CodeFormat};
use crate::error::CliError;
use crate::product;

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
    weights: Array2<i64>,
    /// Per output.
    weight_scales: Array1<f32>,
    weight_zeros: Array1<i64>,
    weight_sums: Array1<i64>,
    inputs: Affine,
    bias: Array1<f32>,
}

/// Linear layers with ReLU between them.
pub(crate) struct Network {
    layers: Vec<Layer>,
    acts: CodeFormat,
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

impl Network {
    /// Quantizes `layers`: weights per output, activations per layer with the scale that covers what the float network
    /// computes from `calibration`, `[samples, inputs]`.
    pub(crate) fn quantize(
        layers: &[FloatLayer],
        weights: CodeFormat,
        acts: CodeFormat,
        calibration: ArrayView2<'_, f32>,
    ) -> Self {
        let mut x = calibration.to_owned();
        let mut quantized = Vec::with_capacity(layers.len());
        for layer in layers {
            let maps: Vec<Affine> =
                layer.weights.outer_iter().map(|row| Affine::covering(weights, row)).collect();
            let mut codes = Array2::zeros(layer.weights.raw_dim());
            for ((mut codes, row), map) in
                codes.outer_iter_mut().zip(layer.weights.outer_iter()).zip(&maps)
            {
                codes.assign(&row.mapv(|w| map.code(w)));
            }
            quantized.push(Layer {
                weight_sums: codes.sum_axis(Axis(1)),
                weights: codes.reversed_axes(),
                weight_scales: maps.iter().map(|map| map.scale).collect(),
                weight_zeros: maps.iter().map(|map| map.zero).collect(),
                inputs: Affine::covering(acts, &x),
                bias: layer.bias.clone(),
            });
            x = (x.dot(&layer.weights.t()) + &layer.bias).mapv(|y| y.max(0.0));
        }
        Self { layers: quantized, acts }
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
                pass.outputs.mapv_inplace(|y| y.max(0.0));
            }
            let codes = pass.outputs.mapv(|x| layer.inputs.code(x));
            let (sums, overflowed) =
                product::multiply_and_count(codes.view(), layer.weights.view(), acc)?;
            pass.overflowed += overflowed;
            pass.sums += sums.len() as u64;
            pass.outputs = layer.rescale(codes.view(), sums.view());
        }
        Ok(pass)
    }

    /// The least width at which no register that sums a whole row can overflow, whatever the codes of the activations.
    pub(crate) fn guaranteed_bits(&self) -> Result<u32, CliError> {
        let whole_rows: Accumulator = "exact".parse()?;
        let codes = InputRange::new(self.acts.min, self.acts.max);
        let mut bits = 1;
        for layer in &self.layers {
            let rows = bounds::Layer::new(layer.weights.t(), Inputs::Same(codes))?;
            bits = bits.max(rows.bounds(&whole_rows)?.required_bits(0));
        }
        Ok(bits)
    }
}

impl Layer {
    /// Sums of products of codes as numbers.
    fn rescale(&self, codes: ArrayView2<'_, i64>, sums: ArrayView2<'_, i64>) -> Array2<f32> {
        let inputs = i128::from(self.inputs.zero);
        let length = codes.ncols() as i128;
        let code_sums = codes.sum_axis(Axis(1));
        let mut outputs = Array2::zeros(sums.raw_dim());
        for ((mut outputs, sums), &code_sum) in
            outputs.outer_iter_mut().zip(sums.outer_iter()).zip(&code_sums)
        {
            Zip::indexed(&mut outputs).and(&sums).for_each(|output, y, &sum| {
                let zero = i128::from(self.weight_zeros[output]);
                let corrected = i128::from(sum)
                    - inputs * i128::from(self.weight_sums[output])
                    - zero * i128::from(code_sum)
                    + length * zero * inputs;
                let scale = f64::from(self.weight_scales[output]) * f64::from(self.inputs.scale);
                *y = (corrected as f64 * scale + f64::from(self.bias[output])) as f32;
            });
        }
        outputs
    }
}
