//! Pictures of a network's results.

use fewbit_models::eval::LayerResult;
use plotters::prelude::*;

use crate::output::color;

const FONT: &str = "sans-serif";
const SIZE: (u32, u32) = (900, 520);

/// One line of a picture.
#[derive(Clone, Debug)]
pub(crate) struct Curve {
    /// What it is.
    pub(crate) label: String,
    /// Bits and percent.
    pub(crate) points: Vec<(f64, f64)>,
}

/// Accuracy in percent against accumulator bits, a line per curve, and a line for the exact accumulator.
///
/// # Errors
/// What the drawing library reports.
pub(crate) fn curves(
    curves: &[Curve],
    exact: Option<f64>,
    caption: &str,
) -> Result<String, String> {
    let mut svg = String::new();
    let draw = |svg: &mut String| -> Result<(), Box<dyn std::error::Error>> {
        let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
        area.fill(&WHITE)?;
        let all = curves.iter().flat_map(|curve| &curve.points);
        let left = all.clone().map(|p| p.0).fold(f64::INFINITY, f64::min);
        let right = all.map(|p| p.0).fold(f64::NEG_INFINITY, f64::max);
        let mut chart = ChartBuilder::on(&area)
            .caption(caption, (FONT, 20).into_font())
            .margin(16)
            .x_label_area_size(48)
            .y_label_area_size(64)
            .build_cartesian_2d(left..right.max(left + 1.0), 0.0..100.0)?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(RGBColor(225, 225, 225))
            .x_desc("accumulator bits P")
            .y_desc("accuracy, %")
            .axis_desc_style((FONT, 16))
            .label_style((FONT, 14))
            .x_labels((right - left) as usize + 1)
            .x_label_formatter(&|x| format!("{x:.0}"))
            .y_label_formatter(&|y| format!("{y:.0}"))
            .draw()?;
        if let Some(exact) = exact {
            chart
                .draw_series(LineSeries::new(
                    [(left, exact), (right, exact)],
                    BLACK.stroke_width(1),
                ))?
                .label("exact accumulator")
                .legend(|(x, y)| PathElement::new([(x, y), (x + 18, y)], BLACK));
        }
        for (index, curve) in curves.iter().enumerate() {
            let color = color(index);
            let points = curve.points.iter().copied();
            chart
                .draw_series(LineSeries::new(points.clone(), color.stroke_width(2)))?
                .label(curve.label.clone())
                .legend(move |(x, y)| {
                    PathElement::new([(x, y), (x + 18, y)], color.stroke_width(2))
                });
            chart.draw_series(points.map(|point| Circle::new(point, 3, color.filled())))?;
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::LowerRight)
            .background_style(WHITE.mix(0.85))
            .border_style(RGBColor(200, 200, 200))
            .label_font((FONT, 14))
            .draw()?;
        area.present()?;
        Ok(())
    };
    draw(&mut svg).map_err(|error| error.to_string())?;
    Ok(svg)
}

/// Guaranteed and observed bits per layer, as bars side by side.
///
/// # Errors
/// What the drawing library reports.
pub(crate) fn layer_bars(layers: &[LayerResult]) -> Result<String, String> {
    let mut svg = String::new();
    let draw = |svg: &mut String| -> Result<(), Box<dyn std::error::Error>> {
        let height = 60 + 26 * layers.len().max(2) as u32;
        let area = SVGBackend::with_string(svg, (SIZE.0, height)).into_drawing_area();
        area.fill(&WHITE)?;
        let bits = |bits: Option<u32>| f64::from(bits.unwrap_or(0));
        let most = layers.iter().map(|l| bits(l.guaranteed_bits).max(bits(l.observed_bits)));
        let most = most.fold(8.0, f64::max) + 1.0;
        let rows = layers.len().max(1) as f64;
        let mut chart = ChartBuilder::on(&area)
            .margin(8)
            .x_label_area_size(36)
            .y_label_area_size(220)
            .build_cartesian_2d(0.0..most, 0.0..rows)?;
        chart
            .configure_mesh()
            .disable_y_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(RGBColor(225, 225, 225))
            .x_desc("bits of one register: dark guaranteed, light observed")
            .label_style((FONT, 12))
            .y_labels(0)
            .draw()?;
        for (index, layer) in layers.iter().enumerate() {
            let top = rows - index as f64;
            let bar = |from: f64, to: f64, bits: f64, color: RGBColor| {
                Rectangle::new([(0.0, top - to), (bits, top - from)], color.filled())
            };
            chart.draw_series([
                bar(0.12, 0.46, bits(layer.guaranteed_bits), RGBColor(40, 70, 120)),
                bar(0.5, 0.84, bits(layer.observed_bits), RGBColor(150, 185, 225)),
            ])?;
            let place = chart.backend_coord(&(0.0, top - 0.48));
            let style = (FONT, 12).into_font().color(&BLACK);
            let style = style.pos(plotters::style::text_anchor::Pos::new(
                plotters::style::text_anchor::HPos::Right,
                plotters::style::text_anchor::VPos::Center,
            ));
            area.draw(&Text::new(layer.name.clone(), (place.0 - 8, place.1), style))?;
        }
        area.present()?;
        Ok(())
    };
    draw(&mut svg).map_err(|error| error.to_string())?;
    Ok(svg)
}
