//! The four quantizers of a layer.

use fewbit::quantize::{Preset, QuantizeError, Recipe};
use ndarray::ArrayD;
use serde_json::Value;

use super::{LayerError, QuantValue};

/// The four quantizers of a layer; what has none stays a float.
///
/// ```
/// use fewbit_models::layers::LayerQuantizers;
/// let quantizers = LayerQuantizers::new()
///     .input("Int8ActPerTensorFloat")?
///     .weight("Int8WeightPerChannelFloat")?
///     .bias("Int32Bias")?
///     .set_weight("bit_width", 4.into())?;
/// assert!(quantizers.output.is_none());
/// # Ok::<(), fewbit_models::layers::LayerError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LayerQuantizers {
    /// Of the input.
    pub input: Option<Recipe>,
    /// Of the weights.
    pub weight: Option<Recipe>,
    /// Of the bias.
    pub bias: Option<Recipe>,
    /// Of the output.
    pub output: Option<Recipe>,
}

macro_rules! by_name {
    ($($field:ident $set:ident $what:literal;)*) => {$(
        #[doc = concat!("With the preset of this name for the ", $what, ".")]
        ///
        /// # Errors
        /// No such preset, or one without a format of its own.
        pub fn $field(self, preset: &str) -> Result<Self, LayerError> {
            let recipe = preset.parse::<&Preset>().and_then(|preset| preset.recipe());
            let recipe = recipe.map_err(|source| LayerError::Quantize { what: $what, source })?;
            Ok(Self { $field: Some(recipe), ..self })
        }

        #[doc = concat!("With one field of the quantizer of the ", $what, " changed, as [`Recipe::set`].")]
        ///
        /// # Errors
        /// No such quantizer or field; a value that the field cannot have.
        pub fn $set(self, key: &str, value: Value) -> Result<Self, LayerError> {
            let of = |source| LayerError::Quantize { what: $what, source };
            let none = || of(QuantizeError::Description(format!("there is none to set `{key}` of")));
            let recipe = self.$field.as_ref().ok_or_else(none)?.set(key, value).map_err(of)?;
            Ok(Self { $field: Some(recipe), ..self })
        }
    )*};
}

impl LayerQuantizers {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    by_name! {
        input set_input "input";
        weight set_weight "weight";
        bias set_bias "bias";
        output set_output "output";
    }
}

/// What a quantizer makes of values; the values themselves where there is none.
pub(super) fn apply(
    what: &'static str,
    recipe: Option<&Recipe>,
    value: &QuantValue,
) -> Result<QuantValue, LayerError> {
    let Some(recipe) = recipe else { return Ok(value.clone()) };
    let found = recipe.quantize(&value.values.view());
    let found = found.map_err(|source| LayerError::Quantize { what, source })?;
    Ok(QuantValue { values: found.values, codes: Some(found.tensor) })
}

/// A bias in the scale of its layer's sums, where its recipe asks for one; else by its own recipe.
pub(super) fn apply_bias(
    recipe: Option<&Recipe>,
    bias: &ArrayD<f32>,
    input: &QuantValue,
    weight: &QuantValue,
) -> Result<QuantValue, LayerError> {
    let plain = QuantValue::from(bias.clone());
    let Some(Recipe::Bias(rule)) = recipe else { return apply("bias", recipe, &plain) };
    let scale = |value: &QuantValue| value.codes.as_ref().map(|codes| codes.scale().clone());
    let mut rule = rule.clone();
    rule.input_scale = rule.input_scale.or_else(|| scale(input));
    rule.weight_scale = rule.weight_scale.or_else(|| scale(weight));
    apply("bias", Some(&Recipe::Bias(rule)), &plain)
}
