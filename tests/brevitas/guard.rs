//! Searches with a guard never end with a larger squared error than the statistic they begin with.

use fewbit::quantize::{Preset, Recipe};
use ndarray::{ArrayD, IxDyn};
use proptest::prelude::*;

use crate::golden::arrays;

/// Presets with a search, and those that they begin with.
const SEARCHES: &[(&str, &str)] = &[
    ("Int8WeightPerTensorFloatMSE", "Int8WeightPerTensorFloat"),
    ("Int8WeightPerChannelFloatMSE", "Int8WeightPerChannelFloat"),
    ("Int8WeightPerChannelFixedPointMSE", "Int8WeightPerChannelFixedPoint"),
    ("Int8WeightPerTensorFloatHQO", "Int8WeightPerTensorFloat"),
    ("Int8WeightPerChannelFloatHQO", "Int8WeightPerChannelFloat"),
    ("MXInt8WeightMSE", "MXInt8Weight"),
    ("Fp8e4m3OCPWeightPerChannelFloatMSE", "Fp8e4m3OCPWeightPerChannelFloat"),
    ("ShiftedUint8WeightPerChannelFloatMSE", "ShiftedUint8WeightPerChannelFloat"),
];

fn error(recipe: &Recipe, x: &ArrayD<f32>) -> f64 {
    let values = recipe.quantize(&x.view()).unwrap().values;
    let square = |(x, value): (&f32, &f32)| (f64::from(*x) - f64::from(*value)).powi(2);
    x.iter().zip(&values).map(square).sum()
}

fn check(x: &ArrayD<f32>, bits: u32) {
    for (search, plain) in SEARCHES {
        let of = |name: &str| {
            let recipe = name.parse::<&Preset>().unwrap().recipe().unwrap();
            // Few bits, where a search has something to find; floats have theirs.
            recipe.set("bit_width", bits.into()).unwrap_or(recipe)
        };
        let guarded = of(search).set("guard", "never-worse".into()).unwrap();
        let (found, start) = (error(&guarded, x), error(&of(plain), x));
        assert!(found <= start, "{search}, {bits} bits: {found:e} > {start:e}");
    }
}

#[test]
fn on_the_golden_tensors() {
    let arrays = arrays();
    for name in ["w", "conv"] {
        for bits in [2, 3, 4, 8] {
            check(&arrays[name], bits);
        }
    }
}

#[test]
fn without_the_guard_a_search_can_be_worse() {
    let x = &arrays()["tail"];
    let of = |name: &str| {
        name.parse::<&Preset>().unwrap().recipe().unwrap().set("bit_width", 6.into()).unwrap()
    };
    let plain = error(&of("Int8WeightPerTensorFloat"), x);
    assert!(error(&of("Int8WeightPerTensorFloatHQO"), x) > plain);
    check(x, 6);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn on_any_tensor(
        x in prop::collection::vec((-20i32..10, -1.0f32..1.0).prop_map(|(e, m)| m * 2f32.powi(e)), 24),
        bits in 2u32..6,
    ) {
        check(&ArrayD::from_shape_vec(IxDyn(&[3, 8]), x).unwrap(), bits);
    }
}
