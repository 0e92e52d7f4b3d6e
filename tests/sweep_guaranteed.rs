//! Networks that are quantized for an accumulator, against every input that there is, and what a sweep says of them.

use std::sync::atomic::{AtomicUsize, Ordering};

use fewbit::Accumulator;
use fewbit::algorithms::layer::{AccumulatorConstraint, LayerAccumulator};
use fewbit::quantize::CodeFormat;
use fewbit::sweep::{
    AccumulatorTemplate, FloatLayer, GuaranteedPoint, Network, SweepError, SweepJob,
    guaranteed_points, sweep,
};
use ndarray::{Array1, Array2, array};

const ALL: [AccumulatorConstraint; 3] =
    [AccumulatorConstraint::Axe, AccumulatorConstraint::AxeStrict, AccumulatorConstraint::Joint];

fn format(text: &str) -> CodeFormat {
    text.parse().unwrap()
}

fn constrained(
    layers: &[FloatLayer],
    inputs: &Array2<f32>,
    acts: &str,
    acc: &str,
    constraint: AccumulatorConstraint,
) -> Network {
    let wanted = LayerAccumulator { accumulator: acc.parse().unwrap(), constraint };
    Network::constrained(layers, format("int4"), format(acts), inputs.view(), &wanted).unwrap()
}

/// Numbers without a pattern, in -1 to 1.
fn waves(dim: (usize, usize), step: f32) -> Array2<f32> {
    Array2::from_shape_fn(dim, |(i, j)| ((i * dim.1 + j + 1) as f32 * step).sin())
}

/// All 4^4 inputs of uint2 codes; their greatest is 3, so that the scale is 1 and they are their own codes.
fn all_inputs() -> Array2<f32> {
    Array2::from_shape_fn((256, 4), |(i, j)| ((i >> (2 * j)) % 4) as f32)
}

#[test]
fn a_guarantee_is_that_no_input_overflows() {
    let layers = [FloatLayer::without_bias(waves((3, 4), 1.37))];
    let inputs = all_inputs();
    let network =
        Network::quantize(&layers, format("int4"), format("uint2"), inputs.view()).unwrap();
    let mut kept = 0;
    for bits in 2..=10 {
        for acc in [format!("int{bits}-sat"), format!("int{bits}-wrap/2,int{}-sat", bits + 1)] {
            let acc: Accumulator = acc.parse().unwrap();
            let overflowed = network.run(inputs.view(), &acc).unwrap().overflowed;
            assert_eq!(network.is_guaranteed(&acc).unwrap(), overflowed == 0, "{acc}");
            kept += usize::from(overflowed == 0);
        }
    }
    assert!((1..18).contains(&kept), "all or none of the accumulators overflow");
}

#[test]
fn no_input_overflows_what_a_network_was_quantized_for() {
    let layers = [FloatLayer::without_bias(waves((3, 4), 1.37))];
    let inputs = all_inputs();
    for constraint in ALL {
        let mut lost = Vec::new();
        for bits in 2..=8 {
            for acc in [format!("int{bits}-sat"), format!("int{bits}-wrap/2,int{}-sat", bits + 1)] {
                let network = constrained(&layers, &inputs, "uint2", &acc, constraint);
                let pass = network.run(inputs.view(), &acc.parse().unwrap()).unwrap();
                assert_eq!((pass.overflowed, pass.sums), (0, 256 * 3), "{constraint} {acc}");
                assert!(network.is_guaranteed(&acc.parse().unwrap()).unwrap());
                lost.push(pass.outputs.iter().all(|&y| y == 0.0));
            }
        }
        // What keeps every sum at 0 proves nothing.
        assert!(lost.iter().filter(|&&lost| !lost).count() > 8, "{constraint}: {lost:?}");
    }
}

/// Through int11 a code of a weight may be 1023 / 255 = 4 at most, and AXE's scale of one weight of 7 is 7 / 8: instead of
/// 1785 the first layer gives 255 * 4 * 7 / 8 = 892.5. That has the code 255 if the second layer knows of it, whose weight
/// becomes 4 * 7 / 8 = 3.5 as well; by the float layer's 1785 it would have the code 128, and the output would be 3136.
#[test]
fn a_layer_is_calibrated_on_what_the_quantized_ones_before_it_make() {
    let layer = FloatLayer::without_bias(array![[7.0]]);
    let layers = [layer.clone(), layer];
    let inputs = array![[255.0f32]];
    let axe = AccumulatorConstraint::Axe;
    let network = constrained(&layers, &inputs, "uint8", "int11-sat", axe);
    let pass = network.run(inputs.view(), &"int11-sat".parse().unwrap()).unwrap();
    assert_eq!(pass.outputs, array![[3123.75]]);
}

fn job<'a>(
    layers: &'a [FloatLayer],
    inputs: &'a Array2<f32>,
    templates: &'a [AccumulatorTemplate],
    labels: Option<&'a [usize]>,
) -> SweepJob<'a> {
    SweepJob {
        layers,
        weights: format("int4"),
        acts: format("uint8"),
        calibration: inputs.view(),
        inputs: inputs.view(),
        labels,
        templates,
        bits: "9..14".parse().unwrap(),
    }
}

fn network() -> ([FloatLayer; 2], Array2<f32>) {
    let first =
        FloatLayer { weights: waves((6, 12), 1.37), bias: waves((1, 6), 0.7).row(0).to_owned() };
    let layers = [first, FloatLayer::without_bias(waves((3, 6), 2.11))];
    (layers, waves((40, 12), 0.83))
}

#[test]
fn points_come_constraint_by_constraint() {
    let (layers, inputs) = network();
    let templates = AccumulatorTemplate::defaults();
    let labels: Vec<usize> = (0..40).map(|i| i % 3).collect();
    let job = job(&layers, &inputs, &templates, Some(&labels));
    let steps = AtomicUsize::new(0);
    let count = || {
        steps.fetch_add(1, Ordering::Relaxed);
    };
    let wanted =
        [AccumulatorConstraint::Joint, AccumulatorConstraint::None, AccumulatorConstraint::Axe];
    let points = guaranteed_points(&job, &wanted, &count).unwrap();
    assert_eq!((points.len(), steps.into_inner()), (2 * job.points(), 2 * job.points()));
    let expected = [wanted[0], wanted[2]].into_iter().flat_map(|constraint| {
        let of_template = |template: &AccumulatorTemplate| {
            let acc = |bits| template.at(bits).unwrap().to_string();
            (9..=14).map(|bits| (constraint, template.kind(), bits, acc(bits))).collect::<Vec<_>>()
        };
        templates.iter().flat_map(of_template).collect::<Vec<_>>()
    });
    let found = points.iter().map(|p| (p.constraint, p.kind, p.bits, p.acc.clone()));
    assert!(found.eq(expected));
    assert!(points.iter().all(|point| point.guaranteed && point.overflow_share == 0.0));
    let mut sweep = sweep(&job, &|| ()).unwrap();
    assert_eq!(sweep.guaranteed, []);
    sweep.guaranteed = points;
    let curves = sweep.guaranteed_curves();
    assert_eq!(curves.iter().map(|curve| curve.len()).collect::<Vec<_>>(), [6; 6]);
    // What never overflows is the same whether it would wrap or saturate.
    let measured = |p: &GuaranteedPoint| (p.bits, p.accuracy, p.sqnr_float_db);
    assert!(curves[0].iter().map(measured).eq(curves[1].iter().map(measured)));
    let json = serde_json::to_value(&sweep).unwrap();
    let mut keys: Vec<&str> =
        json["guaranteed"][0].as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    let expected = [
        "acc",
        "accuracy",
        "bits",
        "constraint",
        "guaranteed",
        "overflow_share",
        "policy",
        "sqnr_float_db",
    ];
    assert_eq!(keys, expected);
    assert_eq!(
        (&json["guaranteed"][0]["constraint"], &json["guaranteed"][0]["policy"]),
        (&"joint".into(), &"wrap".into())
    );
}

/// The measured numbers are those of the network that stands behind a point.
#[test]
fn a_point_is_its_network_on_the_inputs() {
    let (layers, inputs) = network();
    let templates: Vec<AccumulatorTemplate> = vec!["int{P}-sat/4,int{P}-wrap".parse().unwrap()];
    let job = job(&layers, &inputs, &templates, None);
    let float = fewbit::sweep::float_outputs(&layers, inputs.view()).unwrap();
    for point in guaranteed_points(&job, &ALL, &|| ()).unwrap() {
        let network = constrained(&layers, &inputs, "uint8", &point.acc, point.constraint);
        let outputs = network.run(inputs.view(), &point.acc.parse().unwrap()).unwrap().outputs;
        let square = |y: &Array2<f32>| y.iter().map(|&y| f64::from(y).powi(2)).sum::<f64>();
        let expected = 10.0 * (square(&float) / square(&(&float - &outputs))).log10();
        let found = point.sqnr_float_db.unwrap();
        assert!((found - expected).abs() < 1e-4, "{point:?}: {expected}");
    }
}

/// Unsigned weights have zero points, which budgets pay for too.
#[test]
fn formats_with_zero_points_keep_the_guarantee() {
    let (layers, inputs) = network();
    for constraint in ALL {
        let accumulator: Accumulator = "int12-sat".parse().unwrap();
        let wanted = LayerAccumulator { accumulator: accumulator.clone(), constraint };
        let (weights, acts) = (format("uint4"), format("int8"));
        let network = Network::constrained(&layers, weights, acts, inputs.view(), &wanted).unwrap();
        assert!(network.is_guaranteed(&accumulator).unwrap());
        assert_eq!(network.run(inputs.view(), &accumulator).unwrap().overflowed, 0);
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let (layers, inputs) = network();
    let templates = AccumulatorTemplate::defaults();
    let refused = |layers: &[FloatLayer], inputs: &Array2<f32>, labels: Option<&[usize]>| {
        guaranteed_points(&job(layers, inputs, &templates, labels), &ALL, &|| ()).unwrap_err()
    };
    assert_eq!(refused(&[], &inputs, None), SweepError::NoLayers);
    assert!(matches!(
        refused(&layers, &waves((2, 3), 1.0), None),
        SweepError::Inputs { found: 3, expected: 12, layer: 0, .. }
    ));
    assert_eq!(
        refused(&layers, &inputs, Some(&[0])),
        SweepError::Labels { labels: 1, samples: 40 }
    );
    let biased = [FloatLayer { bias: Array1::zeros(2), ..layers[0].clone() }];
    assert!(matches!(refused(&biased, &inputs, None), SweepError::Biases { .. }));
    let nan = inputs.mapv(|x| if x > 0.5 { f32::NAN } else { x });
    let error = refused(&layers, &nan, None).to_string();
    assert!(error.to_lowercase().contains("nan"), "{error}");
}
