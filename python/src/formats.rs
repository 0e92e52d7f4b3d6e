//! What formats, group formats, presets and accumulators there are.

use fewbit::Isa;
use fewbit::accumulate::Register;
use fewbit::quantize::Preset;
use fewbit_formats::{Format, GroupFormat, PolicyPreset};
use pyo3::prelude::*;
use serde::Serialize;

use crate::policy::named;
use crate::products::json;

#[derive(Serialize)]
struct FormatEntry {
    name: String,
    description: &'static str,
    bits: u32,
    signed: bool,
    exponent_bits: Option<u32>,
    fraction_bits: Option<u32>,
    bias: Option<i32>,
    max: f64,
    min: f64,
    smallest_positive: f64,
    smallest_normal: Option<f64>,
    has_zero: bool,
    has_infinity: bool,
    has_nan: bool,
    aliases: Vec<&'static str>,
    source: &'static str,
}

fn entry(format: Format) -> FormatEntry {
    let row = format.row();
    let float = match format {
        Format::Float(float) => Some(float),
        _ => None,
    };
    FormatEntry {
        name: format.to_string(),
        description: row.map_or("", |row| row.description),
        bits: format.bits(),
        signed: format.is_signed(),
        exponent_bits: float.map(|float| float.exponent_bits()),
        fraction_bits: float.map(|float| float.fraction_bits()),
        bias: float.map(|float| float.bias()),
        max: format.max_finite(),
        min: format.min_finite(),
        smallest_positive: format.smallest_positive(),
        smallest_normal: format.smallest_normal(),
        has_zero: format.has_zero(),
        has_infinity: format.has_infinity(),
        has_nan: format.has_nan(),
        aliases: row.map_or(Vec::new(), |row| row.aliases.iter().map(|alias| alias.name).collect()),
        source: row.map_or("", |row| row.source),
    }
}

/// The table of formats as JSON.
#[pyfunction]
pub(crate) fn format_table() -> PyResult<String> {
    let all: Vec<FormatEntry> = Format::table().iter().map(|row| entry(row.format)).collect();
    json(&all)
}

/// One format as JSON.
#[pyfunction]
pub(crate) fn format_entry(name: &str) -> PyResult<String> {
    json(&entry(named(name)?))
}

/// The canonical name of a scalar or group format.
#[pyfunction]
pub(crate) fn format_name(name: &str) -> PyResult<String> {
    match name.parse::<Format>() {
        Ok(format) => Ok(format.to_string()),
        Err(error) => match name.parse::<GroupFormat>() {
            Ok(format) => Ok(format.to_string()),
            Err(fewbit_formats::GroupFormatError::Unknown(_)) => {
                Err(crate::errors::value_error(error))
            }
            Err(error) => Err(crate::errors::value_error(error)),
        },
    }
}

/// The names and descriptions of the presets of quantizers and of policies, as JSON.
#[pyfunction]
pub(crate) fn preset_table() -> PyResult<String> {
    #[derive(Serialize)]
    struct PresetEntry {
        name: &'static str,
        kind: String,
        description: &'static str,
    }
    let quantizers = Preset::all().iter().map(|preset| PresetEntry {
        name: preset.name,
        kind: preset.family.to_string(),
        description: preset.description,
    });
    let policies = PolicyPreset::all().iter().map(|preset| PresetEntry {
        name: preset.name,
        kind: "policy".into(),
        description: preset.description,
    });
    json(&quantizers.chain(policies).collect::<Vec<_>>())
}

/// An accumulator as JSON: its canonical text and its stages.
#[pyfunction]
pub(crate) fn accumulator_entry(text: &str) -> PyResult<String> {
    #[derive(Serialize)]
    struct StageEntry {
        text: String,
        register: String,
        bits: Option<u32>,
        width: u32,
        interleave: u32,
        count: Option<u64>,
    }
    #[derive(Serialize)]
    struct AccumulatorEntry {
        text: String,
        is_integer: bool,
        stages: Vec<StageEntry>,
    }
    let acc: fewbit::Accumulator = named(text)?;
    let stage = |stage: &fewbit::accumulate::Stage| StageEntry {
        text: stage.to_string(),
        register: stage.register.to_string(),
        bits: match stage.register {
            Register::Int { bits, .. } => Some(bits),
            _ => None,
        },
        width: stage.width.get(),
        interleave: stage.interleave.get(),
        count: stage.count.map(|count| count.get()),
    };
    json(&AccumulatorEntry {
        text: acc.to_string(),
        is_integer: acc.is_integer(),
        stages: acc.stages().iter().map(stage).collect(),
    })
}

/// The instruction set that runs.
#[pyfunction]
pub(crate) fn isa() -> String {
    Isa::best().to_string()
}
