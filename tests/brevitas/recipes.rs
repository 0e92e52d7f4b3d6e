//! Recipes as data: nested quantizers, given parameters, what is refused.

use fewbit::quantize::{
    Preset, Quantizer, Recipe, Restriction, ScaleRule, ScaleSource, Scheme, Statistic,
};
use fewbit_formats::{Format, Overflow, Policy, Rounding};
use ndarray::{ArrayD, IxDyn, array};
use serde_json::json;

fn policy() -> Policy {
    Policy::new(Rounding::TiesEven, Overflow::Saturate)
}

fn preset(name: &str) -> Recipe {
    name.parse::<&Preset>().unwrap().recipe().unwrap()
}

#[test]
fn scales_that_are_quantized_themselves() {
    // Scales 0.5, 1, 2, 3.9 in 6 bits unsigned over the largest of all: steps of 3.9 / 63.
    let nested =
        Quantizer::new(Scheme::new("uint6".parse().unwrap()), ScaleRule::abs_max(), policy());
    let nested = Restriction::Quantized(Box::new(nested.unwrap()));
    let rule = ScaleRule::abs_max().with_ratio_restriction(nested);
    let scheme = Scheme::new(Format::INT4N).per_group(1, 2);
    let quantizer = Quantizer::new(scheme, rule, policy()).unwrap();
    let x = array![[3.5f32, 0.0, 7.0, 1.0], [14.0, 2.0, 27.3, -1.0]];
    let q = quantizer.quantize(&x.view()).unwrap();
    let step = (27.3f32 / 7.0) / 63.0;
    let expected: Vec<f32> = [0.5f32, 1.0, 2.0, 27.3 / 7.0]
        .iter()
        .map(|s| (s / step).round_ties_even() * step)
        .collect();
    assert_eq!(q.scale(), &ArrayD::from_shape_vec(IxDyn(&[2, 2]), expected).unwrap());
    let recipe = Recipe::Quantizer(quantizer);
    let text = serde_json::to_string(&recipe).unwrap();
    assert_eq!(serde_json::from_str::<Recipe>(&text).unwrap(), recipe);
}

#[test]
fn a_collected_statistic_takes_the_place_of_the_tensors_own() {
    let act = preset("Int8ActPerTensorFixedPoint");
    let x = array![[0.3f32, -0.9, 0.7]];
    let own = act.quantize(&x.view()).unwrap();
    assert_eq!(own.tensor.scale()[[]], 2f32.powi(-7)); // 0.9 -> 1, over 128
    let collected = act.set("scale.source", json!({ "collected": 3.0 })).unwrap();
    assert_eq!(collected.quantize(&x.view()).unwrap().tensor.scale()[[]], 2f32.powi(-5)); // 3 -> 4
    let logarithm = act.set("scale.source", json!({ "logarithm": 1.5 })).unwrap();
    assert_eq!(logarithm.quantize(&x.view()).unwrap().tensor.scale()[[]], 2f32.powi(-5)); // 2.83 -> 4
    let given = act.set("scale.source", json!({ "given": 0.25 })).unwrap();
    assert_eq!(given.quantize(&x.view()).unwrap().tensor.scale()[[]], 0.25);
}

#[test]
fn a_bias_has_the_scale_of_the_products() {
    let x = array![0.11f32, -0.05, 1e9];
    let bias = preset("Int16Bias");
    let missing = bias.quantize(&x.view()).unwrap_err().to_string();
    assert!(missing.starts_with("the input scale is missing"), "{missing}");
    let bias = bias.set("input_scale", 0.5.into()).unwrap();
    let weights = json!({ "shape": [3, 1], "values": [0.1, 0.02, 0.02] });
    let q = bias.set("weight_scale", weights).unwrap().quantize(&x.view()).unwrap();
    assert_eq!(q.tensor.scale(), &array![0.05f32, 0.01, 0.01].into_dyn());
    assert_eq!(q.tensor.ints().unwrap(), array![2, -5, 32767].into_dyn());
    let wrong = bias.set("weight_scale", json!({ "shape": [2], "values": [0.1, 0.2] })).unwrap();
    assert!(wrong.quantize(&x.view()).unwrap_err().to_string().contains("[2]"));
}

#[test]
fn truncation_by_hand() {
    // 16 bits to 8: 1000 / 256 = 3.9, down to 3, rounded to 4; -1 / 256 is below 0.
    let x = array![10.0f32, -0.01, 327.67];
    let of = |name: &str| {
        let recipe = preset(name).set("input_scale", 0.01.into()).unwrap();
        recipe.set("input_bits", 16.into()).unwrap().quantize(&x.view()).unwrap()
    };
    assert_eq!(of("TruncTo8bit").tensor.ints().unwrap(), array![3, -1, 127].into_dyn());
    assert_eq!(of("RoundTo8bit").tensor.ints().unwrap(), array![4, 0, 127].into_dyn());
    assert_eq!(of("TruncTo8bit").tensor.scale()[[]], 2.56);
}

#[test]
fn accumulator_aware_codes_keep_their_bound() {
    let x = ArrayD::from_shape_fn(IxDyn(&[7, 64]), |i| {
        ((i[0] * 64 + i[1]) as f32 * 0.7).sin() * 2f32.powi(i[0] as i32 - 3)
    });
    for (name, bits, n, signed) in [
        ("Int8AccumulatorAwareWeightQuant", 12, 4, false),
        ("Int8AccumulatorAwareWeightQuant", 14, 8, true),
        ("Int8AccumulatorAwareZeroCenterWeightQuant", 12, 4, false),
        ("Int8AccumulatorAwareZeroCenterWeightQuant", 16, 8, false),
    ] {
        let recipe = preset(name).set("input_bits", n.into()).unwrap();
        let recipe = recipe.set("input_signed", signed.into()).unwrap();
        let recipe = recipe.set("accumulator_bit_width", bits.into()).unwrap();
        let codes = recipe.quantize(&x.view()).unwrap().tensor.ints().unwrap();
        let limit = (1i64 << (bits - 1)) - 1;
        // The worst of all inputs, by definition: each at the end that its code's sign asks for.
        let (low, high) =
            if signed { (-(1i64 << (n - 1)), (1i64 << (n - 1)) - 1) } else { (0, (1 << n) - 1) };
        for row in codes.rows() {
            let most: i64 = row.iter().map(|q| (q * low).max(q * high)).sum();
            let least: i64 = row.iter().map(|q| (q * low).min(q * high)).sum();
            assert!(most <= limit && least >= -limit - 1, "{name} {bits}: {least} {most}");
        }
        assert!(codes.iter().any(|q| *q != 0));
    }
}

#[test]
fn what_cannot_be_set_is_named() {
    let message = |key: &str, value: serde_json::Value| {
        preset("MXInt8Weight").set(key, value).unwrap_err().to_string()
    };
    assert!(message("grup_size", 3.into()).contains("group_size"));
    assert!(message("group_size", json!("many")).contains("`group_size` cannot be \"many\""));
    assert!(message("policy.rounding", json!("sideways")).contains("sideways"));
    assert!(message("policy.rounding", json!("LEARNED_ROUND")).contains("LEARNED_ROUND"));
    assert!(message("scale.restriction", json!({ "power-of-two": "away" })).contains("away"));
    assert!(message("scaling_min_val", json!(-1.0)).contains("the least scale is -1"));
    assert!(message("bit_width", json!("eight")).contains("a number of bits"));
    assert!(message("dead_zone", json!(0.5)).contains("int8 has no dead zone"));
    let tensor = ScaleRule::new(ScaleSource::Statistic(Statistic::MeanOfMaxima { axis: 0 }));
    let quantizer = Quantizer::new(Scheme::new(Format::INT8).per_row(), tensor, policy()).unwrap();
    let error = quantizer.quantize(&array![[1.0f32]].view()).unwrap_err().to_string();
    assert!(error.contains("one scale for the whole tensor"), "{error}");
}

#[test]
fn brevitas_names_of_rounding_modes_are_understood() {
    let rounded = |mode: &str| {
        let recipe =
            preset("Int8WeightPerTensorFloat").set("float_to_int_impl_type", mode.into()).unwrap();
        let x = array![1.27f32, 0.025, -0.025, 0.035, -0.035];
        recipe.quantize(&x.view()).unwrap().tensor.ints().unwrap()
    };
    assert_eq!(rounded("FLOOR")[2], -3);
    assert_eq!(rounded("CEIL")[1], 3);
    assert_eq!(rounded("ROUND_TO_ZERO")[2], -2);
    assert_eq!(rounded("ROUND"), rounded("ties-even"));
    assert_eq!(rounded("DPU"), rounded("ties-dpu"));
    let random = rounded("STOCHASTIC_ROUND")[1];
    assert!(random == 2 || random == 3);
}
