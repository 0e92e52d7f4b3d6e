//! What a table is, as text and for `--json`.

use fewbit::functions::table::Table;
use fewbit::reference::functions::{TableDistance, table_distance};
use serde::Serialize;

use crate::output::{self, decimal};

/// A table.
#[derive(Serialize)]
pub(super) struct TableReport {
    /// The description, which makes the same table.
    table: String,
    function: &'static str,
    entries: usize,
    bits: u32,
    distance: Distance,
    #[serde(skip_serializing_if = "Option::is_none")]
    applied_to: Option<usize>,
    /// In the order of memory.
    codes: Vec<u32>,
    /// In the order of memory.
    values: Vec<Option<f64>>,
}

/// The distance to the function in f64, saturated to the output's range.
#[derive(Serialize)]
struct Distance {
    inputs: u64,
    greatest: f64,
    at: Option<f64>,
    mean: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    greatest_in_last_places: Option<f64>,
}

impl TableReport {
    pub(super) fn new(table: &Table, applied_to: Option<usize>) -> Self {
        let spec = table.spec();
        let TableDistance { inputs, greatest, code, mean, greatest_in_last_places } =
            table_distance(table);
        let finite = |x: f64| x.is_finite().then_some(x);
        let codes = table.memory();
        Self {
            table: spec.to_string(),
            function: spec.function().name(),
            entries: codes.len(),
            bits: codes.len() as u32 * spec.output().format().bits(),
            distance: Distance {
                inputs,
                greatest,
                at: finite(spec.input().decode(code)),
                mean,
                greatest_in_last_places: finite(greatest_in_last_places),
            },
            applied_to,
            values: codes.iter().map(|&code| finite(spec.output().decode(code))).collect(),
            codes,
        }
    }

    /// A summary, and so many of the entries.
    pub(super) fn text(&self, table: &Table, rows: usize) -> String {
        let Distance { inputs, greatest, at, mean, greatest_in_last_places } = &self.distance;
        let last = match greatest_in_last_places {
            Some(places) => format!(" ({places:.3} of the last place)"),
            None => String::new(),
        };
        let at = at.map_or("none".into(), decimal);
        let mut text = format!(
            "{}\n{} entries, {} bits; over {inputs} inputs at most {greatest:.6e} from {}{last}, at {at}; {mean:.6e} in the mean",
            self.table, self.entries, self.bits, self.function
        );
        if let Some(elements) = self.applied_to {
            text.push_str(&format!("\n{elements} elements looked up"));
        }
        if rows > 0 {
            text.push('\n');
            text.push_str(&entries(table, rows));
        }
        text
    }
}

/// Some entries, from the least input to the greatest.
fn entries(table: &Table, rows: usize) -> String {
    let spec = table.spec();
    let count = table.entries().len();
    let shown = rows.min(count);
    let digits = spec.output().format().bits().div_ceil(4) as usize;
    let mut lines = output::numbers(&["index", "input", "function", "entry", "code"]);
    for row in 0..shown {
        let index = if shown == 1 { 0 } else { row * (count - 1) / (shown - 1) };
        let (input, code) = (table.sample(index), table.entries()[index]);
        lines.add_row([
            index.to_string(),
            decimal(input),
            format!("{:.6}", spec.function().value(input)),
            decimal(spec.output().decode(code)),
            format!("{code:0digits$x}"),
        ]);
    }
    lines.to_string()
}
