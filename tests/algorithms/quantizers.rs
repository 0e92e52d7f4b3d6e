//! Every solver with every quantizer, and independently of the number of threads.

use crate::common::{SOLVERS, solve};
use crate::data::{Layer, Matrices, Random, relative_error};
use fewbit::algorithms::{
    AlgorithmError, Collector, GptqParams, Grid, Order, Precision, Problem, Statistics, gptq,
};
use fewbit::quantize::{Granularity, Quantizer, ScaleRule, Scheme};
use fewbit::reference;
use fewbit::tensor::AnyQuantTensor;
use fewbit_formats::{Format, GroupFormat, Overflow, Policy, PolicyPreset, Rounding};
use ndarray::{Array2, array};

const POLICY: Policy = Policy::new(Rounding::TiesEven, Overflow::Saturate);

struct Case {
    layer: Layer,
    statistics: Statistics,
}

impl Case {
    fn new(seed: u64, outputs: usize, inputs: usize) -> Self {
        Self::with_noise(seed, outputs, inputs, 0.3)
    }

    fn with_noise(seed: u64, outputs: usize, inputs: usize, noise: f32) -> Self {
        let layer = Layer::new(seed, outputs, inputs, 3 * inputs, noise);
        let mut collector = Collector::new(inputs, 1, Precision::Double).unwrap();
        collector.push_pairs(layer.quantized.view(), layer.float.view()).unwrap();
        Self { layer, statistics: collector.finish() }
    }

    fn problem<'a>(&'a self, grid: &'a Grid) -> Problem<'a> {
        Problem {
            weights: self.layer.weights.view(),
            statistics: &self.statistics,
            grid,
            constraint: None,
        }
    }

    fn error(&self, values: &Array2<f32>) -> f64 {
        relative_error(&self.layer.float, &self.layer.quantized, &self.layer.weights, values)
    }
}

/// Formats x granularities x zero points.
fn schemes() -> Vec<(Scheme, ScaleRule)> {
    let granularities = [
        Granularity::Tensor,
        Granularity::Channel { axis: 0 },
        Granularity::Channel { axis: 1 },
        Granularity::Group { axis: 1, size: 16 },
        Granularity::Group { axis: -1, size: 7 },
    ];
    let mut schemes = Vec::new();
    for format in
        ["int4", "int3n", "int8", "e4m3fn", "e2m1fn", "e3m2fn", "fix6.3", "ternary", "binary"]
    {
        let format: Format = format.parse().unwrap();
        for granularity in granularities {
            schemes.push((Scheme::new(format).with_granularity(granularity), ScaleRule::abs_max()));
        }
    }
    for format in [Format::UINT4, Format::UINT8] {
        for granularity in granularities {
            let scheme = Scheme::new(format).with_granularity(granularity).shifted();
            schemes.push((scheme, ScaleRule::range()));
        }
    }
    schemes
}

/// Round-to-nearest on a grid is the quantizer itself, to the bit; every solver's values are those of its codes; the
/// error-correcting ones do better than rounding wherever they are given the room to.
#[test]
fn every_solver_takes_every_quantizer() {
    // Without mismatch, which GPTQ does not see.
    let case = Case::with_noise(5, 12, 70, 0.0);
    for (scheme, rule) in schemes() {
        let quantizer = Quantizer::new(scheme.clone(), rule, POLICY).unwrap();
        let parameters = quantizer.parameters(&case.layer.weights.view()).unwrap();
        let tensor = quantizer.quantize(&case.layer.weights.view()).unwrap();
        let grid = Grid::of_scheme(&scheme, &parameters, case.layer.weights.dim()).unwrap();
        let mut nearest = f64::INFINITY;
        for solver in SOLVERS {
            for order in [Order::Natural, Order::Descending] {
                let solution =
                    solve(solver, &case.problem(&grid), order, Precision::Single).unwrap();
                let what = format!("{solver} {order:?} {scheme:?}");
                let error = case.error(&solution.values);
                if solver == "rtn" {
                    assert_eq!(solution.codes.clone().into_dyn(), tensor.codes(), "{what}");
                    assert_eq!(solution.values.clone().into_dyn(), tensor.dequantize(), "{what}");
                    nearest = error;
                } else {
                    assert!(error < nearest, "{what}: {error}, rounding {nearest}");
                }
                if solver != "beacon" {
                    for ((row, col), &code) in solution.codes.indexed_iter() {
                        let at = |m: &ndarray::ArrayD<f32>| tensor.expand(m)[[row, col]];
                        let zero = tensor.zero_point().map_or(0.0, at);
                        let value = reference::quantize::value(
                            code,
                            at(tensor.scale()),
                            zero,
                            scheme.format,
                        );
                        assert_eq!(solution.values[[row, col]], value, "{what}");
                    }
                }
            }
        }
    }
}

/// MX and NVFP4 groups, groups of any size and scale, with zero points, with a short last group.
#[test]
fn every_solver_takes_every_group_format() {
    let case = Case::with_noise(6, 8, 70, 0.0);
    for name in [
        "mxfp4",
        "mxfp6e2m3",
        "mxfp8e4m3",
        "mxint8",
        "nvfp4",
        "mx(int4,f16,32)",
        "mx(uint4,f16,10,zero-point)",
    ] {
        let format: GroupFormat = name.parse().unwrap();
        let policy = "ocp-1.0".parse::<PolicyPreset>().unwrap().group_policy(&format);
        let tensor = Quantizer::of_groups(format, -1, policy)
            .unwrap()
            .quantize(&case.layer.weights.view())
            .unwrap();
        let grid = Grid::of_groups(&tensor).unwrap();
        let mut nearest = f64::INFINITY;
        for solver in SOLVERS.into_iter().filter(|&s| s != "beacon") {
            let solution =
                solve(solver, &case.problem(&grid), Order::Descending, Precision::Single).unwrap();
            let (codes, scales) = (solution.codes.view().into_dyn(), tensor.scale_codes().unwrap());
            let tensor = AnyQuantTensor::of_scale_codes(&codes, -1, scales.clone()).unwrap();
            let values = tensor.dequantize();
            assert_eq!(values, solution.values.clone().into_dyn(), "{name} {solver}");
            let error = case.error(&solution.values);
            if solver == "rtn" {
                nearest = error;
                // MXINT8's preset may saturate differently from the grid; all others are the encoder's own codes.
                if name != "mxint8" {
                    assert_eq!(values, tensor.dequantize(), "{name}");
                }
            } else {
                assert!(error < nearest, "{name} {solver}: {error}, rounding {nearest}");
            }
        }
    }
}

/// A group of zeros may have a scale of 0; its codes are those of 0, and the others are not touched by it.
#[test]
fn a_scale_of_zero_is_a_group_of_zeros() {
    let scale = array![[0.0f32, 0.5]];
    let grid = Grid::new(Format::INT4, 4, scale, None, 2).unwrap();
    let x = Random(3).matrix(20, 4);
    let mut collector = Collector::new(4, 1, Precision::Double).unwrap();
    collector.push(x.view()).unwrap();
    let statistics = collector.finish();
    let w = array![[0.0f32, 0.0, 1.0, -1.5]];
    for solver in SOLVERS {
        let problem =
            Problem { weights: w.view(), statistics: &statistics, grid: &grid, constraint: None };
        let solution = solve(solver, &problem, Order::Natural, Precision::Single).unwrap();
        assert_eq!((solution.codes[[0, 0]], solution.codes[[0, 1]]), (0, 0), "{solver}");
        assert_eq!((solution.values[[0, 0]], solution.values[[0, 1]]), (0.0, 0.0), "{solver}");
    }
}

#[test]
fn granularities_that_weights_do_not_have() {
    let scheme =
        Scheme::new(Format::INT4).with_granularity(Granularity::Group { axis: 0, size: 2 });
    let quantizer = Quantizer::new(scheme.clone(), ScaleRule::abs_max(), POLICY).unwrap();
    let w = Random(1).matrix(4, 6);
    let parameters = quantizer.parameters(&w.view()).unwrap();
    let error = Grid::of_scheme(&scheme, &parameters, (4, 6)).unwrap_err();
    assert!(matches!(error, AlgorithmError::Granularity(_)), "{error}");
}

/// The same bits on one thread and on several; rows are cut into the same tasks.
#[test]
fn results_do_not_depend_on_threads() {
    let case = Case::new(8, 300, 130);
    let scheme = Scheme::new(Format::INT4).per_channel(0);
    let quantizer = Quantizer::new(scheme.clone(), ScaleRule::abs_max(), POLICY).unwrap();
    let parameters = quantizer.parameters(&case.layer.weights.view()).unwrap();
    let grid = Grid::of_scheme(&scheme, &parameters, case.layer.weights.dim()).unwrap();
    let on = |threads: usize, solver: &str| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut collector = Collector::new(130, 1, Precision::Single).unwrap();
            collector.push_pairs(case.layer.quantized.view(), case.layer.float.view()).unwrap();
            let statistics = collector.finish();
            let problem = Problem { statistics: &statistics, ..case.problem(&grid) };
            solve(solver, &problem, Order::Descending, Precision::Single).unwrap()
        })
    };
    for solver in SOLVERS {
        let one = on(1, solver);
        for threads in [2, 3, 7] {
            assert_eq!(one, on(threads, solver), "{solver} on {threads}");
        }
    }
}

/// Some rows alone get what they get among others.
#[test]
fn rows_do_not_depend_on_each_other() {
    let case = Case::new(9, 200, 90);
    let scales = |w: &Array2<f32>| {
        w.map_axis(ndarray::Axis(1), |r| r.fold(0f32, |m, x| m.max(x.abs())) / 8.0)
            .insert_axis(ndarray::Axis(1))
    };
    let w = &case.layer.weights;
    let grid = Grid::new(Format::INT4, 90, scales(w), None, 90).unwrap();
    let some = w.slice(ndarray::s![150..153, ..]).to_owned();
    let few = Grid::new(Format::INT4, 90, scales(&some), None, 90).unwrap();
    for solver in SOLVERS {
        let whole = solve(solver, &case.problem(&grid), Order::Natural, Precision::Double).unwrap();
        let problem = Problem { weights: some.view(), grid: &few, ..case.problem(&grid) };
        let part = solve(solver, &problem, Order::Natural, Precision::Double).unwrap();
        assert_eq!(part.codes, whole.codes.slice(ndarray::s![150..153, ..]), "{solver}");
    }
}

/// A grouped layer is as many layers side by side.
#[test]
fn grouped_layers() {
    let case = Case::new(10, 12, 40);
    let mut collector = Collector::new(40, 4, Precision::Double).unwrap();
    collector.push_pairs(case.layer.quantized.view(), case.layer.float.view()).unwrap();
    let statistics = collector.finish();
    let w = Random(4).matrix(12, 10);
    let grid = Grid::new(Format::INT4, 10, Array2::from_elem((12, 1), 0.4), None, 10).unwrap();
    let small = Grid::new(Format::INT4, 10, Array2::from_elem((3, 1), 0.4), None, 10).unwrap();
    for solver in SOLVERS {
        let problem =
            Problem { weights: w.view(), statistics: &statistics, grid: &grid, constraint: None };
        let whole = solve(solver, &problem, Order::Descending, Precision::Double).unwrap();
        for group in 0..4 {
            let columns = ndarray::s![.., group * 10..(group + 1) * 10];
            let mut collector = Collector::new(10, 1, Precision::Double).unwrap();
            collector
                .push_pairs(case.layer.quantized.slice(columns), case.layer.float.slice(columns))
                .unwrap();
            let statistics = collector.finish();
            let rows = ndarray::s![group * 3..(group + 1) * 3, ..];
            let problem = Problem {
                weights: w.slice(rows),
                statistics: &statistics,
                grid: &small,
                constraint: None,
            };
            let part = solve(solver, &problem, Order::Descending, Precision::Double).unwrap();
            assert_eq!(part.values, whole.values.slice(rows), "{solver} group {group}");
        }
    }
}

#[test]
fn another_damping_is_used() {
    let case = Case::new(11, 4, 30);
    let grid = Grid::new(Format::INT4, 30, Array2::from_elem((4, 1), 0.3), None, 30).unwrap();
    let found =
        gptq(&case.problem(&grid), &GptqParams { damping: 0.5, ..Default::default() }).unwrap();
    let mean = case.statistics.grams[0].h.diag().sum() / 30.0 / case.statistics.samples as f64;
    assert!((found.info.damping - 0.5 * mean).abs() < 1e-9 * mean);
}
