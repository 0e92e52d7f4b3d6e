//! The pictures of a report.

use fewbit_models::eval::{LayerResult, Report, Series, SweepPoint};
use plotters::style::RGBColor;

use super::pictures::{Bars, HeatMap};
use crate::error::CliError;
use crate::sweep::{draw, series_panel};

/// Captions and pictures: bits, error and overflow of every layer, and the curves of the sweep.
///
/// # Errors
/// What the drawing library reports.
pub(crate) fn pictures(report: &Report) -> Result<Vec<(String, String)>, CliError> {
    let mut pictures = Vec::new();
    let mut add = |caption: &str, svg: Result<String, String>| -> Result<(), CliError> {
        pictures.push((caption.to_owned(), svg.map_err(CliError::Picture)?));
        Ok(())
    };
    let layers = &report.layers;
    if !layers.is_empty() {
        let number = |bits: Option<u32>| bits.map(f64::from);
        let bits = Bars {
            rows: layers
                .iter()
                .map(|l| (&*l.name, vec![number(l.guaranteed_bits), number(l.observed_bits)]))
                .collect(),
            colors: &[DARK, LIGHT],
            title: "bits of one register: dark guaranteed, light observed",
        };
        let caption = "Bits of an accumulator that no input overflows, and that these images need";
        add(caption, bits.draw())?;
        let sqnr = Bars {
            rows: layers.iter().map(|l| (&*l.name, vec![l.sqnr_db])).collect(),
            colors: &[DARK],
            title: "SQNR against the float network, dB",
        };
        add("Error of each layer's outputs", sqnr.draw())?;
        let map = heat_map(report);
        add("Overflow events", map.draw())?;
    }
    let series = curves(&report.sweep);
    let guaranteed = layers.iter().filter_map(|layer| layer.guaranteed_bits).max();
    let caption = "accuracy against accumulator bits".to_owned();
    if let Some(panel) = series_panel(&series, report.quantized.accuracy, guaranteed, caption) {
        add("Accuracy against accumulator bits", draw(&[panel]))?;
    }
    Ok(pictures)
}

const DARK: RGBColor = RGBColor(40, 70, 120);
const LIGHT: RGBColor = RGBColor(150, 185, 225);

/// The points of a sweep, each kind of accumulator on its own.
fn curves(points: &[SweepPoint]) -> Vec<Series> {
    let mut series: Vec<Series> = Vec::new();
    for point in points {
        let kind = if point.acc.contains("wrap") { "wrap" } else { "saturate" };
        let known = series.iter_mut().find(|one| {
            (&*one.acc, &one.algorithm, &one.constraint)
                == (kind, &point.algorithm, &point.constraint)
        });
        match known {
            Some(one) => one.points.push(point.clone()),
            None => series.push(Series {
                algorithm: point.algorithm.clone(),
                constraint: point.constraint.clone(),
                acc: kind.into(),
                points: vec![point.clone()],
            }),
        }
    }
    series
}

/// Overflow events of every layer, through accumulators of every width of the sweep, or through its own.
fn heat_map(report: &Report) -> HeatMap<'_> {
    let columns: Vec<&SweepPoint> = report.sweep.iter().collect();
    let row = |(index, layer): (usize, &'_ LayerResult)| match columns.is_empty() {
        true => vec![layer.events.unwrap_or(0)],
        false => columns.iter().map(|p| p.layer_events.get(index).copied().unwrap_or(0)).collect(),
    };
    let names = report.layers.iter().map(|layer| layer.name.as_str());
    let own = |point: &&SweepPoint| {
        format!("{}{}", point.bits, if point.acc.contains("wrap") { "w" } else { "s" })
    };
    HeatMap {
        rows: names.zip(report.layers.iter().enumerate().map(row)).collect(),
        columns: match columns.is_empty() {
            true => vec!["its accumulator".into()],
            false => columns.iter().map(own).collect(),
        },
        title: match columns.is_empty() {
            true => "overflow events through each layer's own accumulator",
            false => "overflow events through accumulators of P bits: w wrap, s saturate",
        },
    }
}
