//! Learned rounding against Brevitas's, and on a network.

use fewbit::algorithms::learned::{Optimizer, Schedule};
use fewbit::quantize::ScaleSource;
use fewbit_models::exec::QuantizerMode;
use fewbit_models::graph::{Graph, products};
use fewbit_models::ops::Op;
use fewbit_models::passes::{
    BlockRoundParams, Blocks, LearnedRoundParams, LearnedScales, NoJournal, RoundingLoss,
    RoundingMethod, ScaleParams, insert_weight_quantizers, learn_rounding,
    learn_rounding_of_blocks,
};
use fewbit_models::tensor::Tensor;
use ndarray::ArrayD;

use super::golden::Case;
use super::support::{convolutions, finished, gemm, graph, named_blocks, outputs, preset};

const METHODS: [(&str, RoundingMethod); 3] = [
    ("linear_round", RoundingMethod::Linear),
    ("hard_sigmoid_round", RoundingMethod::HardSigmoid),
    ("sigmoid_round", RoundingMethod::Sigmoid),
];

/// Codes of the only product's weights.
fn codes(graph: &Graph, index: usize) -> ArrayD<i64> {
    let product = products(graph).swap_remove(index);
    let weights = graph.data(product.weight).expect("weights").get::<f32>().expect("floats");
    let Op::Quantize(op) = &graph.node(product.weight_quantizer.expect("one")).op else {
        panic!("a quantizer")
    };
    let ScaleSource::Given(scale) = &op.quantizer.scale_rule().source else { panic!("scales") };
    let mut values = op.codes(weights).expect("codes").dequantize();
    // One scale per output channel, along the first axis.
    assert_eq!(scale.len(), values.shape()[0]);
    for (mut row, scale) in values.outer_iter_mut().zip(scale) {
        row.mapv_inplace(|value| value / scale);
    }
    values.mapv(|value| value.round() as i64)
}

fn rounded(mut graph: Graph, bits: u32) -> Graph {
    let quantizer = preset("Int8WeightPerChannelFloat", bits);
    insert_weight_quantizers(&mut graph, &quantizer).expect("quantizers");
    graph
}

fn learned(
    float: &Graph,
    nearest: &Graph,
    batches: &[Vec<Tensor>],
    params: &LearnedRoundParams,
) -> Graph {
    let mut graph = nearest.clone();
    let report =
        learn_rounding(float, &mut graph, batches, params, None, &mut NoJournal, &mut |_, _| ());
    let report = report.expect("learned");
    assert_eq!(report.changed, products(float).len(), "{}", report.detail);
    graph
}

fn error(float: &Graph, graph: &Graph, batches: &[Vec<Tensor>]) -> f64 {
    let y = outputs(float, batches, QuantizerMode::Skip);
    let z = outputs(graph, batches, QuantizerMode::Apply);
    y.iter().zip(&z).map(|(y, z)| f64::from(y - z).powi(2)).sum()
}

/// A layer with all samples in every step, 400 of them: what Brevitas ends with, and what is found here.
#[test]
fn codes_are_as_good_as_brevitas_s() {
    for (method_name, method) in METHODS {
        for (loss_name, loss) in
            [("regularised_mse", RoundingLoss::default()), ("mse", RoundingLoss::Mse)]
        {
            if method == RoundingMethod::Linear && loss != RoundingLoss::Mse {
                continue;
            }
            let case = Case(format!("learned_{method_name}_{loss_name}").leak());
            let (mut float, x) = graph(case.array("x1").shape());
            let y = gemm(&mut float, x, case, 1);
            let float = finished(float, &[y]);
            let nearest = rounded(float.clone(), 3);
            let params = LearnedRoundParams {
                method,
                loss,
                steps: 400,
                rate: 0.01,
                ..LearnedRoundParams::default()
            };
            let found = learned(&float, &nearest, &case.batches(), &params);
            let expected = case.array("codes").mapv(|code| code as i64);
            let ours = codes(&found, 0);
            let equal = ours.iter().zip(&expected).filter(|(a, b)| a == b).count();
            let (rounded, best) =
                (error(&float, &nearest, &case.batches()), error(&float, &found, &case.batches()));
            // The same weights with Brevitas's codes.
            let mut theirs = nearest.clone();
            let scale = case.array("scale");
            let mut values = expected.mapv(|code| code as f32);
            for (mut row, scale) in values.outer_iter_mut().zip(&scale) {
                row.mapv_inplace(|code| code * scale);
            }
            theirs.set_data(products(&nearest)[0].weight, values);
            let brevitas = error(&float, &theirs, &case.batches());
            println!(
                "{}: nearest {rounded:.4}, Brevitas {brevitas:.4}, here {best:.4}, {equal} of {} codes equal",
                case.0,
                expected.len()
            );
            assert!(best <= rounded && best <= 1.05 * brevitas, "{}", case.0);
            // A number between both neighbours starts where the weight is: without a regulariser nothing draws it away.
            let is_drawn = method == RoundingMethod::Linear || loss != RoundingLoss::Mse;
            assert!(!is_drawn || best < 0.9 * rounded, "{}", case.0);
            if !is_drawn && method == RoundingMethod::HardSigmoid {
                assert_eq!(ours, expected);
            }
        }
    }
}

#[test]
fn codes_differ_by_one_from_the_nearest_and_leave_less_error() {
    for groups in [1, 6] {
        let case = Case(if groups == 1 { "act_fx_dense" } else { "act_fx_depthwise" });
        let float = convolutions(case, groups);
        let nearest = rounded(float.clone(), 3);
        let before = error(&float, &nearest, &case.batches());
        for (_, method) in METHODS {
            for optimizer in [Optimizer::ADAM, Optimizer::SIGN] {
                for schedule in [Schedule::Constant, Schedule::Linear] {
                    let rate = 1e-2;
                    let params = LearnedRoundParams {
                        method,
                        optimizer,
                        schedule,
                        rate,
                        steps: 200,
                        ..LearnedRoundParams::default()
                    };
                    let graph = learned(&float, &nearest, &case.batches(), &params);
                    let after = error(&float, &graph, &case.batches());
                    // Layer by layer: what is best for each is not bound to be so for the whole.
                    let least = if optimizer == Optimizer::ADAM { before } else { 1.1 * before };
                    assert!(after < least, "{method:?} {optimizer:?}: {after} and {before}");
                    for index in 0..3 {
                        let (one, other) = (codes(&graph, index), codes(&nearest, index));
                        let most = (one - other).mapv(i64::abs).into_iter().max();
                        assert!(most <= Some(1), "{method:?}: {most:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn scales_are_learned_on_demand() {
    let case = Case("act_fx_dense");
    let float = convolutions(case, 1);
    let nearest = rounded(float.clone(), 3);
    let kept = LearnedRoundParams { steps: 200, rate: 5e-3, ..LearnedRoundParams::default() };
    let factors = LearnedScales::Factors { least: 0.5 };
    let descent = LearnedScales::Descent(ScaleParams::default());
    let errors = [LearnedScales::Kept, factors, descent].map(|scales| {
        let params = LearnedRoundParams { scales, ..kept };
        let graph = learned(&float, &nearest, &case.batches(), &params);
        error(&float, &graph, &case.batches())
    });
    println!("scales kept, by factors, by descent: {errors:?}");
    assert!(errors[1] < errors[0] && errors[2] < errors[0], "{errors:?}");
    // Of a block too, and what was chosen lies on the grid of the scales that were learned.
    let float = named_blocks(float);
    let nearest = rounded(float.clone(), 3);
    let [kept, free] = [LearnedScales::Kept, descent].map(|scales| {
        let optimizer = Optimizer::SIGN;
        let params = LearnedRoundParams { scales, optimizer, ..kept };
        let graph = of_blocks(&float, &nearest, &case.batches(), params, "^$");
        let weights = products(&graph).into_iter().map(|product| product.weight);
        let mut unquantized = graph.clone();
        for (product, weight) in products(&graph).iter().zip(weights) {
            unquantized.node_mut(product.node).inputs[1] = Some(weight);
        }
        let found = error(&float, &graph, &case.batches());
        let stored = error(&float, &unquantized, &case.batches());
        assert!((found - stored).abs() <= 1e-4 * found, "{found} and {stored}");
        found
    });
    assert!(free < kept, "{free} and {kept}");
}

/// Images one by one.
fn images(batches: &[Vec<Tensor>]) -> Vec<Vec<Tensor>> {
    let of = |batch: &Vec<Tensor>| {
        let x = batch[0].get::<f32>().expect("floats").clone();
        let one = |x: ndarray::ArrayViewD<'_, f32>| {
            vec![Tensor::from(x.insert_axis(ndarray::Axis(0)).to_owned())]
        };
        x.outer_iter().map(one).collect::<Vec<_>>()
    };
    batches.iter().flat_map(of).collect()
}

fn of_blocks(
    float: &Graph,
    nearest: &Graph,
    batches: &[Vec<Tensor>],
    round: LearnedRoundParams,
    expression: &str,
) -> Graph {
    let blocks = Blocks::Matching(regex::Regex::new(expression).expect("an expression"));
    let params = BlockRoundParams { round, blocks, batch: 64, seed: 0 };
    let mut graph = nearest.clone();
    let (journal, hear) = (&mut NoJournal, &mut |_: usize, _: usize| ());
    let report = learn_rounding_of_blocks(float, &mut graph, batches, &params, None, journal, hear);
    println!("{}", report.expect("learned").detail);
    graph
}

/// What comes out of a block is what its rounding is learned for: as good as layer by layer, or better.
#[test]
fn a_block_is_at_least_as_good_as_its_layers() {
    for groups in [1, 6] {
        let case = Case(if groups == 1 { "act_fx_dense" } else { "act_fx_depthwise" });
        let float = named_blocks(convolutions(case, groups));
        let nearest = rounded(float.clone(), 3);
        let batches = images(&case.batches());
        let before = error(&float, &nearest, &batches);
        for (name, method) in METHODS {
            let (loss, rate) = (RoundingLoss::default(), 1e-2);
            let optimizer = match method {
                RoundingMethod::Linear => Optimizer::SIGN,
                _ => Optimizer::ADAM,
            };
            let schedule = Schedule::Linear;
            let params = LearnedRoundParams {
                method,
                loss,
                rate,
                optimizer,
                schedule,
                steps: 400,
                ..LearnedRoundParams::default()
            };
            let layers = error(&float, &learned(&float, &nearest, &batches, &params), &batches);
            // The whole network is one block.
            let block = of_blocks(&float, &nearest, &batches, params, "layer");
            let whole = of_blocks(&float, &nearest, &batches, params, "^$");
            let found = error(&float, &block, &batches);
            let one = error(&float, &whole, &batches);
            println!(
                "{groups} {name}: nearest {before:.4}, layers {layers:.4}, blocks {found:.4}, one block {one:.4}"
            );
            // Neither way finds the best of all roundings: they come out near each other, and offsets gain.
            let most = if method == RoundingMethod::Linear && groups == 1 { 1.0 } else { 1.2 };
            assert!(
                one <= most * layers && one < 0.9 * before,
                "{name}: {one}, {layers}, {before}"
            );
            assert!(found < before, "{name}: {found} and {before}");
            for index in 0..3 {
                let (one, other) = (codes(&whole, index), codes(&nearest, index));
                assert!((one - other).iter().all(|d| d.abs() <= 1), "{name}");
            }
        }
    }
}

/// A block of three layers, its error alone, with all images in every step, 400 of them: what Brevitas ends with, and what is found
/// here.
#[test]
fn blocks_are_as_good_as_brevitas_s() {
    for (case, groups) in [(Case("block_dense"), 1), (Case("block_depthwise"), 6)] {
        let float = named_blocks(convolutions(case, groups));
        let nearest = rounded(float.clone(), 3);
        let batches = images(&case.batches());
        let before = error(&float, &nearest, &batches);
        for (name, method) in [METHODS[0], METHODS[2]] {
            // The same network with what Brevitas's quantizers give.
            let mut theirs = float.clone();
            let values = (1..).map_while(|index| case.get(&format!("{name}{index}")));
            for (product, values) in products(&float).iter().zip(values) {
                theirs.set_data(product.weight, values);
            }
            let brevitas = error(&float, &theirs, &batches);
            let params = LearnedRoundParams {
                method,
                loss: RoundingLoss::Mse,
                steps: 400,
                rate: 0.01,
                ..LearnedRoundParams::default()
            };
            let found =
                error(&float, &of_blocks(&float, &nearest, &batches, params, "^$"), &batches);
            println!(
                "{} {name}: nearest {before:.5}, Brevitas {brevitas:.5}, here {found:.5}",
                case.0
            );
            assert!(found < before && found <= 1.05 * brevitas, "{} {name}", case.0);
            // Offsets gain there too.
            assert!(brevitas < before || method != RoundingMethod::Linear, "{} {name}", case.0);
        }
    }
}

#[test]
fn no_step_of_a_block_is_rounding_to_nearest() {
    let case = Case("act_fx_dense");
    let float = named_blocks(convolutions(case, 1));
    let nearest = rounded(float.clone(), 3);
    for (_, method) in METHODS {
        let params = LearnedRoundParams { method, steps: 0, ..LearnedRoundParams::default() };
        let graph = of_blocks(&float, &nearest, &case.batches(), params, "layer");
        for index in 0..3 {
            assert_eq!(codes(&graph, index), codes(&nearest, index));
        }
    }
}

#[test]
fn no_step_is_rounding_to_nearest() {
    let case = Case("act_fx_dense");
    let float = convolutions(case, 1);
    let nearest = rounded(float.clone(), 3);
    for (_, method) in METHODS {
        let params = LearnedRoundParams { method, steps: 0, ..LearnedRoundParams::default() };
        let graph = learned(&float, &nearest, &case.batches(), &params);
        for index in 0..3 {
            assert_eq!(codes(&graph, index), codes(&nearest, index));
        }
    }
}
