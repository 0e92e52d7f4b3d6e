//! The table of a sweep: a line per `P`, a group of columns per accumulator.

use fewbit::sweep::{AccumulatorTemplate, Sweep, SweepPoint};

use super::text::{names, percent};
use crate::output;

/// The table up to the first `P` from which on every accumulator is exact, and what stands for the rest.
pub(crate) fn table(sweep: &Sweep, templates: &[AccumulatorTemplate]) -> String {
    let labelled = sweep.exact.accuracy.is_some();
    let per_group: &[&str] = match labelled {
        true => &["accuracy", "overflow", "SQNR", "float"],
        false => &["overflow", "SQNR", "float"],
    };
    let mut titles = vec!["\nP".to_owned()];
    for name in names(templates) {
        for (index, title) in per_group.iter().enumerate() {
            titles.push(format!("{}\n{title}", if index == 0 { &name } else { "" }));
        }
    }
    let titles: Vec<&str> = titles.iter().map(String::as_str).collect();
    let mut table = output::numbers(&titles);
    let (curves, settled) = (sweep.curves(), sweep.settled());
    for index in 0..curves.first().map_or(0, |curve| curve.len()) {
        let points = || curves.iter().filter_map(|curve| curve.get(index));
        let Some(bits) = points().next().map(|point| point.bits) else { continue };
        if settled.is_some_and(|settled| bits > settled) {
            continue;
        }
        let mut row = vec![bits.to_string()];
        row.extend(points().flat_map(cells));
        table.add_row(row);
    }
    format!("{table}{}", rest(sweep))
}

/// The line that stands for the rows that are left out.
fn rest(sweep: &Sweep) -> String {
    match (sweep.settled(), sweep.last()) {
        (Some(settled), Some(last)) if settled < last => format!(
            "\nbeyond P = {settled}, to the {last} measured, the same: no overflow, every output exact"
        ),
        _ => String::new(),
    }
}

fn cells(point: &SweepPoint) -> impl Iterator<Item = String> {
    let equal = |db: Option<f64>| db.map_or("exact".into(), |db| format!("{db:.2}"));
    let accuracy = point.accuracy.map(percent);
    let overflows = percent(point.overflow_share);
    accuracy.into_iter().chain([overflows, equal(point.sqnr_db), equal(point.sqnr_float_db)])
}
