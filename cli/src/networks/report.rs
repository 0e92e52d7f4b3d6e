//! The pictures of a report.

use fewbit_models::eval::{LanguageReport, LayerResult, Report, Series, SweepPoint};
use plotters::style::RGBColor;

use super::pictures::{Bars, HeatMap};
use crate::error::CliError;
use crate::sweep::{draw, perplexity_panel, series_panel};

/// Captions and pictures: bits, error and overflow of every layer, and the curves of the sweep.
///
/// # Errors
/// What the drawing library reports.
pub(crate) fn pictures(report: &Report) -> Result<Vec<(String, String)>, CliError> {
    let layers = &report.layers;
    let columns =
        report.sweep.iter().map(|p| Column { bits: p.bits, acc: &p.acc, events: &p.layer_events });
    let mut pictures = layer_pictures(layers, &columns.collect::<Vec<_>>())?;
    let series = curves(&report.sweep);
    let guaranteed = layers.iter().filter_map(|layer| layer.guaranteed_bits).max();
    let caption = "accuracy against accumulator bits".to_owned();
    if let Some(panel) = series_panel(&series, report.quantized.accuracy, guaranteed, caption) {
        let svg = draw(&[panel]).map_err(CliError::Picture)?;
        pictures.push(("Accuracy against accumulator bits".into(), svg));
    }
    Ok(pictures)
}

/// The same of a language model.
///
/// # Errors
/// What the drawing library reports.
pub(crate) fn language_pictures(
    report: &LanguageReport,
) -> Result<Vec<(String, String)>, CliError> {
    let layers = &report.layers;
    // Nearest codes alone: those that are chosen for an accumulator overflow none.
    let nearest = report.sweep.iter().filter(|point| point.algorithm == "rtn");
    let columns = nearest.map(|p| Column { bits: p.bits, acc: &p.acc, events: &p.layer_events });
    let mut pictures = layer_pictures(layers, &columns.collect::<Vec<_>>())?;
    let guaranteed = layers.iter().filter_map(|layer| layer.guaranteed_bits).max();
    if let Some(panel) = perplexity_panel(&report.sweep, report.exact_perplexity, guaranteed) {
        let svg = draw(&[panel]).map_err(CliError::Picture)?;
        pictures.push(("Perplexity against accumulator bits".into(), svg));
    }
    Ok(pictures)
}

/// A column of the map of overflow: a point of the sweep.
struct Column<'a> {
    bits: u32,
    acc: &'a str,
    events: &'a [u64],
}

fn layer_pictures(
    layers: &[LayerResult],
    columns: &[Column<'_>],
) -> Result<Vec<(String, String)>, CliError> {
    let mut pictures = Vec::new();
    if layers.is_empty() {
        return Ok(pictures);
    }
    let mut add = |caption: &str, svg: Result<String, String>| -> Result<(), CliError> {
        pictures.push((caption.to_owned(), svg.map_err(CliError::Picture)?));
        Ok(())
    };
    let number = |bits: Option<u32>| bits.map(f64::from);
    let bits = Bars {
        rows: layers
            .iter()
            .map(|l| (&*l.name, vec![number(l.guaranteed_bits), number(l.observed_bits)]))
            .collect(),
        colors: &[DARK, LIGHT],
        title: "bits of one register: dark guaranteed, light observed",
    };
    let caption = "Bits of an accumulator that no input overflows, and that these inputs need";
    add(caption, bits.draw())?;
    let sqnr = Bars {
        rows: layers.iter().map(|l| (&*l.name, vec![l.sqnr_db])).collect(),
        colors: &[DARK],
        title: "SQNR against the float network, dB",
    };
    add("Error of each layer's outputs", sqnr.draw())?;
    let map = heat_map(layers, columns);
    add("Overflow events", map.draw())?;
    Ok(pictures)
}

const DARK: RGBColor = RGBColor(40, 70, 120);
const LIGHT: RGBColor = RGBColor(150, 185, 225);

/// The points of a sweep, each kind of accumulator on its own.
fn curves(points: &[SweepPoint]) -> Vec<Series> {
    let mut series: Vec<Series> = Vec::new();
    for point in points {
        let kind = if is_wrapping(&point.acc) { "wrap" } else { "saturate" };
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
fn heat_map<'a>(layers: &'a [LayerResult], columns: &[Column<'_>]) -> HeatMap<'a> {
    let row = |(index, layer): (usize, &'a LayerResult)| match columns.is_empty() {
        true => vec![layer.events.unwrap_or(0)],
        false => columns.iter().map(|c| c.events.get(index).copied().unwrap_or(0)).collect(),
    };
    let names = layers.iter().map(|layer| layer.name.as_str());
    let own = |column: &Column<'_>| {
        format!("{}{}", column.bits, if is_wrapping(column.acc) { "w" } else { "s" })
    };
    HeatMap {
        rows: names.zip(layers.iter().enumerate().map(row)).collect(),
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

/// Whether the first register wraps.
fn is_wrapping(acc: &str) -> bool {
    acc.split(['/', ',']).next().is_some_and(|first| first.contains("wrap"))
}
