//! The picture of a comparison: one bar per algorithm.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::report::{Entry, Setting};

const SIZE: (u32, u32) = (760, 460);
const BAR: RGBColor = RGBColor(0, 114, 178);
const FONT: &str = "sans-serif";

/// The relative errors as an SVG.
///
/// # Errors
/// What the drawing library reports.
pub(super) fn draw(entries: &[Entry], setting: &Setting) -> Result<String, String> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        draw_on(&area, entries, setting).map_err(|e| e.to_string())?;
        area.present().map_err(|e| e.to_string())?;
    }
    Ok(svg)
}

type Drawn<'a> = Result<(), DrawingAreaErrorKind<<SVGBackend<'a> as DrawingBackend>::ErrorType>>;

fn draw_on<'a>(
    area: &DrawingArea<SVGBackend<'a>, Shift>,
    entries: &[Entry],
    setting: &Setting,
) -> Drawn<'a> {
    let greatest = entries.iter().map(|entry| entry.verdict.relative_error).fold(0.0, f64::max);
    let top = if greatest > 0.0 { 1.15 * greatest } else { 1.0 };
    let acc = setting.acc.as_ref().map_or_else(String::new, |acc| format!(", {acc}"));
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(area)
        .caption(
            format!("{}x{} to {}{acc}", setting.outputs, setting.inputs, setting.weights),
            (FONT, 20).into_font(),
        )
        .margin(16)
        .x_label_area_size(36)
        .y_label_area_size(72)
        .build_cartesian_2d(0.0..entries.len() as f64, 0.0..top)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .disable_x_axis()
        .light_line_style(TRANSPARENT)
        .bold_line_style(RGBColor(225, 225, 225))
        .y_desc("relative error of the outputs")
        .axis_desc_style((FONT, 16))
        .label_style((FONT, 14))
        .draw()?;
    for (index, entry) in entries.iter().enumerate() {
        let (left, error) = (index as f64, entry.verdict.relative_error);
        chart.draw_series([Rectangle::new(
            [(left + 0.2, 0.0), (left + 0.8, error)],
            BAR.filled(),
        )])?;
        let middle = (FONT, 15).into_font().color(&BLACK).pos(Pos::new(HPos::Center, VPos::Bottom));
        let place = (left + 0.5, error + 0.01 * top);
        chart.draw_series([Text::new(format!("{error:.4}"), place, middle)])?;
        let below = (FONT, 15).into_font().color(&BLACK).pos(Pos::new(HPos::Center, VPos::Top));
        let (x, y) = chart.backend_coord(&(left + 0.5, 0.0));
        area.draw(&Text::new(entry.algorithm.clone(), (x, y + 8), below))?;
    }
    Ok(())
}
