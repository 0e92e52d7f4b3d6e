//! Tensors of groups: their parts fit, and every way of reading them gives the same values.

use fewbit::convert::{GroupEncoder, PackOrder};
use fewbit::formats::ggml::GgmlType;
use fewbit::formats::{GroupFormat, NanPolicy, Preset, philox};
use fewbit::tensor::{GroupCodes, GroupTensor, TensorError, ggml_dequantize, ggml_quantize};
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

fn quantized(name: &str, shape: &[usize], axis: isize) -> GroupTensor {
    let format: GroupFormat = name.parse().unwrap();
    let mut policy = "ocp-1.0".parse::<Preset>().unwrap().group_policy(&format);
    policy.element = policy.element.with_nan(NanPolicy::Zero);
    let encoder = GroupEncoder::new(format, policy).unwrap();
    GroupTensor::quantize(&encoder, &x(shape).view(), axis).unwrap()
}

#[test]
fn every_axis_is_the_last_one_of_a_transposed_tensor() {
    for name in FORMATS {
        let (shape, order) = ([3usize, 37, 5], [0usize, 2, 1]);
        let format: GroupFormat = name.parse().unwrap();
        let policy = "ocp-1.0".parse::<Preset>().unwrap().group_policy(&format);
        let encoder = GroupEncoder::new(format, policy).unwrap();
        let x = x(&shape);
        let middle = GroupTensor::quantize(&encoder, &x.view(), 1).unwrap();
        let turned = x.view().permuted_axes(IxDyn(&order));
        let last = GroupTensor::quantize(&encoder, &turned, -1).unwrap();
        let back = |a: ArrayD<f32>| a.permuted_axes(IxDyn(&order)).as_standard_layout().to_owned();
        assert_eq!(middle.dequantize().unwrap(), back(last.dequantize().unwrap()), "{name}");
        assert_eq!(middle.scale(), &back(last.scale().clone()), "{name}");
        assert_eq!(middle.scale().shape(), [3, 37usize.div_ceil(format.size()), 5], "{name}");
        assert_eq!(
            GroupTensor::quantize(&encoder, &x.view(), -2).unwrap().to_codes(),
            middle.to_codes()
        );
    }
}

#[test]
fn codes_are_all_that_a_tensor_is() {
    for name in FORMATS {
        for axis in [0, 1, 2] {
            let t = quantized(name, &[4, 19, 3], axis);
            let again = GroupTensor::new(*t.format(), axis, t.to_codes()).unwrap();
            assert_eq!(again, t, "{name}");
            // As algorithms see it.
            assert_eq!(t.as_quant().dequantize(), t.dequantize().unwrap(), "{name}");
        }
    }
}

#[test]
fn slices_have_the_values_of_their_place() {
    for name in FORMATS {
        let t = quantized(name, &[6, 40, 2], 1);
        let values = t.dequantize().unwrap();
        let rows = t.slice_axis(0, 2..5).unwrap();
        assert_eq!(
            rows.dequantize().unwrap(),
            values.slice_axis(ndarray::Axis(0), (2..5).into()),
            "{name}"
        );
        let unit = match t.outer() {
            Some(outer) if outer.values.ndim() > 0 => {
                let span = t.scale().shape()[1].div_ceil(outer.values.shape()[1]);
                span.max(if name.contains("/3") { 3 } else { 2 }) * t.format().size()
            }
            _ => t.format().size(),
        };
        let tail = t.slice_axis(1, unit..40).unwrap();
        let expected = values.slice_axis(ndarray::Axis(1), (unit..40).into());
        assert_eq!(tail.dequantize().unwrap(), expected, "{name}");
        let cut = t.slice_axis(1, 1..40);
        assert!(matches!(cut, Err(TensorError::Slice { .. })), "{name}: {cut:?}");
        assert!(t.slice_axis(0, 2..7).is_err() && t.slice_axis(3, 0..1).is_err());
    }
}

#[test]
fn packed_codes_come_back() {
    let t = quantized("mxfp4", &[3, 33], 1);
    let codes: Vec<u8> = t.as_quant().codes().iter().map(|&code| code as u8).collect();
    for order in PackOrder::ALL {
        let bytes = t.packed(order).unwrap();
        assert_eq!(bytes.len(), 50);
        assert_eq!(GroupTensor::unpacked(4, 99, order, &bytes).unwrap(), codes);
    }
    let wide = quantized("mx(bf16,f32,6)", &[4], 0);
    let codes: Vec<u32> = wide.as_quant().codes().iter().copied().collect();
    for order in PackOrder::ALL {
        let bytes = wide.packed(order).unwrap();
        assert_eq!(GroupTensor::unpacked_wide(16, 4, order, &bytes).unwrap(), codes);
        assert!(GroupTensor::unpacked(16, 4, order, &bytes).is_err());
    }
}

#[test]
fn parts_that_do_not_fit_are_refused() {
    let t = quantized("mx(uint4,f16,8,zero-point)", &[2, 20], 1);
    let codes = || t.to_codes();
    let error = |codes| GroupTensor::new(*t.format(), 1, codes).unwrap_err().to_string();
    let scales = ArrayD::zeros(IxDyn(&[2, 2]));
    let message = error(GroupCodes { scales, ..codes() });
    assert_eq!(
        message,
        "the scale codes of mx(uint4,f16,8,zero-point) have shape [2, 2]: expected [2, 3]"
    );
    let message = error(GroupCodes { zero_points: None, ..codes() });
    assert!(message.contains("zero points"), "{message}");
    let message = error(GroupCodes { outer: Some(ArrayD::zeros(IxDyn(&[]))), ..codes() });
    assert!(message.contains("outer scales"), "{message}");
    let mut wrong = codes();
    wrong.elements[[1, 19]] = 16;
    assert_eq!(error(wrong), "code 0x10 at index [1, 19] stands for nothing in uint4");
    let mut wrong = codes();
    wrong.scales[[0, 2]] = 1 << 16;
    assert_eq!(error(wrong), "code 0x10000 at index [0, 2] stands for nothing in f16");
    assert!(GroupTensor::new(*t.format(), 2, codes()).is_err());
}

#[test]
fn tensors_without_elements() {
    for shape in [&[0usize, 8][..], &[3, 0], &[0]] {
        let t = quantized("nvfp4", shape, -1);
        assert_eq!(t.dequantize().unwrap().shape(), shape);
        assert_eq!(GroupTensor::new(*t.format(), -1, t.to_codes()).unwrap(), t);
    }
}

#[test]
fn ggml_blocks_are_groups() {
    for kind in [GgmlType::Q4_0, GgmlType::Q8_0, GgmlType::Mxfp4, GgmlType::Tq2_0] {
        let x = x(&[5, 512]).mapv(|x| x.clamp(-1e6, 1e6));
        let blocks = ggml_quantize(kind, &x.view()).unwrap();
        assert_eq!(blocks.shape(), [5, 512 / kind.elements() * kind.bytes()]);
        let bytes: Vec<u8> = blocks.iter().copied().collect();
        let t = GroupTensor::from_ggml(kind, &[5, 512], &bytes).unwrap();
        assert_eq!(t.to_ggml(kind).unwrap(), bytes, "{kind}");
        assert_eq!(
            t.dequantize().unwrap(),
            ggml_dequantize(kind, &blocks.view()).unwrap(),
            "{kind}"
        );
    }
}

#[test]
fn ggml_blocks_that_do_not_fit_are_refused() {
    let error = ggml_quantize(GgmlType::Q4_0, &array![[1f32; 33]].view()).unwrap_err().to_string();
    assert_eq!(error, "33 elements are not a whole number of q4_0 blocks of 32");
    let error = ggml_dequantize(GgmlType::Q4_0, &array![[1u8; 19]].view()).unwrap_err().to_string();
    assert_eq!(error, "rows of 19 bytes are not whole q4_0 blocks of 18");
    assert!(ggml_quantize(GgmlType::Q4_0, &ndarray::arr0(1f32).view()).is_err());
    let error = GroupTensor::from_ggml(GgmlType::Q8_0, &[2, 32], &[0; 67]).unwrap_err().to_string();
    assert_eq!(error, "67 bytes are not the blocks of 64 elements in q8_0: expected 68");
    assert!(matches!(
        GroupTensor::from_ggml(GgmlType::Q4_1, &[32], &[0; 20]),
        Err(TensorError::GgmlGroups { .. })
    ));
    // Two bits of TQ2_0 that no number has.
    let error = GroupTensor::from_ggml(GgmlType::Tq2_0, &[256], &[0xff; 66]).unwrap_err();
    assert!(matches!(error, TensorError::Code { code: 2, .. }), "{error}");
    assert!(quantized("mxfp4", &[2, 64], 0).to_ggml(GgmlType::Mxfp4).is_err());
}

#[test]
fn a_tensor_for_the_eye() {
    let format: GroupFormat = "mx(e2m1fn,e4m3fn*f32,2)".parse().unwrap();
    let policy = "torchao-0.13-nvfp4".parse::<Preset>().unwrap().group_policy(&format);
    let encoder = GroupEncoder::new(format, policy).unwrap();
    let x = array![[2688.0f32, 6.0, 3.0], [-1.0, 0.5, 12.0]];
    let t = GroupTensor::quantize(&encoder, &x.view(), 1).unwrap();
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
