//! `fewbit quantize` and `fewbit dequantize` as a user runs them.

mod common;

use std::collections::HashMap;

use common::Folder;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde_json::Value;

/// What a file holds: its tensors with dtype, shape and bytes, and the JSON of its metadata.
struct File {
    tensors: HashMap<String, (Dtype, Vec<usize>, Vec<u8>)>,
    metadata: Option<String>,
}

impl File {
    fn read(folder: &Folder, name: &str) -> Self {
        let bytes = std::fs::read(folder.file(name)).expect("a file");
        let tensors = SafeTensors::deserialize(&bytes).expect("a .safetensors file");
        let owned = |(name, view): (String, TensorView<'_>)| {
            (name, (view.dtype(), view.shape().to_vec(), view.data().to_vec()))
        };
        let tensors = tensors.tensors().into_iter().map(owned).collect();
        let (_, header) = SafeTensors::read_metadata(&bytes).expect("a header");
        let metadata = header.metadata().as_ref().and_then(|all| all.get("fewbit")).cloned();
        Self { tensors, metadata }
    }

    fn write(&self, folder: &Folder, name: &str) {
        let views: Vec<(&String, TensorView<'_>)> = self
            .tensors
            .iter()
            .map(|(name, (dtype, shape, bytes))| {
                (name, TensorView::new(*dtype, shape.clone(), bytes).expect("a tensor"))
            })
            .collect();
        let metadata =
            self.metadata.clone().map(|text| HashMap::from([("fewbit".to_owned(), text)]));
        let bytes = safetensors::serialize(views, metadata).expect("bytes");
        std::fs::write(folder.file(name), bytes).expect("a file");
    }

    fn json(&self) -> Value {
        serde_json::from_str(self.metadata.as_deref().expect("metadata")).expect("JSON")
    }

    fn shape(&self, name: &str) -> &[usize] {
        &self.tensors[name].1
    }

    fn f32(&self, name: &str) -> Vec<f32> {
        let (dtype, _, bytes) = &self.tensors[name];
        assert_eq!(*dtype, Dtype::F32, "{name}");
        bytes.as_chunks::<4>().0.iter().map(|word| f32::from_le_bytes(*word)).collect()
    }

    fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.tensors.keys().map(String::as_str).collect();
        names.sort_unstable();
        names
    }
}

fn x(n: usize) -> Vec<f32> {
    (0..n).map(|i| ((i * 7919 % 1000) as f32 - 500.0) * 2f32.powi(i as i32 % 11 - 8)).collect()
}

fn done(folder: &Folder, args: &[&str]) -> String {
    let run = folder.fewbit(args);
    assert_eq!(run.code, Some(0), "{args:?}: {}", run.err);
    run.out
}

fn values(folder: &Folder, name: &str) -> (Vec<usize>, Vec<f32>) {
    let (descr, shape, data) = folder.array(name);
    assert_eq!(descr, "<f4");
    (shape, data.as_chunks::<4>().0.iter().map(|word| f32::from_le_bytes(*word)).collect())
}

#[test]
fn every_kind_of_format_there_and_back() {
    let folder = Folder::new();
    folder.floats("x.npy", &[4, 64, 3], &x(768));
    for (format, axis, tensors, scales) in [
        ("mxfp4", "1", "codes scale scale_codes values", &[4, 2, 3][..]),
        ("mxfp8e4m3", "-3", "codes scale scale_codes values", &[1, 64, 3]),
        ("mxint8", "-1", "codes scale scale_codes values", &[4, 64, 1]),
        ("nvfp4", "1", "codes scale scale_codes tensor_scale values", &[4, 4, 3]),
        ("hif4", "1", "codes outer_scale outer_scale_codes scale scale_codes values", &[4, 16, 3]),
        ("mx(int4,f32,24)", "1", "codes scale values", &[4, 3, 3]),
        ("mx(f16,bf16,5)", "1", "codes scale scale_codes values", &[4, 13, 3]),
        (
            "mx(uint4,f16,32,zero-point)",
            "1",
            "codes scale scale_codes values zero_point",
            &[4, 2, 3],
        ),
        ("mx(int4,uint6*f32/3,8)", "1", "codes outer_scale scale scale_codes values", &[4, 8, 3]),
        (
            "mx(int4,uint6*f16,8)",
            "1",
            "codes outer_scale_codes scale scale_codes tensor_scale values",
            &[4, 8, 3],
        ),
    ] {
        let args = ["quantize", "--to", format, "--axis", axis, "x.npy", "q.safetensors", "--json"];
        let report: Value = serde_json::from_str(&done(&folder, &args)).expect("JSON");
        let file = File::read(&folder, "q.safetensors");
        assert_eq!(file.names().join(" "), tensors, "{format}");
        assert_eq!(file.shape("codes"), [4, 64, 3], "{format}");
        assert_eq!(file.shape("scale"), scales, "{format}");
        let json = file.json();
        assert_eq!(
            (&json["format"], &json["group"]),
            (&report["format"], &report["group"]),
            "{format}"
        );
        assert_eq!(json["policy"]["element"]["rounding"], "ties-even");
        assert_eq!(report["elements"], 768);
        assert!(report["sqnr_db"].as_f64().expect("a number") > 5.0, "{format}: {report}");
        assert!(report["seconds"].as_f64().expect("a number") > 0.0);
        done(&folder, &["dequantize", "q.safetensors", "y.npy"]);
        assert_eq!(values(&folder, "y.npy"), (vec![4, 64, 3], file.f32("values")), "{format}");
    }
}

#[test]
fn one_scale_for_all() {
    let folder = Folder::new();
    folder.floats("x.npy", &[2, 3], &[1.0, -2.0, 0.5, 0.0, 127.0, -128.0]);
    let report = done(&folder, &["quantize", "--to", "int8", "x.npy", "q.safetensors", "--json"]);
    let report: Value = serde_json::from_str(&report).expect("JSON");
    let file = File::read(&folder, "q.safetensors");
    assert_eq!(file.names(), ["codes", "scale", "values"]);
    assert_eq!((file.shape("scale"), file.f32("scale")), (&[][..], vec![1.0]));
    assert_eq!(file.tensors["codes"].2, [1, 0xfe, 0, 0, 127, 0x80]); // 0.5 is a tie
    assert_eq!((&report["max_abs_error"], &report["clipped"]), (&0.5.into(), &0.into()));
    // 10 log10((1 + 4 + 0.25 + 127^2 + 128^2) / 0.25)
    assert!((report["sqnr_db"].as_f64().expect("a number") - 51.14).abs() < 0.01, "{report}");
    done(&folder, &["dequantize", "q.safetensors", "y.npy"]);
    assert_eq!(values(&folder, "y.npy").1, [1.0, -2.0, 0.0, 0.0, 127.0, -128.0]);
    done(&folder, &["quantize", "--to", "e4m3fn", "--round", "up", "x.npy", "q.safetensors"]);
}

#[test]
fn blocks_of_gguf_files() {
    let folder = Folder::new();
    folder.floats("x.npy", &[2, 256], &x(512));
    for (kind, bytes) in
        [("q4_0", 144), ("q4_1", 160), ("q8_0", 272), ("mxfp4", 136), ("tq2_0", 66)]
    {
        let to = format!("gguf:{kind}");
        done(&folder, &["quantize", "--to", &to, "x.npy", "q.safetensors"]);
        let file = File::read(&folder, "q.safetensors");
        assert_eq!(
            (file.names(), file.shape("blocks")),
            (vec!["blocks", "values"], &[2, bytes][..])
        );
        assert_eq!(file.json()["format"], to.as_str());
        done(&folder, &["dequantize", "q.safetensors", "y.npy"]);
        assert_eq!(values(&folder, "y.npy"), (vec![2, 256], file.f32("values")), "{kind}");
    }
}

#[test]
fn scale_rules_by_hand() {
    let folder = Folder::new();
    folder.floats("x.npy", &[3], &[7.0, -1.0, 0.25]);
    let scale = |flags: &[&str]| {
        let args = [&["quantize", "--to", "mxfp4", "x.npy", "q.safetensors"], flags].concat();
        done(&folder, &args);
        File::read(&folder, "q.safetensors").f32("scale")[0]
    };
    assert_eq!(scale(&[]), 1.0);
    for (rule, expected) in
        [("floor", 1.0), ("ceil", 2.0), ("even", 2.0), ("rceil", 2.0), ("nearest", 1.0)]
    {
        assert_eq!(scale(&["--scale-rule", rule]), expected, "{rule}");
    }
    assert_eq!(scale(&["--preset", "torchao-0.13-rceil"]), 2.0);
    assert_eq!(scale(&["--preset", "torchao-0.13-rceil", "--scale-rule", "floor"]), 1.0);
    let report = done(&folder, &["quantize", "--to", "mxfp4", "x.npy", "q.safetensors", "--json"]);
    let report: Value = serde_json::from_str(&report).expect("JSON");
    assert_eq!((&report["clipped"], &report["max_abs_error"]), (&1.into(), &1.0.into())); // 7 becomes 6
}

#[test]
fn threads_and_repetitions_change_nothing() {
    let folder = Folder::new();
    folder.floats("x.npy", &[300, 301], &x(90_300));
    let bytes = |threads: &str, repeat: &str| {
        let args = [
            "quantize",
            "--to",
            "mxfp8e4m3",
            "--round",
            "stochastic8",
            "--seed",
            "5",
            "--axis",
            "0",
        ];
        let rest = ["--threads", threads, "--repeat", repeat, "x.npy", "q.safetensors"];
        done(&folder, &[&args[..], &rest].concat());
        std::fs::read(folder.file("q.safetensors")).expect("a file")
    };
    let one = bytes("1", "1");
    assert_eq!(bytes("2", "3"), one);
}

#[test]
fn nan_is_said() {
    let folder = Folder::new();
    folder.floats("x.npy", &[2], &[1.0, f32::NAN]);
    let run = folder.fewbit(&["quantize", "--to", "mxfp4", "x.npy", "q.safetensors"]);
    assert_eq!(run.code, Some(0), "{}", run.err);
    assert!(run.err.starts_with("warning: 1 NaN"), "{}", run.err);
    let file = File::read(&folder, "q.safetensors");
    assert_eq!(file.tensors["scale_codes"].2, [255]);
    done(&folder, &["dequantize", "q.safetensors", "y.npy"]);
    assert!(values(&folder, "y.npy").1.iter().all(|value| value.is_nan()));
}

/// A change to a good file, and what the complaint must say.
type Spoiled = (fn(&mut File), &'static str);

fn metadata(file: &mut File, change: impl Fn(&mut Value)) {
    let mut json = file.json();
    change(&mut json);
    file.metadata = Some(json.to_string());
}

#[test]
fn every_kind_of_bad_file_is_one_line() {
    let cases: &[Spoiled] = &[
        (|f| f.metadata = None, "no `fewbit`"),
        (|f| f.metadata = Some("text".into()), "metadata under `fewbit`"),
        (|f| f.metadata = Some("{}".into()), "missing field `format`"),
        (|f| metadata(f, |m| m["format"] = "mxfp3".into()), "mxfp3"),
        (|f| metadata(f, |m| m["format"] = 4.into()), "metadata under `fewbit`"),
        (|f| metadata(f, |m| m["format"] = "gguf:q4_0".into()), "no tensor `blocks`"),
        (|f| metadata(f, |m| m["axis"] = Value::Null), "no `axis`"),
        (|f| metadata(f, |m| m["axis"] = 2.into()), "axis 2"),
        (|f| metadata(f, |m| m["axis"] = (-1).into()), "metadata under `fewbit`"),
        (|f| metadata(f, |m| m["group"] = 32.into()), "`group` in its metadata is 32"),
        (|f| metadata(f, |m| m["axis"] = 0.into()), "scale codes of nvfp4 have shape"),
        (
            |f| metadata(f, |m| m["format"] = "mx(e2m1fn,e4m3fn*f32/2,16)".into()),
            "no tensor `outer_scale`",
        ),
        (
            |f| metadata(f, |m| m["format"] = "mx(uint4,e4m3fn*f32,16,zero-point)".into()),
            "no tensor `zero_point`",
        ),
        (|f| drop(f.tensors.remove("codes")), "no tensor `codes`"),
        (|f| drop(f.tensors.remove("scale_codes")), "no tensor `scale_codes`"),
        (|f| drop(f.tensors.remove("scale")), "no tensor `scale`"),
        (|f| drop(f.tensors.remove("tensor_scale")), "no tensor `tensor_scale`"),
        (|f| tensor(f, "codes").0 = Dtype::I8, "`codes` is I8"),
        (|f| tensor(f, "scale_codes").0 = Dtype::F8_E4M3, "`scale_codes` is"),
        (|f| tensor(f, "codes").2[5] = 16, "code 0x10 at index [0, 5]"),
        (|f| tensor(f, "codes").1 = vec![160], "axis 1"),
        (|f| tensor(f, "scale_codes").1 = vec![10, 1], "have shape [10, 1]"),
        (|f| tensor(f, "scale").1 = vec![10], "`scale` has shape [10]"),
        (|f| tensor(f, "scale_codes").2[3] ^= 1, "its code stands for"),
        (|f| tensor(f, "tensor_scale").1 = vec![1], "outer scale codes of nvfp4 have shape [1]"),
    ];
    let folder = Folder::new();
    folder.floats("x.npy", &[2, 80], &x(160));
    done(&folder, &["quantize", "--to", "nvfp4", "x.npy", "q.safetensors"]);
    std::fs::write(folder.file("y.npy"), "before").expect("a file");
    let before = [folder.names(), vec!["bad.safetensors".into()]].concat();
    for (spoil, expected) in cases {
        let mut file = File::read(&folder, "q.safetensors");
        spoil(&mut file);
        file.write(&folder, "bad.safetensors");
        let run = folder.fewbit(&["dequantize", "bad.safetensors", "y.npy"]);
        assert_eq!(run.code, Some(2), "{expected}: {}{}", run.out, run.err);
        assert!(run.err.starts_with("error: ") && run.err.lines().count() == 1, "{}", run.err);
        assert!(run.err.contains(expected), "{expected}: {}", run.err);
        assert_eq!(std::fs::read_to_string(folder.file("y.npy")).expect("a file"), "before");
        let mut names = before.clone();
        names.sort();
        assert_eq!(folder.names(), names);
    }
    let whole = std::fs::read(folder.file("q.safetensors")).expect("a file");
    for length in [0, 7, 100, whole.len() - 1] {
        std::fs::write(folder.file("bad.safetensors"), &whole[..length]).expect("a file");
        let run = folder.fewbit(&["dequantize", "bad.safetensors", "y.npy"]);
        assert_eq!(run.code, Some(2), "{length} bytes: {}", run.err);
    }
}

fn tensor<'a>(file: &'a mut File, name: &str) -> &'a mut (Dtype, Vec<usize>, Vec<u8>) {
    file.tensors.get_mut(name).expect("a tensor")
}
