//! Files of which something is missing or was changed: each is refused, or gives the values that were written.

use std::collections::{BTreeMap, HashMap};

use fewbit::formats::ggml::GgmlType;
use fewbit::formats::{Format, GroupFormat, NanPolicy, PolicyPreset};
use fewbit::quantize::{Preset, Quantizer};
use fewbit::tensor::store::{Extra, GgmlBlocks, Saved, Stored, to_bytes};
use fewbit::tensor::{AnyQuantTensor, Granularity, ggml_quantize};
use ndarray::{Array2, ArrayD, IxDyn, arr0};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde_json::{Map, Value, json};

use crate::data::{Random, granularity, integer_format, tensor};

/// A file taken apart.
#[derive(Clone)]
struct Parts {
    metadata: Map<String, Value>,
    arrays: BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>,
}

impl Parts {
    fn of(bytes: &[u8]) -> Self {
        let file = SafeTensors::deserialize(bytes).unwrap();
        let (_, header) = SafeTensors::read_metadata(bytes).unwrap();
        let metadata = &header.metadata().as_ref().unwrap()["fewbit"];
        let array = |(name, view): (String, TensorView<'_>)| {
            (name, (view.dtype(), view.shape().to_vec(), view.data().to_vec()))
        };
        Self {
            metadata: serde_json::from_str(metadata).unwrap(),
            arrays: file.tensors().into_iter().map(array).collect(),
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let view =
            |(name, (dtype, shape, data)): (&'_ String, &'_ (Dtype, Vec<usize>, Vec<u8>))| {
                (name.clone(), *dtype, shape.clone(), data.clone())
            };
        let arrays: Vec<_> = self.arrays.iter().map(view).collect();
        let views = arrays.iter().map(|(name, dtype, shape, data)| {
            (name.as_str(), TensorView::new(*dtype, shape.clone(), data).unwrap())
        });
        let text = serde_json::to_string(&self.metadata).unwrap();
        let metadata = HashMap::from([("fewbit".to_owned(), text)]);
        safetensors::serialize(views, Some(metadata)).unwrap()
    }
}

fn values() -> Array2<f32> {
    Array2::from_shape_fn((3, 64), |(i, j)| (i as f32 + 0.3) * (j as f32 - 31.0) * 0.01)
}

/// A tensor's file with its values beside it, as the command line writes it.
fn file(tensor: &impl fewbit::tensor::store::Store, values: &ArrayD<f32>) -> Vec<u8> {
    let mut extra = Extra { arrays: vec![Stored::f32("values", values)], ..Extra::default() };
    extra.metadata.insert("seed".into(), 7.into());
    extra.metadata.insert("policy".into(), json!({ "rounding": "ties-even" }));
    to_bytes(tensor, extra).unwrap()
}

/// Files of every kind.
fn files() -> Vec<(String, Vec<u8>)> {
    let x = values();
    let mut files = Vec::new();
    for name in [
        "Int8WeightPerChannelFloat",
        "ShiftedUint8WeightPerChannelFloat",
        "ShiftedUint8WeightGroupQuantFloat",
        "Int8DynamicActPerRowFloat",
        "Fp8e4m3OCPWeightPerTensorFloat",
    ] {
        let done = name.parse::<&Preset>().unwrap().recipe().unwrap().quantize(&x.view()).unwrap();
        files.push((name.to_owned(), file(&done.tensor, &done.values)));
    }
    for name in [
        "mxfp4",
        "mxfp8e4m3",
        "mxint8",
        "nvfp4",
        "mx(int4,uint6*f16/3,4)",
        "mx(uint4,f16,8,zero-point)",
        "mx(bf16,f32,6)",
    ] {
        let format: GroupFormat = name.parse().unwrap();
        let mut policy = "ocp-1.0".parse::<PolicyPreset>().unwrap().group_policy(&format);
        policy.element = policy.element.with_nan(NanPolicy::Zero);
        let t = Quantizer::of_groups(format, -1, policy).unwrap().quantize(&x.view()).unwrap();
        files.push((name.to_owned(), file(&t, &t.dequantize())));
    }
    for kind in [GgmlType::Q4_0, GgmlType::Q8_0] {
        let bytes = ggml_quantize(kind, &x.view()).unwrap();
        let blocks = GgmlBlocks { kind, bytes };
        let values = Saved::Blocks(blocks.clone()).values().unwrap();
        files.push((kind.to_string(), file(&blocks, &values)));
    }
    let mut random = Random(5);
    for _ in 0..6 {
        let of = granularity(&mut random, 2);
        let format = integer_format(&mut random, 12);
        let t = tensor(&mut random, format, &[4, 6], of, true);
        files.push((format!("{format} {of}"), file(&t, &t.dequantize())));
        let ints = t.to_int().unwrap();
        let values = ints.dequantize().mapv(|value| value as f32);
        files.push((format!("integers {format} {of}"), file(&ints, &values)));
    }
    files
}

/// Other values that an entry could have.
fn others(key: &str, value: &Value) -> Vec<Value> {
    let mut others: Vec<Value> = match key {
        "format" => [
            "int8",
            "int8n",
            "uint8",
            "int4",
            "uint4",
            "fix8.4",
            "e4m3fn",
            "e5m2",
            "bf16",
            "int12",
            "mxfp4",
            "mxfp8e4m3",
            "mxfp8e5m2",
            "mxfp6e2m3",
            "mxint8",
            "nvfp4",
            "mx(int4,e8m0fnu,32)",
            "mx(uint4,f16,8)",
            "mx(int4,uint6*f16/2,4)",
            "gguf:q4_0",
            "gguf:q8_0",
            "integers:int8",
            "integers:uint8",
            "integers:int30",
            "no format",
        ]
        .iter()
        .map(|text| json!(text))
        .collect(),
        "granularity" => vec![
            json!("tensor"),
            json!("row"),
            json!({ "channel": { "axis": 0 } }),
            json!({ "channel": { "axis": 1 } }),
            json!({ "group": { "axis": 1, "size": 64 } }),
            json!({ "group": { "axis": 0, "size": 1 } }),
        ],
        _ => vec![json!(0), json!(1), json!(2), json!(32), json!(-1), json!("0"), json!("-2000")],
    };
    others.extend([Value::Null, json!({}), json!([1]), json!("")]);
    others.retain(|other| other != value);
    others
}

/// Every file with one thing missing or changed, and what was done to it.
fn attacks(whole: &Parts) -> Vec<(String, Parts)> {
    let mut attacks = Vec::new();
    let mut add = |what: String, change: &dyn Fn(&mut Parts)| {
        let mut parts = whole.clone();
        change(&mut parts);
        attacks.push((what, parts));
    };
    for (key, value) in &whole.metadata {
        add(format!("no {key}"), &|parts| drop(parts.metadata.remove(key)));
        for other in others(key, value) {
            add(format!("{key} = {other}"), &|parts| {
                parts.metadata.insert(key.clone(), other.clone());
            });
        }
    }
    for name in whole.metadata["tensors"].as_object().unwrap().keys() {
        add(format!("{name} is not stated"), &|parts| {
            parts.metadata["tensors"].as_object_mut().unwrap().remove(name);
        });
        // Neither there nor stated.
        add(format!("nothing of {name}"), &|parts| {
            parts.metadata["tensors"].as_object_mut().unwrap().remove(name);
            parts.arrays.remove(name);
        });
    }
    for (name, (dtype, shape, bytes)) in &whole.arrays {
        add(format!("without {name}"), &|parts| drop(parts.arrays.remove(name)));
        let mut other_shape = |shape: Vec<usize>| {
            let what = format!("{name} of shape {shape:?}");
            add(what, &|parts| {
                parts.arrays.insert(name.clone(), (*dtype, shape.clone(), bytes.clone()));
            });
        };
        other_shape(shape.iter().rev().copied().collect());
        other_shape(vec![shape.iter().product()]);
        other_shape([&[1][..], shape].concat());
        for (other, size) in [(Dtype::I8, 1), (Dtype::U16, 2), (Dtype::I32, 4), (Dtype::F64, 8)] {
            let count = shape.iter().product::<usize>();
            if other != *dtype {
                add(format!("{name} as {other:?}"), &|parts| {
                    let array = (other, shape.clone(), vec![0; count * size]);
                    parts.arrays.insert(name.clone(), array);
                });
            }
        }
        let places = [0, bytes.len() / 2, bytes.len() - 1];
        for (place, bit) in places.into_iter().flat_map(|p| [0, 3, 7].map(|bit| (p, bit))) {
            add(format!("bit {bit} of byte {place} of {name}"), &|parts| {
                parts.arrays.get_mut(name).unwrap().2[place] ^= 1 << bit;
            });
        }
    }
    for name in ["zero_point", "scale_codes", "outer_scale", "tensor_scale", "blocks", "ints"] {
        if !whole.arrays.contains_key(name) {
            add(format!("{name} beside"), &|parts| {
                parts.arrays.insert(name.into(), (Dtype::F32, vec![], vec![0; 4]));
            });
        }
    }
    attacks
}

#[test]
fn what_is_missing_or_changed_is_refused_or_does_not_matter() {
    let (mut refused, mut read) = (0, 0);
    for (name, bytes) in files() {
        let expected = Saved::from_bytes(&bytes).unwrap();
        let whole = Parts::of(&bytes);
        assert_eq!(Saved::from_bytes(&whole.bytes()).unwrap(), expected, "{name}");
        for (what, parts) in attacks(&whole) {
            match Saved::from_bytes(&parts.bytes()) {
                Ok(found) => {
                    read += 1;
                    assert_eq!(found, expected, "{name}: {what}");
                }
                Err(error) => {
                    refused += 1;
                    assert_eq!(error.to_string().lines().count(), 1, "{name}: {what}: {error}");
                }
            }
        }
    }
    assert!(refused > 3000 && read > 500, "{refused} refused, {read} read");
}

#[test]
fn files_that_state_nothing_are_read_where_their_values_agree() {
    for (name, bytes) in files() {
        let expected = Saved::from_bytes(&bytes).unwrap();
        let mut whole = Parts::of(&bytes);
        for key in ["schema", "tensors", "digest"] {
            whole.metadata.remove(key);
        }
        assert_eq!(Saved::from_bytes(&whole.bytes()).unwrap(), expected, "{name}");
        let values = expected.values().unwrap();
        for key in whole.metadata.keys() {
            for other in others(key, &whole.metadata[key]) {
                let mut parts = whole.clone();
                parts.metadata.insert(key.clone(), other.clone());
                if let Ok(found) = Saved::from_bytes(&parts.bytes()) {
                    assert_eq!(found.values().unwrap(), values, "{name}: {key} = {other}");
                }
            }
        }
        for array in whole.arrays.keys() {
            let mut parts = whole.clone();
            parts.arrays.remove(array);
            if let Ok(found) = Saved::from_bytes(&parts.bytes()) {
                assert_eq!(found.values().unwrap(), values, "{name}: without {array}");
            }
        }
    }
}

#[test]
fn refusals_name_what_they_found_and_what_they_need() {
    let x = values();
    let recipe = "ShiftedUint8WeightPerChannelFloat".parse::<&Preset>().unwrap().recipe().unwrap();
    let done = recipe.quantize(&x.view()).unwrap();
    let whole = Parts::of(&file(&done.tensor, &done.values));
    let message = |change: &dyn Fn(&mut Parts)| {
        let mut parts = whole.clone();
        change(&mut parts);
        Saved::from_bytes(&parts.bytes()).unwrap_err().to_string()
    };
    assert_eq!(
        message(&|parts| drop(parts.arrays.remove("zero_point"))),
        "it has no tensor `zero_point`"
    );
    assert_eq!(
        message(&|parts| drop(parts.metadata.insert("schema".into(), json!(2)))),
        "`schema` in its metadata is 2; 1 is needed"
    );
    assert_eq!(
        message(&|parts| drop(parts.metadata.remove("axis"))),
        "`axis` in its metadata is missing; 0 is needed"
    );
    let changed = message(&|parts| drop(parts.metadata.insert("format".into(), json!("int8"))));
    assert!(changed.starts_with("`digest` in its metadata is "), "{changed}");
    assert!(changed.ends_with("they were changed after it was written"), "{changed}");
}

#[test]
fn names_of_a_tensor_are_kept_for_it() {
    let codes = ArrayD::<u32>::zeros(IxDyn(&[2]));
    let scale = arr0(1f32).into_dyn();
    let t = AnyQuantTensor::new(Format::INT8, &codes.view(), scale, None, Granularity::Tensor);
    let zero_point = Stored::f32("zero_point", &arr0(3f32).into_dyn());
    let extra = Extra { arrays: vec![zero_point], ..Extra::default() };
    let error = to_bytes(&t.unwrap(), extra).unwrap_err().to_string();
    assert!(error.contains("the name `zero_point` is kept"), "{error}");
}
