//! Scales and codes together: the guarantee, the optimum of small layers by brute force, and what is never worse.

use fewbit::Accumulator;
use fewbit::accumulate::bounds::{Inputs, Layer as Bounded};
use fewbit::algorithms::layer::{
    AccumulatorConstraint, LayerAccumulator, LayerActivations, LayerJob, LayerWeights,
    MatrixInputs, QuantizedLayer, ScalarWeights, ScaleSharing, WeightScale, quantize_layer,
};
use fewbit::algorithms::{
    Axe, Collector, Effort, Grid, Precision, Problem, RtnParams, ScaleChoice, SoftThreshold, joint,
};
use fewbit::formats::{Format, GroupFormat};
use fewbit::quantize::CodeFormat;
use fewbit_testkit::Random;
use ndarray::{Array2, ArrayView1, ArrayView2};
use std::num::NonZeroUsize;

use crate::data::{Layer, Matrices};

/// A layer with outlier channels in its inputs and heavy tails in its weights.
fn hard_layer(seed: u64, outputs: usize, inputs: usize) -> Layer {
    let mut layer = Layer::new(seed, outputs, inputs, 6 * inputs, 0.0);
    let mut random = Random(seed ^ 0x5eed);
    for (index, mut channel) in layer.float.columns_mut().into_iter().enumerate() {
        channel *= if index % 17 == 3 { 9.0 } else { 1.0 };
    }
    layer.weights.mapv_inplace(|w| w * (1.0 + 0.6 * (random.normal() as f32).powi(2)));
    layer.quantized = layer.float.clone();
    layer
}

struct Case<'a> {
    weights: LayerWeights,
    acts: &'a str,
    acc: &'a str,
    constraint: AccumulatorConstraint,
    effort: Option<u8>,
}

fn quantize(layer: &Layer, solver: &str, case: &Case<'_>) -> QuantizedLayer {
    let accumulator = case.acc.parse().unwrap();
    let constraint = case.constraint;
    let job = LayerJob {
        activations: Some(LayerActivations {
            accumulator: Some(LayerAccumulator { accumulator, constraint }),
            ..LayerActivations::new(case.acts.parse().unwrap())
        }),
        effort: case.effort.map(|level| Effort::new(level).unwrap()),
        ..LayerJob::new(case.weights.clone(), solver.parse().unwrap())
    };
    let mut inputs = MatrixInputs::new(layer.float.view());
    quantize_layer(layer.weights.view(), &mut inputs, &job, &mut |_| ()).unwrap()
}

fn error(layer: &QuantizedLayer) -> f64 {
    layer.candidates[0].verdict.relative_error
}

fn weights(format: &str, scale: WeightScale, sharing: ScaleSharing) -> LayerWeights {
    ScalarWeights { format: format.parse().unwrap(), sharing, scale }.into()
}

#[test]
fn no_input_overflows_whatever_the_formats() {
    let layer = hard_layer(3, 20, 96);
    let group = ScaleSharing::Group(NonZeroUsize::new(32).unwrap());
    let channel = ScaleSharing::Channel;
    let cases = [
        ("int4n", channel, "uint8", "int13-sat"),
        ("int4", channel, "int8", "int13-wrap"),
        ("int8n", channel, "uint8", "int14-sat"),
        ("int3", group, "uint6", "int10-sat/32,int14-wrap"),
        ("uint4", channel, "uint8", "int16-sat"),
        ("e2m1fn", channel, "int8", "int14-sat/48,int16-wrap"),
        ("int4n", group, "uint8", "int12-sat*2/32,int18-wrap"),
        ("int2", channel, "uint4", "int7-sat"),
    ];
    for (format, sharing, acts, acc) in cases {
        for solver in ["rtn", "gptq", "gpfq", "qronos", "gptaq", "beacon"] {
            for (effort, scale) in [(1, WeightScale::AbsMax), (2, WeightScale::Constrained)] {
                let weights = weights(format, scale.clone(), sharing);
                let constraint = AccumulatorConstraint::Joint;
                let case = Case { weights, acts, acc, constraint, effort: Some(effort) };
                let found = quantize(&layer, solver, &case);
                let candidate = &found.candidates[0];
                let what = format!("{format} {acts} {acc} {solver} {scale}");
                assert_eq!(candidate.verdict.events, Some(0), "{what}");
                assert_eq!(candidate.verdict.guaranteed, Some(true), "{what}");
                // The bounds of the levels, computed here.
                let format: Format = format.parse().unwrap();
                let unit =
                    if let Format::Int(_) = format { 1.0 } else { format.smallest_positive() };
                let levels = candidate.codes.mapv(|code| (format.decode(code) / unit) as i64);
                let range = acts.parse::<CodeFormat>().unwrap().range();
                let acc: Accumulator = acc.parse().unwrap();
                let bounds = Bounded::new(levels.view(), Inputs::Same(range)).unwrap();
                assert!(bounds.bounds(&acc).unwrap().guarantees(&acc).unwrap().all(), "{what}");
                // The tensor says what the values say.
                let tensor = found.tensor(candidate).unwrap();
                assert_eq!(tensor.dequantize(), candidate.values.clone().into_dyn(), "{what}");
                if scale == WeightScale::AbsMax && solver != "beacon" {
                    assert_eq!(candidate.scale, None, "{what}");
                }
            }
        }
    }
}

#[test]
fn scales_that_are_codes_are_chosen_among_these() {
    let layer = hard_layer(29, 16, 96);
    for (format, acc) in [
        ("mx(int4,e8m0fnu,32)", "int12-sat/32,int18-wrap"),
        ("mx(int4,f16,48)", "int12-sat/48,int18-wrap"),
        ("mxfp4", "int14-sat/32,int20-wrap"),
        ("nvfp4", "int13-sat/16,int20-wrap"),
    ] {
        let format: GroupFormat = format.parse().unwrap();
        let run = |scale: WeightScale, effort| {
            let weights = LayerWeights::from(format).with_scale(scale);
            let constraint = AccumulatorConstraint::Joint;
            let case = Case { weights, acts: "uint8", acc, constraint, effort: Some(effort) };
            quantize(&layer, "gptq", &case)
        };
        for effort in [0, 2] {
            let (own, found) =
                (run(WeightScale::AbsMax, effort), run(WeightScale::Constrained, effort));
            let candidate = &found.candidates[0];
            assert_eq!(candidate.verdict.events, Some(0), "{format}");
            assert_eq!(candidate.verdict.guaranteed, Some(true), "{format}");
            assert!(candidate.scale.is_some(), "{format}");
            let tensor = found.tensor(candidate).unwrap();
            assert_eq!(tensor.dequantize(), candidate.values.clone().into_dyn(), "{format}");
            assert!(tensor.scale_codes().is_some());
            assert!(
                error(&found) < 1.02 * error(&own),
                "{format}: {} {}",
                error(&found),
                error(&own)
            );
        }
    }
}

#[test]
fn it_is_below_what_is_published_wherever_the_budget_binds() {
    let layer = hard_layer(11, 24, 160);
    let run = |solver: &str, acc, constraint, scale| {
        let weights = weights("int4n", scale, ScaleSharing::Channel);
        error(&quantize(
            &layer,
            solver,
            &Case { weights, acts: "uint8", acc, constraint, effort: None },
        ))
    };
    let (published, ours) = (AccumulatorConstraint::Axe, AccumulatorConstraint::Joint);
    let free = run("gptq", "int32-sat", published, WeightScale::AbsMax);
    for acc in ["int13-sat", "int14-sat", "int15-sat", "int12-sat/64,int20-wrap", "int20-sat"] {
        let mut best = f64::INFINITY;
        for solver in ["rtn", "gptq", "gpfq", "qronos"] {
            for scale in [WeightScale::AbsMax, WeightScale::Mse] {
                best = best.min(run(solver, acc, published, scale));
            }
        }
        for solver in ["rtn", "gptq", "gpfq", "qronos"] {
            let found = run(solver, acc, ours, WeightScale::Constrained);
            let bound = if best > 1.25 * free { 0.7 } else { 1.0 };
            assert!(
                found <= bound * best,
                "{acc} {solver}: {found}, published {best}, free {free}"
            );
        }
    }
}

/// Problems of the same layer on an int4n grid per channel, budgets of P bits for inputs of 8 bits.
fn problem_error(
    layer: &Layer,
    solve: impl Fn(&Problem<'_>, &Axe) -> fewbit::algorithms::Scaled,
    acc: &str,
) -> Vec<f64> {
    let inputs = layer.weights.ncols();
    let mut collector = Collector::new(inputs, 1, Precision::Double).unwrap();
    collector.push(layer.float.view()).unwrap();
    let statistics = collector.finish();
    let scale = crate::data::channel_scales(layer.weights.view(), 7.0);
    let scale = scale.insert_axis(ndarray::Axis(1));
    let grid = Grid::new(Format::INT4N, inputs, scale, None, inputs).unwrap();
    let range = Inputs::Same("uint8".parse::<CodeFormat>().unwrap().range());
    let axe = Axe::new(&acc.parse().unwrap(), &range, inputs, SoftThreshold::On).unwrap();
    let problem = Problem {
        weights: layer.weights.view(),
        statistics: &statistics,
        grid: &grid,
        constraint: None,
    };
    let found = solve(&problem, &axe);
    row_losses(layer.weights.view(), found.solution.values.view(), statistics.grams[0].h.view())
}

fn row_losses(w: ArrayView2<'_, f32>, v: ArrayView2<'_, f32>, h: ArrayView2<'_, f64>) -> Vec<f64> {
    let rows = w.rows().into_iter().zip(v.rows());
    rows.map(|(w, v)| {
        let e: Vec<f64> = w.iter().zip(v).map(|(w, v)| f64::from(*w) - f64::from(*v)).collect();
        let e = ArrayView1::from(&e);
        e.dot(&h.dot(&e))
    })
    .collect()
}

#[test]
fn no_row_is_worse_than_rounding_to_nearest() {
    use fewbit::algorithms::{GpfqParams, GptaqParams, GptqParams, QronosParams, SequentialSolver};
    let (gptq, gpfq) = (GptqParams::default(), GpfqParams::default());
    let (qronos, gptaq) = (QronosParams::default(), GptaqParams::default());
    let solvers: [&dyn SequentialSolver; 4] = [&gptq, &gpfq, &qronos, &gptaq];
    for seed in 0..24 {
        let layer = hard_layer(100 + seed, 16, 48);
        let acc =
            ["int12-sat", "int13-sat", "int14-sat", "int11-sat/16,int20-wrap"][seed as usize % 4];
        for effort in 0..=3 {
            let effort = Effort::new(effort).unwrap();
            for scales in [ScaleChoice::Fixed, ScaleChoice::Searched(&[])] {
                let run = |solver: &dyn SequentialSolver| {
                    let solve = |problem: &Problem<'_>, axe: &Axe| {
                        joint(problem, Some(axe), solver, scales, effort).unwrap()
                    };
                    problem_error(&layer, solve, acc)
                };
                let nearest = run(&RtnParams::default());
                for solver in solvers {
                    for (row, (found, nearest)) in run(solver).iter().zip(&nearest).enumerate() {
                        assert!(
                            *found <= nearest * (1.0 + 1e-4),
                            "{seed} {acc} {row}: {found}, {nearest}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let layer = hard_layer(5, 70, 64);
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let weights = weights("int4n", WeightScale::Constrained, ScaleSharing::Channel);
            let constraint = AccumulatorConstraint::Joint;
            let case =
                Case { weights, acts: "uint8", acc: "int13-sat", constraint, effort: Some(3) };
            let found = quantize(&layer, "gptq", &case);
            (found.candidates[0].codes.clone(), found.candidates[0].scale.clone())
        })
    };
    let one = run(1);
    assert!(run(2) == one && run(3) == one);
}

/// The least loss of a row over all integers of a range within `S+ <= above`, `S- >= -below` for inputs 0 to `most`, each at its
/// best scale `wᵀHq / qᵀHq`.
fn optimum(
    w: &[f64],
    h: ArrayView2<'_, f64>,
    range: std::ops::RangeInclusive<i64>,
    most: i64,
    limits: (i64, i64),
) -> f64 {
    let n = w.len();
    let count = (range.end() - range.start() + 1) as usize;
    let hw: Vec<f64> = (0..n).map(|i| (0..n).map(|j| h[[i, j]] * w[j]).sum()).collect();
    let whw: f64 = w.iter().zip(&hw).map(|(a, b)| a * b).sum();
    let mut least = whw;
    for code in 0..count.pow(n as u32) {
        let digit = |i: usize| range.start() + (code / count.pow(i as u32) % count) as i64;
        let q: Vec<i64> = (0..n).map(digit).collect();
        let above: i64 = q.iter().map(|q| q.max(&0) * most).sum();
        let below: i64 = q.iter().map(|q| (-q).max(0) * most).sum();
        if above > limits.0 || below > limits.1 {
            continue;
        }
        let along: f64 = q.iter().zip(&hw).map(|(q, hw)| *q as f64 * hw).sum();
        let mut square = 0.0;
        for i in 0..n {
            for j in 0..n {
                square += q[i] as f64 * h[[i, j]] * q[j] as f64;
            }
        }
        if along > 0.0 && square > 0.0 {
            least = least.min(whw - along * along / square);
        }
    }
    least.max(0.0)
}

/// Of rows with 4 inputs: the ratio of every method's root-mean-square error to the optimum's over all integer rows.
fn ratios(format: &str, bits: u32) -> Vec<(String, f64)> {
    let range = match format {
        "int2" => -2..=1,
        _ => -4..=3,
    };
    let rows = 120;
    let mut random = Random(u64::from(bits) + 7 * format.len() as u64);
    let mixing = random.matrix(4, 4);
    let float = random.matrix(400, 4).dot(&(mixing + 0.7 * Array2::<f32>::eye(4)));
    let layer = Layer { weights: random.matrix(rows, 4), quantized: float.clone(), float };
    let h = layer.float.mapv(f64::from);
    let h = h.t().dot(&h);
    let limit = (1i64 << (bits - 1)) - 1;
    let best: f64 = layer
        .weights
        .rows()
        .into_iter()
        .map(|w| {
            let w: Vec<f64> = w.iter().map(|w| f64::from(*w)).collect();
            optimum(&w, h.view(), range.clone(), 15, (limit, limit + 1))
        })
        .sum();
    let acc = format!("int{bits}-sat");
    let axe = AccumulatorConstraint::Axe;
    let methods = [
        ("rtn, axe", "rtn", axe, WeightScale::AbsMax, None),
        ("gptq, axe", "gptq", axe, WeightScale::AbsMax, None),
        ("qronos, axe", "qronos", axe, WeightScale::AbsMax, None),
        ("gptq, axe, constrained scales", "gptq", axe, WeightScale::Constrained, None),
        ("gptq, joint", "gptq", AccumulatorConstraint::Joint, WeightScale::Constrained, None),
        (
            "gptq, joint, effort 4",
            "gptq",
            AccumulatorConstraint::Joint,
            WeightScale::Constrained,
            Some(4),
        ),
    ];
    let of = |(name, solver, constraint, scale, effort): (&str, &str, _, _, _)| {
        let weights = weights(format, scale, ScaleSharing::Channel);
        let case = Case { weights, acts: "uint4", acc: &acc, constraint, effort };
        let found = quantize(&layer, solver, &case);
        let values = found.candidates[0].values.view();
        let loss: f64 = row_losses(layer.weights.view(), values, h.view()).iter().sum();
        // The oracle: nothing is better than the best of all rows, but for the rounding of scales to f32.
        assert!(loss >= best * (1.0 - 1e-5), "{name} at {acc}: {loss}, optimum {best}");
        (name.to_owned(), (loss / best).sqrt())
    };
    methods.into_iter().map(of).collect()
}

#[test]
fn the_table_of_optima_is_what_is_measured() {
    let document = include_str!("../../docs/guarantee.md");
    let cases = [("int2", 6), ("int2", 7), ("int3", 6), ("int3", 7), ("int3", 8)];
    let all: Vec<Vec<(String, f64)>> = cases.iter().map(|(f, b)| ratios(f, *b)).collect();
    let line = |method: usize| {
        let cells: Vec<String> = all.iter().map(|case| format!("{:.2}", case[method].1)).collect();
        format!("| {} | {} |\n", all[0][method].0, cells.join(" | "))
    };
    let table: String = (0..all[0].len()).map(line).collect();
    assert!(document.contains(&table), "docs/guarantee.md lacks\n{table}");
    // At full effort the optimum of such small rows is nearly found.
    assert!(all.iter().all(|case| case[5].1 < 1.1 && case[5].1 <= case[4].1 + 1e-6));
}
