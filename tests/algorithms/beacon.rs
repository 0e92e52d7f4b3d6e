//! Beacon against its definition on vectors.

use crate::data::{Layer, channel_scales, relative_error};
use fewbit::algorithms::{
    BeaconParams, Collector, Grid, Order, Precision, Problem, RtnParams, Statistics, beacon, rtn,
};

use ndarray::{Array1, Array2, Axis};
use proptest::prelude::*;

struct Case {
    layer: Layer,
    statistics: Statistics,
    grid: Grid,
    scales: Array1<f32>,
}

impl Case {
    fn new(seed: u64, outputs: usize, inputs: usize) -> Self {
        let layer = Layer::new(seed, outputs, inputs, inputs * 2 + 5, 0.3);
        let mut collector = Collector::new(inputs, 1, Precision::Double).unwrap();
        collector.push_pairs(layer.quantized.view(), layer.float.view()).unwrap();
        let scales = channel_scales(layer.weights.view(), 7.0);
        let grid = Grid::new(
            "int3".parse().unwrap(),
            inputs,
            scales.clone().insert_axis(Axis(1)) * 2.0,
            None,
            inputs,
        );
        Self { layer, statistics: collector.finish(), grid: grid.unwrap(), scales: scales * 2.0 }
    }

    fn problem(&self) -> Problem<'_> {
        Problem {
            weights: self.layer.weights.view(),
            statistics: &self.statistics,
            grid: &self.grid,
            constraint: None,
        }
    }

    /// The values of the points chosen, before the scale.
    fn points(&self, codes: &Array2<u32>) -> Array2<f64> {
        Array2::from_shape_fn(codes.dim(), |(row, col)| {
            self.grid.dequantize(row, col, codes[[row, col]]).into()
        })
    }
}

fn cosine(a: &Array1<f64>, b: &Array1<f64>) -> f64 {
    let length = (a.dot(a) * b.dot(b)).sqrt();
    if length > 0.0 { a.dot(b) / length } else { 0.0 }
}

/// Every point of the grid tried at every step, on the vectors themselves.
fn naive(case: &Case, row: usize, sweeps: usize) -> Array1<f64> {
    let double = |m: &Array2<f32>| m.mapv(f64::from);
    let (x, xq, w) =
        (double(&case.layer.float), double(&case.layer.quantized), double(&case.layer.weights));
    let points: Vec<f64> =
        (-4..4).map(|level| f64::from(level as f32 * case.scales[row])).collect();
    let n = x.ncols();
    let mut q = Array1::<f64>::zeros(n);
    let mut target = Array1::<f64>::zeros(x.nrows());
    let mut made = Array1::<f64>::zeros(x.nrows());
    for t in 0..n {
        target.scaled_add(w[[row, t]], &x.column(t));
        let input = xq.column(t);
        let wanted = input.dot(&target) / input.dot(&input);
        let best = |score: &dyn Fn(f64) -> f64| {
            points.iter().copied().max_by(|a, b| score(*a).total_cmp(&score(*b))).unwrap()
        };
        q[t] = if made.dot(&made) > 0.0 {
            best(&|p| cosine(&target, &(&made + &(&input * p))))
        } else {
            best(&|p| -(p - wanted).abs())
        };
        made.scaled_add(q[t], &input);
    }
    for _ in 0..sweeps {
        for t in 0..n {
            let input = xq.column(t);
            made.scaled_add(-q[t], &input);
            let score = |p: f64| cosine(&target, &(&made + &(&input * p)));
            for &p in &points {
                if score(p) > score(q[t]) + 1e-12 {
                    q[t] = p;
                }
            }
            made.scaled_add(q[t], &input);
        }
    }
    q
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn beacon_equals_its_definition(seed: u64, inputs in 1usize..80, sweeps in 0usize..4) {
        let case = Case::new(seed, 3, inputs);
        let found = beacon(&case.problem(), &BeaconParams { sweeps, order: Order::Natural }).unwrap();
        let points = case.points(&found.solution.codes);
        for row in 0..3 {
            prop_assert_eq!(points.row(row).to_owned(), naive(&case, row, sweeps), "row {}", row);
        }
    }

    /// The scale is the best one for the direction, and values are those of the rescaled grid.
    #[test]
    fn scales_follow_from_the_direction(seed: u64, inputs in 2usize..60) {
        let case = Case::new(seed, 4, inputs);
        let found = beacon(&case.problem(), &BeaconParams::default()).unwrap();
        let rescaled = case.grid.rescaled(&found.factor).unwrap();
        let double = |m: &Array2<f32>| m.mapv(f64::from);
        let points = case.points(&found.solution.codes);
        for row in 0..4 {
            let wanted = double(&case.layer.float).dot(&double(&case.layer.weights).row(row));
            let made = double(&case.layer.quantized).dot(&points.row(row));
            let best = wanted.dot(&made) / made.dot(&made);
            let factor = f64::from(found.factor[row]);
            prop_assert!((factor / best - 1.0).abs() < 1e-6, "{} {}", factor, best);
            for col in 0..inputs {
                let value = rescaled.dequantize(row, col, found.solution.codes[[row, col]]);
                prop_assert_eq!(found.solution.values[[row, col]], value);
            }
        }
    }
}

#[test]
fn sweeps_never_lower_the_cosine_and_end_below_rounding() {
    let case = Case::new(7, 20, 60);
    let x = case.layer.float.mapv(f64::from);
    let xq = case.layer.quantized.mapv(f64::from);
    let w = case.layer.weights.mapv(f64::from);
    let mut before = [-1.0; 20];
    for sweeps in 0..8 {
        let found =
            beacon(&case.problem(), &BeaconParams { sweeps, order: Order::Descending }).unwrap();
        let points = case.points(&found.solution.codes);
        for (row, before) in before.iter_mut().enumerate() {
            let now = cosine(&x.dot(&w.row(row)), &xq.dot(&points.row(row)));
            assert!(now >= *before - 1e-12, "row {row}, sweep {sweeps}: {now} after {before}");
            *before = now;
        }
        let error = |values| {
            relative_error(&case.layer.float, &case.layer.quantized, &case.layer.weights, values)
        };
        let nearest = rtn(&case.problem(), &RtnParams::default()).unwrap();
        assert!(error(&found.solution.values) < error(&nearest.values));
    }
}
