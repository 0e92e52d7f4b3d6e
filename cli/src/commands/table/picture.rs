//! The picture of a table: the function and the table above, their distance below.

use fewbit::functions::table::Table;
use fewbit::reference::functions::look_up;
use plotters::coord::Shift;
use plotters::prelude::*;

const SIZE: (u32, u32) = (900, 640);
const FUNCTION: RGBColor = RGBColor(213, 94, 0);
const TABLE: RGBColor = RGBColor(0, 114, 178);
const FONT: &str = "sans-serif";

/// The most inputs that are drawn.
const POINTS: u64 = 1 << 12;

/// An input, the function and the table there.
struct Point {
    x: f64,
    real: f64,
    found: f64,
}

/// The table as an SVG.
///
/// # Errors
/// A table of fewer than two inputs that can be drawn; what the drawing library reports.
pub(super) fn draw(table: &Table) -> Result<String, String> {
    let points = points(table);
    if points.len() < 2 || points[0].x == points[points.len() - 1].x {
        return Err("fewer than two inputs have a finite function and an entry".into());
    }
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        draw_on(&area, table, &points).map_err(|e| e.to_string())?;
        area.present().map_err(|e| e.to_string())?;
    }
    Ok(svg)
}

/// Inputs in ascending order, evenly spread over the codes.
fn points(table: &Table) -> Vec<Point> {
    let spec = table.spec();
    let codes = spec.input().format().code_count();
    let stride = codes.div_ceil(POINTS).max(1);
    let of = |code: u64| {
        let code = code as u32;
        let x = spec.input().decode(code);
        let (real, found) =
            (spec.function().value(x), spec.output().decode(look_up(table, code).ok()?));
        (x.is_finite() && real.is_finite() && found.is_finite()).then_some(Point { x, real, found })
    };
    let mut points: Vec<Point> = (0..codes).step_by(stride as usize).filter_map(of).collect();
    points.sort_by(|a, b| a.x.total_cmp(&b.x));
    points
}

type Drawn<'a> = Result<(), DrawingAreaErrorKind<<SVGBackend<'a> as DrawingBackend>::ErrorType>>;

fn draw_on<'a>(
    area: &DrawingArea<SVGBackend<'a>, Shift>,
    table: &Table,
    points: &[Point],
) -> Drawn<'a> {
    let spec = table.spec();
    area.fill(&WHITE)?;
    let (above, below) = area.split_vertically((SIZE.1 * 2 / 3) as i32);
    let name = spec.function().name();
    let title =
        format!("{name}, {} entries, {} to {}", table.entries().len(), spec.input(), spec.output());
    let found = || points.iter().map(|p| (p.x, p.found));
    // The function may leave the output's range; what is drawn is what the table can have, and a little more.
    let range = span(found().map(|(_, y)| y), 0.08);
    let real = points.iter().map(|p| (p.x, p.real.clamp(range.start, range.end)));
    panel(
        &above,
        &title,
        range.clone(),
        &[("function", FUNCTION, real.collect()), ("table", TABLE, found().collect())],
    )?;
    let (least, most) = (spec.output().format().min_finite(), spec.output().format().max_finite());
    let end = |value: f64| spec.output().scale() * (value - spec.output().zero_point() as f64);
    let error = |p: &Point| (p.x, p.found - p.real.clamp(end(least), end(most)));
    let errors: Vec<(f64, f64)> = points.iter().map(error).collect();
    let range = span(errors.iter().map(|e| e.1), 0.08);
    panel(&below, "", range, &[("table - function", TABLE, errors)])
}

/// Least and greatest, with some room, never of length 0.
fn span(values: impl Iterator<Item = f64>, room: f64) -> std::ops::Range<f64> {
    let (least, most) =
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), y| (a.min(y), b.max(y)));
    let length = if most > least { most - least } else { least.abs().max(1e-300) };
    least - room * length..most + room * length
}

/// Its name in the legend, its colour, its points.
type Curve = (&'static str, RGBColor, Vec<(f64, f64)>);

fn panel<'a>(
    area: &DrawingArea<SVGBackend<'a>, Shift>,
    title: &str,
    range: std::ops::Range<f64>,
    curves: &[Curve],
) -> Drawn<'a> {
    let inputs = &curves[0].2;
    let (first, last) = (inputs[0].0, inputs[inputs.len() - 1].0);
    let mut chart = ChartBuilder::on(area)
        .caption(title, (FONT, 18).into_font())
        .margin(14)
        .x_label_area_size(30)
        .y_label_area_size(80)
        .build_cartesian_2d(first..last, range)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(RGBColor(225, 225, 225))
        .label_style((FONT, 13))
        .draw()?;
    for (name, color, points) in curves {
        chart
            .draw_series(LineSeries::new(points.iter().copied(), color.stroke_width(1)))?
            .label(*name)
            .legend(|(x, y)| PathElement::new([(x, y), (x + 16, y)], *color));
    }
    chart.configure_series_labels().background_style(WHITE.mix(0.8)).label_font((FONT, 13)).draw()
}
