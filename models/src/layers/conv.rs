//! Convolutions.

use fewbit::Accumulator;
use ndarray::{Array1, ArrayD};

use crate::exec::integer::Sums;
use crate::graph::ProductLayout;
use crate::ops::Conv;

use super::weighted::Operands;
use super::{LayerError, LayerQuantizers, QuantValue};

/// A convolution of one to three spatial axes: weights `[out, in / groups, kernel...]`, inputs `[samples, in, ...]`.
///
/// ```
/// use fewbit_models::layers::{LayerQuantizers, QuantConv, QuantValue};
/// use fewbit_models::ops::Conv;
/// use ndarray::array;
/// let quantizers = LayerQuantizers::new().weight("Int8WeightPerTensorFloat")?.set_weight("bit_width", 2.into())?;
/// let weight = array![[[1.0f32, -0.9]]].into_dyn(); // narrow int2: -1 to 1, scale 1
/// let layer = QuantConv::new(Conv::default(), weight, None, quantizers);
/// let y = layer.forward(&QuantValue::from(array![[[5.0f32, 3.0, 4.0]]]))?;
/// assert_eq!(y.values, array![[[2.0, -1.0]]].into_dyn()); // 5 - 3, 3 - 4
/// # Ok::<(), fewbit_models::layers::LayerError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct QuantConv {
    /// Strides, padding, dilation, groups.
    pub op: Conv,
    /// `[out, in / groups, kernel...]`.
    pub weight: ArrayD<f32>,
    /// One per output channel.
    pub bias: Option<Array1<f32>>,
    /// The quantizers.
    pub quantizers: LayerQuantizers,
}

impl QuantConv {
    /// A layer of these weights.
    #[must_use]
    pub fn new(
        op: Conv,
        weight: ArrayD<f32>,
        bias: Option<Array1<f32>>,
        quantizers: LayerQuantizers,
    ) -> Self {
        Self { op, weight, bias, quantizers }
    }

    fn operands(&self, x: &QuantValue) -> Result<Operands, LayerError> {
        Operands::new(&self.quantizers, x, self.weight.clone(), self.bias.as_ref())
    }

    /// The outputs in floats.
    ///
    /// # Errors
    /// Shapes that do not fit; what a quantizer refuses.
    pub fn forward(&self, x: &QuantValue) -> Result<QuantValue, LayerError> {
        let operands = self.operands(x)?;
        let values = operands.product(&self.op.clone().into())?;
        operands.output(&self.quantizers, values, 1)
    }

    /// The sums of codes times codes through an accumulator, with the bias behind it, and the overflow events of its
    /// stages; the output quantizer is left to whoever requantizes.
    ///
    /// # Errors
    /// As [`Self::forward`]; an input or weights that are no codes of integers with one scale, or one per output
    /// channel of the weights; a bias that is not in the scale of the sums.
    pub fn forward_integer(
        &self,
        x: &QuantValue,
        accumulator: &Accumulator,
    ) -> Result<(Sums, Vec<u64>), LayerError> {
        self.operands(x)?.integer_product(ProductLayout::Conv, Some(&self.op), accumulator)
    }
}
