//! The picture of the price of a guarantee: errors above, overflows below, against the number of bits.

use plotters::coord::Shift;
use plotters::prelude::*;

use super::report::{Point, Price};
use crate::output::color;

const SIZE: (u32, u32) = (900, 760);
const FONT: &str = "sans-serif";

/// The points as an SVG.
///
/// # Errors
/// What the drawing library reports.
pub(super) fn draw(price: &Price) -> Result<String, String> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        draw_on(&area, price).map_err(|e| e.to_string())?;
        area.present().map_err(|e| e.to_string())?;
    }
    Ok(svg)
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn<'a> = Result<(), DrawingAreaErrorKind<<SVGBackend<'a> as DrawingBackend>::ErrorType>>;

fn draw_on<'a>(area: &Area<'a>, price: &Price) -> Drawn<'a> {
    area.fill(&WHITE)?;
    let (above, below) = area.split_vertically(SIZE.1 * 2 / 3);
    let errors = || price.points.iter().map(Point::error).filter(|error| *error > 0.0);
    let low = errors().fold(f64::INFINITY, f64::min).min(1.0);
    let high = errors().fold(0.0, f64::max).max(low * 1.01);
    let title = format!(
        "{}x{} to {}, {}, {}",
        price.outputs,
        price.inputs,
        price.weights,
        price.acts.as_deref().unwrap_or("float"),
        price.acc
    );
    let most = price.points.iter().map(Point::events).max().unwrap_or(0).max(1);
    panel(
        &above,
        price,
        &Panel {
            title,
            y: "relative error of the outputs",
            range: (0.9 * low, 1.15 * high),
            value: |point| point.error(),
            with_legend: true,
        },
    )?;
    panel(
        &below,
        price,
        &Panel {
            title: String::new(),
            y: "overflows + 1",
            range: (0.8, 2.0 * (most as f64 + 1.0)),
            value: |point| point.events() as f64 + 1.0,
            with_legend: false,
        },
    )
}

struct Panel {
    title: String,
    y: &'static str,
    range: (f64, f64),
    value: fn(&Point) -> f64,
    with_legend: bool,
}

fn panel<'a>(area: &Area<'a>, price: &Price, panel: &Panel) -> Drawn<'a> {
    let bits = || price.points.iter().map(|point| f64::from(point.bits));
    let (left, right) = (bits().fold(64.0, f64::min) - 0.5, bits().fold(0.0, f64::max) + 0.5);
    let mut chart = ChartBuilder::on(area)
        .caption(&panel.title, (FONT, 20).into_font())
        .margin(14)
        .x_label_area_size(44)
        .y_label_area_size(84)
        .build_cartesian_2d(
            left..right,
            (panel.range.0..panel.range.1).log_scale().with_key_points(ticks(panel.range)),
        )?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(RGBColor(225, 225, 225))
        .x_desc("accumulator bits P (hollow: not guaranteed)")
        .y_desc(panel.y)
        .axis_desc_style((FONT, 15))
        .label_style((FONT, 13))
        .x_labels((right - left) as usize + 1)
        .x_label_formatter(&|x| format!("{x:.0}"))
        .y_label_formatter(&|y| match *y >= 1000.0 {
            true => format!("{y:.0e}"),
            false => format!("{}", (y * 1e6).round() / 1e6),
        })
        .draw()?;
    let solvers = {
        let mut names: Vec<String> = Vec::new();
        for point in &price.points {
            let name = point.point.candidate.solver.to_string();
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    };
    for pair in price.pairs() {
        let points = price.of(&pair);
        let Some(first) = points.first() else { continue };
        let solver = first.point.candidate.solver.to_string();
        let index = solvers.iter().position(|name| *name == solver).unwrap_or(0);
        let color = color(index);
        let (size, spacing, width) = dashes(&first.point.constraint);
        let places: Vec<(f64, f64)> = points
            .iter()
            .map(|point| (f64::from(point.bits), (panel.value)(point).max(panel.range.0)))
            .collect();
        let style = color.stroke_width(width);
        let line = DashedLineSeries::new(places.iter().copied(), size, spacing, style);
        chart.draw_series(line)?.label(&pair).legend(move |(x, y)| {
            plotters::element::DashedPathElement::new([(x, y), (x + 30, y)], size, spacing, style)
        });
        chart.draw_series(points.iter().zip(&places).map(|(point, place)| {
            let fill = if point.is_guaranteed() { color.filled() } else { color.stroke_width(1) };
            Circle::new(*place, 4, fill)
        }))?;
    }
    if panel.with_legend {
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperRight)
            .margin(10)
            .legend_area_size(36)
            .label_font((FONT, 13))
            .background_style(WHITE.mix(0.85))
            .border_style(RGBColor(180, 180, 180))
            .draw()?;
    }
    Ok(())
}

/// 1, 2 and 5 times the powers of ten in a range of at most two of them, else these powers alone.
fn ticks((low, high): (f64, f64)) -> Vec<f64> {
    let digits: &[f64] = if high / low < 100.0 { &[1.0, 2.0, 3.0, 5.0, 7.0] } else { &[1.0] };
    let powers = low.log10().floor() as i32..=high.log10().ceil() as i32;
    let all = powers.flat_map(|power| digits.iter().map(move |digit| digit * 10f64.powi(power)));
    all.filter(|tick| (low..=high).contains(tick)).collect()
}

/// Length and spacing of the dashes of a constraint's lines, and their width.
fn dashes(constraint: &str) -> (u32, u32, u32) {
    match constraint {
        "joint" => (1000, 0, 3),
        "none" => (2, 4, 1),
        "axe" => (8, 4, 2),
        _ => (4, 4, 2),
    }
}
