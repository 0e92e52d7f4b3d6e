//! The picture of a histogram of codes.

use plotters::coord::Shift;
use plotters::prelude::*;

use super::{Fidelity, Histogram};

const SIZE: (u32, u32) = (900, 420);
const BAR: RGBColor = RGBColor(0, 114, 178);
const FONT: &str = "sans-serif";

/// How often each code occurs, in the order of the values, as an SVG.
///
/// # Errors
/// What the drawing library reports.
pub(crate) fn draw(
    histogram: &Histogram,
    name: &str,
    fidelity: &Fidelity,
) -> Result<String, String> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        draw_on(&area, histogram, &title(name, fidelity)).map_err(|e| e.to_string())?;
        area.present().map_err(|e| e.to_string())?;
    }
    Ok(svg)
}

fn title(name: &str, fidelity: &Fidelity) -> String {
    let sqnr = fidelity.sqnr_db.map_or_else(String::new, |sqnr| format!(", SQNR {sqnr:.2} dB"));
    let clipped =
        fidelity.clipped.map_or_else(String::new, |clipped| format!(", {clipped} clipped"));
    format!("{name}{sqnr}{clipped}")
}

type Drawn<'a> = Result<(), DrawingAreaErrorKind<<SVGBackend<'a> as DrawingBackend>::ErrorType>>;

fn draw_on<'a>(
    area: &DrawingArea<SVGBackend<'a>, Shift>,
    histogram: &Histogram,
    title: &str,
) -> Drawn<'a> {
    let bins = &histogram.bins;
    let most = bins.iter().map(|bin| bin.count).max().unwrap_or(0).max(1);
    let right = bins.len() as f64 - 0.5;
    let label = |place: f64| {
        let bin = bins.get(place.round() as usize).filter(|_| place >= -0.25);
        bin.map_or_else(String::new, |bin| match bin.value {
            Some(value) => format!("{value}"),
            None => format!("code {:#x}", bin.code),
        })
    };
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(area)
        .caption(title, (FONT, 20).into_font())
        .margin(16)
        .x_label_area_size(48)
        .y_label_area_size(84)
        .build_cartesian_2d(-0.5..right, 0.0..most as f64 * 1.05)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(RGBColor(225, 225, 225))
        .disable_x_mesh()
        .x_desc("value of the code, before the scale")
        .y_desc("elements")
        .axis_desc_style((FONT, 16))
        .label_style((FONT, 13))
        .x_labels(bins.len().min(17))
        .x_label_formatter(&|x| label(*x))
        .y_label_formatter(&|y| format!("{y:.0}"))
        .draw()?;
    chart.draw_series(bins.iter().enumerate().map(|(place, bin)| {
        let place = place as f64;
        Rectangle::new([(place - 0.4, 0.0), (place + 0.4, bin.count as f64)], BAR.filled())
    }))?;
    Ok(())
}
