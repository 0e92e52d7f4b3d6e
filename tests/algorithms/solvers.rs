//! The solvers against their definitions, written out with the inputs themselves instead of Gram matrices.

use crate::data::{Layer, channel_scales, relative_error};
use crate::least_squares::least_squares;
use fewbit::algorithms::{
    AlgorithmError, Collector, GpfqParams, GptaqParams, GptqParams, Grid, Order, Precision,
    Problem, QronosParams, RtnParams, Solution, Statistics, gpfq, gptaq, gptq, qronos, rtn,
};
use fewbit_formats::Format;
use ndarray::{Array1, Array2, Axis, s};
use proptest::prelude::*;

const FORMAT: Format = Format::INT4;

struct Case {
    layer: Layer,
    scales: Array1<f32>,
    grid: Grid,
    statistics: Statistics,
}

impl Case {
    fn new(seed: u64, outputs: usize, inputs: usize, samples: usize, noise: f32) -> Self {
        let layer = Layer::new(seed, outputs, inputs, samples, noise);
        let scales = channel_scales(layer.weights.view(), 7.0);
        let grid =
            Grid::new(FORMAT, inputs, scales.clone().insert_axis(Axis(1)), None, inputs).unwrap();
        let mut collector = Collector::new(inputs, 1, Precision::Double).unwrap();
        collector.push_pairs(layer.quantized.view(), layer.float.view()).unwrap();
        Self { layer, scales, grid, statistics: collector.finish() }
    }

    fn problem(&self) -> Problem<'_> {
        Problem {
            weights: self.layer.weights.view(),
            statistics: &self.statistics,
            grid: &self.grid,
            constraint: None,
        }
    }

    /// The definition's `Q`, in f64 but for the value of a code.
    fn round(&self, row: usize, w: f64) -> f64 {
        let s = self.scales[row];
        let code = (w / f64::from(s)).round_ties_even().clamp(-8.0, 7.0);
        f64::from(code as f32 * s)
    }

    fn doubles(&self) -> (Array2<f64>, Array2<f64>, Array2<f64>) {
        let double = |m: &Array2<f32>| m.mapv(f64::from);
        (double(&self.layer.weights), double(&self.layer.float), double(&self.layer.quantized))
    }

    fn error(&self, solution: &Solution) -> f64 {
        relative_error(
            &self.layer.float,
            &self.layer.quantized,
            &self.layer.weights,
            &solution.values,
        )
    }
}

/// GPTQ by its definition: after each rounding, least squares over the inputs left, in `order`.
fn naive_gptq(case: &Case, order: &[usize]) -> Array2<f64> {
    let (weights, _, x) = case.doubles();
    let mut result = Array2::zeros(weights.dim());
    for (row, w) in weights.rows().into_iter().enumerate() {
        let wanted = x.dot(&w);
        let mut current: Array1<f64> = order.iter().map(|&c| w[c]).collect();
        let mut rest = wanted;
        for (step, &col) in order.iter().enumerate() {
            let q = case.round(row, current[step]);
            result[[row, col]] = q;
            rest.scaled_add(-q, &x.column(col));
            if step + 1 < order.len() {
                let left = x.select(Axis(1), &order[step + 1..]);
                current.slice_mut(s![step + 1..]).assign(&least_squares(&left, &rest));
            }
        }
    }
    result
}

/// GPFQ by its definition: the state vector u.
fn naive_gpfq(case: &Case, order: &[usize]) -> Array2<f64> {
    let (weights, x, xq) = case.doubles();
    let mut result = Array2::zeros(weights.dim());
    for (row, w) in weights.rows().into_iter().enumerate() {
        let mut u = Array1::<f64>::zeros(x.nrows());
        for &col in order {
            u.scaled_add(w[col], &x.column(col));
            let input = xq.column(col);
            let q = case.round(row, input.dot(&u) / input.dot(&input));
            u.scaled_add(-q, &input);
            result[[row, col]] = q;
        }
    }
    result
}

/// Qronos by its definition: correct the past, then shape the future, at every step.
fn naive_qronos(case: &Case, order: &[usize]) -> Array2<f64> {
    let (weights, x, xq) = case.doubles();
    let mut result = Array2::zeros(weights.dim());
    for (row, w) in weights.rows().into_iter().enumerate() {
        let mut current: Array1<f64> = order.iter().map(|&c| w[c]).collect();
        let mut rest = x.dot(&w); // X w less what is already rounded
        for (step, &col) in order.iter().enumerate() {
            let mut aim = rest.clone();
            for later in step + 1..order.len() {
                aim.scaled_add(-current[later], &xq.column(order[later]));
            }
            let input = xq.column(col);
            let q = case.round(row, input.dot(&aim) / input.dot(&input));
            result[[row, col]] = q;
            rest.scaled_add(-q, &input);
            if step + 1 < order.len() {
                let left = xq.select(Axis(1), &order[step + 1..]);
                current.slice_mut(s![step + 1..]).assign(&least_squares(&left, &rest));
            }
        }
    }
    result
}

/// GPTAQ by its published recursion, with an explicit inverse and Cholesky factor.
fn naive_gptaq(case: &Case, strength: f64) -> Array2<f64> {
    let (weights, x, xq) = case.doubles();
    let n = x.ncols();
    let (h, g) = (xq.t().dot(&xq), x.t().dot(&xq)); // Brevitas's orientation of G
    let mut inverse = Array2::zeros((n, n));
    for j in 0..n {
        let mut unit = Array1::zeros(n);
        unit[j] = 1.0;
        inverse.column_mut(j).assign(&least_squares(&h, &unit));
    }
    let mut u = Array2::<f64>::zeros((n, n)); // inverse = uᵀ u
    for i in 0..n {
        for j in i..n {
            let sum: f64 = (0..i).map(|k| u[[k, i]] * u[[k, j]]).sum();
            u[[i, j]] = if i == j {
                (inverse[[i, i]] - sum).sqrt()
            } else {
                (inverse[[i, j]] - sum) / u[[i, i]]
            };
        }
    }
    let mut p = (&g - &h).dot(&u.t());
    for i in 0..n {
        for j in 0..=i {
            p[[i, j]] = 0.0;
        }
    }
    let p = p.dot(&u) * strength;
    let mut result = Array2::zeros(weights.dim());
    for (row, w) in weights.rows().into_iter().enumerate() {
        let mut w = w.to_owned();
        for t in 0..n {
            let q = case.round(row, w[t]);
            result[[row, t]] = q;
            let (error, value) = ((w[t] - q) / u[[t, t]], w[t]);
            for j in t + 1..n {
                w[j] += value * p[[t, j]] - error * u[[t, j]];
            }
        }
    }
    result
}

fn double(values: &Array2<f32>) -> Array2<f64> {
    values.mapv(f64::from)
}

fn descending(statistics: &Statistics) -> Vec<usize> {
    Order::Descending.columns(&statistics.grams[0].h.diag().to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn gptq_equals_its_definition(seed: u64, outputs in 1usize..5, inputs in 1usize..90) {
        let case = Case::new(seed, outputs, inputs, inputs * 2 + 5, 0.3);
        for order in [Order::Natural, Order::Descending] {
            let params = GptqParams { damping: 0.0, order, precision: Precision::Double, ..Default::default() };
            let fast = gptq(&case.problem(), &params).unwrap();
            let columns = order.columns(&case.statistics.grams[0].h.diag().to_vec());
            prop_assert_eq!(double(&fast.values), naive_gptq(&case, &columns));
        }
    }

    #[test]
    fn gpfq_equals_its_vector_form(seed: u64, outputs in 1usize..5, inputs in 1usize..200) {
        let case = Case::new(seed, outputs, inputs, inputs * 2 + 5, 0.3);
        for order in [Order::Natural, Order::Descending] {
            let fast = gpfq(&case.problem(), &GpfqParams { order, precision: Precision::Double }).unwrap();
            let columns = order.columns(&case.statistics.grams[0].h.diag().to_vec());
            prop_assert_eq!(double(&fast.values), naive_gpfq(&case, &columns));
        }
    }

    #[test]
    fn qronos_equals_its_definition(seed: u64, outputs in 1usize..5, inputs in 1usize..90) {
        let case = Case::new(seed, outputs, inputs, inputs * 2 + 5, 0.3);
        for order in [Order::Natural, Order::Descending] {
            let params = QronosParams { damping: 0.0, order, precision: Precision::Double, ..Default::default() };
            let fast = qronos(&case.problem(), &params).unwrap();
            let columns = order.columns(&case.statistics.grams[0].h.diag().to_vec());
            prop_assert_eq!(double(&fast.values), naive_qronos(&case, &columns));
        }
    }

    #[test]
    fn gptaq_equals_its_recursion(seed: u64, outputs in 1usize..4, inputs in 1usize..80) {
        let case = Case::new(seed, outputs, inputs, inputs * 2 + 5, 0.3);
        for strength in [0.25, 1.0] {
            let params = GptaqParams { damping: 0.0, strength, precision: Precision::Double, ..Default::default() };
            let fast = gptaq(&case.problem(), &params).unwrap();
            prop_assert_eq!(double(&fast.values), naive_gptaq(&case, strength));
        }
    }

    /// `|X̃(w - q)|² = sum_t ((w_t^(t-1) - q_t) / U_tt)²`, with clipping, by the definition's own trajectory.
    #[test]
    fn gptq_error_identity(seed: u64, inputs in 2usize..70) {
        let case = Case::new(seed, 1, inputs, inputs * 2 + 5, 0.3);
        let (weights, _, x) = case.doubles();
        let params = GptqParams { damping: 0.0, precision: Precision::Double, ..Default::default() };
        let q = double(&gptq(&case.problem(), &params).unwrap().values);
        let whole = x.dot(&(&weights.row(0) - &q.row(0)));
        let mut sum = 0.0;
        let mut current = weights.row(0).to_owned();
        let mut rest = x.dot(&weights.row(0));
        for t in 0..inputs {
            // 1 / U_tt² is the squared distance of column t from the span of the later ones.
            let later = x.slice(s![.., t + 1..]).to_owned();
            let column = x.column(t).to_owned();
            let mut apart = column.clone();
            if t + 1 < inputs {
                apart = &apart - &later.dot(&least_squares(&later, &column));
            }
            sum += (current[t] - q[[0, t]]).powi(2) * apart.dot(&apart);
            rest.scaled_add(-q[[0, t]], &column);
            if t + 1 < inputs {
                current.slice_mut(s![t + 1..]).assign(&least_squares(&later, &rest));
            }
        }
        let whole = whole.dot(&whole);
        prop_assert!((whole - sum).abs() <= 1e-9 * whole, "{whole} {sum}");
    }
}

#[test]
fn the_oracle_objects_to_a_wrong_order() {
    let case = Case::new(5, 3, 40, 100, 0.3);
    let order = descending(&case.statistics);
    assert_ne!(naive_gptq(&case, &order), naive_gptq(&case, &(0..40).collect::<Vec<_>>()));
    assert_ne!(naive_qronos(&case, &order), naive_gptq(&case, &order));
    assert_ne!(naive_gpfq(&case, &order), naive_gptq(&case, &order));
}

/// The papers' ordering on correlated data with mismatched inputs.
#[test]
fn qronos_beats_gpfq_beats_gptq_beats_rounding() {
    let mut mean = [0.0; 4];
    for seed in 0..30 {
        let case = Case::new(seed, 16, 24, 160, 0.5);
        let p = case.problem();
        let solutions = [
            qronos(&p, &QronosParams::default()),
            gpfq(&p, &GpfqParams::default()),
            gptq(&p, &GptqParams::default()),
            rtn(&p, &RtnParams::default()),
        ];
        for (mean, solution) in mean.iter_mut().zip(solutions) {
            *mean += case.error(&solution.unwrap()) / 30.0;
        }
    }
    assert!(mean.is_sorted_by(|a, b| a < b), "Qronos, GPFQ, GPTQ, RTN: {mean:?}");
}

#[test]
fn single_precision_agrees_with_double() {
    let case = Case::new(11, 64, 300, 1200, 0.3);
    let p = case.problem();
    let error = |s: Result<Solution, AlgorithmError>| case.error(&s.unwrap());
    let single = [
        error(gptq(&p, &GptqParams::default())),
        error(qronos(&p, &QronosParams::default())),
        error(gpfq(&p, &GpfqParams::default())),
    ];
    let precision = Precision::Double;
    let double = [
        error(gptq(&p, &GptqParams { precision, ..Default::default() })),
        error(qronos(&p, &QronosParams { precision, ..Default::default() })),
        error(gpfq(&p, &GpfqParams { precision, ..Default::default() })),
    ];
    for (single, double) in single.iter().zip(double) {
        assert!((single / double - 1.0).abs() < 0.005, "{single} {double}");
    }
}
