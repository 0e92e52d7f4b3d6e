//! The picture of a sweep.

use fewbit::sweep::{Sweep, SweepPoint};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

const SIZE: (u32, u32) = (900, 560);
const COLORS: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
]; // Okabe and Ito's, told apart by the colour-blind
const FONT: &str = "sans-serif";

/// One curve: its name in the legend, and its points.
struct Curve {
    name: String,
    points: Vec<(f64, f64)>,
}

/// What the vertical axis shows.
struct Measure {
    title: &'static str,
    curves: Vec<Curve>,
    /// Thin lines without markers, in the colours of the curves.
    beside: Vec<Curve>,
    /// The exact accumulator's value and what is written beside it.
    exact: Option<(f64, String)>,
    range: (f64, f64),
}

/// The sweep as an SVG: accuracy in percent against `P`, or SQNR where there is no accuracy.
///
/// # Errors
/// What the drawing library reports.
pub(crate) fn draw(sweep: &Sweep, names: &[String]) -> Result<String, String> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        draw_on(&area, sweep, &measure(sweep, names)).map_err(|e| e.to_string())?;
        area.present().map_err(|e| e.to_string())?;
    }
    Ok(svg)
}

fn measure(sweep: &Sweep, names: &[String]) -> Measure {
    let curves = |value: &dyn Fn(&SweepPoint) -> Option<f64>| -> Vec<Curve> {
        sweep
            .curves()
            .into_iter()
            .zip(names)
            .map(|(points, name)| Curve {
                name: name.clone(),
                points: points
                    .iter()
                    .filter_map(|p| Some((f64::from(p.bits), value(p)?)))
                    .collect(),
            })
            .collect()
    };
    if let Some(accuracy) = sweep.exact.accuracy {
        return Measure {
            title: "accuracy on the held-out images (%)",
            curves: curves(&|p| p.accuracy.map(|a| 100.0 * a)),
            beside: Vec::new(),
            exact: Some((100.0 * accuracy, format!("exact: {:.2} %", 100.0 * accuracy))),
            range: (0.0, 104.0),
        };
    }
    let (curves, beside) = (curves(&|p| p.sqnr_db), curves(&|p| p.sqnr_float_db));
    let values = || curves.iter().chain(&beside).flat_map(|c| c.points.iter().map(|p| p.1));
    let low = values().fold(0.0, f64::min);
    let high = values().fold(10.0, f64::max);
    Measure {
        title: "SQNR (dB): markers against exact (none: equal), thin against float",
        range: (low - 2.0, high + 4.0),
        exact: sweep.exact.sqnr_float_db.map(|db| (db, format!("exact against float: {db:.2} dB"))),
        curves,
        beside,
    }
}

type Drawn<'a> = Result<(), DrawingAreaErrorKind<<SVGBackend<'a> as DrawingBackend>::ErrorType>>;

fn draw_on<'a>(
    area: &DrawingArea<SVGBackend<'a>, Shift>,
    sweep: &Sweep,
    measure: &Measure,
) -> Drawn<'a> {
    let bits = || sweep.points.iter().map(|p| f64::from(p.bits));
    let guaranteed = f64::from(sweep.guaranteed_bits);
    let left = bits().fold(guaranteed, f64::min) - 0.5;
    let right = bits().fold(guaranteed, f64::max) + 0.5;
    let (bottom, top) = measure.range;
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(area)
        .caption(
            format!("{} weights, {} activations", sweep.weights, sweep.acts),
            (FONT, 20).into_font(),
        )
        .margin(16)
        .x_label_area_size(48)
        .y_label_area_size(64)
        .build_cartesian_2d(left..right, bottom..top)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(RGBColor(225, 225, 225))
        .x_desc("accumulator bits P")
        .y_desc(measure.title)
        .axis_desc_style((FONT, 16))
        .label_style((FONT, 14))
        .x_labels((right - left) as usize + 1)
        .x_label_formatter(&|x| format!("{x:.0}"))
        .y_label_formatter(&|y| format!("{y:.0}"))
        .draw()?;
    if let Some((value, label)) = &measure.exact {
        let line = LineSeries::new([(left, *value), (right, *value)], BLACK.stroke_width(1));
        chart.draw_series(line)?;
        let place = (left + 0.1, *value + 0.5);
        let style = (FONT, 13).into_font().color(&BLACK);
        let style = style.pos(text_position(HPos::Left));
        chart.draw_series([Text::new(label.clone(), place, style)])?;
    }
    let dashed = DashedLineSeries::new(
        [(guaranteed, bottom), (guaranteed, top)],
        6,
        4,
        RGBColor(90, 90, 90).stroke_width(1),
    );
    chart.draw_series(dashed)?;
    let (place, side) = match guaranteed + 4.0 > right {
        true => (guaranteed - 0.12, HPos::Right),
        false => (guaranteed + 0.12, HPos::Left),
    };
    let style = (FONT, 13).into_font().color(&RGBColor(60, 60, 60)).pos(text_position(side));
    let label = format!("guaranteed: P = {}", sweep.guaranteed_bits);
    chart.draw_series([Text::new(label, (place, bottom + 0.5 * (top - bottom)), style)])?;
    for (index, curve) in measure.beside.iter().enumerate() {
        let line = COLORS[index % COLORS.len()].stroke_width(1);
        chart.draw_series(LineSeries::new(curve.points.iter().copied(), line))?;
    }
    for (index, curve) in measure.curves.iter().enumerate() {
        let color = COLORS[index % COLORS.len()];
        chart
            .draw_series(LineSeries::new(curve.points.iter().copied(), color.stroke_width(2)))?
            .label(&curve.name)
            .legend(move |(x, y)| {
                let line = PathElement::new([(x, y), (x + 26, y)], color.stroke_width(2));
                EmptyElement::at((0, 0)) + line + marker(index, (x + 13, y), color)
            });
        chart.draw_series(
            curve
                .points
                .iter()
                .map(|&point| EmptyElement::at(point) + marker(index, (0, 0), color)),
        )?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .margin(14)
        .legend_area_size(32)
        .label_font((FONT, 14))
        .background_style(WHITE.mix(0.85))
        .border_style(RGBColor(180, 180, 180))
        .draw()
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
