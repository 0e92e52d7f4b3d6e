//! `fewbit quantize --preset` and `--config` as a user runs them.

mod common;

use std::collections::HashMap;

use common::Folder;
use safetensors::tensor::SafeTensors;
use serde_json::Value;

fn done(folder: &Folder, args: &[&str]) -> String {
    let run = folder.fewbit(args);
    assert_eq!(run.code, Some(0), "{args:?}: {}", run.err);
    run.out
}

fn complaint(folder: &Folder, args: &[&str]) -> String {
    let before = folder.names();
    let run = folder.fewbit(args);
    assert_eq!(run.code, Some(2), "{args:?}: {}", run.out);
    assert_eq!(run.err.lines().count(), 1, "{}", run.err);
    assert_eq!(folder.names(), before, "{args:?} left a file");
    run.err
}

/// The tensors of a file as f32, codes as whole numbers.
fn tensors(folder: &Folder, name: &str) -> HashMap<String, (Vec<usize>, Vec<f32>)> {
    let bytes = std::fs::read(folder.file(name)).expect("a file");
    let file = SafeTensors::deserialize(&bytes).expect("a .safetensors file");
    file.tensors()
        .into_iter()
        .map(|(name, view)| {
            let values = match view.dtype() {
                safetensors::Dtype::F32 => view
                    .data()
                    .as_chunks::<4>()
                    .0
                    .iter()
                    .map(|word| f32::from_le_bytes(*word))
                    .collect(),
                _ => view.data().iter().map(|byte| f32::from(*byte)).collect(),
            };
            (name, (view.shape().to_vec(), values))
        })
        .collect()
}

fn metadata(folder: &Folder, name: &str) -> Value {
    let bytes = std::fs::read(folder.file(name)).expect("a file");
    let (_, header) = SafeTensors::read_metadata(&bytes).expect("a header");
    let text = header.metadata().as_ref().and_then(|all| all.get("fewbit")).cloned();
    serde_json::from_str(&text.expect("metadata")).expect("JSON")
}

fn weights() -> Vec<f32> {
    (0..3 * 40).map(|i| ((i * 7919 % 1000) as f32 - 500.0) * 2f32.powi(i % 7 - 9)).collect()
}

#[test]
fn a_preset_writes_what_brevitas_computes() {
    let folder = Folder::new();
    folder.floats("w.npy", &[2, 3], &[1.27, -0.5, 0.004, 0.0, 2.54, -0.009]);
    let args = ["quantize", "--preset", "Int8WeightPerChannelFloat", "w.npy", "q.safetensors"];
    let text = done(&folder, &args);
    assert!(text.contains("int8n by Int8WeightPerChannelFloat"), "{text}");
    let file = tensors(&folder, "q.safetensors");
    assert_eq!(file["scale"], (vec![2, 1], vec![0.01, 0.02]));
    assert_eq!(file["zero_point"], (vec![2, 1], vec![0.0, 0.0]));
    assert_eq!(file["bit_width"], (vec![], vec![8.0]));
    assert_eq!(file["codes"].1, [127.0, 206.0, 0.0, 0.0, 127.0, 0.0]); // 206 is -50
    let values = &file["values"].1;
    assert_eq!(values[1], -0.5);
    assert_eq!(values[5].to_bits(), (-0f32).to_bits()); // -0.45 of a step, as on floats
    let metadata = metadata(&folder, "q.safetensors");
    assert_eq!(metadata["preset"], "Int8WeightPerChannelFloat");
    assert_eq!(metadata["recipe"]["format"], "int8n");
    done(&folder, &["dequantize", "q.safetensors", "y.npy"]);
    let (_, shape, data) = folder.array("y.npy");
    assert_eq!(shape, [2, 3]);
    let back: Vec<f32> = data.as_chunks::<4>().0.iter().map(|w| f32::from_le_bytes(*w)).collect();
    assert_eq!(&back, values); // 0 == -0
}

#[test]
fn a_config_is_the_same_quantizer_in_yaml_and_json_and_whole() {
    let folder = Folder::new();
    folder.floats("w.npy", &[3, 40], &weights());
    let preset = "MXFloat8e4m3Weight";
    let flags = ["--set", "group_size=16", "--set", "policy.rounding=FLOOR"];
    let by_flags =
        [&["quantize", "--preset", preset][..], &flags, &["w.npy", "a.safetensors"]].concat();
    let json = done(&folder, &[&by_flags[..], &["--json"]].concat());
    let recipe = &serde_json::from_str::<Value>(&json).expect("JSON")["recipe"];
    std::fs::write(folder.file("whole.json"), recipe.to_string()).expect("a file");
    let yaml = format!("preset: {preset}\ngroup_size: 16\npolicy.rounding: FLOOR\n");
    std::fs::write(folder.file("short.yaml"), yaml).expect("a file");
    let expected = tensors(&folder, "a.safetensors");
    for config in ["whole.json", "short.yaml"] {
        done(&folder, &["quantize", "--config", config, "w.npy", "b.safetensors"]);
        assert_eq!(tensors(&folder, "b.safetensors"), expected, "{config}");
    }
    let whole = "kind: quantizer\nformat: e4m3fn\ngranularity: {group: {axis: 1, size: 16}}\nragged: zeros\n\
                 scale:\n  source: {statistic: abs-max}\n  restriction: {power-of-two: down}\n  \
                 threshold_restriction: {power-of-two: down}\n  threshold: power-of-two\n  floor: {statistic: 1.0e-10}\n\
                 policy: {rounding: down, overflow: saturate, infinity: nan, nan: zero}\n";
    std::fs::write(folder.file("whole.yaml"), whole).expect("a file");
    done(&folder, &["quantize", "--config", "whole.yaml", "w.npy", "b.safetensors"]);
    assert_eq!(tensors(&folder, "b.safetensors"), expected);
}

#[test]
fn groups_and_zero_points_come_back() {
    let folder = Folder::new();
    folder.floats("w.npy", &[3, 40], &weights());
    for (preset, scales) in [
        ("ShiftedUint8WeightGroupQuantFloat", vec![3, 2]),
        ("ShiftedUint8WeightPerChannelFloatHQO", vec![3, 1]),
        ("Int8DynamicActPerRowFloat", vec![3, 1]),
        ("Fp8e5m2FNUZWeightPerTensorFloat", vec![]),
        ("SignedBinaryWeightPerTensorConst", vec![]),
        ("MXFloat4e2m1Weight", vec![3, 2]),
    ] {
        done(&folder, &["quantize", "--preset", preset, "w.npy", "q.safetensors"]);
        let file = tensors(&folder, "q.safetensors");
        assert_eq!(file["scale"].0, scales, "{preset}");
        assert_eq!(file["zero_point"].0, scales, "{preset}");
        done(&folder, &["dequantize", "q.safetensors", "y.npy"]);
        let (_, _, data) = folder.array("y.npy");
        let back: Vec<f32> =
            data.as_chunks::<4>().0.iter().map(|w| f32::from_le_bytes(*w)).collect();
        assert_eq!(back, file["values"].1, "{preset}");
    }
}

/// A file without one of its tensors, or with another format in its metadata.
fn altered(bytes: &[u8], without: &str, format: Option<&str>) -> Vec<u8> {
    let file = SafeTensors::deserialize(bytes).expect("a .safetensors file");
    let (_, header) = SafeTensors::read_metadata(bytes).expect("a header");
    let text = &header.metadata().as_ref().expect("metadata")["fewbit"];
    let mut metadata: Value = serde_json::from_str(text).expect("JSON");
    if let Some(format) = format {
        metadata["format"] = format.into();
    }
    let kept = file.tensors().into_iter().filter(|(name, _)| name != without);
    let metadata = HashMap::from([("fewbit".to_owned(), metadata.to_string())]);
    safetensors::serialize(kept, Some(metadata)).expect("a file")
}

#[test]
fn a_file_without_what_it_needs_is_refused_in_one_line() {
    let folder = Folder::new();
    folder.floats("w.npy", &[3, 40], &weights());
    let quantized = ["--preset", "ShiftedUint8WeightPerChannelFloat", "w.npy", "q.safetensors"];
    done(&folder, &[&["quantize"][..], &quantized].concat());
    folder.floats("x.npy", &[3, 40], &weights());
    let solved = ["--weights", "uint4", "--algorithm", "rtn", "--out", "l.safetensors"];
    done(&folder, &[&["layer", "--weight", "w.npy", "--input", "x.npy"][..], &solved].concat());
    for (name, other) in [("q.safetensors", "int8"), ("l.safetensors", "int4")] {
        let bytes = std::fs::read(folder.file(name)).expect("a file");
        done(&folder, &["dequantize", name, "y.npy"]);
        std::fs::remove_file(folder.file("y.npy")).expect("removed");
        for (without, format, expected) in [
            ("zero_point", None, "it has no tensor `zero_point`"),
            ("scale", None, "it has no tensor `scale`"),
            ("codes", None, "it has no tensor `codes`"),
            ("", Some(other), "they were changed after it was written"),
        ] {
            std::fs::write(folder.file("x.safetensors"), altered(&bytes, without, format))
                .expect("a file");
            let error = complaint(&folder, &["dequantize", "x.safetensors", "y.npy"]);
            assert!(error.contains(expected), "{name}: {error}");
        }
        std::fs::write(folder.file("x.safetensors"), altered(&bytes, "values", None))
            .expect("a file");
        done(&folder, &["dequantize", "x.safetensors", "y.npy"]);
        std::fs::remove_file(folder.file("y.npy")).expect("removed");
    }
}

#[test]
fn the_report_counts_every_element_and_the_picture_is_one() {
    let folder = Folder::new();
    folder.floats("w.npy", &[3, 40], &weights());
    for what in [["--preset", "Int8ActPerTensorFloat"], ["--to", "mxfp4"]] {
        let outputs = ["w.npy", "q.safetensors", "--report", "r.json", "--svg", "p.svg"];
        done(&folder, &[&["quantize"][..], &what, &outputs].concat());
        let report = std::fs::read_to_string(folder.file("r.json")).expect("a report");
        let report: Value = serde_json::from_str(&report).expect("JSON");
        let bins = report["histogram"]["bins"].as_array().expect("bins");
        let count: u64 = bins.iter().map(|bin| bin["count"].as_u64().expect("a count")).sum();
        assert_eq!(count, 120, "{what:?}");
        let clipped = report["clipped"].as_f64().expect("a number");
        assert_eq!(report["clipped_share"].as_f64(), Some(clipped / 120.0));
        assert!(report["sqnr_db"].as_f64().is_some_and(|sqnr| sqnr > 5.0));
        let svg = std::fs::read_to_string(folder.file("p.svg")).expect("a picture");
        assert!(svg.starts_with("<svg") && svg.contains("before the scale"));
    }
}

#[test]
fn nan_stays_nan_in_values_and_is_told_of() {
    let folder = Folder::new();
    folder.floats("w.npy", &[2, 2], &[1.0, f32::NAN, 0.5, -1.0]);
    let run = folder.fewbit(&[
        "quantize",
        "--preset",
        "Int8WeightPerChannelFloat",
        "w.npy",
        "q.safetensors",
    ]);
    assert_eq!(run.code, Some(0), "{}", run.err);
    assert!(run.err.starts_with("warning: 1 NaN in the input, and int8n has none"), "{}", run.err);
    let values = &tensors(&folder, "q.safetensors")["values"].1;
    assert!(values[0].is_nan() && values[1].is_nan() && values[3] == -1.0, "{values:?}");
}

#[test]
fn every_preset_is_listed_and_can_be_read_as_json() {
    let folder = Folder::new();
    let text = done(&folder, &["quantize", "--list-presets"]);
    assert!(
        text.contains("Int8AccumulatorAwareZeroCenterWeightQuant")
            && text.contains("ShiftedMXUInt8Weight")
    );
    assert!(text.lines().count() > 170, "{}", text.lines().count());
}

#[test]
fn biases_and_truncations_are_told_their_scales() {
    let folder = Folder::new();
    folder.floats("b.npy", &[3], &[0.11, -0.05, 0.02]);
    folder.floats("s.npy", &[3], &[0.1, 0.02, 0.02]);
    let bias = ["quantize", "--preset", "Int16Bias", "b.npy", "q.safetensors"];
    let error = complaint(&folder, &bias);
    assert!(error.contains("the input scale is missing: set `input_scale`"), "{error}");
    done(
        &folder,
        &[&bias[..], &["--set", "input_scale=0.5", "--set-array", "weight_scale=s.npy"]].concat(),
    );
    let file = tensors(&folder, "q.safetensors");
    assert_eq!(file["scale"], (vec![3], vec![0.05, 0.01, 0.01]));
    assert_eq!(file["values"].1, [0.1, -5.0 * 0.01f32, 0.02]);
    let trunc = ["quantize", "--preset", "TruncTo8bit", "b.npy", "q.safetensors"];
    assert!(complaint(&folder, &trunc).contains("what is truncated is missing"));
    done(&folder, &[&trunc[..], &["--set", "input_scale=0.01", "--set", "input_bits=10"]].concat());
    assert_eq!(tensors(&folder, "q.safetensors")["scale"].1, [0.04]);
}

#[test]
fn mistakes_are_named() {
    let folder = Folder::new();
    folder.floats("w.npy", &[3, 40], &weights());
    let files = ["w.npy", "q.safetensors"];
    let error = |args: &[&str]| complaint(&folder, &[&["quantize"][..], args, &files].concat());
    let unknown = error(&["--preset", "Int8WeightPerChanelFloat"]);
    assert!(unknown.contains("Int8WeightPerChannelFloat"), "{unknown}");
    assert!(error(&[]).contains("expected --to FORMAT, --preset NAME"));
    let both = error(&["--preset", "MXInt8Weight", "--to", "mxfp4"]);
    assert!(both.contains("--to has no meaning beside a quantizer"), "{both}");
    assert!(
        error(&["--preset", "MXInt8Weight", "--round", "up"]).contains("a policy for elements")
    );
    assert!(error(&["--to", "mxfp4", "--set", "a=1"]).contains("--set changes a quantizer"));
    assert!(
        error(&["--preset", "MXInt8Weight", "--set", "group_size"])
            .contains("expected FIELD=VALUE")
    );
    let field = error(&["--preset", "MXInt8Weight", "--set", "groupsize=3"]);
    assert!(field.contains("no field `groupsize`") && field.contains("group_size"), "{field}");
    assert!(error(&["--preset", "MXInt8Weight", "--set", "group_size=0"]).contains("group size"));
    assert!(error(&["--preset", "FpOCPWeight"]).contains("FpOCPWeight has no format of its own"));
    assert!(
        error(&["--preset", "MXInt8Weight", "--set", "axis=5"]).contains("axis 5 does not exist")
    );
    std::fs::write(folder.file("p.yaml"), "preset: MXInt8Weight\n").expect("a file");
    let stack = error(&["--config", "p.yaml", "--preset", "ocp-1.0"]);
    assert!(stack.contains("--preset with the policies of a stack has no meaning"), "{stack}");
    assert!(error(&["--config", "no.yaml"]).contains("cannot read no.yaml"));
    for (text, complaint) in [
        ("preset: MXInt8Weigh\n", "`preset` is \"MXInt8Weigh\""),
        ("preset: MXInt8Weight\nsise: 3\n", "no field `sise`"),
        ("group_size: 3\n", "neither `preset` nor `kind`"),
        ("- 1\n- 2\n", "expected fields with values"),
        ("kind: quantizer\nformat: int8\nnonsense: 1\n", "nonsense"),
        ("a: [1,\n", "c.yaml"),
    ] {
        std::fs::write(folder.file("c.yaml"), text).expect("a file");
        let found = error(&["--config", "c.yaml"]);
        assert!(found.contains(complaint), "{text:?}: {found}");
    }
    let cast = complaint(
        &folder,
        &["cast", "--to", "e4m3fn", "--preset", "MXInt8Weight", "w.npy", "y.npy"],
    );
    assert!(cast.contains("MXInt8Weight is a quantizer"), "{cast}");
    let blocks = error(&["--to", "gguf:q8_0", "--report", "r.json"]);
    assert!(!blocks.is_empty());
}
