//! The picture of a sweep.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::panel::{Axis, Line, Panel};
use crate::output::color;

const WIDTH: u32 = 900;
/// Height of a panel.
const PANEL: u32 = 560;
const FONT: &str = "sans-serif";

/// The panels as an SVG, one below the other: accuracy in percent against `P`, or SQNR where there is no accuracy.
///
/// # Errors
/// What the drawing library reports.
pub(crate) fn draw(panels: &[Panel]) -> Result<String, String> {
    let height = PANEL * panels.len().max(1) as u32;
    let mut svg = String::new();
    {
        let whole = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
        whole.fill(&WHITE).map_err(|e| e.to_string())?;
        for (area, panel) in whole.split_evenly((panels.len().max(1), 1)).iter().zip(panels) {
            draw_panel(area, panel).map_err(|e| e.to_string())?;
        }
        whole.present().map_err(|e| e.to_string())?;
    }
    Ok(svg)
}

type Drawn<'a> = Result<(), DrawingAreaErrorKind<<SVGBackend<'a> as DrawingBackend>::ErrorType>>;

fn draw_panel<'a>(area: &DrawingArea<SVGBackend<'a>, Shift>, panel: &Panel) -> Drawn<'a> {
    let (left, right) = panel.bits;
    let (bottom, top) = panel.range;
    let mut chart = ChartBuilder::on(area)
        .caption(&panel.caption, (FONT, 20).into_font())
        .margin(16)
        .x_label_area_size(48)
        .y_label_area_size(64)
        .build_cartesian_2d(left..right, bottom..top)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(RGBColor(225, 225, 225))
        .x_desc("accumulator bits P")
        .y_desc(panel.title)
        .axis_desc_style((FONT, 16))
        .label_style((FONT, 14))
        .x_labels((right - left) as usize + 1)
        .x_label_formatter(&|x| format!("{x:.0}"))
        .y_label_formatter(&|y| label(panel.axis, *y))
        .draw()?;
    if let Some((value, label)) = &panel.exact {
        let line = LineSeries::new([(left, *value), (right, *value)], BLACK.stroke_width(1));
        chart.draw_series(line)?;
        let above = match panel.axis {
            Axis::Values => 0.5,
            #[cfg(feature = "networks")]
            Axis::Logarithms => 0.01 * (top - bottom),
        };
        let place = (left + 0.1, *value + above);
        let style = (FONT, 13).into_font().color(&BLACK);
        let style = style.pos(text_position(HPos::Left));
        chart.draw_series([Text::new(label.clone(), place, style)])?;
    }
    if let Some(guaranteed) = panel.guaranteed {
        let at = f64::from(guaranteed);
        let grey = RGBColor(90, 90, 90).stroke_width(1);
        chart.draw_series(DashedLineSeries::new([(at, bottom), (at, top)], 6, 4, grey))?;
        let (place, side) = match at + 4.0 > right {
            true => (at - 0.12, HPos::Right),
            false => (at + 0.12, HPos::Left),
        };
        let style = (FONT, 13).into_font().color(&RGBColor(60, 60, 60)).pos(text_position(side));
        let label = format!("guaranteed: P = {guaranteed}");
        chart.draw_series([Text::new(label, (place, bottom + 0.5 * (top - bottom)), style)])?;
    }
    for curve in &panel.beside {
        let line = color(curve.look).stroke_width(1);
        chart.draw_series(LineSeries::new(curve.points.iter().copied(), line))?;
    }
    for curve in &panel.curves {
        let (look, color) = (curve.look, color(curve.look));
        let (points, thick) = (curve.points.iter().copied(), color.stroke_width(2));
        // Of the line in the legend, on both sides of the marker.
        let gap = match curve.line {
            Line::Solid => 0,
            Line::Dashed { .. } => 7,
        };
        match curve.line {
            Line::Solid => chart.draw_series(LineSeries::new(points, thick))?,
            Line::Dashed { dash, gap } => {
                chart.draw_series(DashedLineSeries::new(points, dash, gap, thick))?
            }
        }
        .label(&curve.name)
        .legend(move |(x, y)| {
            let left = PathElement::new([(x, y), (x + 13 - gap, y)], thick);
            let right = PathElement::new([(x + 13 + gap, y), (x + 26, y)], thick);
            EmptyElement::at((0, 0)) + left + right + marker(look, (x + 13, y), color)
        });
        chart.draw_series(
            curve.points.iter().map(|&point| EmptyElement::at(point) + marker(look, (0, 0), color)),
        )?;
    }
    chart
        .configure_series_labels()
        // Where the curves are not: accuracy rises with P, perplexity falls.
        .position(match panel.axis {
            Axis::Values => SeriesLabelPosition::LowerRight,
            #[cfg(feature = "networks")]
            Axis::Logarithms => SeriesLabelPosition::UpperRight,
        })
        .margin(14)
        .legend_area_size(32)
        .label_font((FONT, 14))
        .background_style(WHITE.mix(0.85))
        .border_style(RGBColor(180, 180, 180))
        .draw()
}

/// What stands beside a line of the mesh.
fn label(axis: Axis, y: f64) -> String {
    match axis {
        Axis::Values => format!("{y:.0}"),
        #[cfg(feature = "networks")]
        Axis::Logarithms => match 10f64.powf(y) {
            value @ ..1e4 => format!("{value:.0}"),
            value => format!("{value:.0e}"),
        },
    }
}

fn text_position(side: HPos) -> Pos {
    Pos::new(side, VPos::Bottom)
}

/// A marker whose shape tells curves apart without colour.
fn marker<DB: DrawingBackend>(
    index: usize,
    (x, y): (i32, i32),
    color: RGBColor,
) -> DynElement<'static, DB, (i32, i32)> {
    let filled = color.filled();
    match index % 3 {
        0 => Circle::new((x, y), 4, filled).into_dyn(),
        1 => Rectangle::new([(x - 4, y - 4), (x + 4, y + 4)], filled).into_dyn(),
        _ => TriangleMarker::new((x, y), 6, filled).into_dyn(),
    }
}
