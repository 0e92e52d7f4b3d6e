//! A layer's inputs, a block of samples at a time.

use std::ops::Range;

use ndarray::{Array2, ArrayView2, s};

use super::error::LayerError;
use crate::algorithms::AlgorithmError;

/// Some samples of a layer's inputs.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerBatch {
    /// X, those of the float network, `[samples, inputs]`.
    pub float: Array2<f32>,
    /// X̃, those that the layer sees once what is before it is quantized, sample by sample those of X; `None` where they
    /// are X.
    pub quantized: Option<Array2<f32>>,
}

/// A layer's inputs: rows that are read in blocks, as often as a pass over them is made, so that they need not lie in
/// memory.
///
/// A row is the same whenever it is read, and either all rows have an X̃ of their own or none has.
pub trait LayerInputs {
    /// Why rows cannot be read, or what is wrong with the layer.
    type Error: From<LayerError>;

    /// Samples and inputs.
    fn dim(&self) -> (usize, usize);

    /// The samples of these numbers, which lie within [`Self::dim`].
    ///
    /// # Errors
    /// Rows that cannot be read.
    fn read(&mut self, samples: Range<usize>) -> Result<LayerBatch, Self::Error>;
}

/// Inputs that lie in memory.
#[derive(Clone, Copy, Debug)]
pub struct MatrixInputs<'a> {
    float: ArrayView2<'a, f32>,
    quantized: Option<ArrayView2<'a, f32>>,
}

impl<'a> MatrixInputs<'a> {
    /// Inputs `[samples, inputs]` that are both X and X̃.
    #[must_use]
    pub fn new(float: ArrayView2<'a, f32>) -> Self {
        Self { float, quantized: None }
    }

    /// X and, sample by sample, X̃; both `[samples, inputs]`.
    ///
    /// # Errors
    /// Matrices of different shapes.
    pub fn pairs(
        float: ArrayView2<'a, f32>,
        quantized: ArrayView2<'a, f32>,
    ) -> Result<Self, LayerError> {
        AlgorithmError::check_shape("the quantized inputs", quantized.dim(), float.dim())?;
        Ok(Self { float, quantized: Some(quantized) })
    }
}

impl LayerInputs for MatrixInputs<'_> {
    type Error = LayerError;

    fn dim(&self) -> (usize, usize) {
        self.float.dim()
    }

    fn read(&mut self, samples: Range<usize>) -> Result<LayerBatch, LayerError> {
        let rows = |matrix: ArrayView2<'_, f32>| matrix.slice(s![samples.clone(), ..]).to_owned();
        Ok(LayerBatch { float: rows(self.float), quantized: self.quantized.map(rows) })
    }
}
