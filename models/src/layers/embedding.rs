//! Embeddings.

use fewbit::quantize::Recipe;
use ndarray::{Array2, ArrayD};

use super::quantizers::{apply_to, by_name};
use super::{LayerError, QuantValue};

/// A table of vectors: `y[...] = w[index, :]` of the quantized table.
///
/// Codes go along where one scale serves the whole table.
///
/// ```
/// use fewbit_models::layers::QuantEmbedding;
/// use ndarray::array;
/// let table = QuantEmbedding::new(array![[127.0, 1.2], [-3.4, 0.0]], Some("Int8WeightPerTensorFloat"))?;
/// let y = table.forward(&array![1, 0].into_dyn())?;
/// assert_eq!(y.values, array![[-3.0, 0.0], [127.0, 1.0]].into_dyn()); // scale 1
/// # Ok::<(), fewbit_models::layers::LayerError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct QuantEmbedding {
    /// `[indices, length]`.
    pub weight: Array2<f32>,
    /// The quantizer of the table, if there is one.
    pub quantizer: Option<Recipe>,
}

impl QuantEmbedding {
    /// A table with the preset of this name.
    ///
    /// # Errors
    /// No such preset.
    pub fn new(weight: Array2<f32>, preset: Option<&str>) -> Result<Self, LayerError> {
        let quantizer = preset.map(|name| by_name("weight", name)).transpose()?;
        Ok(Self { weight, quantizer })
    }

    /// The vectors of indices of any shape.
    ///
    /// # Errors
    /// An index that the table does not have; what the quantizer refuses.
    pub fn forward(&self, indices: &ArrayD<usize>) -> Result<QuantValue, LayerError> {
        let rows = self.weight.nrows();
        if let Some(index) = indices.iter().find(|&&index| index >= rows) {
            return Err(LayerError::Shape(format!("index {index} of a table of {rows}")));
        }
        let weight = self.weight.clone().into_dyn();
        apply_to("weight", self.quantizer.as_ref(), weight)?.rows(indices)
    }
}
