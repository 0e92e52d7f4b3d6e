//! Quantizers as data: everything that a preset, a YAML file or a JSON file can describe.
//!
//! ```text
//! quantizer   x / scale + zero point, rounded once                       weights, activations
//! bias        x / (input scale * weight scale)                           biases of integer layers
//! truncation  the low bits of a wide integer, cut off or rounded away    accumulators
//! decoupled   x / one scale, rounded, times another one                  weight normalisation, A2Q, A2Q+
//! ```

mod bias;
mod decoupled;
mod set;
mod truncation;

use ndarray::{ArrayView, Dimension};
use serde::{Deserialize, Serialize};

pub use bias::Bias;
pub use decoupled::{Decoupled, Normalization};
pub use truncation::{Truncation, TruncationScale};

use super::quantization::Quantization;
use super::{QuantizeError, Quantizer};
use crate::tensor::AnyQuantTensor;

/// A quantizer of any kind.
///
/// It is read and written by serde; in JSON and YAML the field `kind` says which one it is, and a field that it does not
/// have is an error.
///
/// ```
/// use fewbit::quantize::{Preset, Recipe};
/// let recipe = "MXFloat8e4m3Weight".parse::<&Preset>()?.recipe()?.set("group_size", 64.into())?;
/// let json = serde_json::to_string(&recipe)?;
/// assert!(json.starts_with(r#"{"kind":"quantizer","format":"e4m3fn","granularity":{"group":{"axis":1,"size":64}}"#));
/// assert_eq!(serde_json::from_str::<Recipe>(&json)?, recipe);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Recipe {
    /// One scale, one rounding.
    Quantizer(Quantizer),
    /// A bias in the scale of its layer's products.
    Bias(Bias),
    /// A wide integer to a narrow one.
    Truncation(Truncation),
    /// One scale to divide by, another one to multiply with.
    Decoupled(Decoupled),
}

impl Recipe {
    /// Codes and values of a tensor.
    ///
    /// # Errors
    /// A tensor that the quantizer does not fit, a value that its policy refuses, something that it must be given first.
    pub fn quantize<D: Dimension>(
        &self,
        x: &ArrayView<'_, f32, D>,
    ) -> Result<Quantization, QuantizeError> {
        let x = x.view().into_dyn();
        match self {
            Self::Quantizer(quantizer) => quantizer.quantization(&x),
            Self::Bias(bias) => bias.quantizer(x.shape())?.quantization(&x),
            Self::Truncation(truncation) => truncation.quantize(&x),
            Self::Decoupled(decoupled) => decoupled.quantize(&x),
        }
    }

    /// The codes alone.
    ///
    /// # Errors
    /// As [`Self::quantize`].
    pub fn codes<D: Dimension>(
        &self,
        x: &ArrayView<'_, f32, D>,
    ) -> Result<AnyQuantTensor, QuantizeError> {
        match self {
            Self::Quantizer(quantizer) => quantizer.quantize(x),
            _ => Ok(self.quantize(x)?.tensor),
        }
    }

    /// What is wrong with it whatever the tensor.
    pub(crate) fn check(&self) -> Result<(), QuantizeError> {
        match self {
            Self::Quantizer(_) => Ok(()),
            Self::Bias(bias) => bias.check(),
            Self::Truncation(truncation) => truncation.check(),
            Self::Decoupled(decoupled) => decoupled.check(),
        }
    }
}
