//! Our errors against those that Brevitas leaves on the same layers with the same scales.

use crate::common::solve;
use crate::data::relative_error;
use fewbit::accumulate::bounds::{InputRange, Inputs};
use fewbit::algorithms::{
    Axe, Collector, Constraint, Grid, Order, Precision, Problem, SoftThreshold,
};
use fewbit_formats::Format;
use ndarray::{Array2, Axis};

const OUTPUTS: usize = 64;
const INPUTS: usize = 128;
const SAMPLES: usize = 640;

/// The layers of `layers.py`, to the bit.
mod layers {
    use super::{INPUTS, OUTPUTS, SAMPLES};
    use ndarray::Array2;

    fn uniform(seed: u64, index: u64) -> f64 {
        let mut z = seed.wrapping_add((index + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        (z >> 11) as f64 / 2f64.powi(53)
    }

    fn normals(seed: u64, rows: usize, cols: usize) -> Array2<f64> {
        Array2::from_shape_fn((rows, cols), |(i, j)| {
            let first = ((i * cols + j) * 12) as u64;
            (1..12).fold(uniform(seed, first), |sum, k| sum + uniform(seed, first + k)) - 6.0
        })
    }

    pub(super) fn weights(seed: u64) -> Array2<f32> {
        normals(seed * 100 + 1, OUTPUTS, INPUTS).mapv(|x| x as f32)
    }

    pub(super) fn inputs(seed: u64, part: u64) -> (Array2<f32>, Array2<f32>) {
        let size = |j: usize| {
            let u = uniform(seed * 100 + 2, j as u64);
            1.0 + 3.0 * u.powi(4)
        };
        let z = normals(seed * 100 + 10 + part, SAMPLES, INPUTS);
        let mut x = z.clone();
        for i in 0..SAMPLES {
            for j in 1..INPUTS {
                x[[i, j]] = 0.8 * x[[i, j - 1]] + 0.6 * z[[i, j]];
            }
        }
        for ((_, j), x) in x.indexed_iter_mut() {
            *x *= size(j);
        }
        let noise = normals(seed * 100 + 20 + part, SAMPLES, INPUTS);
        (x.mapv(|x| x as f32), (x + noise * 0.3).mapv(|x| x as f32))
    }

    pub(super) fn unsigned_inputs(seed: u64, part: u64) -> (Array2<f32>, Array2<f32>) {
        let (x, noisy) = inputs(seed, part);
        let code = |x: f32| ((f64::from(x) + 0.5) * 32.0).round_ties_even().clamp(0.0, 255.0);
        (x.mapv(|x| (f64::from(x) + 0.5).max(0.0) as f32), noisy.mapv(|x| (code(x) / 32.0) as f32))
    }
}

/// One line of `errors.csv`.
struct Line<'a> {
    text: &'a str,
    kind: &'a str,
    seed: u64,
    bits: u32,
    algorithm: &'a str,
    order: Order,
    acc: Option<(u32, Option<usize>)>,
    error: f64,
    held_out: f64,
}

fn lines(file: &str) -> Vec<Line<'_>> {
    let rows = file.lines().filter(|line| !line.starts_with('#')).skip(1);
    rows.map(|text| {
        let fields: Vec<&str> = text.split(',').collect();
        Line {
            text,
            kind: fields[0],
            seed: fields[1].parse().unwrap(),
            bits: fields[2].parse().unwrap(),
            algorithm: fields[3],
            order: if fields[4] == "descending" { Order::Descending } else { Order::Natural },
            acc: fields[5].parse().ok().map(|bits| (bits, fields[6].parse().ok())),
            error: fields[7].parse().unwrap(),
            held_out: fields[8].parse().unwrap(),
        }
    })
    .collect()
}

/// Within 1 % of Brevitas's error, or below it, on every line; round-to-nearest, which leaves no choice, to six digits.
#[test]
fn errors_are_not_above_those_of_brevitas() {
    let file = include_str!("../golden/brevitas_algorithms/errors.csv");
    let (mut ratios, mut failed) = (Vec::new(), Vec::new());
    for line in lines(file) {
        let inputs = |part| match line.kind {
            "signed" => layers::inputs(line.seed, part),
            _ => layers::unsigned_inputs(line.seed, part),
        };
        let weights = layers::weights(line.seed);
        let (x, xq) = inputs(0);
        let (others, others_quantized) = inputs(1);
        let mut collector = Collector::new(INPUTS, 1, Precision::Single).unwrap();
        collector.push_pairs(xq.view(), x.view()).unwrap();
        let statistics = collector.finish();
        let format: Format = format!("int{}", line.bits).parse().unwrap();
        let scale = weights.map_axis(Axis(1), |row| {
            row.fold(0f32, |most, w| most.max(w.abs())) / (1 << (line.bits - 1)) as f32
        });
        let grid = Grid::new(format, INPUTS, scale.insert_axis(Axis(1)), None, INPUTS).unwrap();
        let axe = line.acc.map(|(bits, tile)| {
            // Brevitas's bounds are those of the inner register; the outer one is wide enough here.
            let acc = match tile {
                Some(tile) => format!("int{bits}-sat/{tile},int32-sat"),
                None => format!("int{bits}-sat"),
            };
            let range = Inputs::Same(InputRange::unsigned(8));
            Axe::new(&acc.parse().unwrap(), &range, INPUTS, SoftThreshold::On).unwrap()
        });
        let problem = Problem {
            weights: weights.view(),
            statistics: &statistics,
            grid: &grid,
            constraint: axe.as_ref().map(|axe| axe as &dyn Constraint),
        };
        // Brevitas forgives what the constraint takes in GPTQ alone.
        let name = if line.algorithm == "gptq" && axe.is_some() {
            "gptq-forgiving"
        } else {
            line.algorithm
        };
        let values: Array2<f32> =
            solve(name, &problem, line.order, Precision::Single).unwrap().values;
        let error = relative_error(&x, &xq, &weights, &values);
        let held_out = relative_error(&others, &others_quantized, &weights, &values);
        println!("{} ours {error:.6},{held_out:.6}", line.text);
        if line.algorithm == "rtn" {
            assert!((error - line.error).abs() < 1e-6, "{}: {error}", line.text);
        }
        if error > 1.01 * line.error || held_out > 1.01 * line.held_out {
            failed.push(format!("{}: {error:.6}, {held_out:.6}", line.text));
        }
        ratios.push(error / line.error);
    }
    assert!(ratios.len() > 80, "{} lines", ratios.len());
    assert!(failed.is_empty(), "{failed:#?}");
}
