//! What the picture of a sweep shows: panels with curves.

use fewbit::algorithms::layer::AccumulatorConstraint;
use fewbit::sweep::{AccumulatorTemplate, GuaranteedPoint, Sweep, SweepPoint};

use super::family::Family;

/// How a curve is drawn.
#[derive(Clone, Copy)]
pub(crate) enum Line {
    Solid,
    /// In pixels.
    Dashed {
        dash: u32,
        gap: u32,
    },
}

/// What the numbers on the vertical axis are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Axis {
    /// The values.
    #[default]
    Values,
    /// Their decimal logarithms.
    #[cfg(feature = "networks")]
    Logarithms,
}

/// One curve.
pub(crate) struct Curve {
    /// In the legend.
    pub(crate) name: String,
    /// The number of its template, which has the same colour and marker in every panel.
    pub(crate) look: usize,
    pub(crate) line: Line,
    pub(crate) points: Vec<(f64, f64)>,
}

/// Curves over the same axes.
pub(crate) struct Panel {
    pub(crate) caption: String,
    /// Of the vertical axis.
    pub(crate) title: &'static str,
    pub(crate) curves: Vec<Curve>,
    /// Thin lines without markers, in the colours of the curves.
    pub(crate) beside: Vec<Curve>,
    /// The exact accumulator's value and what is written beside it.
    pub(crate) exact: Option<(f64, String)>,
    /// The width at which a line says that sums are guaranteed.
    pub(crate) guaranteed: Option<u32>,
    /// The ends of the horizontal axis.
    pub(crate) bits: (f64, f64),
    /// The ends of the vertical axis.
    pub(crate) range: (f64, f64),
    pub(crate) axis: Axis,
}

/// The panels of those points that a sweep has.
pub(crate) fn panels(sweep: &Sweep, templates: &[AccumulatorTemplate]) -> Vec<Panel> {
    let mut panels = Vec::new();
    if !sweep.points.is_empty() {
        panels.push(unguarded(sweep, templates));
    }
    if !sweep.guaranteed.is_empty() {
        panels.push(guarded(sweep, templates));
    }
    panels
}

fn unguarded(sweep: &Sweep, templates: &[AccumulatorTemplate]) -> Panel {
    let curves = |value: &dyn Fn(&SweepPoint) -> Option<f64>| -> Vec<Curve> {
        let curve = |(look, (points, template)): (usize, (&[SweepPoint], &AccumulatorTemplate))| {
            let points = points.iter().filter_map(|p| Some((f64::from(p.bits), value(p)?)));
            let name = format!("{}: {template}", template.kind());
            Curve { name, look, line: Line::Solid, points: points.collect() }
        };
        sweep.curves().into_iter().zip(templates).enumerate().map(curve).collect()
    };
    let (title, curves, beside) = match sweep.exact.accuracy {
        Some(_) => (
            "accuracy on the held-out images (%)",
            curves(&|p| p.accuracy.map(|a| 100.0 * a)),
            Vec::new(),
        ),
        None => (
            "SQNR (dB): markers against exact (none: equal), thin against float",
            curves(&|p| p.sqnr_db),
            curves(&|p| p.sqnr_float_db),
        ),
    };
    Panel {
        caption: format!("{} weights, {} activations", sweep.weights, sweep.acts),
        title,
        exact: exact(sweep),
        guaranteed: Some(sweep.guaranteed_bits),
        bits: bits(sweep),
        range: range(sweep, curves.iter().chain(&beside)),
        curves,
        beside,
        axis: Axis::Values,
    }
}

fn guarded(sweep: &Sweep, templates: &[AccumulatorTemplate]) -> Panel {
    let value = |p: &GuaranteedPoint| match sweep.exact.accuracy {
        Some(_) => p.accuracy.map(|a| 100.0 * a),
        None => p.sqnr_float_db,
    };
    let mut curves = Vec::new();
    for family in Family::all(sweep, templates) {
        for points in &family.curves {
            let Some(constraint) = points.first().map(|point| point.constraint) else { continue };
            let places = points.iter().filter_map(|p| Some((f64::from(p.bits), value(p)?)));
            curves.push(Curve {
                name: format!("{constraint} ({})", family.name),
                look: family.first,
                line: line(constraint),
                points: places.collect(),
            });
        }
    }
    Panel {
        caption: "with a guarantee: quantized for each P, no input overflows".into(),
        title: match sweep.exact.accuracy {
            Some(_) => "accuracy on the held-out images (%)",
            None => "SQNR against float (dB; none: equal)",
        },
        exact: exact(sweep),
        guaranteed: None,
        bits: bits(sweep),
        range: range(sweep, curves.iter()),
        curves,
        beside: Vec::new(),
        axis: Axis::Values,
    }
}

fn line(constraint: AccumulatorConstraint) -> Line {
    match constraint {
        AccumulatorConstraint::Axe => Line::Dashed { dash: 7, gap: 5 },
        AccumulatorConstraint::AxeStrict => Line::Dashed { dash: 2, gap: 3 },
        _ => Line::Solid,
    }
}

fn exact(sweep: &Sweep) -> Option<(f64, String)> {
    match sweep.exact.accuracy {
        Some(accuracy) => Some((100.0 * accuracy, format!("exact: {:.2} %", 100.0 * accuracy))),
        None => {
            sweep.exact.sqnr_float_db.map(|db| (db, format!("exact against float: {db:.2} dB")))
        }
    }
}

/// All widths of the sweep, and the guaranteed one.
fn bits(sweep: &Sweep) -> (f64, f64) {
    let measured = sweep.points.iter().map(|p| p.bits);
    let all = || measured.clone().chain(sweep.guaranteed.iter().map(|p| p.bits));
    let least = all().fold(sweep.guaranteed_bits, u32::min);
    let greatest = all().fold(sweep.guaranteed_bits, u32::max);
    (f64::from(least) - 0.5, f64::from(greatest) + 0.5)
}

fn range<'a>(sweep: &Sweep, curves: impl Iterator<Item = &'a Curve> + Clone) -> (f64, f64) {
    if sweep.exact.accuracy.is_some() {
        return (0.0, 104.0);
    }
    let values = || curves.clone().flat_map(|curve| curve.points.iter().map(|p| p.1));
    (values().fold(0.0, f64::min) - 2.0, values().fold(10.0, f64::max) + 4.0)
}
