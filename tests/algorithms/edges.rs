//! What solvers do with layers that are no good: a precise error, or a documented result, and never NaN weights.

use crate::common::{SOLVERS, solve};
use crate::data::{Matrices, Random};
use fewbit::accumulate::bounds::{InputRange, Inputs};
use fewbit::algorithms::{
    AlgorithmError, Axe, Collector, Constraint, GptqParams, Grid, Order, Precision, Problem,
    QronosParams, SoftThreshold, Solution, Statistics, gptq, qronos,
};
use fewbit_formats::Format;
use ndarray::{Array2, array};

fn collect(x: &Array2<f32>) -> Statistics {
    let mut collector = Collector::new(x.ncols(), 1, Precision::Double).unwrap();
    collector.push(x.view()).unwrap();
    collector.finish()
}

fn collect_pairs(xq: &Array2<f32>, x: &Array2<f32>) -> Statistics {
    let mut collector = Collector::new(x.ncols(), 1, Precision::Double).unwrap();
    collector.push_pairs(xq.view(), x.view()).unwrap();
    collector.finish()
}

fn grid(weights: &Array2<f32>, group: usize) -> Grid {
    let scale =
        Array2::from_shape_fn((weights.nrows(), weights.ncols().div_ceil(group)), |(row, part)| {
            let run = weights.row(row);
            let run = run.iter().skip(part * group).take(group);
            run.fold(1e-3f32, |most, w| most.max(w.abs())) / 8.0
        });
    Grid::new(Format::INT4, weights.ncols(), scale, None, group).unwrap()
}

/// Every solver, order and precision, with and without a constraint; the values must be finite and those of the codes.
fn all(weights: &Array2<f32>, statistics: &Statistics, group: usize) -> Vec<(String, Solution)> {
    let grid = grid(weights, group);
    let axe = Axe::new(
        &"int12-sat/16,int16-wrap".parse().unwrap(),
        &Inputs::Same(InputRange::unsigned(8)),
        weights.ncols(),
        SoftThreshold::On,
    )
    .unwrap();
    let mut found = Vec::new();
    for solver in SOLVERS {
        for order in [Order::Natural, Order::Descending] {
            for precision in [Precision::Single, Precision::Double] {
                for constraint in [None, Some(&axe as &dyn Constraint)] {
                    let problem =
                        Problem { weights: weights.view(), statistics, grid: &grid, constraint };
                    let what = format!("{solver} {order:?} {precision:?} {}", constraint.is_some());
                    let solution = solve(solver, &problem, order, precision)
                        .unwrap_or_else(|e| panic!("{what}: {e}"));
                    assert!(solution.values.iter().all(|v| v.is_finite()), "{what}");
                    if solver != "beacon" {
                        for ((row, col), &code) in solution.codes.indexed_iter() {
                            let value = grid.dequantize(row, col, code);
                            assert_eq!(solution.values[[row, col]], value, "{what}");
                        }
                    }
                    found.push((what, solution));
                }
            }
        }
    }
    found
}

#[test]
fn one_sample() {
    let mut random = Random(1);
    let (w, x) = (random.matrix(3, 40), random.matrix(1, 40));
    all(&w, &collect(&x), 40);
    let xq = &x + &(random.matrix(1, 40) * 0.2);
    all(&w, &collect_pairs(&xq, &x), 40);
}

#[test]
fn fewer_samples_than_inputs_and_equal_inputs() {
    let mut random = Random(2);
    let (w, mut x) = (random.matrix(5, 60), random.matrix(7, 60));
    all(&w, &collect(&x), 60);
    let first = x.column(0).to_owned();
    for col in 1..60 {
        x.column_mut(col).assign(&first);
    }
    all(&w, &collect(&x), 60);
}

#[test]
fn constant_input() {
    let w = Random(3).matrix(4, 33);
    for value in [1.0, -3.0, 1e-20, 1e18] {
        all(&w, &collect(&Array2::from_elem((50, 33), value)), 33);
    }
}

/// A dead input has the code of zero, whatever its weight; round-to-nearest alone keeps it.
#[test]
fn dead_inputs() {
    let mut random = Random(4);
    let (w, mut x) = (random.matrix(4, 20), random.matrix(64, 20));
    x.column_mut(3).fill(0.0);
    x.column_mut(19).fill(0.0);
    for (what, solution) in all(&w, &collect(&x), 20) {
        assert_eq!(solution.info.dead_inputs, 2, "{what}");
        if what.starts_with("rtn") {
            continue;
        }
        for col in [3, 19] {
            assert!(solution.values.column(col).iter().all(|&v| v == 0.0), "{what}");
        }
    }
    for (what, solution) in all(&w, &collect(&Array2::zeros((9, 20))), 20) {
        assert_eq!(solution.info.dead_inputs, 20, "{what}");
    }
    // Dead once quantized, alive before: the float input cannot be made up for through itself.
    let mut float = x.clone();
    float.column_mut(3).assign(&random.matrix(64, 1).column(0));
    all(&w, &collect_pairs(&x, &float), 20);
}

#[test]
fn one_input_and_one_output() {
    let mut random = Random(5);
    let (w, x) = (random.matrix(6, 1), random.matrix(10, 1));
    for (what, solution) in all(&w, &collect(&x), 1) {
        // Without mismatch the best value of one input is the nearest.
        if what.ends_with("false") && !what.starts_with("beacon") {
            let nearest = all(&w, &collect(&x), 1).swap_remove(0).1;
            assert_eq!(solution.values, nearest.values, "{what}");
        }
    }
    all(&random.matrix(1, 1), &collect(&random.matrix(1, 1)), 1);
    all(&random.matrix(1, 100), &collect(&random.matrix(300, 100)), 100);
}

/// The last group of scales is shorter.
#[test]
fn a_group_that_does_not_divide_the_inputs() {
    let mut random = Random(6);
    let (w, x) = (random.matrix(4, 37), random.matrix(90, 37));
    for group in [5, 16, 36, 37, 64] {
        all(&w, &collect(&x), group);
    }
}

#[test]
fn huge_and_tiny_weights() {
    let mut random = Random(7);
    let x = random.matrix(90, 24);
    for size in [1e-30, 1e30] {
        let w = random.matrix(3, 24) * size;
        let scales = Array2::from_elem((3, 1), size / 3.0);
        let grid = Grid::new(Format::INT4, 24, scales, None, 24).unwrap();
        let statistics = collect(&x);
        let problem =
            Problem { weights: w.view(), statistics: &statistics, grid: &grid, constraint: None };
        for solver in SOLVERS {
            let solution = solve(solver, &problem, Order::Natural, Precision::Single).unwrap();
            assert!(solution.values.iter().all(|v| v.is_finite()), "{solver} {size}");
        }
    }
}

#[test]
fn what_cannot_be_solved_is_named() {
    let mut random = Random(8);
    let (w, x) = (random.matrix(4, 12), random.matrix(30, 12));
    let (statistics, grid) = (collect(&x), grid(&w, 12));
    let mut bad = w.clone();
    bad[[2, 7]] = f32::NAN;
    let empty = Array2::zeros((0, 12));
    let none = Collector::new(12, 1, Precision::Single).unwrap().finish();
    let narrow = collect(&random.matrix(30, 11));
    for solver in SOLVERS {
        let run = |weights: &Array2<f32>, statistics: &Statistics| {
            let problem =
                Problem { weights: weights.view(), statistics, grid: &grid, constraint: None };
            solve(solver, &problem, Order::Natural, Precision::Single).unwrap_err()
        };
        let error = run(&bad, &statistics);
        assert!(matches!(error, AlgorithmError::NotFinite { row: 2, col: 7, .. }), "{error}");
        assert!(matches!(run(&empty, &statistics), AlgorithmError::Empty { .. }));
        assert!(matches!(run(&w, &none), AlgorithmError::NoSamples));
        assert!(matches!(run(&w, &narrow), AlgorithmError::Shape { .. }));
        assert!(matches!(run(&random_rows(), &statistics), AlgorithmError::Shape { .. }));
    }
    let mut x = x;
    x[[29, 11]] = f32::NEG_INFINITY;
    let mut collector = Collector::new(12, 1, Precision::Single).unwrap();
    let error = collector.push(x.view()).unwrap_err();
    assert!(matches!(error, AlgorithmError::NotFinite { row: 29, col: 11, .. }), "{error}");
}

fn random_rows() -> Array2<f32> {
    Random(9).matrix(5, 12)
}

/// Without damping a singular H is an error that says where and what helps.
#[test]
fn a_singular_h_without_damping_is_an_error() {
    let w = array![[0.5f32, -0.25, 0.75]];
    let statistics = collect(&array![[1.0f32, 1.0, 0.0], [2.0, 2.0, 1.0]]);
    let grid = grid(&w, 3);
    let problem =
        Problem { weights: w.view(), statistics: &statistics, grid: &grid, constraint: None };
    let error = gptq(&problem, &GptqParams { damping: 0.0, ..Default::default() }).unwrap_err();
    assert_eq!(error, AlgorithmError::NotPositiveDefinite { column: 0 });
    assert!(error.to_string().contains("raise the damping"));
    assert!(qronos(&problem, &QronosParams { damping: 0.0, ..Default::default() }).is_err());
    for damping in [f64::NAN, -1.0, f64::INFINITY] {
        assert!(matches!(
            gptq(&problem, &GptqParams { damping, ..Default::default() }),
            Err(AlgorithmError::Parameter { .. })
        ));
    }
}
