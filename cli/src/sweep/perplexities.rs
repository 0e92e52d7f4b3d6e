//! The picture of a language model's sweep.

use fewbit_models::eval::LanguageSweepPoint;

use super::panel::{Axis, Curve, Line, Panel};

/// Beyond this every model guesses: curves are cut off there.
const MOST: f64 = 1e7;

/// Perplexity against `P`, a curve per kind of codes and of register, beside the perplexity through exact accumulators and the
/// width from which on no register that sums a whole row overflows; none where there are no points.
pub(crate) fn perplexity_panel(
    points: &[LanguageSweepPoint],
    exact: Option<f64>,
    guaranteed: Option<u32>,
) -> Option<Panel> {
    let log = |perplexity: f64| match perplexity.is_finite() {
        true => perplexity.clamp(1.0, MOST).log10(),
        false => MOST.log10(),
    };
    let kind = |point: &LanguageSweepPoint| -> String {
        let acc = point.acc.replacen(&point.bits.to_string(), "{P}", 1);
        format!("{} {}: {acc}", point.algorithm, point.constraint)
    };
    let mut curves: Vec<Curve> = Vec::new();
    for point in points {
        let (name, place) = (kind(point), (f64::from(point.bits), log(point.perplexity)));
        match curves.iter_mut().find(|curve| curve.name == name) {
            Some(curve) => curve.points.push(place),
            None => {
                let wraps = point.acc.split(['/', ',']).next().is_some_and(|a| a.contains("wrap"));
                let line = if wraps { Line::Dashed { dash: 7, gap: 5 } } else { Line::Solid };
                curves.push(Curve { name, look: curves.len(), line, points: vec![place] });
            }
        }
    }
    let all = || curves.iter().flat_map(|curve| &curve.points);
    let bits = || all().map(|point| point.0);
    let exact = exact.map(|perplexity| (log(perplexity), format!("exact: {perplexity:.2}")));
    let values = || all().map(|point| point.1).chain(exact.as_ref().map(|exact| exact.0));
    let guaranteed = guaranteed.filter(|&g| bits().any(|b| b >= f64::from(g)));
    Some(Panel {
        caption: "perplexity against accumulator bits".into(),
        axis: Axis::Logarithms,
        title: "perplexity",
        beside: Vec::new(),
        guaranteed,
        bits: (bits().fold(f64::INFINITY, f64::min) - 0.5, bits().fold(0.0, f64::max) + 0.5),
        range: (values().fold(f64::INFINITY, f64::min) - 0.2, values().fold(1.0, f64::max) + 0.3),
        exact,
        curves: Some(curves).filter(|curves| !curves.is_empty())?,
    })
}
