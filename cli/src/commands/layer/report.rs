//! What is printed and written about a layer.

use serde::Serialize;

use super::judge::{StageVerdict, Verdict};
use super::solve::Solved;
use crate::output;

/// One algorithm's result.
#[derive(Debug, Serialize)]
pub(super) struct Entry {
    pub(super) algorithm: String,
    pub(super) relative_error: f64,
    /// `-20 log10(relative_error)`; none where the error is 0.
    sqnr_db: Option<f64>,
    /// Whether the error is 0.
    exact: bool,
    /// Of the first stage.
    guaranteed_bits: Option<u32>,
    /// Of the first stage.
    observed_bits: Option<u32>,
    /// Over all stages.
    events: Option<u64>,
    /// Whether every stage holds every value that any input can make.
    guaranteed: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stages: Option<Vec<StageVerdict>>,
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
    pub(super) act_order: bool,
    pub(super) quantized_inputs: bool,
    pub(super) seed: u64,
    pub(super) threads: usize,
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
    pub(super) fn new(
        solved: &Solved,
        verdict: Verdict,
        statistics_seconds: f64,
        zero_weights: f64,
    ) -> Self {
        let error = verdict.relative_error;
        let stages = verdict.stages;
        let first = stages.as_ref().and_then(|stages| stages.first());
        Self {
            algorithm: solved.algorithm.to_string(),
            relative_error: error,
            sqnr_db: (error > 0.0 && error.is_finite()).then(|| -20.0 * error.log10()),
            exact: error == 0.0,
            guaranteed_bits: first.map(|stage| stage.guaranteed_bits),
            observed_bits: first.map(|stage| stage.observed_bits),
            events: stages.as_ref().map(|all| all.iter().map(|stage| stage.events).sum()),
            guaranteed: stages.as_ref().map(|all| all.iter().all(|stage| stage.guaranteed)),
            stages,
            seconds: solved.seconds,
            statistics_seconds,
            peak_bytes: output::peak_bytes(),
            damping: solved.info.damping,
            dead_inputs: solved.info.dead_inputs,
            zero_weights,
        }
    }

    /// Whether something overflowed, or could.
    pub(super) fn has_failed(&self) -> bool {
        self.events.is_some_and(|events| events > 0) || self.guaranteed == Some(false)
    }
}

/// A table of all results.
pub(super) fn text(entries: &[Entry], setting: &Setting) -> String {
    let accumulated = entries.iter().any(|entry| entry.stages.is_some());
    let mut titles = vec!["algorithm", "relative error", "SQNR (dB)", "zeros (%)"];
    if accumulated {
        titles.extend(["bits guaranteed", "bits observed", "events"]);
    }
    titles.push("seconds");
    let mut table = output::numbers(&titles);
    for entry in entries {
        let mut row = vec![
            entry.algorithm.clone(),
            format!("{:.6}", entry.relative_error),
            entry.sqnr_db.map_or_else(|| "exact".into(), |sqnr| format!("{sqnr:.2}")),
            format!("{:.1}", 100.0 * entry.zero_weights),
        ];
        if accumulated {
            let bits = |bits: fn(&StageVerdict) -> u32| {
                let stages = entry.stages.iter().flatten();
                stages.map(|stage| bits(stage).to_string()).collect::<Vec<_>>().join(", ")
            };
            row.push(bits(|stage| stage.guaranteed_bits));
            row.push(bits(|stage| stage.observed_bits));
            row.push(entry.events.map_or_else(String::new, |events| events.to_string()));
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
    format!(
        "{outputs}x{inputs} weights to {weights}, {granularity}, scale {scale}{equalized}{rotated}{acts}{acc}{order}\n\n{table}\n\n\
         statistics of {samples} samples {statistics:.3} s, {} thread(s){peak}",
        setting.threads
    )
}
