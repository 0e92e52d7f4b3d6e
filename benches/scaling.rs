//! How time grows: products of 8-bit activations and 4-bit weights over M, K, N and threads, exact, saturating, and with a
//! full report.
//!
//! One of the four goes up by factors of two, the others stay. A line per point: seconds of one product. With
//! `FEWBIT_WRITE_DOCS=1` all of them are drawn in `docs/img/scaling.svg`, on logarithmic axes, where what grows in
//! proportion is a straight line of slope 1.

mod support;

use std::hint::black_box;
use std::time::Instant;

use fewbit::{Accumulator, MatmulOptions, PackedMatrix, ReportLevel, matmul_packed};
use ndarray::Array2;
use plotters::coord::Shift;
use plotters::prelude::*;
use support::{Bench, Numbers, on_threads};

/// What a product is.
#[derive(Clone, Copy)]
struct Shape {
    m: usize,
    k: usize,
    n: usize,
    threads: usize,
}

/// Where all lines meet.
const MIDDLE: Shape = Shape { m: 64, k: 1024, n: 256, threads: 1 };

/// What is asked of a product.
const KINDS: [(&str, &str, ReportLevel); 3] = [
    ("exact", "exact", ReportLevel::None),
    ("int16-sat", "int16-sat", ReportLevel::None),
    ("int16-sat, full report", "int16-sat", ReportLevel::Full),
];

/// What goes up: its name, its values, and the shape that it stands in.
struct Axis {
    name: &'static str,
    values: Vec<usize>,
    shape: fn(usize) -> Shape,
}

/// The times of a panel: for each kind, seconds by value.
type Times = Vec<Vec<(f64, f64)>>;

fn axes() -> [Axis; 4] {
    let doubled = |from: usize, to: usize| {
        std::iter::successors(Some(from), |x| Some(2 * x)).take_while(|&x| x <= to).collect()
    };
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    [
        Axis { name: "M", values: doubled(1, 1024), shape: |m| Shape { m, ..MIDDLE } },
        Axis { name: "K", values: doubled(16, 16384), shape: |k| Shape { k, ..MIDDLE } },
        Axis { name: "N", values: doubled(1, 4096), shape: |n| Shape { n, ..MIDDLE } },
        Axis {
            name: "threads",
            values: doubled(1, cpus),
            shape: |threads| Shape { m: 512, threads, ..MIDDLE },
        },
    ]
}

fn main() {
    let bench = Bench::from_args();
    let panels: Vec<(Axis, Times)> = axes()
        .into_iter()
        .map(|axis| {
            let times = times(&bench, &axis);
            (axis, times)
        })
        .collect();
    if std::env::var_os("FEWBIT_WRITE_DOCS").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/img/scaling.svg");
        draw(path, &panels).unwrap_or_else(|error| panic!("{path}: {error}"));
        println!("# {path}");
    }
}

fn times(bench: &Bench, axis: &Axis) -> Times {
    let mut times = vec![Vec::new(); KINDS.len()];
    for &value in &axis.values {
        let shape = (axis.shape)(value);
        let mut found = [0.0; KINDS.len()];
        on_threads(shape.threads, || found = seconds(bench, shape));
        for ((times, seconds), (name, ..)) in times.iter_mut().zip(found).zip(KINDS) {
            bench.report(axis.name, &format!("{value}/{name}"), "s", || Some(seconds));
            times.push((value as f64, seconds));
        }
    }
    times
}

/// The seconds of one product of each kind: the least of many, by turns.
fn seconds(bench: &Bench, Shape { m, k, n, .. }: Shape) -> [f64; KINDS.len()] {
    let mut numbers = Numbers::new(1);
    let a = Array2::from_shape_simple_fn((m, k), || numbers.next() as u8);
    let b = Array2::from_shape_simple_fn((k, n), || (numbers.next() % 16) as i8 - 8);
    let packed = PackedMatrix::new(b.view());
    let kinds = KINDS.map(|(_, acc, report)| {
        let acc: Accumulator = acc.parse().unwrap_or_else(|e| panic!("{e}"));
        (acc, MatmulOptions { report, ..MatmulOptions::default() })
    });
    let mut least = [f64::INFINITY; KINDS.len()];
    let (rounds, budget) = if bench.is_quick() { (3, 0.02) } else { (9, 0.3) };
    let start = Instant::now();
    for round in 0.. {
        if round >= rounds && start.elapsed().as_secs_f64() > budget {
            break;
        }
        for ((acc, options), least) in kinds.iter().zip(&mut least) {
            let start = Instant::now();
            black_box(matmul_packed(a.view(), &packed, acc, options)).ok();
            *least = least.min(start.elapsed().as_secs_f64());
        }
    }
    least
}

const FONT: &str = "sans-serif";
/// Told apart by the colour-blind: Okabe and Ito's.
const COLORS: [RGBColor; 3] = [RGBColor(0, 114, 178), RGBColor(213, 94, 0), RGBColor(0, 158, 115)];

/// Four panels, two by two.
fn draw(path: &str, panels: &[(Axis, Times)]) -> Result<(), Box<dyn std::error::Error>> {
    let mut svg = String::new();
    {
        let whole = SVGBackend::with_string(&mut svg, (900, 760)).into_drawing_area();
        whole.fill(&WHITE)?;
        for (area, (axis, times)) in whole.split_evenly((2, 2)).iter().zip(panels) {
            draw_panel(area, axis, times)?;
        }
        whole.present()?;
    }
    std::fs::write(path, svg)?;
    Ok(())
}

fn draw_panel(
    area: &DrawingArea<SVGBackend<'_>, Shift>,
    axis: &Axis,
    times: &Times,
) -> Result<(), Box<dyn std::error::Error>> {
    let all = || times.iter().flatten().map(|&(_, seconds)| 1e3 * seconds);
    let (low, high) = (all().fold(f64::INFINITY, f64::min), all().fold(0.0, f64::max));
    let (first, last) = (axis.values[0] as f64, axis.values[axis.values.len() - 1] as f64);
    let last = if last > first { last } else { 2.0 * first };
    let Shape { m, k, n, .. } = (axis.shape)(0);
    let fixed = [("M", m), ("K", k), ("N", n)].into_iter().filter(|&(name, _)| name != axis.name);
    let fixed: Vec<_> = fixed.map(|(name, value)| format!("{name} = {value}")).collect();
    // With threads time falls, with all others it grows: the names stand where no line is.
    let (room, names) = match axis.name {
        "threads" => (4.0, SeriesLabelPosition::UpperRight),
        _ => (1.4, SeriesLabelPosition::UpperLeft),
    };
    let mut chart = ChartBuilder::on(area)
        .caption(format!("milliseconds over {}; {}", axis.name, fixed.join(", ")), (FONT, 15))
        .margin(10)
        .x_label_area_size(32)
        .y_label_area_size(56)
        .build_cartesian_2d(
            (first..last).log_scale().base(2.0),
            (0.7 * low..room * high).log_scale(),
        )?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(RGBColor(225, 225, 225))
        .label_style((FONT, 12))
        // Between few threads the axis has ticks that are no numbers of threads.
        .x_label_formatter(&|x| match (x - x.round()).abs() < 1e-6 * x {
            true => format!("{x:.0}"),
            false => String::new(),
        })
        .y_label_formatter(&|y| format!("{y}"))
        .draw()?;
    for (index, (times, (name, ..))) in times.iter().zip(KINDS).enumerate() {
        let (color, points) = (COLORS[index], times.iter().map(|&(x, s)| (x, 1e3 * s)));
        chart
            .draw_series(LineSeries::new(points.clone(), color.stroke_width(2)))?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], color.stroke_width(2)));
        chart.draw_series(points.map(|point| Circle::new(point, 3, color.filled())))?;
    }
    chart
        .configure_series_labels()
        .position(names)
        .label_font((FONT, 12))
        .background_style(WHITE.mix(0.85))
        .border_style(RGBColor(180, 180, 180))
        .draw()?;
    Ok(())
}
