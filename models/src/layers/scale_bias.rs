//! A factor and a bias for each channel.

use ndarray::{Array1, ArrayD, Axis};

use super::weighted::Operands;
use super::{LayerError, LayerQuantizers, QuantValue};

/// `y = x w + b` with a weight and a bias for each channel of axis 1: what is left of a batch normalisation.
///
/// ```
/// use fewbit_models::layers::{LayerQuantizers, QuantScaleBias};
/// use ndarray::array;
/// let quantizers = LayerQuantizers::new().weight("Int8WeightPerTensorFloat")?.set_weight("bit_width", 2.into())?;
/// let layer = QuantScaleBias { weight: array![1.0, -0.9], bias: None, quantizers };
/// let y = layer.forward(&array![[2.0f32, 3.0]].into())?;
/// assert_eq!(y.values, array![[2.0, -3.0]].into_dyn());
/// # Ok::<(), fewbit_models::layers::LayerError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct QuantScaleBias {
    /// One per channel.
    pub weight: Array1<f32>,
    /// One per channel.
    pub bias: Option<Array1<f32>>,
    /// The quantizers.
    pub quantizers: LayerQuantizers,
}

impl QuantScaleBias {
    /// The values.
    ///
    /// # Errors
    /// Another number of channels; what a quantizer refuses.
    pub fn forward(&self, x: &QuantValue) -> Result<QuantValue, LayerError> {
        let (shape, channels) = (x.values.shape(), self.weight.len());
        let biases = self.bias.as_ref().map_or(channels, Array1::len);
        if shape.get(1) != Some(&channels) || biases != channels {
            return Err(LayerError::Shape(format!(
                "{channels} weights and {biases} biases for channels on axis 1 of {shape:?}"
            )));
        }
        let weight = self.weight.clone().into_dyn();
        let operands = Operands::new(&self.quantizers, x, weight, self.bias.as_ref())?;
        let mut values = operands.input.values.clone();
        each_channel(&mut values, &operands.weight.values, |x, w| x * w);
        if let Some(bias) = &operands.bias {
            each_channel(&mut values, &bias.values, |x, b| x + b);
        }
        operands.output(&self.quantizers, values, 1)
    }
}

fn each_channel(values: &mut ArrayD<f32>, parameters: &ArrayD<f32>, f: impl Fn(f32, f32) -> f32) {
    for (mut channel, &parameter) in values.axis_iter_mut(Axis(1)).zip(parameters) {
        channel.mapv_inplace(|x| f(x, parameter));
    }
}
