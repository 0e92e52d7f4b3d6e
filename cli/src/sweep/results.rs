//! What a sweep found.

use serde::Serialize;

use crate::output;

/// The network with accumulators that never overflow.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Exact {
    /// Share of the samples classified rightly; `None` where there are no labels.
    pub(crate) accuracy: Option<f64>,
}

/// The network with one accumulator.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Point {
    /// `wrap`, `saturate`, `two-stage`, or how many stages.
    pub(crate) policy: &'static str,
    /// `P`.
    pub(crate) bits: u32,
    /// The accumulator.
    pub(crate) acc: String,
    /// Share of the samples classified rightly; `None` where there are no labels.
    pub(crate) accuracy: Option<f64>,
    /// Share of all layers' outputs with at least one overflow in any stage.
    pub(crate) overflow_share: f64,
    /// `10 log10(sum y^2 / sum (y - y')^2)` over the last layer's outputs, `y` with exact and `y'` with this accumulator;
    /// `None` where they are equal.
    pub(crate) sqnr_db: Option<f64>,
}

/// A whole sweep; the content of `sweep.json`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Sweep {
    /// Format of the weights.
    pub(crate) weights: String,
    /// Format of the activations.
    pub(crate) acts: String,
    /// Samples that every point was measured on.
    pub(crate) samples: usize,
    /// The reference.
    pub(crate) exact: Exact,
    /// The least width at which no register that sums a whole row can overflow for any input of the format.
    pub(crate) guaranteed_bits: u32,
    /// Point by point: template by template, `P` rising.
    pub(crate) points: Vec<Point>,
}

impl Sweep {
    /// The points as a table, `P` rising.
    pub(crate) fn table(&self) -> String {
        let measure = if self.exact.accuracy.is_some() { "accuracy" } else { "" };
        let mut titles =
            vec!["P", "policy", "accumulator", measure, "overflowed outputs", "SQNR (dB)"];
        titles.retain(|title| !title.is_empty());
        let mut table = output::numbers(&titles);
        let mut points: Vec<&Point> = self.points.iter().collect();
        points.sort_by_key(|point| point.bits);
        for point in points {
            let mut row = vec![point.bits.to_string(), point.policy.into(), point.acc.clone()];
            row.extend(point.accuracy.map(percent));
            row.push(percent(point.overflow_share));
            row.push(point.sqnr_db.map_or("exact".into(), |db| format!("{db:.2}")));
            table.add_row(row);
        }
        table.to_string()
    }
}

/// `0.9832` as `98.32 %`.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}
