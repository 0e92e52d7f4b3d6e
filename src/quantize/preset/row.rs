//! A row of the presets.

use std::fmt;

use fewbit_formats::Format;

use crate::quantize::{QuantizeError, Recipe};

/// What a preset quantizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Family {
    /// Weights `[out, in, ...]`; channels are the indices of axis 0.
    Weight,
    /// Activations; rows run along the last axis, channels of images are the indices of axis 1.
    Activation,
    /// Biases `[out]`.
    Bias,
    /// Results of integer arithmetic.
    Truncation,
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Weight => "weight",
            Self::Activation => "activation",
            Self::Bias => "bias",
            Self::Truncation => "truncation",
        })
    }
}

/// Where a name comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Origin {
    /// A class of `brevitas.quant`.
    Brevitas,
    /// A class of `brevitas_examples.common.generative.quantizers`.
    BrevitasExamples,
    /// A class of Brevitas with other widths, which it gets as keyword arguments there.
    Derived,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Brevitas => "brevitas",
            Self::BrevitasExamples => "brevitas_examples",
            Self::Derived => "derived",
        })
    }
}

/// A named quantizer: a row of [`Preset::all`].
///
/// ```
/// use fewbit::quantize::Preset;
/// use ndarray::array;
///
/// let preset = "Int8WeightPerChannelFloat".parse::<&Preset>()?;
/// let q = preset.recipe()?.quantize(&array![[1.27f32, -0.5], [0.0, 2.54]].view())?;
/// assert_eq!(q.tensor.scale(), &array![[0.01f32], [0.02]].into_dyn()); // over 127: the range is narrow
/// assert_eq!(q.tensor.ints()?, array![[127, -50], [0, 127]].into_dyn());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// Its name.
    pub name: &'static str,
    /// What it quantizes.
    pub family: Family,
    /// Whose name it is.
    pub origin: Origin,
    /// What it does, in a line.
    pub description: &'static str,
    /// The name of its format; `None` where one must be given.
    pub format: Option<&'static str>,
    pub(super) build: fn(Format) -> Result<Recipe, QuantizeError>,
}

impl Preset {
    /// What it stands for.
    ///
    /// # Errors
    /// A preset that needs a format.
    pub fn recipe(&self) -> Result<Recipe, QuantizeError> {
        let name = self.format.ok_or_else(|| {
            QuantizeError::Description(format!(
                "{} has no format of its own: set `format`, for instance format=e4m3fn",
                self.name
            ))
        })?;
        let format = name.parse().map_err(|error: fewbit_formats::FormatError| {
            QuantizeError::Description(error.to_string())
        })?;
        (self.build)(format)
    }

    /// What it stands for with elements of another format.
    ///
    /// # Errors
    /// A format that the preset cannot have.
    pub fn recipe_in(&self, format: Format) -> Result<Recipe, QuantizeError> {
        (self.build)(format)
    }
}

impl PartialEq for Preset {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Preset {}
