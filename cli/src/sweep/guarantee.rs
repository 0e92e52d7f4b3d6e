//! What a guarantee costs, as a table, and in a line per family of templates.

use fewbit::sweep::{AccumulatorTemplate, GuaranteedPoint, Sweep};

use super::family::{Family, least_bits};
use super::text::percent;
use crate::output;

/// An accuracy is near another within this share: 1 point of 100.
const NEAR_SHARE: f64 = 0.01;
/// An SQNR is near another within so many dB.
const NEAR_DB: f64 = 1.0;
/// What rounding makes of a difference of shares that is exactly [`NEAR_SHARE`].
const ROUNDING: f64 = 1e-9;

/// The table and the lines; nothing where no guarantee was asked for.
pub(crate) fn guarantee(sweep: &Sweep, templates: &[AccumulatorTemplate]) -> String {
    let families = Family::all(sweep, templates);
    if families.is_empty() {
        return String::new();
    }
    let lines: String = families.iter().filter_map(|family| line(sweep, family)).collect();
    format!(
        "\n\nwith a guarantee: quantized for each P, so that no input overflows any stage\n{}{lines}",
        table(sweep, &families)
    )
}

/// Up to the first `P` at which the weights that are quantized for none cannot overflow either.
fn table(sweep: &Sweep, families: &[Family<'_>]) -> String {
    let labelled = sweep.exact.accuracy.is_some();
    let mut titles = vec!["\nP".to_owned()];
    let curves = || families.iter().flat_map(|family| family.curves.iter().copied());
    for family in families {
        for (index, curve) in family.curves.iter().enumerate() {
            let name = if index == 0 { family.name.as_str() } else { "" };
            let constraint = curve.first().map_or("", |point| point.constraint.name());
            match labelled {
                true => titles.extend([format!("{name}\n{constraint}"), "\nfloat".into()]),
                false => titles.push(format!("{name}\n{constraint}")),
            }
        }
    }
    let titles: Vec<&str> = titles.iter().map(String::as_str).collect();
    let mut table = output::numbers(&titles);
    let (mut shown, mut last) = (0, 0);
    for index in 0..curves().next().map_or(0, <[_]>::len) {
        let points = || curves().filter_map(|curve| curve.get(index));
        let Some(bits) = points().next().map(|point| point.bits) else { continue };
        last = bits;
        if index > 0 && bits > sweep.guaranteed_bits {
            continue;
        }
        shown = bits;
        let mut row = vec![bits.to_string()];
        row.extend(points().flat_map(cells));
        table.add_row(row);
    }
    let rest = match shown < last {
        true => format!(
            "\nbeyond P = {shown}, to the {last} measured, what is quantized for no accumulator cannot overflow either"
        ),
        false => String::new(),
    };
    format!("{table}{rest}")
}

fn cells(point: &GuaranteedPoint) -> impl Iterator<Item = String> {
    let db = point.sqnr_float_db.map_or("exact".into(), |db| format!("{db:.2}"));
    point.accuracy.map(percent).into_iter().chain([db])
}

/// From which `P` on a family is near the exact accumulator, constraint by constraint; `None` where that says nothing.
fn line(sweep: &Sweep, family: &Family<'_>) -> Option<String> {
    let exact = &sweep.exact;
    let (near, what) = match (exact.accuracy, exact.sqnr_float_db) {
        (Some(_), _) => (NEAR_SHARE, "1 point"),
        (None, Some(_)) => (NEAR_DB, "1 dB"),
        (None, None) => return None,
    };
    let is_near = |point: &GuaranteedPoint| {
        let lost = match (exact.accuracy, point.accuracy) {
            (Some(exact), Some(found)) => exact - found,
            // Without a ratio it equals the float layer.
            _ => exact.sqnr_float_db.unwrap_or(0.0) - point.sqnr_float_db.unwrap_or(f64::INFINITY),
        };
        lost <= near + ROUNDING
    };
    let of_curve = |curve: &&[GuaranteedPoint]| {
        let name = curve.first().map_or("", |point| point.constraint.name());
        match least_bits(curve, is_near) {
            Some(bits) => format!("from P = {bits} on with {name}"),
            None => format!("at no P measured with {name}"),
        }
    };
    let curves: Vec<String> = family.curves.iter().map(of_curve).collect();
    Some(format!("\n{}: guaranteed within {what} of exact {}", family.name, curves.join(", ")))
}
