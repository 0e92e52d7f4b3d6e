//! The quantizers that a configuration asks for, as presets with some fields changed.

use fewbit::formats::Format;
use fewbit::quantize::{Preset, QuantizeError, Quantizer, Recipe};
use serde_json::{Value, json};

use crate::passes::{ActivationQuantizers, OutputCodes};

use super::FlowError;
use super::config::{
    ActivationCalibration, ScaleKind, ScaleTime, Sharing, Symmetry, ValueFormat, VisionConfig,
    WeightCalibration,
};

/// The quantizer of weights.
///
/// # Errors
/// Keys that do not go together; a format that there is not.
pub fn weight_quantizer(config: &VisionConfig) -> Result<Quantizer, FlowError> {
    use WeightCalibration as C;
    let asymmetric = config.weight_quant_type == Symmetry::Asymmetric;
    let power = config.scale_factor_type == ScaleKind::PowerOfTwo;
    let is_int = config.quant_format == ValueFormat::Int;
    let method = match config.weight_quant_calibration_type {
        C::Stats => "",
        C::Mse => "MSE",
        C::Hqo => "HQO",
    };
    let sharing = match config.weight_quant_granularity {
        Sharing::Tensor => "PerTensor",
        Sharing::Channel => "PerChannel",
        Sharing::Group => "",
    };
    let scale = if power { "FixedPoint" } else { "Float" };
    let name = match (config.weight_quant_granularity, is_int) {
        (Sharing::Group, true) if power && asymmetric => format!("ShiftedMXUInt8Weight{method}"),
        (Sharing::Group, true) if power => format!("MXInt8Weight{method}"),
        (Sharing::Group, false) if power => format!("MXFloat8e4m3Weight{method}"),
        (Sharing::Group, _) => {
            return Err(FlowError::Combination(
                "`weight_quant_granularity` per_group needs `scale_factor_type` po2_scale".into(),
            ));
        }
        (_, true) if asymmetric => format!("ShiftedUint8Weight{sharing}{scale}{method}"),
        (_, true) => format!("Int8Weight{sharing}{scale}{method}"),
        (_, false) => match config.quant_format {
            ValueFormat::FloatOcp => format!("Fp8e4m3OCPWeight{sharing}{scale}{method}"),
            _ => format!("Fp8e4m3Weight{sharing}{scale}{method}"),
        },
    };
    let recipe = preset(&name, "weight")?;
    let recipe = if is_int {
        let recipe = if asymmetric || config.weight_quant_granularity == Sharing::Group {
            recipe
        } else {
            recipe.set("narrow_range", config.weight_narrow_range.into())?
        };
        recipe.set("bit_width", config.weight_bit_width.into())?
    } else {
        let format = float_format(
            config.quant_format,
            config.weight_exponent_bit_width,
            config.weight_mantissa_bit_width,
        )?;
        recipe.set("format", format)?
    };
    quantizer(recipe)
}

/// The quantizers of activations; `None` where activations stay floats.
///
/// # Errors
/// Keys that do not go together; a format that there is not.
pub fn activation_quantizers(
    config: &VisionConfig,
) -> Result<Option<ActivationQuantizers>, FlowError> {
    if config.act_bit_width == 0 {
        return Ok(None);
    }
    let signed = activation_quantizer(config, Symmetry::Symmetric, true)?;
    let (signed, unsigned) = match config.act_quant_type {
        Symmetry::Symmetric if config.uint_sym_act_for_unsigned_values => {
            let unsigned = activation_quantizer(config, Symmetry::Symmetric, false)?;
            (signed, unsigned)
        }
        Symmetry::Symmetric => (signed.clone(), signed),
        _ => {
            let shifted = activation_quantizer(config, Symmetry::Asymmetric, false)?;
            (shifted.clone(), shifted)
        }
    };
    let outputs = match config.quantize_output {
        true => OutputCodes::Codes,
        false => OutputCodes::Sums,
    };
    Ok(Some(ActivationQuantizers { signed, unsigned, outputs }))
}

fn activation_quantizer(
    config: &VisionConfig,
    symmetry: Symmetry,
    is_signed: bool,
) -> Result<Quantizer, FlowError> {
    let power = config.scale_factor_type == ScaleKind::PowerOfTwo;
    let mse = config.act_quant_calibration_type == ActivationCalibration::Mse;
    let dynamic = config.act_scale_computation_type == ScaleTime::Dynamic;
    let asymmetric = symmetry == Symmetry::Asymmetric;
    let scale = if power { "FixedPoint" } else { "Float" };
    let method = if mse { "MSE" } else { "" };
    if config.quant_format != ValueFormat::Int {
        let name = match (config.quant_format, config.act_quant_granularity) {
            (_, Sharing::Group) => "MXFloat8e4m3Act".to_owned(),
            (ValueFormat::FloatOcp, _) => format!("Fp8e4m3OCPActPerTensorFloat{method}"),
            _ => format!("Fp8e4m3ActPerTensorFloat{method}"),
        };
        let format = float_format(
            config.quant_format,
            config.act_exponent_bit_width,
            config.act_mantissa_bit_width,
        )?;
        return quantizer(preset(&name, "act")?.set("format", format)?);
    }
    let name = match (config.act_quant_granularity, dynamic) {
        (Sharing::Group, _) if power => "MXInt8Act".to_owned(),
        (Sharing::Group, _) => {
            return Err(FlowError::Combination(
                "`act_quant_granularity` per_group needs `scale_factor_type` po2_scale".into(),
            ));
        }
        (_, true) if asymmetric => "ShiftedUint8DynamicActPerTensorFloat".to_owned(),
        (_, true) => "Int8DynamicActPerTensorFloat".to_owned(),
        (_, false) if asymmetric => format!("ShiftedUint8ActPerTensor{scale}{method}"),
        (_, false) if is_signed => format!("Int8ActPerTensor{scale}{method}"),
        (_, false) => format!("Uint8ActPerTensor{scale}{method}"),
    };
    let mut recipe = preset(&name, "act")?.set("bit_width", config.act_bit_width.into())?;
    if !mse && !dynamic && config.act_quant_granularity != Sharing::Group {
        recipe = recipe.set("high_percentile_q", config.act_quant_percentile.into())?;
        if asymmetric {
            recipe =
                recipe.set("low_percentile_q", (100.0 - config.act_quant_percentile).into())?;
        }
    }
    quantizer(recipe)
}

fn preset(name: &str, what: &str) -> Result<Recipe, FlowError> {
    let preset: &Preset = name.parse().map_err(|_: QuantizeError| {
        FlowError::Combination(format!(
            "these {what}_* keys name the quantizer `{name}`, which there is not: change granularity, scale or calibration"
        ))
    })?;
    Ok(preset.recipe()?)
}

fn quantizer(recipe: Recipe) -> Result<Quantizer, FlowError> {
    match recipe {
        Recipe::Quantizer(quantizer) => Ok(quantizer),
        _ => Err(FlowError::Combination("a quantizer of one scale was expected".into())),
    }
}

/// The name of a float format of these bits.
fn float_format(kind: ValueFormat, exponent: u32, mantissa: u32) -> Result<Value, FlowError> {
    let name = match (kind, exponent, mantissa) {
        (ValueFormat::FloatOcp, 5, 2) => "e5m2".to_owned(),
        (ValueFormat::FloatOcp, e, m) => format!("e{e}m{m}fn"),
        (_, e, m) => format!("e{e}m{m}fin"),
    };
    match name.parse::<Format>() {
        Ok(_) => Ok(json!(name)),
        Err(error) => Err(FlowError::Combination(error.to_string())),
    }
}
