//! What a quantizer makes of a tensor.

use ndarray::ArrayD;

use crate::tensor::AnyQuantTensor;

/// What a quantizer makes of a tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantization {
    /// Codes, scales, zero points.
    pub tensor: AnyQuantTensor,
    /// The values as a quantizer that works on floats alone computes them: those of the codes, but NaN stays NaN and zeros
    /// have signs.
    pub values: ArrayD<f32>,
}
