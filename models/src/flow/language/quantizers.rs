//! The quantizers that the keys of the language flow ask for, as presets with some fields changed.

use fewbit::formats::Format;
use fewbit::quantize::{Preset, QuantizeError, Quantizer, Recipe};
use serde_json::{Value, json};

use super::super::FlowError;
use super::super::config::{ScaleKind, Symmetry};
use super::config::{
    AttentionParts, LanguageFlowConfig, ParamMethod, ScaleRounding, ScaleTiming, TensorSharing,
};
use crate::passes::SdpaQuantizers;

/// What codes stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Int,
    Float,
    Ocp,
    Fnuz,
}

/// The kind that a key names, and the float format where it is one of floats.
fn kind(key: &str, text: &str) -> Result<(Kind, Option<String>), FlowError> {
    let wrong = |problem: &str| FlowError::Value {
        key: key.into(),
        value: text.into(),
        problem: problem.into(),
    };
    if text == "int" {
        return Ok((Kind::Int, None));
    }
    let (kind, suffix, rest) = match text {
        _ if text.starts_with("float_ocp_") => (Kind::Ocp, "fn", &text["float_ocp_".len()..]),
        _ if text.starts_with("float_fnuz_") => (Kind::Fnuz, "fnuz", &text["float_fnuz_".len()..]),
        _ if text.starts_with("float_") => (Kind::Float, "fin", &text["float_".len()..]),
        _ => (Kind::Float, "fin", text),
    };
    // Of OCP's two FP8 formats, e5m2 has infinities and no ending.
    let suffix = if (kind, rest) == (Kind::Ocp, "e5m2") { "" } else { suffix };
    let name = format!("{rest}{suffix}");
    match name.parse::<Format>() {
        Ok(Format::Float(_)) if rest.starts_with('e') => Ok((kind, Some(name))),
        _ => Err(wrong("expected int, eXmY, float_eXmY, float_ocp_eXmY or float_fnuz_eXmY")),
    }
}

use Kind::{Float, Fnuz, Int, Ocp};
use ParamMethod as M;
use ScaleKind::{Float as AnyScale, PowerOfTwo as Po2};
use ScaleTiming as T;
use Symmetry::{Asymmetric as Asym, Symmetric as Sym};
use TensorSharing as S;

/// Presets of weights: Brevitas 0.12.1's `WEIGHT_QUANT_MAP`.
#[rustfmt::skip]
const WEIGHTS: &[(Kind, ScaleKind, ParamMethod, TensorSharing, Symmetry, &str)] = &[
    (Int, AnyScale, M::Stats, S::Tensor, Sym, "Int8WeightPerTensorFloat"),
    (Int, AnyScale, M::Stats, S::Tensor, Asym, "ShiftedUint8WeightPerTensorFloat"),
    (Int, AnyScale, M::Stats, S::Channel, Sym, "Int8WeightPerChannelFloat"),
    (Int, AnyScale, M::Stats, S::Channel, Asym, "ShiftedUint8WeightPerChannelFloat"),
    (Int, AnyScale, M::Stats, S::Group, Sym, "IntWeightSymmetricGroupQuant"),
    (Int, AnyScale, M::Stats, S::Group, Asym, "ShiftedUint8WeightGroupQuantFloat"),
    (Int, AnyScale, M::Mse, S::Tensor, Sym, "Int8WeightPerTensorFloatMSE"),
    (Int, AnyScale, M::Mse, S::Tensor, Asym, "ShiftedUint8WeightPerTensorFloatMSE"),
    (Int, AnyScale, M::Mse, S::Channel, Sym, "Int8WeightPerChannelFloatMSE"),
    (Int, AnyScale, M::Mse, S::Channel, Asym, "ShiftedUint8WeightPerChannelFloatMSE"),
    (Int, AnyScale, M::Hqo, S::Tensor, Sym, "Int8WeightPerTensorFloatHQO"),
    (Int, AnyScale, M::Hqo, S::Tensor, Asym, "ShiftedUint8WeightPerTensorFloatHQO"),
    (Int, AnyScale, M::Hqo, S::Channel, Sym, "Int8WeightPerChannelFloatHQO"),
    (Int, AnyScale, M::Hqo, S::Channel, Asym, "ShiftedUint8WeightPerChannelFloatHQO"),
    (Int, AnyScale, M::Hqo, S::Group, Asym, "ShiftedUint8WeightPerGroupFloatHQO"),
    (Int, Po2, M::Stats, S::Tensor, Sym, "Int8WeightPerTensorFixedPoint"),
    (Int, Po2, M::Stats, S::Channel, Sym, "Int8WeightPerChannelFixedPoint"),
    (Int, Po2, M::Stats, S::Group, Sym, "MXInt8Weight"),
    (Int, Po2, M::Stats, S::Group, Asym, "ShiftedMXUInt8Weight"),
    (Int, Po2, M::Mse, S::Tensor, Sym, "Int8WeightPerTensorFixedPointMSE"),
    (Int, Po2, M::Mse, S::Channel, Sym, "Int8WeightPerChannelFixedPointMSE"),
    (Int, Po2, M::Mse, S::Group, Sym, "MXInt8WeightMSE"),
    (Int, Po2, M::Mse, S::Group, Asym, "ShiftedMXUInt8WeightMSE"),
    (Float, AnyScale, M::Stats, S::Tensor, Sym, "Fp8e4m3WeightPerTensorFloat"),
    (Float, AnyScale, M::Stats, S::Channel, Sym, "Fp8e4m3WeightPerChannelFloat"),
    (Float, AnyScale, M::Stats, S::Group, Sym, "Fp8e4m3WeightSymmetricGroupQuant"),
    (Ocp, AnyScale, M::Stats, S::Tensor, Sym, "Fp8e4m3OCPWeightPerTensorFloat"),
    (Ocp, AnyScale, M::Stats, S::Channel, Sym, "Fp8e4m3OCPWeightPerChannelFloat"),
    (Ocp, AnyScale, M::Stats, S::Group, Sym, "Fp8e4m3OCPWeightSymmetricGroupQuant"),
    (Ocp, AnyScale, M::Mse, S::Channel, Sym, "Fp8e4m3OCPWeightPerChannelFloatMSE"),
    (Ocp, Po2, M::Stats, S::Group, Sym, "MXFloat8e4m3Weight"),
    (Ocp, Po2, M::Mse, S::Channel, Sym, "Fp8e4m3OCPWeightPerChannelFixedPointMSE"),
    (Ocp, Po2, M::Mse, S::Group, Sym, "MXFloat8e4m3WeightMSE"),
    (Fnuz, AnyScale, M::Stats, S::Tensor, Sym, "Fp8e4m3FNUZWeightPerTensorFloat"),
    (Fnuz, AnyScale, M::Stats, S::Channel, Sym, "Fp8e4m3FNUZWeightPerChannelFloat"),
];

/// Presets of inputs: Brevitas 0.12.1's `INPUT_QUANT_MAP`.
#[rustfmt::skip]
const INPUTS: &[(Kind, ScaleTiming, ScaleKind, ParamMethod, TensorSharing, Symmetry, &str)] = &[
    (Int, T::Static, AnyScale, M::Stats, S::Tensor, Sym, "Int8ActPerTensorFloat"),
    (Int, T::Static, AnyScale, M::Stats, S::Tensor, Asym, "ShiftedUint8ActPerTensorFloat"),
    (Int, T::Static, AnyScale, M::Mse, S::Tensor, Sym, "Int8ActPerTensorFloatMSE"),
    (Int, T::Static, AnyScale, M::Mse, S::Tensor, Asym, "ShiftedUint8ActPerTensorFloatMSE"),
    (Int, T::Static, Po2, M::Stats, S::Tensor, Sym, "Int8ActPerTensorFixedPoint"),
    (Int, T::Static, Po2, M::Mse, S::Tensor, Sym, "Int8ActPerTensorFixedPointMSE"),
    (Int, T::Dynamic, AnyScale, M::Stats, S::Tensor, Sym, "Int8DynamicActPerTensorFloat"),
    (Int, T::Dynamic, AnyScale, M::Stats, S::Tensor, Asym, "ShiftedUint8DynamicActPerTensorFloat"),
    (Int, T::Dynamic, AnyScale, M::Stats, S::Row, Sym, "Int8DynamicActPerRowFloat"),
    (Int, T::Dynamic, AnyScale, M::Stats, S::Row, Asym, "ShiftedUint8DynamicActPerRowFloat"),
    (Int, T::Dynamic, AnyScale, M::Stats, S::Group, Sym, "Int8DynamicActPerGroupFloat"),
    (Int, T::Dynamic, AnyScale, M::Stats, S::Group, Asym, "ShiftedUint8DynamicActPerGroupFloat"),
    (Int, T::Dynamic, Po2, M::Stats, S::Row, Sym, "Int8DynamicActPerRowFixedPoint"),
    (Int, T::Dynamic, Po2, M::Stats, S::Group, Sym, "MXInt8Act"),
    (Float, T::Static, AnyScale, M::Stats, S::Tensor, Sym, "Fp8e4m3ActPerTensorFloat"),
    (Float, T::Dynamic, AnyScale, M::Stats, S::Group, Sym, "Fp8e4m3DynamicActPerGroupFloat"),
    (Ocp, T::Static, AnyScale, M::Stats, S::Tensor, Sym, "Fp8e4m3OCPActPerTensorFloat"),
    (Ocp, T::Dynamic, AnyScale, M::Stats, S::Row, Sym, "FP8e4m3OCPDynamicActPerRowFloat"),
    (Ocp, T::Dynamic, AnyScale, M::Stats, S::Group, Sym, "Fp8e4m3OCPDynamicActPerGroupFloat"),
    (Ocp, T::Dynamic, Po2, M::Stats, S::Row, Sym, "FP8e4m3OCPDynamicActPerRowFixedPoint"),
    (Ocp, T::Dynamic, Po2, M::Stats, S::Group, Sym, "MXFloat8e4m3Act"),
    (Fnuz, T::Dynamic, AnyScale, M::Stats, S::Tensor, Sym, "Fp8e4m3FNUZDynamicActPerTensorFloat"),
    (Fnuz, T::Dynamic, AnyScale, M::Stats, S::Row, Sym, "FP8e4m3FNUZDynamicActPerRowFloat"),
    (Fnuz, T::Static, AnyScale, M::Stats, S::Tensor, Sym, "Fp8e4m3FNUZActPerTensorFloat"),
];

/// The quantizer of weights.
///
/// # Errors
/// Keys that name no quantizer; a format that there is not.
pub(super) fn weight_quantizer(config: &LanguageFlowConfig) -> Result<Quantizer, FlowError> {
    let (kind, format) = kind("weight_quant_format", &config.weight_quant_format)?;
    let (scale, method) = (config.weight_scale_precision, config.weight_param_method);
    let (sharing, symmetry) = (config.weight_quant_granularity, config.weight_quant_type);
    let row = WEIGHTS.iter().find(|row| {
        (row.0, row.1, row.2, row.3, row.4) == (kind, scale, method, sharing, symmetry)
    });
    let row = row.ok_or_else(|| none("weight_*"))?;
    let mut recipe = preset(row.5)?;
    recipe = match &format {
        Some(format) => recipe.set("format", json!(format))?,
        None if symmetry == Sym => recipe
            .set("bit_width", config.weight_bit_width.into())?
            .set("narrow_range", config.weight_narrow_range.into())?,
        None => recipe.set("bit_width", config.weight_bit_width.into())?,
    };
    if sharing == S::Group {
        recipe = recipe.set("group_size", config.weight_group_size.into())?;
    }
    if symmetry == Asym && !config.quantize_weight_zero_point {
        recipe = recipe.set("zero_point.shifted.rounding", json!("float"))?;
    }
    quantizer(finished(recipe, scale, config)?)
}

/// The keys of one quantizer of activations.
struct Activation<'a> {
    what: &'static str,
    bits: u32,
    format: &'a str,
    timing: ScaleTiming,
    scale: ScaleKind,
    method: ParamMethod,
    sharing: TensorSharing,
    symmetry: Symmetry,
    group: usize,
}

impl Activation<'_> {
    fn recipe(&self, config: &LanguageFlowConfig) -> Result<Recipe, FlowError> {
        let key = format!("{}_quant_format", self.what);
        let (kind, format) = kind(&key, self.format)?;
        let name = match self.timing {
            T::NoScale if (kind, self.symmetry) == (Float, Sym) => "Fp8e4m3Act",
            timing => {
                let of = (kind, timing, self.scale, self.method, self.sharing, self.symmetry);
                let row =
                    INPUTS.iter().find(|row| (row.0, row.1, row.2, row.3, row.4, row.5) == of);
                row.ok_or_else(|| none(&format!("{}_*", self.what)))?.6
            }
        };
        let mut recipe = preset(name)?;
        recipe = match &format {
            Some(format) => recipe.set("format", json!(format))?,
            None => recipe.set("bit_width", self.bits.into())?,
        };
        if self.sharing == S::Group {
            recipe = recipe.set("group_size", self.group.into())?;
        }
        if self.symmetry == Asym && !config.quantize_input_zero_point {
            recipe = recipe.set("zero_point.shifted.rounding", json!("float"))?;
        }
        match self.timing {
            T::NoScale => Ok(recipe),
            _ => finished(recipe, self.scale, config),
        }
    }
}

/// The quantizer of the inputs of products; `None` where they stay floats.
///
/// # Errors
/// Keys that name no quantizer; a format that there is not.
pub(super) fn input_quantizer(config: &LanguageFlowConfig) -> Result<Option<Quantizer>, FlowError> {
    let Some(bits) = config.input_bit_width else { return Ok(None) };
    quantizer(inputs(config, bits).recipe(config)?).map(Some)
}

fn inputs(config: &LanguageFlowConfig, bits: u32) -> Activation<'_> {
    Activation {
        what: "input",
        bits,
        format: &config.input_quant_format,
        timing: config.input_scale_type,
        scale: config.input_scale_precision,
        method: config.input_param_method,
        sharing: config.input_quant_granularity,
        symmetry: config.input_quant_type,
        group: config.input_group_size,
    }
}

/// The quantizers inside attention; `None` where it stays one of floats.
///
/// # Errors
/// Keys that name no quantizer; a format that there is not; inputs that stay floats.
pub(super) fn attention_quantizers(
    config: &LanguageFlowConfig,
) -> Result<Option<SdpaQuantizers>, FlowError> {
    if config.quant_sdpa.is_none() {
        return Ok(None);
    }
    let Some(bits) = config.input_bit_width else {
        return Err(FlowError::Combination(
            "`quant_sdpa` takes its quantizers from those of inputs: set `input_bit_width`".into(),
        ));
    };
    let base = inputs(config, bits);
    let keys = Activation {
        what: "attn",
        bits: config.attn_bit_width.unwrap_or(base.bits),
        format: config.attn_quant_format.as_deref().unwrap_or(base.format),
        timing: config.attn_scale_type.unwrap_or(base.timing),
        scale: config.attn_scale_precision.unwrap_or(base.scale),
        method: config.attn_param_method.unwrap_or(base.method),
        sharing: config.attn_quant_granularity.unwrap_or(base.sharing),
        symmetry: config.attn_quant_type.unwrap_or(base.symmetry),
        group: config.attn_group_size.unwrap_or(base.group),
    };
    let recipe = keys.recipe(config)?;
    let own = quantizer(recipe.clone())?;
    let is_int = keys.format == "int";
    let probabilities = match config.attn_quant_config {
        AttentionParts::Qkvs if is_int && keys.symmetry == Sym => {
            // They are never negative.
            Some(quantizer(recipe.set("signed", false.into())?)?)
        }
        AttentionParts::Qkvs => Some(own.clone()),
        AttentionParts::Qkv | AttentionParts::Kv => None,
    };
    let q = (config.attn_quant_config != AttentionParts::Kv).then(|| own.clone());
    Ok(Some(SdpaQuantizers { q, k: Some(own.clone()), v: Some(own), probabilities }))
}

/// The least scale, and how scales become powers of two.
fn finished(
    mut recipe: Recipe,
    scale: ScaleKind,
    config: &LanguageFlowConfig,
) -> Result<Recipe, FlowError> {
    if let Some(least) = config.scaling_min_val {
        recipe = recipe.set("scaling_min_val", least.into())?;
    }
    if let (Po2, Some(rounding)) = (scale, config.scale_rounding_func_type) {
        let rounding = match rounding {
            ScaleRounding::Round => "ties-even",
            ScaleRounding::Ceil => "up",
            ScaleRounding::Floor => "down",
        };
        let to: Value = json!({ "power-of-two": rounding });
        for key in ["scale.restriction", "scale.threshold_restriction", "scale.ratio_restriction"] {
            let whole = serde_json::to_value(&recipe).unwrap_or_default();
            let path = key.split('.').try_fold(&whole, |at, step| at.get(step));
            if path.is_some_and(|now| now.get("power-of-two").is_some()) {
                recipe = recipe.set(key, to.clone())?;
            }
        }
    }
    Ok(recipe)
}

fn none(what: &str) -> FlowError {
    FlowError::Combination(format!(
        "the keys {what} together name no quantizer of Brevitas: change granularity, scale precision, scale type, method or zero points"
    ))
}

fn preset(name: &str) -> Result<Recipe, FlowError> {
    let preset: &Preset = name.parse().map_err(|error: QuantizeError| FlowError::from(error))?;
    Ok(preset.recipe()?)
}

fn quantizer(recipe: Recipe) -> Result<Quantizer, FlowError> {
    match recipe {
        Recipe::Quantizer(quantizer) => Ok(quantizer),
        _ => Err(FlowError::Combination("a quantizer of one scale was expected".into())),
    }
}
