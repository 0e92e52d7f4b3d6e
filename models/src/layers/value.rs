//! What goes from layer to layer.

use fewbit::tensor::AnyQuantTensor;
use ndarray::{Array, ArrayD, Dimension};

/// Values, and the codes that they are those of, if they come from a quantizer.
#[derive(Clone, Debug, PartialEq)]
pub struct QuantValue {
    /// The values.
    pub values: ArrayD<f32>,
    /// The codes.
    pub codes: Option<AnyQuantTensor>,
}

impl<D: Dimension> From<Array<f32, D>> for QuantValue {
    fn from(values: Array<f32, D>) -> Self {
        Self { values: values.into_dyn(), codes: None }
    }
}
