//! Files of tensors, and tensors for the eye.

use fewbit::formats::ggml::GgmlType;
use fewbit::formats::{GroupFormat, Int8, NanPolicy, PolicyPreset, Uint8};
use fewbit::quantize::Quantizer;
use fewbit::tensor::store::{Contents, Extra, GgmlBlocks, Saved, StoreError, Stored, to_bytes};
use fewbit::tensor::{
    AnyQuantTensor, BitGrowth, Granularity, IntTensor, QuantTensor, ggml_quantize,
};
use ndarray::{Array2, ArrayD, IxDyn, arr0, array};
use proptest::prelude::*;

use crate::data::{Random, from_the_front, granularity, integer_format, tensor};

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn tensors_come_back_from_their_files(seed: u64) {
        let mut random = Random(seed);
        let shape: Vec<usize> = (0..random.below(4)).map(|_| random.below(6)).collect();
        let of = granularity(&mut random, shape.len());
        let (format, zeros) = (integer_format(&mut random, 30), random.below(2) == 0);
        let t = tensor(&mut random, format, &shape, of, zeros);
        let bytes = t.to_safetensors().unwrap();
        prop_assert_eq!(t.granularity(), from_the_front(of, &shape));
        prop_assert_eq!(&AnyQuantTensor::from_safetensors(&bytes).unwrap(), &t);
        let ints = t.to_int().unwrap();
        let ints = ints.add(&ints, BitGrowth::Range, Default::default()).unwrap();
        let again = IntTensor::from_safetensors(&ints.to_safetensors().unwrap()).unwrap();
        prop_assert_eq!(again, ints);
        // Whatever is cut off or changed is an error or another tensor, never a panic.
        let cut = random.below(bytes.len());
        prop_assert!(Saved::from_bytes(&bytes[..cut]).is_err());
        let mut wrong = bytes;
        for _ in 0..1 + random.below(3) {
            let place = random.below(wrong.len());
            wrong[place] = random.next() as u8;
        }
        let _ = Saved::from_bytes(&wrong);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn tensors_of_every_family_come_back_equal(seed: u64) {
        let mut random = Random(seed);
        let name = random.pick(&["e4m3fn", "e5m2", "bf16", "f32", "e2m1fn", "fix8.4", "posit8", "posit16", "binary", "ternary", "uint3", "int20"]);
        let format: fewbit::formats::Format = name.parse().unwrap();
        let shape: Vec<usize> = (0..random.below(5)).map(|_| random.below(5)).collect();
        let of = granularity(&mut random, shape.len());
        let zeros = random.below(2) == 0;
        let t = tensor(&mut random, format, &shape, of, zeros);
        let again = AnyQuantTensor::from_safetensors(&t.to_safetensors().unwrap());
        prop_assert_eq!(again.unwrap(), t, "{} {:?} {}", name, shape, of);
    }

    #[test]
    fn groups_along_every_axis_come_back_equal(seed: u64) {
        let mut random = Random(seed);
        let name = random.pick(&[
            "mxfp8e4m3", "mxfp8e5m2", "mxfp6e2m3", "mxfp6e3m2", "mxfp4", "mxint8", "nvfp4", "mx(int4,uint6*f16/3,4)",
            "mx(uint4,f16,8,zero-point)", "mx(bf16,f32,6)", "mx(int4,e8m0fnu,1)",
        ]);
        let format: GroupFormat = name.parse().unwrap();
        let mut policy = "ocp-1.0".parse::<PolicyPreset>().unwrap().group_policy(&format);
        policy.element = policy.element.with_nan(NanPolicy::Zero);
        let shape: Vec<usize> = (0..1 + random.below(4)).map(|_| 1 + random.below(9)).collect();
        let x = ArrayD::from_shape_simple_fn(IxDyn(&shape), || random.below(2001) as f32 / 100.0 - 10.0);
        let axis = random.below(2 * shape.len()) as isize - shape.len() as isize;
        let t = Quantizer::of_groups(format, axis, policy).unwrap().quantize(&x.view()).unwrap();
        let place = axis.rem_euclid(shape.len() as isize);
        prop_assert_eq!(t.granularity(), Granularity::Group { axis: place, size: format.size() });
        let scales = t.scale_codes().unwrap().clone();
        prop_assert_eq!(&AnyQuantTensor::of_scale_codes(&t.codes().view(), axis, scales).unwrap(), &t);
        let again = AnyQuantTensor::from_safetensors(&t.to_safetensors().unwrap()).unwrap();
        prop_assert_eq!(again, t, "{} {:?} {}", name, shape, axis);
    }
}

#[test]
fn groups_and_blocks_come_back_from_their_files() {
    let x = Array2::from_shape_fn((3, 70), |(i, j)| (i as f32 + 0.3) * (j as f32 - 31.0));
    for name in [
        "mxfp4",
        "mxint8",
        "nvfp4",
        "mx(int4,uint6*f16/3,4)",
        "mx(uint4,f16,8,zero-point)",
        "mx(bf16,f32,6)",
    ] {
        let format: GroupFormat = name.parse().unwrap();
        let mut policy = "ocp-1.0".parse::<PolicyPreset>().unwrap().group_policy(&format);
        policy.element = policy.element.with_nan(NanPolicy::Zero);
        for axis in [0, 1, -1, -2] {
            let t =
                Quantizer::of_groups(format, axis, policy).unwrap().quantize(&x.view()).unwrap();
            let place = axis.rem_euclid(2);
            assert_eq!(t.granularity(), Granularity::Group { axis: place, size: format.size() });
            let bytes = t.to_safetensors().unwrap();
            assert_eq!(AnyQuantTensor::from_safetensors(&bytes).unwrap(), t, "{name}");
            let error = IntTensor::from_safetensors(&bytes).unwrap_err();
            assert_eq!(
                error.to_string(),
                "it holds groups with scale codes; integers was expected"
            );
        }
    }
    let values = Array2::from_shape_fn((2, 64), |(i, j)| (i * 64 + j) as f32);
    let bytes = ggml_quantize(GgmlType::Q4_0, &values.view()).unwrap();
    let blocks = GgmlBlocks { kind: GgmlType::Q4_0, bytes };
    let file = to_bytes(&blocks, Extra::default()).unwrap();
    assert_eq!(Saved::from_bytes(&file).unwrap(), Saved::Blocks(blocks));
}

#[test]
fn more_can_stand_beside_a_tensor() {
    let codes = array![1u8, 2].into_dyn();
    let t = QuantTensor::<Int8>::new(codes, arr0(0.5f32).into_dyn(), None, Granularity::Tensor);
    let t = t.unwrap().into_any();
    let mut extra =
        Extra { arrays: vec![Stored::f32("values", &t.dequantize())], ..Extra::default() };
    extra.metadata.insert("seed".into(), 7.into());
    extra.metadata.insert("format".into(), "something else".into());
    let bytes = to_bytes(&t, extra).unwrap();
    assert_eq!(AnyQuantTensor::from_safetensors(&bytes).unwrap(), t);
    let contents = Contents::of(&bytes).unwrap();
    assert_eq!(contents.f32("values").unwrap(), array![0.5f32, 1.0].into_dyn());
    assert!(contents.metadata().contains("\"seed\":7"));
    let twice = Extra { arrays: vec![Stored::f32("scale", t.scale())], ..Extra::default() };
    match to_bytes(&t, twice) {
        Err(StoreError::Write(_)) => {}
        other => panic!("{:?}", other.map(|bytes| bytes.len())),
    }
}

#[test]
fn files_of_something_else_are_refused() {
    let message = |bytes: &[u8]| Saved::from_bytes(bytes).unwrap_err().to_string();
    assert!(message(b"no file").starts_with("not a .safetensors file"));
    let file = |metadata: &str, codes: &[u8]| {
        let text = format!(
            r#"{{"__metadata__":{{"fewbit":{}}},"codes":{{"dtype":"U8","shape":[{n}],"data_offsets":[0,{n}]}},"scale":{{"dtype":"F32","shape":[],"data_offsets":[{n},{e}]}}}}"#,
            serde_json::to_string(metadata).unwrap(),
            n = codes.len(),
            e = codes.len() + 4,
        );
        let mut bytes = (text.len() as u64).to_le_bytes().to_vec();
        bytes.extend(text.as_bytes());
        bytes.extend(codes);
        bytes.extend(1f32.to_le_bytes());
        bytes
    };
    assert_eq!(
        message(&file(r#"{"format":"int4"}"#, &[1, 2])),
        "its metadata do not state its `tensors`, and it has no `values` to compare with: quantize anew with this version"
    );
    assert_eq!(
        message(&file(r#"{"format":"int4"}"#, &[1, 200])),
        "code 0xc8 at index [1] stands for nothing in int4"
    );
    assert!(message(&file(r#"{"format":"int4x"}"#, &[1])).starts_with("`format` in its metadata"));
    assert!(message(&file("[]", &[1])).contains("not those of a quantized array"));
    assert!(message(&file("{}", &[1])).contains("missing field `format`"));
    assert!(
        message(&file(r#"{"format":"int4","granularity":"planet"}"#, &[1])).contains("`planet`")
    );
    assert!(
        message(&file(r#"{"format":"int4","granularity":{"channel":{}}}"#, &[1]))
            .contains("`axis`")
    );
    assert_eq!(
        message(&file(r#"{"format":"mxfp4"}"#, &[1])),
        "its metadata have no `axis`, which groups need"
    );
    assert_eq!(message(&file(r#"{"format":"integers:int9"}"#, &[1])), "it has no tensor `ints`");
    assert!(message(&file(r#"{"format":"integers:9"}"#, &[1])).contains("`9` is no type"));
}

#[test]
fn tensors_are_shown_by_their_corner() {
    let codes = ArrayD::from_shape_fn(IxDyn(&[2, 5, 9]), |i| (i[0] * 45 + i[1] * 9 + i[2]) as u8);
    let scale = ArrayD::from_shape_fn(IxDyn(&[1, 5, 1]), |i| (i[1] + 1) as f32);
    let zero = ArrayD::from_elem(IxDyn(&[1, 5, 1]), 1f32);
    let granularity = Granularity::Channel { axis: 1 };
    let t = QuantTensor::<Uint8>::new(codes, scale, Some(zero), granularity).unwrap();
    let text = "\
uint8 [2, 5, 9], one scale per index of axis 1 (5 from 1 to 5), zero point 1
  [-1, 0, 1, 2, 3, 4, and 3 more]
  [16, 18, 20, 22, 24, 26, and 3 more]
  [51, 54, 57, 60, 63, 66, and 3 more]
  [104, 108, 112, 116, 120, 124, and 3 more]
  and 1 more rows
  and 1 more matrices
";
    assert_eq!(t.to_string(), text);
    let ints = t.to_int().unwrap().to_string();
    assert!(ints.starts_with(
        "uint8 [2, 5, 9], one scale per index of axis 1 (5 from 1 to 5), zero point 1\n  [0, 1, 2,"
    ));
    let empty = IntTensor::new(
        ArrayD::zeros(IxDyn(&[0, 3])),
        fewbit::accumulate::bounds::DataType {
            bits: 23,
            sign: fewbit::accumulate::bounds::Sign::Signed,
        },
        arr0(1.0).into_dyn(),
        None,
        Granularity::Tensor,
    );
    assert_eq!(empty.unwrap().to_string(), "int23 [0, 3], one scale 1\n  no elements\n");
    let one = QuantTensor::<Int8>::new(
        arr0(3u8).into_dyn(),
        arr0(0.5f32).into_dyn(),
        None,
        Granularity::Tensor,
    );
    assert_eq!(one.unwrap().to_string(), "int8 [], one scale 0.5\n  [1.5]\n");
}
