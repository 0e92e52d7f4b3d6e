//! The carried network: a float multilayer perceptron 64-128-128-10 with ReLU between its layers, as
//! `cli/examples/train_digits` trains it.

use ndarray::{Array1, Array2};
use safetensors::{Dtype, SafeTensors};

use super::DigitsError;
use super::files::WEIGHTS;

/// Names of the layers, from the input on.
const LAYERS: [&str; 3] = ["fc1", "fc2", "fc3"];

/// A linear layer: `y = W x + b`.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// Its name.
    pub name: &'static str,
    /// `[outputs, inputs]`.
    pub weights: Array2<f32>,
    /// `[outputs]`.
    pub bias: Array1<f32>,
}

/// The layers of the carried network.
///
/// # Errors
/// Carried weights that are not these layers.
pub fn network() -> Result<Vec<Layer>, DigitsError> {
    let file = SafeTensors::deserialize(WEIGHTS)?;
    LAYERS
        .into_iter()
        .map(|name| {
            let (shape, weights) = tensor(&file, &format!("{name}.weight"), 2)?;
            let (_, bias) = tensor(&file, &format!("{name}.bias"), 1)?;
            let wrong = || DigitsError::Tensor { name: format!("{name}.weight"), axes: 2 };
            let weights =
                Array2::from_shape_vec((shape[0], shape[1]), weights).map_err(|_| wrong())?;
            Ok(Layer { name, weights, bias: Array1::from_vec(bias) })
        })
        .collect()
}

fn tensor(
    file: &SafeTensors<'_>,
    name: &str,
    axes: usize,
) -> Result<(Vec<usize>, Vec<f32>), DigitsError> {
    let view = file.tensor(name)?;
    if view.dtype() != Dtype::F32 || view.shape().len() != axes {
        return Err(DigitsError::Tensor { name: name.into(), axes });
    }
    let (words, _) = view.data().as_chunks::<4>();
    Ok((view.shape().to_vec(), words.iter().map(|&w| f32::from_le_bytes(w)).collect()))
}
