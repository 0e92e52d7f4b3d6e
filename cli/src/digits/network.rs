//! The carried networks: float multilayer perceptrons with ReLU between their layers, as `cli/examples/train_digits` trains
//! them.

use std::fmt;

use ndarray::{Array1, Array2};
use safetensors::{Dtype, SafeTensors};

use super::files::{FOUR_LAYERS, THREE_LAYERS};
use super::{CLASSES, DigitsError, PIXELS};

/// Names of the layers, from the input on.
const LAYERS: [&str; 4] = ["fc1", "fc2", "fc3", "fc4"];

/// A carried network, under the name of its shape: `64-128-128-10`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Perceptron {
    /// `64-128-128-10`
    #[default]
    ThreeLayers,
    /// `64-96-64-32-10`
    FourLayers,
}

impl Perceptron {
    /// All that are carried.
    pub const ALL: [Self; 2] = [Self::ThreeLayers, Self::FourLayers];

    /// Inputs of the first layer, then outputs of every layer.
    #[must_use]
    pub const fn widths(self) -> &'static [usize] {
        match self {
            Self::ThreeLayers => &[PIXELS, 128, 128, CLASSES],
            Self::FourLayers => &[PIXELS, 96, 64, 32, CLASSES],
        }
    }

    /// Its file, with the name in the sources.
    #[must_use]
    pub fn file(self) -> (&'static str, &'static [u8]) {
        match self {
            Self::ThreeLayers => THREE_LAYERS,
            Self::FourLayers => FOUR_LAYERS,
        }
    }

    /// Its layers.
    ///
    /// # Errors
    /// Carried weights that are not these layers.
    pub fn layers(self) -> Result<Vec<Layer>, DigitsError> {
        let file = SafeTensors::deserialize(self.file().1)?;
        let shapes = self.widths().windows(2);
        let layer = |(name, widths): (&'static str, &[usize])| {
            let wrong = |tensor| DigitsError::Tensor { name: format!("{name}.{tensor}") };
            let of = |tensor, shape: &[usize]| {
                numbers(&file, &format!("{name}.{tensor}"), shape)?.ok_or_else(|| wrong(tensor))
            };
            let (inputs, outputs) = (widths[0], widths[1]);
            let weights = of("weight", &[outputs, inputs])?;
            let weights = Array2::from_shape_vec((outputs, inputs), weights);
            let bias = Array1::from_vec(of("bias", &[outputs])?);
            Ok(Layer { name, weights: weights.map_err(|_| wrong("weight"))?, bias })
        };
        LAYERS.into_iter().zip(shapes).map(layer).collect()
    }
}

impl fmt::Display for Perceptron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths: Vec<String> = self.widths().iter().map(usize::to_string).collect();
        f.pad(&widths.join("-"))
    }
}

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

/// The numbers of a tensor; `None` where it has another type or shape.
fn numbers(
    file: &SafeTensors<'_>,
    name: &str,
    shape: &[usize],
) -> Result<Option<Vec<f32>>, DigitsError> {
    let view = file.tensor(name)?;
    if view.dtype() != Dtype::F32 || view.shape() != shape {
        return Ok(None);
    }
    let (words, _) = view.data().as_chunks::<4>();
    Ok(Some(words.iter().map(|&w| f32::from_le_bytes(w)).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_have_the_shapes_of_their_names() -> Result<(), DigitsError> {
        for (network, name) in Perceptron::ALL.into_iter().zip(["64-128-128-10", "64-96-64-32-10"])
        {
            assert_eq!(network.to_string(), name);
            let layers = network.layers()?;
            assert_eq!(layers.len() + 1, network.widths().len());
        }
        Ok(())
    }
}
