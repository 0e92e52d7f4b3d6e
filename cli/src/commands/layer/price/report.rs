//! What is printed and written about the price of a guarantee.

use fewbit::algorithms::layer::{ActivationScale, PricePoint};
use serde::Serialize;

use crate::output;

/// One layer under accumulators of many widths.
#[derive(Debug, Serialize)]
pub(super) struct Price {
    pub(super) outputs: usize,
    pub(super) inputs: usize,
    pub(super) samples: usize,
    pub(super) weights: String,
    pub(super) acts: Option<String>,
    pub(super) acc: String,
    pub(super) effort: Option<u8>,
    pub(super) seed: u64,
    pub(super) threads: usize,
    pub(super) activation_scale: Option<ActivationScale>,
    pub(super) statistics_seconds: f64,
    pub(super) points: Vec<Point>,
}

/// One algorithm under one constraint at one width.
#[derive(Debug, Serialize)]
pub(super) struct Point {
    pub(super) bits: u32,
    #[serde(flatten)]
    pub(super) point: PricePoint,
}

impl Point {
    /// The algorithm and what was done about the accumulator.
    pub(super) fn pair(&self) -> String {
        format!("{}, {}", self.point.candidate.solver, self.point.constraint)
    }

    pub(super) fn error(&self) -> f64 {
        self.point.candidate.verdict.relative_error
    }

    pub(super) fn events(&self) -> u64 {
        self.point.candidate.verdict.events.unwrap_or(0)
    }

    pub(super) fn is_guaranteed(&self) -> bool {
        self.point.candidate.verdict.guaranteed == Some(true)
    }

    /// Whether something overflowed, or could, though the constraint was to prevent it.
    pub(super) fn breaks_its_guarantee(&self) -> bool {
        self.point.constraint != "none" && self.point.candidate.verdict.can_overflow()
    }
}

impl Price {
    /// All pairs, in the order of their first points.
    pub(super) fn pairs(&self) -> Vec<String> {
        let mut pairs: Vec<String> = Vec::new();
        for point in &self.points {
            let pair = point.pair();
            if !pairs.contains(&pair) {
                pairs.push(pair);
            }
        }
        pairs
    }

    /// The points of a pair, by width.
    pub(super) fn of(&self, pair: &str) -> Vec<&Point> {
        self.points.iter().filter(|point| point.pair() == pair).collect()
    }
}

/// A table of errors, a row per width and a column per pair; events in brackets where there were any.
pub(super) fn text(price: &Price) -> String {
    let pairs = price.pairs();
    let titles: Vec<&str> = std::iter::once("P").chain(pairs.iter().map(String::as_str)).collect();
    let mut table = output::numbers(&titles);
    let mut widths: Vec<u32> = price.points.iter().map(|point| point.bits).collect();
    widths.dedup();
    for bits in widths {
        let mut row = vec![bits.to_string()];
        for pair in &pairs {
            let point = price.of(pair).into_iter().find(|point| point.bits == bits);
            row.push(point.map_or_else(String::new, |point| match point.events() {
                0 => format!("{:.4}", point.error()),
                events => format!("{:.4} ({events})", point.error()),
            }));
        }
        table.add_row(row);
    }
    let acts = price.acts.as_ref().map_or_else(String::new, |acts| format!(", {acts} activations"));
    format!(
        "{}x{} weights to {}{acts}, accumulator {}: relative error of the outputs (overflows of the inputs and the worst ones)\n\n\
         {table}\n\nstatistics of {} samples {:.3} s, {} thread(s)",
        price.outputs,
        price.inputs,
        price.weights,
        price.acc,
        price.samples,
        price.statistics_seconds,
        price.threads
    )
}
