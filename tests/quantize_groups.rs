//! The quantizer to group formats: its tensors are those of the specification, and it is described, changed and refused as any
//! other quantizer is.

use fewbit::formats::{Format, GroupFormat, NanPolicy, PolicyPreset, Rounding};
use fewbit::layout::GroupLayout;
use fewbit::quantize::{
    Parameters, QuantizeError, Quantizer, Recipe, Restriction, ScaleRule, ScaleSource, Scheme,
    TailPadding,
};
use fewbit::reference::group;
use fewbit::tensor::Granularity;
use ndarray::{Array2, ArrayD, IxDyn};

const FORMATS: &[(&str, &str)] = &[
    ("mxfp8e4m3", "ocp-1.0"),
    ("mxfp4", "torchao-0.13-rceil"),
    ("mxint8", "ocp-1.0"),
    ("nvfp4", "torchao-0.13-nvfp4"),
    ("mx(int4,f16,32)", "ocp-1.0"),
    ("mx(uint4,f16,32,zero-point)", "ocp-1.0"),
    ("mx(int4,uint6*f16/8,32)", "ocp-1.0"),
];

/// Numbers of all magnitudes, zeros among them; the same for the same seed.
fn numbers(seed: u64, shape: &[usize]) -> ArrayD<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    ArrayD::from_shape_fn(IxDyn(shape), |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let x = (state >> 40) as f32 / (1 << 23) as f32 - 1.0;
        if state.is_multiple_of(17) { 0.0 } else { x * 2f32.powi((state % 24) as i32 - 12) }
    })
}

fn quantizer(name: &str, preset: &str, axis: isize) -> (GroupFormat, Quantizer) {
    let format: GroupFormat = name.parse().unwrap();
    let mut policy = preset.parse::<PolicyPreset>().unwrap().group_policy(&format);
    policy.element = policy.element.with_nan(NanPolicy::Zero);
    (format, Quantizer::of_groups(format, axis, policy).unwrap())
}

#[test]
fn tensors_are_those_of_the_specification() {
    for (name, preset) in FORMATS {
        for (axis, shape) in [(-1, [5, 70]), (0, [70, 5]), (1, [3, 32])] {
            let (format, quantizer) = quantizer(name, preset, axis);
            let random = quantizer.policy().with_rounding(Rounding::Stochastic { bits: 8 });
            for quantizer in
                [quantizer.clone(), quantizer.with_policy(random).unwrap().with_seed(9)]
            {
                let x = numbers(3, &shape);
                let t = quantizer.quantize(&x.view()).unwrap();
                let layout = GroupLayout::of_axis(&shape, axis).unwrap();
                let scales = match &quantizer.scale_rule().source {
                    ScaleSource::Codes(scales) => *scales,
                    other => panic!("{other:?}"),
                };
                let policy = fewbit::formats::GroupPolicy {
                    scale: scales.policy,
                    scale_code: scales.code,
                    element: *quantizer.policy(),
                };
                let seed = if quantizer.policy().rounding == random.rounding { 9 } else { 0 };
                let expected =
                    group::encode(&format, &policy, x.as_slice().unwrap(), layout, seed).unwrap();
                assert_eq!(t.codes().iter().copied().collect::<Vec<_>>(), expected.codes, "{name}");
                let codes = t.scale_codes().unwrap();
                let found: Vec<(u32, f32)> =
                    codes.scales.iter().copied().zip(t.scale().iter().copied()).collect();
                let scale = |scale: &fewbit::formats::BlockScale| (scale.code, scale.value);
                assert_eq!(found, expected.scales.iter().map(scale).collect::<Vec<_>>(), "{name}");
                // What it says of itself is what it makes.
                assert_eq!(t.format(), quantizer.scheme().format);
                assert_eq!(quantizer.group_format(), Some(&codes.format));
                let parameters = quantizer.parameters(&x.view()).unwrap();
                let zero_point = t.zero_point().cloned();
                assert_eq!(parameters, Parameters { scale: t.scale().clone(), zero_point });
                assert_eq!(quantizer.simulate(&x.view()).unwrap(), t.dequantize());
            }
        }
    }
}

#[test]
fn a_description_is_read_as_it_was_written() {
    for (name, preset) in FORMATS {
        let (_, quantizer) = quantizer(name, preset, 1);
        let recipe = Recipe::Quantizer(quantizer.clone());
        let json = serde_json::to_string(&recipe).unwrap();
        assert_eq!(serde_json::from_str::<Recipe>(&json).unwrap(), recipe, "{json}");
        let x = numbers(5, &[4, 64]);
        let made = recipe.quantize(&x.view()).unwrap();
        assert_eq!(made.tensor, quantizer.quantize(&x.view()).unwrap());
        assert_eq!(made.values, made.tensor.dequantize());
    }
    let (_, mxfp4) = quantizer("mxfp4", "ocp-1.0", -1);
    let changed = Recipe::Quantizer(mxfp4).set("scale.source.codes.policy.rule", "rceil".into());
    let x = Array2::from_elem((1, 32), 7.0f32);
    // 7 / 6 is above 1, so the scale that nothing exceeds is 2.
    assert_eq!(changed.unwrap().codes(&x.view()).unwrap().scale()[[0, 0]], 2.0);
}

#[test]
fn what_the_format_does_not_have_is_refused() {
    let (_, mxfp4) = quantizer("mxfp4", "ocp-1.0", -1);
    let misfit = |result: Result<Quantizer, QuantizeError>, part: &str| match result {
        Err(QuantizeError::GroupFormat { what, .. }) => assert_eq!(what, part),
        other => panic!("{other:?}"),
    };
    let scheme = mxfp4.scheme().clone();
    misfit(mxfp4.clone().with_scheme(Scheme { format: Format::INT4, ..scheme.clone() }), "format");
    for granularity in [Granularity::Tensor, Granularity::Group { axis: -1, size: 16 }] {
        let scheme = scheme.clone().with_granularity(granularity);
        misfit(mxfp4.clone().with_scheme(scheme), "granularity");
    }
    misfit(
        mxfp4.clone().with_scheme(scheme.with_tail_padding(TailPadding::Zeros)),
        "shorter group",
    );
    let rule = mxfp4.scale_rule().clone().restricted(Restriction::LogFloat);
    misfit(mxfp4.clone().with_scale_rule(rule), "scale");
    let (_, shifted) = quantizer("mx(uint4,f16,32,zero-point)", "ocp-1.0", -1);
    let unshifted = Scheme::new(Format::UINT4).with_granularity(shifted.scheme().granularity);
    misfit(shifted.with_scheme(unshifted), "zero point");
    // Scales that are given are numbers, whatever the quantizer was before.
    let x = numbers(7, &[2, 32]);
    let parameters = mxfp4.parameters(&x.view()).unwrap();
    let fixed = mxfp4.with_parameters(parameters.clone()).unwrap();
    assert_eq!(fixed.group_format(), None);
    assert_eq!(fixed.scale_rule().source, ScaleRule::given(parameters.scale).source);
    assert!(fixed.quantize(&x.view()).unwrap().scale_codes().is_none());
    let stochastic: GroupFormat = "mx(int4,f16,32)".parse().unwrap();
    let policy = "ocp-1.0".parse::<PolicyPreset>().unwrap().group_policy(&stochastic);
    let code = policy.scale_code.with_rounding(Rounding::Stochastic { bits: 4 });
    let refused = Quantizer::of_groups(stochastic, -1, policy.with_scale_code(code));
    assert!(matches!(refused, Err(QuantizeError::GroupPolicy(_))), "{refused:?}");
}
