//! What is printed and written about a layer.

use fewbit::algorithms::layer::{
    ActivationScale, LayerCandidate, LayerVerdict, StageVerdict, TypeChoice,
};
use serde::Serialize;

use crate::output;

/// One algorithm's result.
#[derive(Debug, Serialize)]
pub(super) struct Entry {
    pub(super) algorithm: String,
    #[serde(flatten)]
    pub(super) verdict: LayerVerdict,
    seconds: f64,
    statistics_seconds: f64,
    peak_bytes: Option<u64>,
    damping: f64,
    dead_inputs: usize,
    zero_weights: f64,
}

/// What the layer and the choices were.
#[derive(Debug, Serialize)]
pub(super) struct Setting {
    pub(super) outputs: usize,
    pub(super) inputs: usize,
    pub(super) samples: usize,
    pub(super) weights: String,
    pub(super) granularity: String,
    pub(super) scale: String,
    pub(super) equalize: Option<String>,
    pub(super) rotate: Option<String>,
    pub(super) acts: Option<String>,
    pub(super) acc: Option<String>,
    pub(super) constraint: Option<String>,
    pub(super) effort: Option<u8>,
    pub(super) act_order: bool,
    pub(super) quantized_inputs: bool,
    pub(super) seed: u64,
    pub(super) threads: usize,
    /// Of the activations' codes.
    pub(super) activation_scale: Option<ActivationScale>,
    /// Where data types were chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) types: Option<TypeChoice>,
}

/// The report of one algorithm.
#[derive(Debug, Serialize)]
pub(super) struct Single<'a> {
    #[serde(flatten)]
    pub(super) entry: &'a Entry,
    #[serde(flatten)]
    pub(super) setting: &'a Setting,
}

/// The report of several.
#[derive(Debug, Serialize)]
pub(super) struct Comparison<'a> {
    #[serde(flatten)]
    pub(super) setting: &'a Setting,
    pub(super) results: &'a [Entry],
}

impl Entry {
    pub(super) fn new(candidate: &LayerCandidate, statistics_seconds: f64) -> Self {
        Self {
            algorithm: candidate.solver.to_string(),
            verdict: candidate.verdict.clone(),
            seconds: candidate.seconds,
            statistics_seconds,
            peak_bytes: output::peak_bytes(),
            damping: candidate.info.damping,
            dead_inputs: candidate.info.dead_inputs,
            zero_weights: candidate.zero_weights,
        }
    }
}

/// A table of all results.
pub(super) fn text(entries: &[Entry], setting: &Setting) -> String {
    let accumulated = entries.iter().any(|entry| entry.verdict.stages.is_some());
    let mut titles = vec!["algorithm", "relative error", "SQNR (dB)", "zeros (%)"];
    if accumulated {
        titles.extend(["bits guaranteed", "bits observed", "events"]);
    }
    titles.push("seconds");
    let mut table = output::numbers(&titles);
    for entry in entries {
        let verdict = &entry.verdict;
        let mut row = vec![
            entry.algorithm.clone(),
            format!("{:.6}", verdict.relative_error),
            verdict.sqnr_db.map_or_else(|| "exact".into(), |sqnr| format!("{sqnr:.2}")),
            format!("{:.1}", 100.0 * entry.zero_weights),
        ];
        if accumulated {
            let bits = |bits: fn(&StageVerdict) -> u32| {
                let stages = verdict.stages.iter().flatten();
                stages.map(|stage| bits(stage).to_string()).collect::<Vec<_>>().join(", ")
            };
            row.push(bits(|stage| stage.guaranteed_bits));
            row.push(bits(|stage| stage.observed_bits));
            row.push(verdict.events.map_or_else(String::new, |events| events.to_string()));
        }
        row.push(format!("{:.3}", entry.seconds));
        table.add_row(row);
    }
    let Setting { outputs, inputs, samples, weights, granularity, scale, .. } = setting;
    let acts =
        setting.acts.as_ref().map_or_else(String::new, |acts| format!(", {acts} activations"));
    let acc = match (&setting.acc, &setting.constraint) {
        (Some(acc), Some(constraint)) => format!(", accumulator {acc} (constraint: {constraint})"),
        _ => String::new(),
    };
    let equalized = setting.equalize.as_ref().map_or_else(String::new, |name| format!(", {name}"));
    let rotated =
        setting.rotate.as_ref().map_or_else(String::new, |name| format!(", {name} rotation"));
    let order = if setting.act_order { ", act-order" } else { "" };
    let statistics = entries.first().map_or(0.0, |entry| entry.statistics_seconds);
    let peak = entries.last().and_then(|entry| entry.peak_bytes);
    let peak = peak
        .map_or_else(String::new, |bytes| format!(", {:.0} MiB at most", bytes as f64 / 1048576.0));
    let types = setting.types.as_ref().map_or_else(String::new, super::types::text);
    format!(
        "{types}{outputs}x{inputs} weights to {weights}, {granularity}, scale {scale}{equalized}{rotated}{acts}{acc}{order}\n\n{table}\n\n\
         statistics of {samples} samples {statistics:.3} s, {} thread(s){peak}",
        setting.threads
    )
}
