//! Affine quantizers: what every scheme must have in common, against slices quantized one by one.

use fewbit::quantize::{QuantizeError, Quantizer, ScaleRule, Scheme, Statistic};
use fewbit::reference::quantize::code as code_of;
use fewbit::tensor::{AnyQuantTensor, Granularity};
use fewbit_formats::{EncodeError, Format, IntFormat, IntRange, Overflow, Policy, Rounding};
use fewbit_formats::{Excerpt, Signedness};
use ndarray::{Array3, ArrayD, Axis, Dimension, array};
use proptest::prelude::*;

fn policy() -> Policy {
    Policy::new(Rounding::TiesEven, Overflow::Saturate)
}

fn int(bits: u32, signedness: Signedness, range: IntRange) -> Format {
    Format::Int(IntFormat::new(bits, signedness, range, Excerpt::new("test")).unwrap())
}

fn quantize(scheme: Scheme, rule: ScaleRule, x: &ArrayD<f32>) -> AnyQuantTensor {
    Quantizer::new(scheme, rule, policy()).unwrap().quantize(&x.view()).unwrap()
}

fn formats() -> impl Strategy<Value = Format> {
    let range = prop_oneof![Just(IntRange::Full), Just(IntRange::Narrow)];
    let sign = prop_oneof![Just(Signedness::Signed), Just(Signedness::Unsigned)];
    (2u32..=24, sign, range).prop_map(|(bits, sign, range)| int(bits, sign, range))
}

fn tensors() -> impl Strategy<Value = Array3<f32>> {
    (1usize..4, 1usize..5, 1usize..7).prop_flat_map(|shape| {
        let (a, b, c) = shape;
        let number = prop_oneof![
            -4.0f32..4.0,
            Just(0.0),
            Just(-0.0),
            (-30i32..30, -1.0f32..1.0).prop_map(|(e, m)| m * 2f32.powi(e)),
        ];
        prop::collection::vec(number, a * b * c)
            .prop_map(move |v| Array3::from_shape_vec(shape, v).unwrap())
    })
}

fn rules() -> impl Strategy<Value = (ScaleRule, bool)> {
    prop_oneof![
        Just((ScaleRule::abs_max(), false)),
        Just((ScaleRule::percentile(90.0), false)),
        Just((ScaleRule::abs_max().power_of_two(Rounding::Up), false)),
        Just((ScaleRule::range(), true)),
    ]
}

fn scheme(format: Format, shifted: bool) -> Scheme {
    if shifted { Scheme::new(format).shifted() } else { Scheme::new(format) }
}

/// The codes of `x`, cut along `axis` into runs of `size` (or into single indices, whole otherwise).
fn slice_by_slice(
    x: &ArrayD<f32>,
    axis: usize,
    size: usize,
    scheme: &Scheme,
    rule: &ScaleRule,
) -> ArrayD<u32> {
    let parts: Vec<ArrayD<u32>> = (0..x.len_of(Axis(axis)))
        .step_by(size)
        .map(|from| {
            let to = (from + size).min(x.len_of(Axis(axis)));
            let part = x.slice_axis(Axis(axis), (from..to).into()).to_owned();
            quantize(scheme.clone(), rule.clone(), &part).codes()
        })
        .collect();
    let views: Vec<_> = parts.iter().map(|p| p.view()).collect();
    ndarray::concatenate(Axis(axis), &views).unwrap()
}

proptest! {
    #[test]
    fn a_channel_is_quantized_as_though_it_were_alone(
        x in tensors(), format in formats(), (rule, shifted) in rules(), axis in 0usize..3,
    ) {
        let x = x.into_dyn();
        let scheme = scheme(format, shifted);
        let q = quantize(scheme.clone().per_channel(axis as isize), rule.clone(), &x);
        prop_assert_eq!(q.codes(), slice_by_slice(&x, axis, 1, &scheme, &rule));
        let mut shape = [1; 3];
        shape[axis] = x.shape()[axis];
        prop_assert_eq!(q.scale().shape(), &shape[..]);
        let from_the_end = quantize(scheme.per_channel(axis as isize - 3), rule, &x);
        prop_assert_eq!(from_the_end.codes(), q.codes());
    }

    #[test]
    fn a_group_is_quantized_as_though_it_were_alone(
        x in tensors(), format in formats(), (rule, shifted) in rules(), axis in 0usize..3, size in 1usize..8,
    ) {
        let x = x.into_dyn();
        let scheme = scheme(format, shifted);
        let q = quantize(scheme.clone().per_group(axis as isize, size), rule.clone(), &x);
        // Cut along the group's axis, then every other axis into single indices: the grouped axis stays whole.
        let mut expected = Vec::new();
        let other: Vec<usize> = (0..3).filter(|&a| a != axis).collect();
        let mut codes = ArrayD::<u32>::zeros(x.shape());
        for i in 0..x.shape()[other[0]] {
            for j in 0..x.shape()[other[1]] {
                let lane = x.index_axis(Axis(other[1]), j).index_axis(Axis(other[0]), i).to_owned();
                let lane_codes = slice_by_slice(&lane, 0, size, &scheme, &rule);
                for (k, code) in lane_codes.iter().enumerate() {
                    let mut index = [0; 3];
                    index[axis] = k;
                    index[other[0]] = i;
                    index[other[1]] = j;
                    codes[&index[..]] = *code;
                    expected.push(*code);
                }
            }
        }
        prop_assert_eq!(q.codes(), codes);
        let mut shape = x.shape().to_vec();
        shape[axis] = shape[axis].div_ceil(size);
        prop_assert_eq!(q.scale().shape(), &shape[..]);
    }

    #[test]
    fn simulated_values_are_those_of_the_codes(
        x in tensors(), format in formats(), (rule, shifted) in rules(), granularity in prop_oneof![
            Just(Granularity::Tensor), Just(Granularity::Row), Just(Granularity::Channel { axis: 1 }),
            Just(Granularity::Group { axis: 1, size: 2 }),
        ],
    ) {
        let scheme = scheme(format, shifted).with_granularity(granularity);
        let quantizer = Quantizer::new(scheme, rule, policy()).unwrap();
        let values = quantizer.simulate(&x.view()).unwrap();
        let codes = quantizer.quantize(&x.view()).unwrap().dequantize();
        prop_assert_eq!(values, codes); // 0 == -0
    }

    #[test]
    fn a_frozen_quantizer_gives_the_same_codes(x in tensors(), (rule, shifted) in rules()) {
        let quantizer = Quantizer::new(scheme(Format::UINT8, shifted), rule, policy()).unwrap();
        let codes = quantizer.quantize(&x.view()).unwrap();
        let parameters = quantizer.parameters(&x.view()).unwrap();
        let frozen = quantizer.with_parameters(parameters).unwrap();
        prop_assert_eq!(frozen.quantize(&x.view()).unwrap(), codes);
    }
}

#[test]
fn one_pass_over_memory_gives_what_the_reference_gives() {
    // More than a task, ragged ends, groups with and without a loop of their own, zeros and tiny numbers.
    for (shape, granularity) in [
        (vec![5, 33_000], Granularity::Channel { axis: 0 }),
        (vec![3, 7, 50], Granularity::Channel { axis: 1 }),
        (vec![700, 64], Granularity::Group { axis: 1, size: 32 }),
        (vec![3, 32_800], Granularity::Group { axis: 1, size: 32 }),
        (vec![9, 100], Granularity::Group { axis: -1, size: 32 }),
        (vec![70_000], Granularity::Group { axis: 0, size: 32 }),
        (vec![2, 40_001], Granularity::Group { axis: 1, size: 7 }),
        (vec![64, 5], Granularity::Group { axis: 0, size: 32 }),
        (vec![1, 65_600], Granularity::Group { axis: 1, size: 40_000 }),
        (vec![3, 11, 13], Granularity::Row),
    ] {
        let x = ArrayD::from_shape_fn(shape.clone(), |index| {
            let flat = index.slice().iter().fold(1usize, |flat, i| flat * 65_537 + i);
            let word = (flat as u32).wrapping_mul(2_654_435_761) ^ (flat as u32 >> 7);
            let magnitude = 2f32.powi(word as i32 % 40 - 30);
            if word.is_multiple_of(11) {
                0.0
            } else {
                (word as i32 as f32) * 2f32.powi(-31) * magnitude
            }
        });
        for (format, rule) in [
            (Format::INT8N, ScaleRule::abs_max()),
            (Format::INT8, ScaleRule::abs_max().power_of_two(Rounding::Down)),
            (Format::E4M3FN, ScaleRule::abs_max().power_of_two(Rounding::Down)),
            (Format::E5M2, ScaleRule::abs_max()),
        ] {
            let scheme = Scheme::new(format).with_granularity(granularity);
            let quantizer = Quantizer::new(scheme.clone(), rule, policy()).unwrap();
            let q = quantizer.quantize(&x.view()).unwrap();
            let parameters = quantizer.parameters(&x.view()).unwrap();
            assert_eq!(q.scale(), &parameters.scale, "{shape:?} {granularity}");
            let scale = q.expand(&parameters.scale);
            let codes = q.codes();
            for ((x, scale), code) in x.iter().zip(&scale).zip(&codes) {
                let expected =
                    code_of(*x, *scale, 0.0, scheme.format.into(), &policy(), 0).unwrap().code;
                assert_eq!(*code, expected, "{shape:?} {granularity} {format} {x:e} / {scale:e}");
            }
        }
    }
}

#[test]
fn the_whole_range_of_a_signed_format_saturates_at_its_positive_end() {
    let q = quantize(
        Scheme::new(Format::INT8),
        ScaleRule::abs_max(),
        &array![1.0f32, -1.0, 0.5].into_dyn(),
    );
    assert_eq!(q.scale()[[]], 1.0 / 128.0);
    assert_eq!(q.ints().unwrap(), array![127, -128, 64].into_dyn());
}

#[test]
fn a_range_below_zero_keeps_its_values_with_range_and_loses_them_with_min_max() {
    let x = array![-1.0f32, -2.0, -3.0, -2.5].into_dyn();
    let scheme = Scheme::new(Format::UINT8).shifted();
    let good = quantize(scheme.clone(), ScaleRule::range(), &x).dequantize();
    assert!(good.iter().zip(&x).all(|(a, b)| (a - b).abs() < 0.01), "{good}");
    let rule = ScaleRule::new(fewbit::quantize::ScaleSource::Statistic(Statistic::MinMax));
    let bad = quantize(scheme, rule, &x).dequantize();
    assert_eq!(bad[1], bad[2]);
}

#[test]
fn what_cannot_be_quantized_is_named() {
    let quantizer = |scheme| Quantizer::new(scheme, ScaleRule::abs_max(), policy()).unwrap();
    let int8 = Scheme::new(Format::INT8);
    let nan = array![[1.0f32, 2.0], [f32::NAN, 3.0]];
    let error = quantizer(int8.clone().per_channel(1)).quantize(&nan.view()).unwrap_err();
    let source = EncodeError::Nan { format: Format::INT8 };
    assert_eq!(error, QuantizeError::Encode { index: vec![0, 0], source });
    let column = quantizer(int8.clone().per_group(0, 1)).quantize(&nan.view()).unwrap_err();
    assert_eq!(column, QuantizeError::Encode { index: vec![1, 0], source });
    let axis = quantizer(int8.clone().per_channel(2)).quantize(&nan.view()).unwrap_err();
    assert_eq!(axis.to_string(), "axis 2 does not exist: the tensor has shape [2, 2]");
    let empty =
        quantizer(int8).quantize(&ndarray::Array2::<f32>::zeros((3, 0)).view()).unwrap_err();
    assert!(empty.to_string().contains("shape [3, 0]"), "{empty}");
    let float = Scheme::new(Format::E4M3FN).shifted();
    let error = Quantizer::new(float, ScaleRule::range(), policy()).unwrap_err();
    assert!(error.to_string().starts_with("e4m3fn is not an integer format"), "{error}");
}
