//! Learned rounding: gradients against finite differences, and never worse than rounding to nearest.

use fewbit::algorithms::learned::{
    Activation, AdaroundParams, BlockLayer, BlockObjective, LayerObjective, Learned, Objective,
    Optimizer, SignRoundParams, Target, adaround, sign_round,
};
use fewbit::algorithms::{AlgorithmError, Collector, Grid, Precision, Statistics};
use fewbit::formats::Format;
use ndarray::{Array1, Array2, array};

use crate::data::{Layer, Matrices, Random, channel_scales, relative_error};

fn statistics(x: &Array2<f32>, quantized: Option<&Array2<f32>>) -> Statistics {
    let mut collector = Collector::new(x.ncols(), 1, Precision::Double).expect("a collector");
    let pushed = match quantized {
        None => collector.push(x.view()),
        Some(quantized) => collector.push_pairs(quantized.view(), x.view()),
    };
    pushed.expect("finite");
    collector.finish()
}

fn grid(w: &Array2<f32>, format: Format, levels: f32) -> Grid {
    let scale = channel_scales(w.view(), levels).insert_axis(ndarray::Axis(1));
    Grid::new(format, w.ncols(), scale, None, w.ncols()).expect("a grid")
}

/// Central differences of the loss at some weights.
fn check_gradients(calibration: &dyn Objective, weights: &[Array2<f64>], step: Option<u64>) {
    let evaluation = calibration.evaluate(weights, step);
    assert_eq!(evaluation.gradients.len(), weights.len());
    for (layer, gradient) in evaluation.gradients.iter().enumerate() {
        assert_eq!(gradient.dim(), weights[layer].dim());
        for at in (0..gradient.len()).step_by(3) {
            let at = [at / gradient.ncols(), at % gradient.ncols()];
            let moved = |by: f64| {
                let mut weights = weights.to_vec();
                weights[layer][at] += by;
                calibration.evaluate(&weights, step).loss
            };
            let difference = (moved(1e-5) - moved(-1e-5)) / 2e-5;
            let error = (gradient[at] - difference).abs();
            assert!(
                error < 1e-5 * (1.0 + difference.abs()),
                "layer {layer} {at:?}: {} {difference}",
                gradient[at]
            );
        }
    }
}

struct Block {
    weights: Vec<Array2<f32>>,
    biases: Vec<Array1<f32>>,
    x: Array2<f32>,
    noisy: Array2<f32>,
}

impl Block {
    fn new(seed: u64) -> Self {
        let mut random = Random(seed);
        let x = random.matrix(40, 6);
        Self {
            weights: [(9, 6), (7, 9), (4, 7)].map(|(r, c)| random.matrix(r, c)).to_vec(),
            biases: [9, 7, 4]
                .map(|n| Array1::from_shape_fn(n, |_| random.normal() as f32))
                .to_vec(),
            noisy: &x + &(random.matrix(40, 6) * 0.05),
            x,
        }
    }

    fn calibration(&self, batch: usize, seed: u64) -> BlockObjective {
        let layers: Vec<_> = self
            .weights
            .iter()
            .zip(&self.biases)
            .enumerate()
            .map(|(i, (w, b))| BlockLayer {
                weights: w.view(),
                bias: Some(b),
                activation: if i < 2 { Activation::Relu } else { Activation::Identity },
            })
            .collect();
        BlockObjective::new(&layers, self.x.view(), self.noisy.view(), batch, seed).expect("fits")
    }
}

#[test]
fn gradients_are_those_of_finite_differences() {
    let layer = Layer::new(1, 5, 8, 60, 0.1);
    let wide = layer.weights.mapv(f64::from) * 0.9;
    for pair in [None, Some(&layer.quantized)] {
        let calibration =
            LayerObjective::new(layer.weights.view(), &statistics(&layer.float, pair));
        check_gradients(&calibration.expect("fits"), std::slice::from_ref(&wide), None);
    }
    let block = Block::new(2);
    let weights: Vec<_> = block.weights.iter().map(|w| w.mapv(|w| f64::from(w) * 0.95)).collect();
    check_gradients(&block.calibration(40, 0), &weights, None);
    check_gradients(&block.calibration(8, 3), &weights, Some(5));
}

#[test]
fn the_loss_of_a_layer_is_that_of_its_outputs() {
    let layer = Layer::new(3, 5, 8, 60, 0.1);
    let statistics = statistics(&layer.float, None);
    let calibration = LayerObjective::new(layer.weights.view(), &statistics).expect("fits");
    let (x, w) = (layer.float.mapv(f64::from), layer.weights.mapv(f64::from));
    let other = &w * 0.8;
    let by_definition = (x.dot(&w.t()) - x.dot(&other.t())).mapv(|e| e * e).sum() / 60.0;
    let loss = calibration.evaluate(&[other], None).loss;
    assert!((loss / by_definition - 1.0).abs() < 1e-5, "{loss} {by_definition}");
    assert!(calibration.evaluate(&[w], None).loss.abs() < 1e-9 * by_definition);
}

fn checked(result: &Learned, calibration: &dyn Objective, weights: &[&Array2<f32>]) {
    assert!(result.info.best <= result.info.nearest);
    let values: Vec<_> = result.layers.iter().map(|l| l.values.mapv(f64::from)).collect();
    let loss = calibration.evaluate(&values, None).loss;
    assert!(
        (loss - result.info.best).abs() <= 1e-12 * (1.0 + loss.abs()),
        "the loss is that of the result"
    );
    for ((layer, grid), w) in result.layers.iter().zip(&result.grids).zip(weights) {
        for ((i, j), &code) in layer.codes.indexed_iter() {
            assert_eq!(grid.dequantize(i, j, code), layer.values[[i, j]]);
            // A neighbour of the weight, or the end of the range.
            let scale = grid.scale()[[i, j / grid.group()]];
            assert!(
                (layer.values[[i, j]] - w[[i, j]]).abs() <= scale * 1.001
                    || grid.level(code).is_some_and(|l| l == -8 || l == 7)
            );
        }
    }
}

#[test]
fn one_layer_gains_over_nearest_and_repeats() {
    let layer = Layer::new(4, 12, 24, 400, 0.1);
    let grid = grid(&layer.weights, Format::INT4, 7.0);
    let target = Target { weights: layer.weights.view(), grid: &grid };
    for pair in [None, Some(&layer.quantized)] {
        let statistics = statistics(&layer.float, pair);
        let calibration = LayerObjective::new(layer.weights.view(), &statistics).expect("fits");
        let ada = AdaroundParams { steps: 400, ..Default::default() };
        let first = adaround(&[target], &calibration, &ada).expect("fits");
        assert_eq!(first, adaround(&[target], &calibration, &ada).expect("fits"));
        assert_eq!(first.info.losses.len(), 400);
        assert_eq!(first.grids.as_slice(), std::slice::from_ref(&grid));
        checked(&first, &calibration, &[&layer.weights]);
        let sign = sign_round(&[target], &calibration, &SignRoundParams::default()).expect("fits");
        assert_eq!(
            sign,
            sign_round(&[target], &calibration, &SignRoundParams::default()).expect("fits")
        );
        checked(&sign, &calibration, &[&layer.weights]);
        let kept = SignRoundParams {
            least_factor: None,
            optimizer: Optimizer::ADAM,
            ..Default::default()
        };
        let kept = sign_round(&[target], &calibration, &kept).expect("fits");
        assert_eq!(kept.grids.as_slice(), std::slice::from_ref(&grid));
        checked(&kept, &calibration, &[&layer.weights]);
        let x = pair.unwrap_or(&layer.float);
        let error = |q: &Array2<f32>| relative_error(&layer.float, x, &layer.weights, q);
        let nearest = sign_round(
            &[target],
            &calibration,
            &SignRoundParams { steps: 0, ..Default::default() },
        )
        .expect("fits");
        assert_eq!((nearest.info.best_step, nearest.info.best), (0, nearest.info.nearest));
        let (n, a, s) = (
            error(&nearest.layers[0].values),
            error(&first.layers[0].values),
            error(&sign.layers[0].values),
        );
        println!("nearest {n:.4} adaround {a:.4} signround {s:.4}");
        assert!(a < 0.95 * n && s < n, "nearest {n} adaround {a} signround {s}");
    }
}

#[test]
fn a_block_gains_over_nearest() {
    let block = Block::new(5);
    let grids: Vec<_> = block.weights.iter().map(|w| grid(w, Format::INT4, 7.0)).collect();
    let targets: Vec<_> = block
        .weights
        .iter()
        .zip(&grids)
        .map(|(w, grid)| Target { weights: w.view(), grid })
        .collect();
    let weights: Vec<_> = block.weights.iter().collect();
    let calibration = block.calibration(16, 7);
    let ada = AdaroundParams { steps: 300, ..Default::default() };
    let ada = adaround(&targets, &calibration, &ada).expect("fits");
    let sign = sign_round(&targets, &calibration, &SignRoundParams::default()).expect("fits");
    for result in [&ada, &sign] {
        checked(result, &calibration, &weights);
        println!("{} -> {}", result.info.nearest, result.info.best);
        assert!(
            result.info.best < 0.9 * result.info.nearest,
            "{:?}",
            (result.info.nearest, result.info.best)
        );
    }
    // Another seed draws other samples; the same one the same.
    let again = sign_round(&targets, &block.calibration(16, 7), &SignRoundParams::default());
    assert_eq!(again.as_ref(), Ok(&sign));
    let other =
        sign_round(&targets, &block.calibration(16, 8), &SignRoundParams::default()).expect("fits");
    assert_ne!(other.info.losses, sign.info.losses);
}

#[test]
fn groups_and_zero_points_are_kept_in_range() {
    let layer = Layer::new(6, 4, 12, 80, 0.0);
    let scale = Array2::from_elem((4, 3), 0.3f32);
    let zero = Array2::from_shape_fn((4, 3), |(i, j)| (6 + i + j) as f32);
    let grid = Grid::new(Format::UINT4, 12, scale, Some(zero), 4).expect("a grid");
    let target = Target { weights: layer.weights.view(), grid: &grid };
    let statistics = statistics(&layer.float, None);
    let calibration = LayerObjective::new(layer.weights.view(), &statistics).expect("fits");
    let sign = sign_round(&[target], &calibration, &SignRoundParams::default()).expect("fits");
    let ada = AdaroundParams { steps: 200, ..Default::default() };
    let ada = adaround(&[target], &calibration, &ada).expect("fits");
    for result in [sign, ada] {
        assert!(result.info.best < result.info.nearest);
        assert!(result.layers[0].codes.iter().all(|&c| c < 16));
        for ((i, j), &code) in result.layers[0].codes.indexed_iter() {
            assert_eq!(result.grids[0].dequantize(i, j, code), result.layers[0].values[[i, j]]);
        }
    }
}

#[test]
fn bad_input_is_refused_and_edges_are_exact() {
    let layer = Layer::new(7, 2, 3, 20, 0.0);
    let statistics = statistics(&layer.float, None);
    let calibration = LayerObjective::new(layer.weights.view(), &statistics).expect("fits");
    let int4 = grid(&layer.weights, Format::INT4, 7.0);
    let target = Target { weights: layer.weights.view(), grid: &int4 };
    let (ada, sign) = (AdaroundParams::default(), SignRoundParams::default());
    let float = grid(&layer.weights, Format::E2M1FN, 6.0);
    let floats = Target { weights: layer.weights.view(), grid: &float };
    assert!(matches!(adaround(&[floats], &calibration, &ada), Err(AlgorithmError::Constraint(_))));
    assert!(matches!(
        sign_round(&[floats], &calibration, &sign),
        Err(AlgorithmError::Constraint(_))
    ));
    assert!(
        adaround(&[], &calibration, &ada).is_err()
            && sign_round(&[target; 2], &calibration, &sign).is_err()
    );
    let mut nan = layer.weights.clone();
    nan[[1, 2]] = f32::NAN;
    let bad = Target { weights: nan.view(), grid: &int4 };
    assert!(matches!(
        adaround(&[bad], &calibration, &ada),
        Err(AlgorithmError::NotFinite { row: 1, col: 2, .. })
    ));
    assert!(LayerObjective::new(nan.view(), &statistics).is_err());
    assert!(LayerObjective::new(array![[1.0f32]].view(), &statistics).is_err());
    for params in [
        AdaroundParams { rate: f64::NAN, ..ada },
        AdaroundParams { beta_end: 0.5, ..ada },
        AdaroundParams { warm_up: 1.5, ..ada },
        AdaroundParams { lambda: -1.0, ..ada },
        AdaroundParams { check_every: 0, ..ada },
    ] {
        assert!(adaround(&[target], &calibration, &params).is_err());
    }
    for params in [
        SignRoundParams { rate: Some(-1.0), ..sign },
        SignRoundParams { least_factor: Some(0.0), ..sign },
        SignRoundParams { least_factor: Some(f64::NAN), ..sign },
        SignRoundParams { check_every: 0, ..sign },
    ] {
        assert!(sign_round(&[target], &calibration, &params).is_err());
    }
    let (w, x) = (layer.weights.view(), layer.float.view());
    let one = [BlockLayer { weights: w, bias: None, activation: Activation::Identity }];
    assert!(BlockObjective::new(&[], x, x, 4, 0).is_err());
    assert!(BlockObjective::new(&one, x, x, 0, 0).is_err());
    assert!(BlockObjective::new(&[one[0], one[0]], x, x, 4, 0).is_err());
    assert_eq!(
        BlockObjective::new(
            &one,
            x.slice(ndarray::s![..0, ..]),
            x.slice(ndarray::s![..0, ..]),
            4,
            0
        )
        .err(),
        Some(AlgorithmError::NoSamples)
    );
    let infinite = layer.float.mapv(|_| f32::INFINITY);
    assert!(BlockObjective::new(&one, infinite.view(), infinite.view(), 4, 0).is_err());

    // Weights on the grid: nothing to gain, nothing lost. Zero weights, one row, one column.
    for w in [array![[0.5f32, -1.0, 0.0]], Array2::zeros((2, 3)), array![[0.5f32]]] {
        let x = Random(1).matrix(9, w.ncols());
        let grid = Grid::new(
            Format::INT4,
            w.ncols(),
            Array2::from_elem((w.nrows(), 1), 0.5),
            None,
            w.ncols(),
        )
        .expect("a grid");
        let calibration = LayerObjective::new(w.view(), &self::statistics(&x, None)).expect("fits");
        let target = [Target { weights: w.view(), grid: &grid }];
        let short = AdaroundParams { steps: 20, ..ada };
        assert_eq!(adaround(&target, &calibration, &short).expect("fits").layers[0].values, w);
        assert_eq!(sign_round(&target, &calibration, &sign).expect("fits").layers[0].values, w);
    }
}

#[test]
fn few_samples_and_constant_inputs_are_no_obstacle() {
    let layer = Layer::new(8, 6, 10, 50, 0.0);
    let grid = grid(&layer.weights, Format::INT4, 7.0);
    let target = Target { weights: layer.weights.view(), grid: &grid };
    let one = layer.float.slice(ndarray::s![..1, ..]).to_owned();
    // A singular H, inputs that never change, inputs that are zero.
    for x in [one, Array2::from_elem((20, 10), 1.5), Array2::zeros((20, 10))] {
        let calibration =
            LayerObjective::new(layer.weights.view(), &statistics(&x, None)).expect("fits");
        let ada = AdaroundParams { steps: 100, ..Default::default() };
        let ada = adaround(&[target], &calibration, &ada).expect("fits");
        let sign = sign_round(&[target], &calibration, &SignRoundParams::default()).expect("fits");
        for result in [ada, sign] {
            checked(&result, &calibration, &[&layer.weights]);
            assert!(result.layers[0].values.iter().all(|v| v.is_finite()));
            assert!(result.info.losses.iter().all(|l| l.is_finite()));
        }
    }
}
