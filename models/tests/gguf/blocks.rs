//! Blocks to values and values to blocks, to the last bit as the package gguf has them.

use fewbit::tensor::{AnyQuantTensor, Granularity};
use fewbit_formats::Format;
use fewbit_models::gguf::{TensorType, encode, encode_codes};
use ndarray::{Array2, ArrayD, Axis, IxDyn};
use safetensors::SafeTensors;

use crate::support::{digest, splitmix64, unpacked};

static PACKED: &[u8] = include_bytes!("../golden/gguf/blocks.safetensors.gz");
/// As many blocks as the digests are of.
const MANY: usize = 4096;

fn f32s(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

fn same(x: f32, y: f32) -> bool {
    x.to_bits() == y.to_bits() || (x.is_nan() && y.is_nan())
}

#[test]
fn values_of_blocks() {
    let bytes = unpacked(PACKED);
    let golden = SafeTensors::deserialize(&bytes).unwrap();
    let data = |name: String| golden.tensor(&name).map(|tensor| tensor.data().to_vec());
    let mut seen = 0;
    for &kind in TensorType::ALL {
        let Ok(expected) = data(format!("{kind}.digest")) else { continue };
        seen += 1;
        if let (Ok(blocks), Ok(values)) =
            (data(format!("{kind}.blocks")), data(format!("{kind}.values")))
        {
            let (found, expected) = (kind.decode(&blocks).unwrap(), f32s(&values));
            assert_eq!(found.len(), expected.len(), "{kind}");
            for (i, (x, y)) in found.iter().zip(&expected).enumerate() {
                assert!(same(*x, *y), "{kind}, element {i}: {x:?}, expected {y:?}");
            }
        }
        let many: Vec<u8> = if kind.block_elements() == 1 {
            (0..=u16::MAX).flat_map(u16::to_le_bytes).collect()
        } else {
            let count = MANY * kind.block_bytes();
            let words = (0..count.div_ceil(8) as u64).flat_map(|i| splitmix64(i).to_le_bytes());
            words.take(count).collect()
        };
        let expected = u64::from_le_bytes(expected.try_into().unwrap());
        assert_eq!(digest(&kind.decode(&many).unwrap()), expected, "{kind}");
    }
    // All that are decoded, but for F32.
    let decoded = TensorType::ALL.iter().filter(|kind| kind.is_decoded()).count();
    assert_eq!(seen, decoded - 1);
    assert_eq!(TensorType::F32.decode(&1.5f32.to_le_bytes()).unwrap(), [1.5]);
}

#[test]
fn blocks_of_values() {
    let bytes = unpacked(PACKED);
    let golden = SafeTensors::deserialize(&bytes).unwrap();
    let x = golden.tensor("x").unwrap();
    let x = ArrayD::from_shape_vec(IxDyn(x.shape()), f32s(x.data())).unwrap();
    for kind in ["F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "MXFP4", "TQ2_0"] {
        let expected = golden.tensor(&format!("{kind}.encoded")).unwrap();
        let kind: TensorType = kind.parse().unwrap();
        let found = encode(kind, &x.view()).unwrap();
        let place = found.iter().zip(expected.data()).position(|(x, y)| x != y);
        assert_eq!((found.len(), place), (expected.data().len(), None), "{kind}");
    }
    // A view of another order is read in its own.
    let turned = x.t().as_standard_layout().into_owned();
    let found = encode(TensorType::F16, &turned.t()).unwrap();
    assert_eq!(found, encode(TensorType::F16, &x.view()).unwrap());
}

/// Every midpoint between two `f16` and its neighbours, beside the format's own rounding.
#[test]
fn f16_rounds_to_even() {
    let policy = fewbit_formats::Policy::new(
        fewbit_formats::Rounding::TiesEven,
        fewbit_formats::Overflow::Special,
    );
    let mut values = Vec::new();
    for code in 0..0x7c00u32 {
        let low = Format::F16.decode(code) as f32;
        // Beyond the largest comes what would be next.
        let high = if code == 0x7bff { 65536.0 } else { Format::F16.decode(code + 1) as f32 };
        let middle = low + (high - low) / 2.0;
        values.extend([low, middle.next_down(), middle, middle.next_up()].map(|x| [x, -x]));
    }
    let values = values.concat();
    let bytes = encode(TensorType::F16, &ndarray::aview1(&values).into_dyn()).unwrap();
    for (x, code) in values.iter().zip(bytes.as_chunks().0) {
        let expected = Format::F16.encode(*x, &policy, 0).unwrap().code;
        assert_eq!(u32::from(u16::from_le_bytes(*code)), expected, "{x:?}");
    }
}

/// A tensor of integers from random codes, with a scale for every `group` elements of a row.
fn tensor(format: Format, group: usize, scale: f32, zero_point: Option<f32>) -> AnyQuantTensor {
    let codes = Array2::from_shape_fn((3, 64), |(i, j)| {
        splitmix64((64 * i + j) as u64) as u32 & ((1 << format.bits()) - 1)
    });
    let shape = IxDyn(&[3, 64 / group]);
    let scales = ArrayD::from_shape_fn(shape.clone(), |index| {
        scale * 2f32.powi((index[0] + index[1]) as i32)
    });
    let zero_point = zero_point.map(|zero_point| ArrayD::from_elem(shape, zero_point));
    let granularity = Granularity::Group { axis: 1, size: group };
    AnyQuantTensor::new(format, &codes.view().into_dyn(), scales, zero_point, granularity).unwrap()
}

#[test]
fn blocks_of_codes() {
    for (kind, format, group, scale, zero_point) in [
        (TensorType::Q8_0, Format::INT8, 32, 0.75, None),
        (TensorType::Q8_0, Format::INT8, 64, 2f32.powi(-24), None),
        (TensorType::Q8_0, Format::INT4, 32, 3.0, Some(-5.0)),
        (TensorType::Q4_0, Format::INT4, 32, 1.0 + 2f32.powi(-10), None),
        (TensorType::Q4_0, Format::UINT4, 32, 0.5, Some(8.0)),
        (TensorType::Q4_1, Format::UINT4, 32, 0.5, Some(3.0)),
        (TensorType::Q4_1, Format::INT4, 64, 0.5, None),
        (TensorType::MXFP4, Format::E2M1FN, 32, 0.25, None),
        (TensorType::F32, Format::INT8, 32, 0.1, None),
        (TensorType::BF16, Format::INT8, 32, 0.5, None),
    ] {
        let tensor = tensor(format, group, scale, zero_point);
        let bytes = encode_codes(kind, &tensor).unwrap();
        let expected: Vec<f32> = tensor.dequantize().iter().copied().collect();
        // -0 of E2M1 is written as 0.
        assert_eq!(kind.decode(&bytes).unwrap(), expected, "{kind} of {format}");
        // Where ggml's own scale is the tensor's, so are its codes: the largest magnitude decides.
        if (kind, group) == (TensorType::MXFP4, 32) {
            let again = encode(kind, &tensor.dequantize().view()).unwrap();
            assert_eq!(kind.decode(&again).unwrap(), expected);
        }
    }
}

#[test]
fn codes_that_blocks_do_not_hold() {
    let fails = |kind, tensor: AnyQuantTensor, part: &str| {
        let error = encode_codes(kind, &tensor).unwrap_err().to_string();
        assert!(error.contains(part), "{kind}: {error}");
        assert!(!error.contains('\n'));
    };
    let int4 = Format::INT4;
    fails(TensorType::Q4_0, tensor(int4, 32, 0.1, None), "is no f16");
    fails(TensorType::Q4_0, tensor(int4, 32, 1e6, None), "is no f16");
    fails(TensorType::Q4_0, tensor(int4, 16, 0.5, None), "changes from");
    fails(TensorType::Q4_0, tensor(int4, 32, 0.5, Some(1.0)), "no integer from -8 to 7");
    fails(TensorType::Q4_0, tensor(int4, 32, 0.5, Some(0.5)), "no integer");
    fails(TensorType::Q8_0, tensor(Format::E4M3FN, 32, 0.5, None), "no integer");
    fails(TensorType::Q4_1, tensor(Format::INT8, 32, 0.5, None), "no integer from 0 to 15");
    fails(TensorType::Q4_1, tensor(int4, 32, 1.0, Some(1e-3)), "the minimum");
    fails(TensorType::MXFP4, tensor(Format::E2M1FN, 32, 0.75, None), "no power of two");
    fails(TensorType::MXFP4, tensor(Format::INT8, 32, 0.5, None), "no element of e2m1fn");
    fails(TensorType::F16, tensor(Format::INT8, 32, 0.1, None), "its block would hold");
    fails(TensorType::Q5_0, tensor(int4, 32, 0.5, None), "are written as");
    let short = tensor(int4, 32, 0.5, None).dequantize();
    let short = short.slice_axis(Axis(1), ndarray::Slice::from(..33)).into_owned();
    let error = encode(TensorType::Q8_0, &short.view()).unwrap_err().to_string();
    assert_eq!(error, "Q8_0: rows of 33 elements are not whole Q8_0 blocks of 32");
    let error = TensorType::Q2_K.decode(&[]).unwrap_err().to_string();
    assert!(
        error.starts_with("Q2_K: its blocks are not supported: expected one of F32"),
        "{error}"
    );
}
