//! Quantizers under the names that they have in Brevitas 0.12.1.

mod build;
mod rows;

use std::fmt;
use std::str::FromStr;

use fewbit_formats::Format;

use super::{QuantizeError, Recipe};

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
    build: fn(Format) -> Result<Recipe, QuantizeError>,
}

impl Preset {
    /// Every preset.
    #[must_use]
    pub fn all() -> &'static [Self] {
        rows::ROWS
    }

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

/// The preset of this name, whatever its case.
impl FromStr for &'static Preset {
    type Err = QuantizeError;

    fn from_str(text: &str) -> Result<Self, QuantizeError> {
        let known = rows::ROWS.iter().find(|preset| preset.name.eq_ignore_ascii_case(text));
        known.ok_or_else(|| QuantizeError::Preset { found: text.into(), near: near(text) })
    }
}

/// Up to four names that begin as `text` does, in parentheses.
fn near(text: &str) -> String {
    let text = text.to_ascii_lowercase();
    let common = |name: &str| {
        let name = name.to_ascii_lowercase();
        name.bytes().zip(text.bytes()).take_while(|(a, b)| a == b).count()
    };
    let mut found: Vec<(usize, &str)> = rows::ROWS
        .iter()
        .map(|preset| (common(preset.name), preset.name))
        .filter(|(common, _)| *common >= 4)
        .collect();
    found.sort_by_key(|(common, name)| {
        (std::cmp::Reverse(*common), name.len().abs_diff(text.len()))
    });
    let names = found.iter().take(4).map(|(_, name)| *name).collect::<Vec<_>>().join(", ");
    if names.is_empty() { names } else { format!(" ({names})") }
}

impl PartialEq for Preset {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Preset {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_can_be_built_and_written_down() {
        for preset in Preset::all() {
            let recipe = match preset.format {
                Some(_) => preset.recipe().unwrap(),
                None => preset.recipe_in(Format::E3M4).unwrap(),
            };
            let json = serde_json::to_string(&recipe).unwrap();
            let back: Recipe = serde_json::from_str(&json).unwrap();
            assert_eq!(back, recipe, "{}", preset.name);
            let same =
                Preset::all().iter().filter(|other| other.name.eq_ignore_ascii_case(preset.name));
            assert_eq!(same.count(), 1, "{}", preset.name);
        }
    }

    #[test]
    fn a_field_that_there_is_not_is_an_error() {
        let recipe = "MXInt8Weight".parse::<&Preset>().unwrap().recipe().unwrap();
        let mut json = serde_json::to_value(&recipe).unwrap();
        json["granularity"]["group"]["sise"] = 16.into();
        assert!(serde_json::from_value::<Recipe>(json).is_err());
        let mut json = serde_json::to_value(&recipe).unwrap();
        json["scal"] = 1.into();
        assert!(serde_json::from_value::<Recipe>(json).is_err());
    }
}
