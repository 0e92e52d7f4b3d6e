//! Tensors of groups: their parts fit, and every way of reading them gives the same values.

use fewbit::convert::{PackOrder, unpack};
use fewbit::formats::ggml::GgmlType;
use fewbit::formats::{GroupFormat, NanPolicy, PolicyPreset, philox};
use fewbit::quantize::Quantizer;
use fewbit::tensor::{
    AnyQuantTensor, ScaleCodes, TensorError, ggml_dequantize, ggml_quantize, unpacked,
};
use ndarray::{ArrayD, IxDyn, array};

const FORMATS: &[&str] = &[
    "mxfp8e4m3",
    "mxfp4",
    "nvfp4",
    "mx(bf16,f32,6)",
    "mx(int4,uint6*f16/3,4)",
    "mx(uint4,f16,8,zero-point)",
    "mx(int4,uint6*f32/2,5,zero-point)",
];

fn x(shape: &[usize]) -> ArrayD<f32> {
    let mut index = 0;
    ArrayD::from_shape_simple_fn(IxDyn(shape), || {
        index += 1;
        philox::bits(7, index) as i32 as f32 * 2f32.powi((index % 23) as i32 - 40)
    })
}

/// The tensor of the codes of another one, with groups along this axis.
fn again(t: &AnyQuantTensor, axis: isize) -> Result<AnyQuantTensor, TensorError> {
    AnyQuantTensor::of_scale_codes(&t.codes().view(), axis, t.scale_codes().unwrap().clone())
}

fn quantized(name: &str, shape: &[usize], axis: isize) -> AnyQuantTensor {
    let format: GroupFormat = name.parse().unwrap();
    let mut policy = "ocp-1.0".parse::<PolicyPreset>().unwrap().group_policy(&format);
    policy.element = policy.element.with_nan(NanPolicy::Zero);
    Quantizer::of_groups(format, axis, policy).unwrap().quantize(&x(shape).view()).unwrap()
}

#[test]
fn every_axis_is_the_last_one_of_a_transposed_tensor() {
    for name in FORMATS {
        let (shape, order) = ([3usize, 37, 5], [0usize, 2, 1]);
        let format: GroupFormat = name.parse().unwrap();
        let policy = "ocp-1.0".parse::<PolicyPreset>().unwrap().group_policy(&format);
        let x = x(&shape);
        let middle = Quantizer::of_groups(format, 1, policy).unwrap().quantize(&x.view()).unwrap();
        let turned = x.view().permuted_axes(IxDyn(&order));
        let last = Quantizer::of_groups(format, -1, policy).unwrap().quantize(&turned).unwrap();
        let back = |a: ArrayD<f32>| a.permuted_axes(IxDyn(&order)).as_standard_layout().to_owned();
        assert_eq!(middle.dequantize(), back(last.dequantize()), "{name}");
        assert_eq!(middle.scale(), &back(last.scale().clone()), "{name}");
        assert_eq!(middle.scale().shape(), [3, 37usize.div_ceil(format.size()), 5], "{name}");
        assert_eq!(
            Quantizer::of_groups(format, -2, policy)
                .unwrap()
                .quantize(&x.view())
                .unwrap()
                .scale_codes(),
            middle.scale_codes()
        );
    }
}

#[test]
fn codes_are_all_that_a_tensor_is() {
    for name in FORMATS {
        for axis in [0, 1, 2] {
            let t = quantized(name, &[4, 19, 3], axis);
            assert_eq!(again(&t, axis).unwrap(), t, "{name}");
            // As numbers, which have no codes.
            let numbers = t.with_granularity(t.granularity()).unwrap();
            assert!(numbers.scale_codes().is_none());
            assert_eq!(numbers.dequantize(), t.dequantize(), "{name}");
        }
    }
}

#[test]
fn slices_have_the_values_of_their_place() {
    for name in FORMATS {
        let t = quantized(name, &[6, 40, 2], 1);
        let values = t.dequantize();
        let rows = t.slice_axis(0, 2..5).unwrap();
        assert_eq!(rows.dequantize(), values.slice_axis(ndarray::Axis(0), (2..5).into()), "{name}");
        let scales = t.scale_codes().unwrap();
        let unit = match &scales.outer {
            Some(outer) if outer.ndim() > 0 => {
                let span = t.scale().shape()[1].div_ceil(outer.shape()[1]);
                span.max(if name.contains("/3") { 3 } else { 2 }) * scales.format.size()
            }
            _ => scales.format.size(),
        };
        let tail = t.slice_axis(1, unit..40).unwrap();
        let expected = values.slice_axis(ndarray::Axis(1), (unit..40).into());
        assert_eq!(tail.dequantize(), expected, "{name}");
        let cut = t.slice_axis(1, 1..40);
        assert!(matches!(cut, Err(TensorError::Slice { .. })), "{name}: {cut:?}");
        assert!(t.slice_axis(0, 2..7).is_err() && t.slice_axis(3, 0..1).is_err());
    }
}

#[test]
fn packed_codes_come_back() {
    let t = quantized("mxfp4", &[3, 33], 1);
    let codes: Vec<u8> = t.codes().iter().map(|&code| code as u8).collect();
    for order in PackOrder::ALL {
        let bytes = t.packed(order);
        assert_eq!(bytes.len(), 50);
        let mut back = [0u8; 99];
        unpack(&bytes, 4, order, &mut back).unwrap();
        assert_eq!(back[..], codes);
    }
    let wide = quantized("mx(bf16,f32,6)", &[4], 0);
    let codes: Vec<u32> = wide.codes().iter().copied().collect();
    for order in PackOrder::ALL {
        let bytes = wide.packed(order);
        assert_eq!(unpacked(16, 4, order, &bytes).unwrap(), codes);
        assert!(unpack(&bytes, 16, order, &mut [0u8; 4]).is_err());
    }
}

#[test]
fn parts_that_do_not_fit_are_refused() {
    let t = quantized("mx(uint4,f16,8,zero-point)", &[2, 20], 1);
    let codes = || t.scale_codes().unwrap().clone();
    let of = |elements: ArrayD<u32>, scales| {
        AnyQuantTensor::of_scale_codes(&elements.view(), 1, scales).unwrap_err().to_string()
    };
    let error = |scales| of(t.codes(), scales);
    let scales = ArrayD::zeros(IxDyn(&[2, 2]));
    let message = error(ScaleCodes { scales, ..codes() });
    assert_eq!(
        message,
        "the scale codes of mx(uint4,f16,8,zero-point) have shape [2, 2]: expected [2, 3]"
    );
    let message = error(ScaleCodes { zero_points: None, ..codes() });
    assert!(message.contains("zero points"), "{message}");
    let message = error(ScaleCodes { outer: Some(ArrayD::zeros(IxDyn(&[]))), ..codes() });
    assert!(message.contains("outer scales"), "{message}");
    let mut wrong = t.codes();
    wrong[[1, 19]] = 16;
    assert_eq!(of(wrong, codes()), "code 0x10 at index [1, 19] stands for nothing in uint4");
    let mut wrong = codes();
    wrong.scales[[0, 2]] = 1 << 16;
    assert_eq!(error(wrong), "code 0x10000 at index [0, 2] stands for nothing in f16");
    assert!(again(&t, 2).is_err());
}

#[test]
fn tensors_without_elements() {
    for shape in [&[0usize, 8][..], &[3, 0], &[0]] {
        let t = quantized("nvfp4", shape, -1);
        assert_eq!(t.dequantize().shape(), shape);
        assert_eq!(again(&t, -1).unwrap(), t);
    }
}

#[test]
fn ggml_blocks_are_groups() {
    for kind in [GgmlType::Q4_0, GgmlType::Q8_0, GgmlType::Mxfp4, GgmlType::Tq2_0] {
        let x = x(&[5, 512]).mapv(|x| x.clamp(-1e6, 1e6));
        let blocks = ggml_quantize(kind, &x.view()).unwrap();
        assert_eq!(blocks.shape(), [5, 512 / kind.elements() * kind.bytes()]);
        let bytes: Vec<u8> = blocks.iter().copied().collect();
        let t = AnyQuantTensor::from_ggml(kind, &[5, 512], &bytes).unwrap();
        assert_eq!(t.to_ggml(kind).unwrap(), bytes, "{kind}");
        assert_eq!(t.dequantize(), ggml_dequantize(kind, &blocks.view()).unwrap(), "{kind}");
    }
}

#[test]
fn ggml_blocks_that_do_not_fit_are_refused() {
    let error = ggml_quantize(GgmlType::Q4_0, &array![[1f32; 33]].view()).unwrap_err().to_string();
    assert_eq!(error, "33 elements are not a whole number of q4_0 blocks of 32");
    let error = ggml_dequantize(GgmlType::Q4_0, &array![[1u8; 19]].view()).unwrap_err().to_string();
    assert_eq!(error, "rows of 19 bytes are not whole q4_0 blocks of 18");
    assert!(ggml_quantize(GgmlType::Q4_0, &ndarray::arr0(1f32).view()).is_err());
    let error =
        AnyQuantTensor::from_ggml(GgmlType::Q8_0, &[2, 32], &[0; 67]).unwrap_err().to_string();
    assert_eq!(error, "67 bytes are not the blocks of 64 elements in q8_0: expected 68");
    assert!(matches!(
        AnyQuantTensor::from_ggml(GgmlType::Q4_1, &[32], &[0; 20]),
        Err(TensorError::GgmlGroups { .. })
    ));
    // Two bits of TQ2_0 that no number has.
    let error = AnyQuantTensor::from_ggml(GgmlType::Tq2_0, &[256], &[0xff; 66]).unwrap_err();
    assert!(matches!(error, TensorError::Code { code: 2, .. }), "{error}");
    let columns = quantized("mxfp4", &[2, 64], 0);
    assert!(matches!(columns.to_ggml(GgmlType::Mxfp4), Err(TensorError::GgmlFormat { .. })));
    let rows = quantized("mxfp4", &[2, 64], 1);
    let numbers = rows.with_granularity(rows.granularity()).unwrap();
    assert!(matches!(numbers.to_ggml(GgmlType::Mxfp4), Err(TensorError::GgmlNumbers { .. })));
}

#[test]
fn a_tensor_for_the_eye() {
    let format: GroupFormat = "mx(e2m1fn,e4m3fn*f32,2)".parse().unwrap();
    let policy = "torchao-0.13-nvfp4".parse::<PolicyPreset>().unwrap().group_policy(&format);
    let x = array![[2688.0f32, 6.0, 3.0], [-1.0, 0.5, 12.0]];
    let t = Quantizer::of_groups(format, 1, policy).unwrap().quantize(&x.view()).unwrap();
    assert_eq!(
        t.to_string(),
        "mx(e2m1fn,e4m3fn*f32,2) [2, 3] along axis 1, 8 bits per element
  outer scale 1e0
  4.48e2 * [6, 0]
  5e-1 * [6]
  1.71875e-1 * [-6, 3]
  2e0 * [6]
"
    );
    let columns = quantized("mx(uint4,f16,8,zero-point)", &[20, 300], 0).to_string();
    assert!(columns.contains("and 897 more groups") && columns.contains("] - "), "{columns}");
}
