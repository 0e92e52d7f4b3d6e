//! Named sets of quantizers.

use fewbit::quantize::{Preset, QuantizeError, Recipe};
use ndarray::ArrayD;
use serde_json::Value;

use super::{LayerError, QuantValue};

/// Declares a set of quantizers: a field for each, one method that takes a preset's name, one that changes a field of it.
macro_rules! quantizer_set {
    (
        $(#[$doc:meta])*
        $name:ident {
            $($(#[$field_doc:meta])* $field:ident $set:ident $what:literal;)*
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: Option<Recipe>,)*
        }

        impl $name {
            /// None.
            #[must_use]
            pub fn new() -> Self {
                Self::default()
            }

            $(
                #[doc = concat!("With the preset of this name for the ", $what, ".")]
                ///
                /// # Errors
                /// No such preset, or one without a format of its own.
                pub fn $field(self, preset: &str) -> Result<Self, LayerError> {
                    Ok(Self { $field: Some(by_name($what, preset)?), ..self })
                }

                #[doc = concat!("With one field of the quantizer of the ", $what, " changed, as [`Recipe::set`].")]
                ///
                /// # Errors
                /// No such quantizer or field; a value that the field cannot have.
                pub fn $set(self, key: &str, value: Value) -> Result<Self, LayerError> {
                    Ok(Self { $field: Some(changed($what, self.$field.as_ref(), key, value)?), ..self })
                }
            )*
        }
    };
}

quantizer_set! {
    /// The four quantizers of a layer with weights; what has none stays a float.
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
    LayerQuantizers {
        /// Of the input.
        input set_input "input";
        /// Of the weights.
        weight set_weight "weight";
        /// Of the bias.
        bias set_bias "bias";
        /// Of the output.
        output set_output "output";
    }
}

quantizer_set! {
    /// The quantizers of a layer that puts several inputs together.
    ///
    /// ```
    /// use fewbit_models::layers::JoinQuantizers;
    /// let quantizers = JoinQuantizers::new().input("Int8ActPerTensorFloat")?;
    /// assert!(quantizers.output.is_none());
    /// # Ok::<(), fewbit_models::layers::LayerError>(())
    /// ```
    JoinQuantizers {
        /// Of every input: one quantizer for all of them.
        input set_input "input";
        /// Of the output.
        output set_output "output";
    }
}

quantizer_set! {
    /// The quantizers inside an attention; what has none stays a float.
    ///
    /// ```
    /// use fewbit_models::layers::AttentionQuantizers;
    /// let quantizers = AttentionQuantizers::new()
    ///     .q_scaled("Int8ActPerTensorFloat")?
    ///     .k_transposed("Int8ActPerTensorFloat")?
    ///     .attn_output_weights("Uint8ActPerTensorFloat")?
    ///     .v("Int8ActPerTensorFloat")?;
    /// assert!(quantizers.softmax_input.is_none());
    /// # Ok::<(), fewbit_models::layers::LayerError>(())
    /// ```
    AttentionQuantizers {
        /// Of the queries, times the scale.
        q_scaled set_q_scaled "scaled queries";
        /// Of the keys, transposed.
        k_transposed set_k_transposed "transposed keys";
        /// Of what the softmax takes.
        softmax_input set_softmax_input "softmax's input";
        /// Of what the softmax gives.
        attn_output_weights set_attn_output_weights "attention weights";
        /// Of the values.
        v set_v "values";
        /// Of the output, before any projection.
        sdpa_output set_sdpa_output "attention's output";
    }
}

quantizer_set! {
    /// The quantizers of a recurrent layer; what has none stays a float.
    ///
    /// ```
    /// use fewbit_models::layers::RecurrentQuantizers;
    /// let quantizers = RecurrentQuantizers::new().weight("Int8WeightPerTensorFloat")?;
    /// assert!(quantizers.io.is_none());
    /// # Ok::<(), fewbit_models::layers::LayerError>(())
    /// ```
    RecurrentQuantizers {
        /// Of the weights of all gates.
        weight set_weight "weight";
        /// Of the biases of all gates.
        bias set_bias "bias";
        /// Of the first layer's input, and of all outputs and hidden states.
        io set_io "input and output";
    }
}

/// A recipe by the name of its preset.
pub(super) fn by_name(what: &'static str, preset: &str) -> Result<Recipe, LayerError> {
    let recipe = preset.parse::<&Preset>().and_then(|preset| preset.recipe());
    recipe.map_err(|source| LayerError::quantize(what, source))
}

/// A recipe with one field changed.
fn changed(
    what: &'static str,
    recipe: Option<&Recipe>,
    key: &str,
    value: Value,
) -> Result<Recipe, LayerError> {
    let of = |source| LayerError::quantize(what, source);
    let none = || of(QuantizeError::Description(format!("there is none to set `{key}` of")));
    recipe.ok_or_else(none)?.set(key, value).map_err(of)
}

/// What a quantizer makes of values; the values themselves where there is none.
pub(super) fn apply(
    what: &'static str,
    recipe: Option<&Recipe>,
    value: &QuantValue,
) -> Result<QuantValue, LayerError> {
    match recipe {
        None => Ok(value.clone()),
        Some(recipe) => quantized(what, recipe, &value.values),
    }
}

/// What a quantizer makes of an array; the array itself where there is none.
pub(super) fn apply_to(
    what: &'static str,
    recipe: Option<&Recipe>,
    values: ArrayD<f32>,
) -> Result<QuantValue, LayerError> {
    match recipe {
        None => Ok(QuantValue::from(values)),
        Some(recipe) => quantized(what, recipe, &values),
    }
}

fn quantized(
    what: &'static str,
    recipe: &Recipe,
    values: &ArrayD<f32>,
) -> Result<QuantValue, LayerError> {
    let found = recipe.quantize(&values.view());
    let found = found.map_err(|source| LayerError::quantize(what, source))?;
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
