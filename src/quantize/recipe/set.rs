//! Changing one field of a recipe by its name.

use serde_json::Value;

use super::Recipe;
use crate::quantize::QuantizeError;

/// Short names and Brevitas's names of fields, with the paths that they may stand for.
const ALIASES: &[(&str, &[&str])] = &[
    ("group_size", &["granularity.group.size"]),
    ("group_dim", &["granularity.group.axis"]),
    ("axis", &["granularity.group.axis", "granularity.channel.axis"]),
    ("float_to_int_impl_type", &["policy.rounding", "rounding"]),
    ("rounding", &["policy.rounding"]),
    ("overflow", &["policy.overflow"]),
    ("nan", &["policy.nan"]),
    ("scaling_const", &["scale.source.constant"]),
    (
        "scaling_min_val",
        &[
            "scale.floor.statistic",
            "scale.floor.restricted",
            "scale.floor.scale",
            "scale.floor.collected",
            "floor",
        ],
    ),
    (
        "high_percentile_q",
        &[
            "scale.source.statistic.abs-percentile.high",
            "scale.source.statistic.percentile-interval.high",
            "step.percentile.high",
        ],
    ),
    (
        "low_percentile_q",
        &[
            "scale.source.statistic.percentile-interval.low",
            "zero_point.shifted.source.percentile.low",
        ],
    ),
    ("mse_search_method", &["scale.source.mse.method"]),
    ("mse_iters", &["scale.source.mse.steps"]),
    (
        "guard",
        &[
            "scale.source.mse.guard",
            "scale.source.hqo.guard",
            "zero_point.shifted.source.mse.guard",
            "zero_point.shifted.source.hqo.guard",
        ],
    ),
    ("accumulator_bit_width", &["normalization.accumulator.bits"]),
    ("input_bits", &["normalization.accumulator.input_bits"]),
    ("input_signed", &["normalization.accumulator.input_signed"]),
];

/// Fields of Brevitas that together name a format.
const FORMAT_FIELDS: &[&str] = &["bit_width", "signed", "narrow_range"];

impl Recipe {
    /// The recipe with one field changed.
    ///
    /// `key` is the path of a field as in the JSON form (`scale.restriction`, `granularity.group.size`), or one of
    /// Brevitas's names: `group_size`, `bit_width`, `scaling_min_val` and so on. Whole parts can be replaced
    /// (`granularity`), and nothing can be added that the recipe does not have.
    ///
    /// # Errors
    /// A field that there is not, with those that there are; a value that it cannot have.
    ///
    /// ```
    /// use fewbit::quantize::Preset;
    /// let int4 = "Int8WeightPerChannelFloat".parse::<&Preset>()?.recipe()?.set("bit_width", 4.into())?;
    /// let error = int4.set("group_size", 64.into()).expect_err("one scale per channel");
    /// assert!(error.to_string().starts_with("there is no field `group_size`"));
    /// # Ok::<(), fewbit::quantize::QuantizeError>(())
    /// ```
    pub fn set(&self, key: &str, value: Value) -> Result<Self, QuantizeError> {
        let wrong = |error: serde_json::Error| {
            QuantizeError::Description(format!("`{key}` cannot be {value}: {error}"))
        };
        let mut whole = serde_json::to_value(self).map_err(wrong)?;
        if FORMAT_FIELDS.contains(&key) && whole.get(key).is_none() {
            let format = whole.get("format").and_then(Value::as_str).unwrap_or_default();
            let format = changed_format(format, key, &value)?;
            whole["format"] = Value::String(format);
        } else {
            let mut changed = 0;
            for path in paths(key, &whole) {
                if let Some(place) = find(&mut whole, &path) {
                    *place = value.clone();
                    changed += 1;
                }
            }
            if changed == 0 {
                return Err(QuantizeError::Description(format!(
                    "there is no field `{key}`: expected one of {}",
                    known(&whole)
                )));
            }
        }
        let recipe: Self = serde_json::from_value(whole).map_err(wrong)?;
        recipe.check()?;
        Ok(recipe)
    }
}

/// The paths that a name stands for.
fn paths(key: &str, whole: &Value) -> Vec<String> {
    if whole.get(key).is_some() {
        return vec![key.to_owned()];
    }
    let alias = ALIASES.iter().find(|(alias, _)| *alias == key);
    match alias {
        Some((_, paths)) => paths.iter().map(|path| (*path).to_owned()).collect(),
        None => vec![key.to_owned()],
    }
}

fn find<'a>(whole: &'a mut Value, path: &str) -> Option<&'a mut Value> {
    path.split('.').try_fold(whole, |place, step| place.as_object_mut()?.get_mut(step))
}

/// The names of all fields, and of the aliases that apply.
fn known(whole: &Value) -> String {
    fn walk(prefix: &str, value: &Value, names: &mut Vec<String>) {
        if let Value::Object(map) = value {
            for (key, value) in map {
                let name = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
                names.push(name.clone());
                walk(&name, value, names);
            }
        }
    }
    let mut names = Vec::new();
    walk("", whole, &mut names);
    let mut copy = whole.clone();
    let aliases = ALIASES
        .iter()
        .filter(|(_, paths)| paths.iter().any(|path| find(&mut copy, path).is_some()));
    let aliases: Vec<String> = aliases.map(|(alias, _)| (*alias).to_owned()).collect();
    names.extend(aliases.into_iter().chain(FORMAT_FIELDS.iter().map(|name| (*name).to_owned())));
    names.sort();
    names.dedup();
    names.join(", ")
}

/// An integer format's name with one property changed.
fn changed_format(format: &str, key: &str, value: &Value) -> Result<String, QuantizeError> {
    let wrong = |expected: &str| {
        Err(QuantizeError::Description(format!("`{key}` is {value}: expected {expected}")))
    };
    let unsigned = format.starts_with('u');
    let rest = format.strip_prefix('u').unwrap_or(format).strip_prefix("int");
    let Some(rest) = rest else {
        return Err(QuantizeError::Description(format!(
            "`{key}` belongs to integers and the format is {format}: set `format` instead"
        )));
    };
    let narrow = rest.ends_with('n');
    let bits = rest.trim_end_matches('n');
    let (mut unsigned, mut narrow, mut bits) = (unsigned, narrow, bits.to_owned());
    match (key, value) {
        ("bit_width", Value::Number(number)) => bits = number.to_string(),
        ("bit_width", _) => return wrong("a number of bits"),
        ("signed", Value::Bool(signed)) => unsigned = !signed,
        ("narrow_range", Value::Bool(is_narrow)) => narrow = *is_narrow,
        _ => return wrong("true or false"),
    }
    let (u, n) = (if unsigned { "u" } else { "" }, if narrow { "n" } else { "" });
    Ok(format!("{u}int{bits}{n}"))
}
