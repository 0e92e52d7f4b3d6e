//! The network as it was: float layers with ReLU between them.

use ndarray::{Array1, Array2, ArrayView2};

use super::error::SweepError;
use crate::tasks;

/// A linear layer in floats: `y = W x + b`.
#[derive(Clone, Debug, PartialEq)]
pub struct FloatLayer {
    /// `[outputs, inputs]`.
    pub weights: Array2<f32>,
    /// `[outputs]`.
    pub bias: Array1<f32>,
}

impl FloatLayer {
    /// A layer whose bias is 0.
    #[must_use]
    pub fn without_bias(weights: Array2<f32>) -> Self {
        Self { bias: Array1::zeros(weights.nrows()), weights }
    }

    /// `X Wᵀ + b`: sums in f64, in ascending k, rounded once; the same bits on every machine.
    pub(super) fn forward(&self, x: ArrayView2<'_, f32>) -> Array2<f32> {
        let mut y = Array2::zeros((x.nrows(), self.weights.nrows()));
        tasks::for_each(y.outer_iter_mut().zip(x.outer_iter()), |(mut y, x)| {
            for ((y, weights), bias) in y.iter_mut().zip(self.weights.outer_iter()).zip(&self.bias)
            {
                let products = x.iter().zip(weights).map(|(&x, &w)| f64::from(x) * f64::from(w));
                *y = products.fold(f64::from(*bias), |sum, product| sum + product) as f32;
            }
        });
        y
    }
}

/// What float layers, with ReLU between them, compute from `inputs`, `[samples, inputs]`: `[samples, outputs]`.
///
/// Sums are in f64, in ascending k, and rounded once to f32.
///
/// ```
/// use fewbit::sweep::{FloatLayer, float_outputs};
/// use ndarray::array;
/// let layers = [
///     FloatLayer { weights: array![[1.0, 2.0], [-1.0, 0.0]], bias: array![0.5, 0.0] },
///     FloatLayer::without_bias(array![[2.0, 7.0]]),
/// ];
/// // 1 + 2 * 2 + 0.5 = 5.5, and -1, which becomes 0; 2 * 5.5.
/// assert_eq!(float_outputs(&layers, array![[1.0, 2.0]].view())?, array![[11.0]]);
/// # Ok::<(), fewbit::sweep::SweepError>(())
/// ```
///
/// # Errors
/// Layers or inputs that do not fit each other.
pub fn float_outputs(
    layers: &[FloatLayer],
    inputs: ArrayView2<'_, f32>,
) -> Result<Array2<f32>, SweepError> {
    check_layers(layers)?;
    check_inputs("the inputs", layers, inputs)?;
    let mut x = inputs.to_owned();
    for (index, layer) in layers.iter().enumerate() {
        if index > 0 {
            x.mapv_inplace(relu);
        }
        x = layer.forward(x.view());
    }
    Ok(x)
}

/// `max(y, 0)`
pub(super) fn relu(y: f32) -> f32 {
    y.max(0.0)
}

/// Refuses layers that do not fit each other.
pub(super) fn check_layers(layers: &[FloatLayer]) -> Result<(), SweepError> {
    let mut width = layers.first().ok_or(SweepError::NoLayers)?.weights.ncols();
    for (layer, of) in layers.iter().enumerate() {
        let (outputs, inputs) = of.weights.dim();
        if outputs == 0 || inputs == 0 {
            return Err(SweepError::Empty { what: "weights", rows: outputs, columns: inputs });
        }
        if inputs != width {
            let what = "the outputs of the layer before";
            return Err(SweepError::Inputs { what, found: width, expected: inputs, layer });
        }
        if of.bias.len() != outputs {
            return Err(SweepError::Biases { layer, outputs, biases: of.bias.len() });
        }
        width = outputs;
    }
    Ok(())
}

/// Refuses inputs that the first layer does not take.
pub(super) fn check_inputs(
    what: &'static str,
    layers: &[FloatLayer],
    inputs: ArrayView2<'_, f32>,
) -> Result<(), SweepError> {
    let expected = layers.first().map_or(0, |layer| layer.weights.ncols());
    let (rows, found) = inputs.dim();
    if rows == 0 {
        return Err(SweepError::Empty { what, rows, columns: found });
    }
    if found != expected {
        return Err(SweepError::Inputs { what, found, expected, layer: 0 });
    }
    Ok(())
}
