//! Scales and zero points of a tensor.

use ndarray::ArrayD;

/// Scales and zero points of a tensor, of the shape of the granularity.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters {
    /// One scale per group.
    pub scale: ArrayD<f32>,
    /// One zero point per group; `None` where all are zero.
    pub zero_point: Option<ArrayD<f32>>,
}
