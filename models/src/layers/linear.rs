//! Linear layers.

use fewbit::Accumulator;
use ndarray::{Array1, Array2, ArrayD, IxDyn};

use crate::exec::integer::Sums;
use crate::graph::ProductLayout;
use crate::ops::Gemm;

use super::weighted::Operands;
use super::{LayerError, LayerQuantizers, QuantValue};

/// A linear layer, `y = x wᵀ + b`: weights `[out, in]`, inputs `[..., in]`.
///
/// ```
/// use fewbit_models::layers::{LayerQuantizers, QuantLinear, QuantValue};
/// use ndarray::array;
/// let quantizers = LayerQuantizers::new().weight("Int8WeightPerTensorFloat")?.set_weight("bit_width", 3.into())?;
/// let layer = QuantLinear::new(array![[3.0, -1.2]], None, quantizers); // narrow int3: -3 to 3, scale 1
/// let y = layer.forward(&QuantValue::from(array![[1.0f32, 2.0]]))?;
/// assert_eq!(y.values, array![[1.0]].into_dyn()); // 3 - 2
/// # Ok::<(), fewbit_models::layers::LayerError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct QuantLinear {
    /// `[out, in]`.
    pub weight: Array2<f32>,
    /// One per output channel.
    pub bias: Option<Array1<f32>>,
    /// The quantizers.
    pub quantizers: LayerQuantizers,
}

impl QuantLinear {
    /// A layer of these weights.
    #[must_use]
    pub fn new(
        weight: Array2<f32>,
        bias: Option<Array1<f32>>,
        quantizers: LayerQuantizers,
    ) -> Self {
        Self { weight, bias, quantizers }
    }

    fn operands(&self, x: &QuantValue) -> Result<Operands, LayerError> {
        let (found, columns) = (x.values.shape(), self.weight.ncols());
        if found.last() != Some(&columns) {
            return Err(LayerError::Shape(format!("inputs {found:?}: expected [..., {columns}]")));
        }
        Operands::new(&self.quantizers, x, self.weight.clone().into_dyn(), self.bias.as_ref())
    }

    /// The outputs in floats, `[..., out]`.
    ///
    /// # Errors
    /// Inputs of another length; what a quantizer refuses.
    pub fn forward(&self, x: &QuantValue) -> Result<QuantValue, LayerError> {
        let mut operands = self.operands(x)?;
        let shape = x.values.shape();
        let columns = self.weight.ncols();
        let rows = x.values.len().checked_div(columns).unwrap_or(0);
        let flat = operands.input.values.iter().copied().collect();
        operands.input.values = reshaped(&[rows, columns], flat)?;
        let gemm = Gemm { transpose_b: true, ..Gemm::default() };
        let values = operands.product(&gemm.into())?;
        let outputs = self.weight.nrows();
        let shape: Vec<usize> = shape[..shape.len() - 1].iter().copied().chain([outputs]).collect();
        let values = reshaped(&shape, values.into_iter().collect())?;
        operands.output(&self.quantizers, values, shape.len() - 1)
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
        self.operands(x)?.integer_product(ProductLayout::Rows, None, accumulator)
    }
}

fn reshaped(shape: &[usize], values: Vec<f32>) -> Result<ArrayD<f32>, LayerError> {
    let array = ArrayD::from_shape_vec(IxDyn(shape), values);
    array.map_err(|error| LayerError::Shape(error.to_string()))
}
