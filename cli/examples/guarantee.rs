//! The tables and the picture of docs/guarantee.md that take seconds: `cargo run --release --example guarantee [FILE.svg]`.
//!
//! A made layer of 576 x 576: weights with heavy tails, correlated inputs, some of them 8 times as large.

use std::error::Error;

use fewbit::Accumulator;
use fewbit::algorithms::Effort;
use fewbit::algorithms::layer::{
    AccumulatorConstraint, LayerAccumulator, LayerActivations, LayerJob, LayerSolver, MatrixInputs,
    ScalarWeights, ScaleSharing, WeightScale, price_of_guarantee, quantize_layer,
};
use fewbit_testkit::Random;
use ndarray::{Array2, Axis};
use plotters::prelude::*;

const SIDE: usize = 576;
const SAMPLES: usize = 4096;
const SOLVERS: [&str; 4] = ["rtn", "gptq", "gpfq", "qronos"];
const ACCUMULATORS: [&str; 9] = [
    "int15-sat",
    "int16-sat",
    "int17-sat",
    "int18-sat",
    "int20-sat",
    "int12-sat/64,int24-wrap",
    "int13-sat/64,int24-wrap",
    "int14-sat/64,int24-wrap",
    "int16-sat/64,int24-wrap",
];

struct Made {
    weights: Array2<f32>,
    inputs: Array2<f32>,
}

fn made() -> Made {
    let mut random = Random(576);
    let mut normal = |rows, cols| Array2::from_shape_fn((rows, cols), |_| random.normal() as f32);
    let hidden = normal(SAMPLES, SIDE / 6);
    let mixing = normal(SIDE / 6, SIDE);
    let mut inputs = hidden.dot(&mixing) * 0.25 + normal(SAMPLES, SIDE) * 0.8;
    let (spread, tails) = (normal(1, SIDE), normal(4, SIDE * SIDE));
    for (col, mut channel) in inputs.columns_mut().into_iter().enumerate() {
        channel *= (0.5 * spread[[0, col]]).exp() * if col % 97 == 5 { 8.0 } else { 1.0 };
    }
    // Student's t with 4 degrees of freedom.
    let mut weights = normal(SIDE, SIDE) * 0.05;
    let squares = tails.mapv(|x| x * x).mean_axis(Axis(0)).unwrap_or_default();
    weights.iter_mut().zip(&squares).for_each(|(w, square)| *w /= square.sqrt());
    Made { weights, inputs }
}

fn job(names: &[&str], scale: WeightScale) -> Result<LayerJob, Box<dyn Error>> {
    let solvers = names.iter().map(|name| name.parse()).collect::<Result<Vec<LayerSolver>, _>>()?;
    let format = "int4n".parse()?;
    let weights = ScalarWeights { format, sharing: ScaleSharing::Channel, scale };
    let activations = Some(LayerActivations::new("uint8".parse()?));
    Ok(LayerJob { solvers, activations, ..LayerJob::new(weights, "rtn".parse()?) })
}

fn main() -> Result<(), Box<dyn Error>> {
    let layer = made();
    table(&layer)?;
    let curves = efforts(&layer)?;
    if let Some(path) = std::env::args().nth(1) {
        std::fs::write(path, draw(&curves)?)?;
    }
    Ok(())
}

fn table(layer: &Made) -> Result<(), Box<dyn Error>> {
    let accumulators =
        ACCUMULATORS.iter().map(|acc| acc.parse()).collect::<Result<Vec<Accumulator>, _>>()?;
    let (axe, joint) = (AccumulatorConstraint::Axe, AccumulatorConstraint::Joint);
    let constraints = [
        (axe, WeightScale::AbsMax),
        (axe, WeightScale::Mse),
        (axe, WeightScale::Constrained),
        (joint, WeightScale::Constrained),
    ];
    let mut inputs = MatrixInputs::new(layer.inputs.view());
    let job = job(&SOLVERS, WeightScale::AbsMax)?;
    let price = price_of_guarantee(
        layer.weights.view(),
        &mut inputs,
        &job,
        &accumulators,
        &constraints,
        &mut |_| (),
    )?;
    println!(
        "| accumulator | best of AXE at absmax and MSE scales | its own best with `constrained` scales | joint: rtn | gptq | qronos | less |"
    );
    println!("|---|---|---|---|---|---|---|");
    for acc in ACCUMULATORS {
        let error = |constraint: &str, scale: &[&str], solver: &str| {
            let points = price.points.iter().filter(|point| {
                point.acc == acc
                    && point.constraint == constraint
                    && scale.contains(&point.scale.as_str())
                    && (solver.is_empty() || point.candidate.solver.name() == solver)
            });
            points.map(|p| p.candidate.verdict.relative_error).fold(f64::INFINITY, f64::min)
        };
        let published = error("axe", &["absmax", "mse"], "");
        let ours = error("joint", &["constrained"], "");
        println!(
            "| `{acc}` | {published:.3} | {:.3} | {:.3} | {:.3} | {:.3} | {:.0} % |",
            error("axe", &["constrained"], ""),
            error("joint", &["constrained"], "rtn"),
            error("joint", &["constrained"], "gptq"),
            error("joint", &["constrained"], "qronos"),
            100.0 * (1.0 - ours / published)
        );
    }
    let broken = price.points.iter().filter(|point| point.candidate.verdict.can_overflow()).count();
    println!("\npoints that overflow or could: {broken} of {}\n", price.points.len());
    Ok(())
}

/// An accumulator, and the seconds and errors of every effort.
type Curve = (&'static str, Vec<(f64, f64)>);

fn efforts(layer: &Made) -> Result<Vec<Curve>, Box<dyn Error>> {
    let mut curves = Vec::new();
    println!("| accumulator | effort 0 | 1 | 2 | 3 | 4 |\n|---|---|---|---|---|---|");
    for acc in ["int15-sat", "int16-sat", "int17-sat", "int14-sat/64,int24-wrap"] {
        let mut points = Vec::new();
        for effort in 0..=4 {
            let mut job = job(&["gptq"], WeightScale::Constrained)?;
            let constraint = AccumulatorConstraint::Joint;
            if let Some(activations) = &mut job.activations {
                let accumulator = acc.parse()?;
                activations.accumulator = Some(LayerAccumulator { accumulator, constraint });
            }
            job.effort = Some(Effort::new(effort)?);
            let mut inputs = MatrixInputs::new(layer.inputs.view());
            let found = quantize_layer(layer.weights.view(), &mut inputs, &job, &mut |_| ())?;
            let candidate = &found.candidates[0];
            points.push((candidate.seconds, candidate.verdict.relative_error));
        }
        let cells: Vec<String> =
            points.iter().map(|(seconds, error)| format!("{error:.4} in {seconds:.2} s")).collect();
        println!("| `{acc}` | {} |", cells.join(" | "));
        curves.push((acc, points));
    }
    Ok(curves)
}

fn draw(curves: &[Curve]) -> Result<String, Box<dyn Error>> {
    let colors = [
        RGBColor(0, 114, 178),
        RGBColor(213, 94, 0),
        RGBColor(0, 158, 115),
        RGBColor(204, 121, 167),
    ];
    let all = || curves.iter().flat_map(|curve| &curve.1);
    let least = all().map(|p| p.0).fold(f64::INFINITY, f64::min);
    let most = all().map(|p| p.0).fold(0.0, f64::max);
    let high = all().map(|p| p.1).fold(0.0, f64::max);
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (760, 460)).into_drawing_area();
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&area)
            .caption(
                "error against time, effort 0 to 4, 576 x 576, int4 x uint8",
                ("sans-serif", 18),
            )
            .margin(14)
            .x_label_area_size(44)
            .y_label_area_size(64)
            .build_cartesian_2d((0.8 * least..1.3 * most).log_scale(), 0.0..1.1 * high)?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .x_desc("seconds of the solver")
            .y_desc("relative error of the outputs")
            .draw()?;
        for ((name, points), color) in curves.iter().zip(colors) {
            chart
                .draw_series(LineSeries::new(points.iter().copied(), color.stroke_width(2)))?
                .label(*name)
                .legend(move |(x, y)| {
                    PathElement::new([(x, y), (x + 24, y)], color.stroke_width(2))
                });
            chart.draw_series(points.iter().map(|point| Circle::new(*point, 4, color.filled())))?;
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperRight)
            .background_style(WHITE.mix(0.85))
            .border_style(RGBColor(180, 180, 180))
            .draw()?;
        area.present()?;
    }
    Ok(svg)
}
