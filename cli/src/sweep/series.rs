//! Algorithms under constraints: as a table, and as curves.

use fewbit_models::eval::{Comparison, Series, SweepPoint};

use super::panel::{Axis, Curve, Line, Panel};
use super::text::percent;
use crate::output;

/// How the curves of the algorithms are drawn, the first one's first.
const LINES: [Line; 4] = [
    Line::Solid,
    Line::Dashed { dash: 7, gap: 5 },
    Line::Dashed { dash: 2, gap: 3 },
    Line::Dashed { dash: 12, gap: 4 },
];

/// The table, and what the float network and an exact accumulator give.
pub(crate) fn compared(found: &Comparison) -> String {
    let right = |accuracy: Option<f64>| accuracy.map_or_else(|| "no labels".into(), percent);
    let guaranteed = found.guaranteed_bits.map_or(String::new(), |bits| {
        format!(
            "\nguaranteed: from P = {bits} on no register that sums a whole row can overflow, whatever the input"
        )
    });
    format!(
        "{}\n\nfloat network: {}\nexact accumulator: {}{guaranteed}",
        table(found),
        right(found.float.accuracy),
        right(found.exact.accuracy),
    )
}

/// A line per `P`, columns per series: the accuracy, and the overflow events where there are any.
fn table(found: &Comparison) -> String {
    let several = found.series.iter().any(|series| series.acc != found.series[0].acc);
    let labelled = found.exact.accuracy.is_some();
    let overflows = |series: &Series| series.points.iter().any(|point| point.events > 0);
    let mut titles = vec![String::from("\nP")];
    for series in &found.series {
        let mut name = format!("{} {}", series.algorithm, series.constraint);
        if several {
            name += &format!(" {}", series.acc);
        }
        if labelled {
            titles.push(format!("{}\naccuracy", std::mem::take(&mut name)));
        }
        if overflows(series) || !labelled {
            titles.push(format!("{name}\nevents"));
        }
    }
    let titles: Vec<&str> = titles.iter().map(String::as_str).collect();
    let mut table = output::numbers(&titles);
    let (mut shown, mut last) = (0, 0);
    for row in 0..found.series.first().map_or(0, |series| series.points.len()) {
        let bits = found.series[0].points[row].bits;
        last = bits;
        if row > 0 && found.guaranteed_bits.is_some_and(|guaranteed| bits > guaranteed) {
            continue;
        }
        shown = bits;
        let mut cells = vec![bits.to_string()];
        for series in &found.series {
            let Some(point) = series.points.get(row) else { continue };
            cells.extend(point.accuracy.map(percent));
            if overflows(series) || !labelled {
                cells.push(events(point));
            }
        }
        table.add_row(cells);
    }
    let rest = match shown < last {
        true => format!(
            "\nbeyond P = {shown}, to the {last} measured, what is quantized for no accumulator cannot overflow either"
        ),
        false => String::new(),
    };
    format!("{table}{rest}")
}

/// A number that is short enough for a table.
fn events(point: &SweepPoint) -> String {
    match point.events {
        few @ ..10_000 => few.to_string(),
        many => format!("{:.1e}", many as f64),
    }
}

/// The curves beside the accuracy through exact accumulators, and the width from which on none overflows; none where there are
/// no labels.
pub(crate) fn series_panel(
    series: &[Series],
    exact: Option<f64>,
    guaranteed: Option<u32>,
    caption: String,
) -> Option<Panel> {
    let exact = 100.0 * exact?;
    fn places<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
        let mut all: Vec<&str> = Vec::new();
        for name in names {
            if !all.contains(&name) {
                all.push(name);
            }
        }
        all
    }
    let algorithms = places(series.iter().map(|one| one.algorithm.as_str()));
    let constraints = places(series.iter().map(|one| one.constraint.as_str()));
    let accumulators = places(series.iter().map(|one| one.acc.as_str()));
    let place = |all: &[&str], name: &str| all.iter().position(|n| *n == name).unwrap_or(0);
    let curve = |one: &Series| {
        let points = one.points.iter();
        let points = points.filter_map(|p| Some((f64::from(p.bits), 100.0 * p.accuracy?)));
        let name = format!("{} {}", one.algorithm, one.constraint);
        let look = place(&accumulators, &one.acc) * constraints.len();
        Curve {
            name: if accumulators.len() > 1 { format!("{name}: {}", one.acc) } else { name },
            look: look + place(&constraints, &one.constraint),
            line: LINES[place(&algorithms, &one.algorithm) % LINES.len()],
            points: points.collect(),
        }
    };
    let curves: Vec<Curve> = series.iter().map(curve).collect();
    let bits = || curves.iter().flat_map(|curve| curve.points.iter().map(|point| point.0));
    let guaranteed = guaranteed.filter(|&g| bits().any(|b| b >= f64::from(g)));
    let caption = match accumulators[..] {
        [only] => format!("{caption}, {only}"),
        _ => caption,
    };
    Some(Panel {
        caption,
        axis: Axis::Values,
        title: "accuracy (%)",
        beside: Vec::new(),
        exact: Some((exact, format!("exact: {exact:.2} %"))),
        guaranteed,
        bits: (bits().fold(f64::INFINITY, f64::min) - 0.5, bits().fold(0.0, f64::max) + 0.5),
        range: (0.0, 104.0),
        curves: Some(curves).filter(|curves| !curves.is_empty())?,
    })
}
