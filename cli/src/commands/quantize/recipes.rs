//! By a quantizer that is named or described.

use std::path::Path;

use fewbit::quantize::{Preset, QuantizeError, Recipe};
use fewbit::tensor::{Granularity, resolve_axis};
use ndarray::ArrayD;
use serde_json::{Map, Value, json};

use super::args::{Args, Done};
use super::formats::wrong;
use crate::error::CliError;
use crate::io::input::read_text;
use crate::io::log::InputLog;
use crate::io::npy;
use crate::output;
use crate::quantized::{Fidelity, Metadata, Quantized};
use crate::timing;

/// What `--preset`, `--config`, `--set` and `--set-array` describe.
pub(super) fn recipe(args: &Args) -> Result<Recipe, CliError> {
    let refused = [
        (args.to.is_some(), "--to"),
        (args.axis.is_some(), "--axis"),
        (args.scales.is_given(), "a policy for the scales of groups"),
        (args.policy.has_axes(), "a policy for elements"),
        (args.policy.preset().is_some(), "--preset with the policies of a stack"),
    ];
    if let Some((_, flag)) = refused.iter().find(|(given, _)| *given) {
        return Err(CliError::Arguments(format!(
            "{flag} has no meaning beside a quantizer: change its fields with --set"
        )));
    }
    let mut fields = Vec::new();
    for text in &args.set {
        let (key, value) = pair(text, "--set", "FIELD=VALUE")?;
        fields.push((key.to_owned(), parsed(value)));
    }
    for text in &args.set_array {
        let (key, path) = pair(text, "--set-array", "FIELD=FILE.npy")?;
        fields.push((key.to_owned(), array(Path::new(path), &args.form.inputs)?));
    }
    if let Some(seed) = args.seed {
        fields.push(("seed".to_owned(), seed.into()));
    }
    match (&args.config, args.policy.quantizer()) {
        (Some(_), Some(_)) => Err(CliError::Arguments(
            "--preset and --config both name a quantizer: expected one of them (a config may have `preset`)".into(),
        )),
        (Some(path), None) => configured(path, fields, &args.form.inputs),
        (None, Some(preset)) => changed(preset, fields).map_err(CliError::Quantize),
        (None, None) => Err(CliError::Arguments("expected --preset or --config".into())),
    }
}

fn pair<'a>(text: &'a str, flag: &str, form: &str) -> Result<(&'a str, &'a str), CliError> {
    text.split_once('=')
        .ok_or_else(|| CliError::Arguments(format!("{flag} `{text}`: expected {form}")))
}

/// A value as YAML has it; what is none is a text.
fn parsed(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

/// The numbers of a file as a field has them.
fn array(path: &Path, log: &InputLog) -> Result<Value, CliError> {
    let file = npy::read(path, log)?;
    let values = file.f32_values()?;
    if let Some(value) = values.iter().find(|value| !value.is_finite()) {
        return Err(wrong(path, format!("it has {value}: the numbers of a field must be finite")));
    }
    Ok(match (file.shape.as_slice(), values.as_slice()) {
        ([], [value]) => json!(value),
        (shape, values) => json!({ "shape": shape, "values": values }),
    })
}

/// A preset with fields changed; its format first, since others depend on it.
fn changed(preset: &Preset, fields: Vec<(String, Value)>) -> Result<Recipe, QuantizeError> {
    let (formats, others): (Vec<_>, Vec<_>) =
        fields.into_iter().partition(|(key, _)| key == "format");
    let mut recipe = match (preset.format, formats.last()) {
        (None, Some((_, Value::String(format)))) => {
            let format = format.parse().map_err(|error: fewbit_formats::FormatError| {
                QuantizeError::Description(error.to_string())
            })?;
            preset.recipe_in(format)?
        }
        _ => preset.recipe()?,
    };
    for (key, value) in formats.into_iter().chain(others) {
        recipe = recipe.set(&key, value)?;
    }
    Ok(recipe)
}

/// The quantizer of a file.
fn configured(
    path: &Path,
    fields: Vec<(String, Value)>,
    log: &InputLog,
) -> Result<Recipe, CliError> {
    let text = read_text(path, log)?;
    let is_json = path.extension().is_some_and(|extension| extension == "json");
    let value: Value = if is_json {
        serde_json::from_str(&text).map_err(|error| wrong(path, error))?
    } else {
        serde_saphyr::from_str(&text)
            .map_err(|error| wrong(path, first_line(&error.to_string())))?
    };
    let Value::Object(map) = value else {
        return Err(wrong(
            path,
            "expected fields with values, such as `preset: MXFloat8e4m3Weight`",
        ));
    };
    described(map, fields).map_err(|error| wrong(path, error))
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

fn described(
    mut map: Map<String, Value>,
    fields: Vec<(String, Value)>,
) -> Result<Recipe, QuantizeError> {
    if let Some(name) = map.remove("preset") {
        let preset = name.as_str().and_then(|name| name.parse::<&Preset>().ok()).ok_or_else(|| {
            QuantizeError::Description(format!(
                "`preset` is {name}: expected a name that `fewbit quantize --list-presets` prints"
            ))
        })?;
        return changed(preset, map.into_iter().chain(fields).collect());
    }
    if !map.contains_key("kind") {
        return Err(QuantizeError::Description(
            "it has neither `preset` nor `kind`: expected `preset: NAME` with fields to change, or a whole quantizer \
             with `kind: quantizer`, `bias`, `truncation` or `decoupled`"
                .into(),
        ));
    }
    let mut recipe: Recipe = serde_json::from_value(Value::Object(map))
        .map_err(|error| QuantizeError::Description(error.to_string()))?;
    for (key, value) in fields {
        recipe = recipe.set(&key, value)?;
    }
    Ok(recipe)
}

/// Codes, values, and how good they are.
pub(super) fn quantize(
    args: &Args,
    input: &Path,
    recipe: &Recipe,
    x: &ArrayD<f32>,
) -> Result<Done, CliError> {
    let failed = |error| match error {
        // What is missing is no fault of the array.
        error @ (QuantizeError::Missing { .. } | QuantizeError::Description(_)) => {
            CliError::Quantize(error)
        }
        error => wrong(input, error),
    };
    let (done, seconds) =
        timing::least("quantizing", args.repeat, || recipe.quantize(&x.view()).map_err(failed))?;
    let format = done.tensor.format();
    let nan = x.iter().filter(|x| x.is_nan()).count();
    if nan > 0 && !format.has_nan() {
        output::warn(&format!(
            "{nan} NaN in the input, and {format} has none: their codes are those of another value where the scale is \
             a number; `values` has NaN where the quantizer's arithmetic gives it"
        ));
    }
    let granularity = done.tensor.granularity();
    let axis = match granularity {
        Granularity::Channel { axis } | Granularity::Group { axis, .. } => {
            resolve_axis(axis, x.shape()).ok()
        }
        _ => None,
    };
    let group = match granularity {
        Granularity::Group { size, .. } => Some(size),
        _ => None,
    };
    // Where scales are codes, the format is that of the groups.
    let (name, bits) = match done.tensor.scale_codes() {
        Some(codes) => (codes.format.to_string(), codes.format.bits_per_element()),
        None => (format.to_string(), f64::from(format.bits())),
    };
    let metadata = Metadata {
        format: name.clone(),
        axis,
        group,
        granularity: Some(granularity),
        preset: args.policy.quantizer().map(|preset| preset.name.to_owned()),
        recipe: Some(serde_json::to_value(recipe)?),
        ..Metadata::default()
    };
    let fidelity = Fidelity::of_tensor(x, &done.values, &done.tensor);
    Ok(Done {
        format: name,
        bits,
        quantized: Quantized::Simulated(Box::new(done.tensor)),
        values: done.values,
        metadata,
        seconds,
        fidelity,
    })
}
