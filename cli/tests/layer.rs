//! `fewbit layer` as a user runs it.

mod common;

use std::collections::HashMap;

use common::Folder;
use fewbit_testkit::Random;
use safetensors::tensor::SafeTensors;
use serde_json::Value;

const OUT: usize = 12;
const IN: usize = 40;
const SAMPLES: usize = 1500;

/// A layer with correlated inputs, on disk and in memory.
struct Layer {
    folder: Folder,
    w: Vec<f32>,
    x: Vec<f32>,
    xq: Vec<f32>,
}

impl Layer {
    fn new() -> Self {
        let mut random = Random(7);
        let w: Vec<f32> = (0..OUT * IN).map(|_| random.normal() as f32).collect();
        let (mut x, mut xq) = (Vec::new(), Vec::new());
        for _ in 0..SAMPLES {
            let shared = random.normal();
            for _ in 0..IN {
                let value = 0.8 * shared + 0.6 * random.normal();
                x.push(value as f32);
                xq.push((value + 0.3 * random.normal()) as f32);
            }
        }
        let folder = Folder::new();
        folder.floats("w.npy", &[OUT, IN], &w);
        folder.floats("x.npy", &[SAMPLES, IN], &x);
        folder.floats("xq.npy", &[SAMPLES, IN], &xq);
        Self { folder, w, x, xq }
    }

    fn run(&self, args: &[&str]) -> Value {
        let mut all = vec!["layer", "--weight", "w.npy", "--input", "x.npy", "--json"];
        all.extend(args);
        let run = self.folder.fewbit(&all);
        assert_eq!(run.code, Some(0), "{args:?}: {}", run.err);
        serde_json::from_str(&run.out).expect("JSON")
    }

    fn refused(&self, args: &[&str], complaint: &str) {
        let before = self.folder.names();
        let mut all = vec!["layer", "--out", "never.safetensors", "--report", "never.json"];
        all.extend(args);
        let run = self.folder.fewbit(&all);
        assert_eq!(run.code, Some(2), "{args:?}: {}", run.out);
        assert!(run.err.contains(complaint), "{args:?}: {}", run.err);
        assert_eq!(run.err.trim().lines().count(), 1, "{}", run.err);
        assert_eq!(self.folder.names(), before);
    }

    /// `|X W^T - X~ Q^T| / |X W^T|` in f64.
    fn error(&self, xq: &[f32], q: &[f32]) -> f64 {
        let dot = |x: &[f32], w: &[f32]| -> f64 {
            x.iter().zip(w).map(|(&x, &w)| f64::from(x) * f64::from(w)).sum()
        };
        let (mut apart, mut whole) = (0.0, 0.0);
        for (x, xq) in self.x.chunks(IN).zip(xq.chunks(IN)) {
            for (w, q) in self.w.chunks(IN).zip(q.chunks(IN)) {
                let y = dot(x, w);
                apart += (y - dot(xq, q)).powi(2);
                whole += y * y;
            }
        }
        (apart / whole).sqrt()
    }
}

/// Tensors of a file: shapes, and the numbers of those that are f32 or bytes.
fn tensors(folder: &Folder, name: &str) -> HashMap<String, (Vec<usize>, Vec<f32>)> {
    let bytes = std::fs::read(folder.file(name)).expect("a file");
    let file = SafeTensors::deserialize(&bytes).expect("a .safetensors file");
    let numbers = |data: &[u8], f32s: bool| -> Vec<f32> {
        match f32s {
            true => data.as_chunks::<4>().0.iter().map(|word| f32::from_le_bytes(*word)).collect(),
            false => data.iter().map(|&byte| byte.into()).collect(),
        }
    };
    file.tensors()
        .into_iter()
        .map(|(name, view)| {
            let f32s = view.dtype() == safetensors::Dtype::F32;
            (name, (view.shape().to_vec(), numbers(view.data(), f32s)))
        })
        .collect()
}

fn number(report: &Value, key: &str) -> f64 {
    report[key].as_f64().unwrap_or_else(|| panic!("{key} in {report}"))
}

#[test]
fn the_report_says_what_the_file_holds() {
    let layer = Layer::new();
    for algorithm in ["rtn", "gptq", "gpfq", "qronos", "gptaq", "beacon"] {
        for inputs in [&[][..], &["--input-quantized", "xq.npy"]] {
            let mut args =
                vec!["--algorithm", algorithm, "--out", "q.safetensors", "--report", "r.json"];
            args.extend(inputs);
            let report = layer.run(&args);
            let written = std::fs::read_to_string(layer.folder.file("r.json")).expect("a file");
            assert_eq!(serde_json::from_str::<Value>(&written).expect("JSON"), report);
            assert_eq!(report["algorithm"], algorithm);
            let file = tensors(&layer.folder, "q.safetensors");
            let (shape, values) = &file["values"];
            assert_eq!(shape, &[OUT, IN]);
            let xq = if inputs.is_empty() { &layer.x } else { &layer.xq };
            let (error, found) = (layer.error(xq, values), number(&report, "relative_error"));
            assert!(
                (found / error - 1.0).abs() < 1e-5,
                "{algorithm}: {found}, from the file {error}"
            );
            assert!((number(&report, "sqnr_db") + 20.0 * found.log10()).abs() < 1e-9);
            let (scale_shape, scale) = &file["scale"];
            assert_eq!(scale_shape, &[OUT, 1]);
            assert!(file["zero_point"].1.iter().all(|&z| z == 0.0));
            for ((index, &code), value) in file["codes"].1.iter().enumerate().zip(values) {
                let level = if code > 7.0 { code - 16.0 } else { code };
                assert_eq!(level * scale[index / IN], *value);
            }
            assert!(
                number(&report, "seconds") >= 0.0 && number(&report, "statistics_seconds") > 0.0
            );
            if cfg!(target_os = "linux") {
                assert!(number(&report, "peak_bytes") > 1e6);
            }
            let back = layer.folder.fewbit(&["dequantize", "q.safetensors", "v.npy"]);
            assert_eq!(back.code, Some(0), "{}", back.err);
            let (_, _, data) = layer.folder.array("v.npy");
            let back = data.as_chunks::<4>().0.iter().map(|word| f32::from_le_bytes(*word));
            assert!(back.eq(values.iter().copied()));
        }
    }
}

#[test]
fn algorithms_come_in_the_order_of_the_papers() {
    let layer = Layer::new();
    let report = layer.run(&[
        "--input-quantized",
        "xq.npy",
        "--compare",
        "rtn,gptq,gpfq,qronos",
        "--svg",
        "c.svg",
        "--weights",
        "int3",
    ]);
    let results = report["results"].as_array().expect("results");
    let errors: Vec<f64> = results.iter().map(|entry| number(entry, "relative_error")).collect();
    assert!(errors.is_sorted_by(|a, b| a > b), "{errors:?}");
    let svg = std::fs::read_to_string(layer.folder.file("c.svg")).expect("a picture");
    for name in ["rtn", "gptq", "gpfq", "qronos"] {
        assert!(svg.contains(name), "{name}");
    }
    let run = layer.folder.fewbit(&[
        "layer",
        "--weight",
        "w.npy",
        "--input",
        "x.npy",
        "--compare",
        "rtn,gptq",
    ]);
    assert_eq!(run.code, Some(0), "{}", run.err);
    assert!(run.out.contains("| gptq |") || run.out.contains("gptq |"), "{}", run.out);
    assert!(layer.folder.names().contains(&"layer.svg".to_owned()));
}

#[test]
fn accumulators_are_kept_and_run() {
    let layer = Layer::new();
    for algorithm in ["rtn", "gptq", "gpfq", "qronos", "gptaq", "beacon", "a2q", "a2q-plus"] {
        for (acts, acc, bits) in
            [("uint8", "int12-sat/8,int16-wrap", 12), ("int8", "int13-wrap", 13)]
        {
            let args = [
                "--algorithm",
                algorithm,
                "--acts",
                acts,
                "--acc",
                acc,
                "--weights",
                "int4",
                "--input-quantized",
                "xq.npy",
            ];
            // A projection has no order.
            let order: &[&str] = if algorithm.starts_with("a2q") { &[] } else { &["--act-order"] };
            let args = [&args[..], order].concat();
            let report = layer.run(&args);
            let what = format!("{algorithm} {acts} {acc}: {report}");
            assert_eq!(report["events"], 0, "{what}");
            assert_eq!(report["guaranteed"], true, "{what}");
            assert!(number(&report, "guaranteed_bits") <= f64::from(bits), "{what}");
            // The worst inputs are among those that are run.
            assert_eq!(report["observed_bits"], report["guaranteed_bits"], "{what}");
        }
    }
    // Left alone the same weights overflow, and that is what is reported.
    let args = ["--acts", "uint8", "--acc", "int10-sat", "--constraint", "none"];
    let report = layer.run(&args);
    assert!(number(&report, "events") > 0.0);
    assert_eq!(report["guaranteed"], false);
    // Without an accumulator the widths that would do are stated.
    let report = layer.run(&["--acts", "uint8"]);
    assert_eq!(report["events"], 0);
    assert!(number(&report, "guaranteed_bits") > 10.0);
    assert!(layer.run(&[])["guaranteed_bits"].is_null());
}

#[test]
fn the_price_of_a_guarantee() {
    let layer = Layer::new();
    let run = |more: &[&str]| {
        let mut args = vec!["--acts", "uint8", "--bits", "10..14", "--compare", "rtn,gptq"];
        args.extend(more);
        layer.run(&args)
    };
    for more in [&[][..], &["--acc", "int{P}-wrap/8,int20-wrap", "--scale", "constrained"][..]] {
        let report = run(more);
        let points = report["points"].as_array().unwrap();
        assert_eq!(points.len(), 5 * 3 * 2);
        let find = |bits: u64, constraint: &str, algorithm: &str| {
            let found = points.iter().find(|point| {
                point["bits"] == bits
                    && point["constraint"] == constraint
                    && point["algorithm"] == algorithm
            });
            found.unwrap_or_else(|| panic!("{bits} {constraint} {algorithm}"))
        };
        for bits in 10..=14 {
            for algorithm in ["rtn", "gptq"] {
                let [axe, joint] = ["axe", "joint"].map(|name| find(bits, name, algorithm));
                for point in [axe, joint] {
                    assert_eq!((&point["guaranteed"], &point["events"]), (&true.into(), &0.into()));
                }
                assert!(number(joint, "relative_error") <= number(axe, "relative_error"));
            }
        }
        // 10 bits hold 2 units of uint8 codes.
        assert!(find(10, "none", "gptq")["events"].as_u64() > Some(0));
        assert_eq!(
            find(12, "none", "gptq")["scale"],
            if more.is_empty() { "absmax" } else { "loss" }
        );
    }
    let mut args = vec!["layer", "--weight", "w.npy", "--input", "x.npy", "--acts", "uint8"];
    args.extend(["--bits", "12..13", "--svg", "price.svg", "--report", "price.json"]);
    let run = layer.folder.fewbit(&args);
    assert_eq!(run.code, Some(0), "{}", run.err);
    assert!(run.out.contains("gptq, joint") && run.out.contains("gptq, none"), "{}", run.out);
    let svg = std::fs::read_to_string(layer.folder.file("price.svg")).unwrap();
    assert!(svg.contains("accumulator bits P") && svg.contains("gptq, axe"));
    assert!(layer.folder.names().contains(&"price.json".to_owned()));
}

#[test]
fn data_types_are_chosen_by_the_error_that_they_leave() {
    let layer = Layer::new();
    let auto = ["--weights", "auto", "--acts", "auto", "--acc", "int12-sat", "--algorithm", "rtn"];
    let report = layer.run(&auto);
    let types = &report["types"];
    let pairs = types["pairs"].as_array().unwrap();
    let budgets = pairs.iter().filter(|pair| pair["guarantee"] == "constraint");
    assert_eq!(budgets.clone().count(), 7 * 14);
    let least = budgets.map(|pair| number(pair, "relative_error")).fold(f64::INFINITY, f64::min);
    assert_eq!(number(&types["best"], "relative_error"), least);
    assert!(least < number(&types["best_by_data_types"], "relative_error"));
    assert_eq!((&report["guaranteed"], &report["events"]), (&true.into(), &0.into()));
    let (weights, acts) =
        (types["best"]["weights"].as_str(), types["best"]["activations"].as_str());
    let named = ["--weights", weights.unwrap(), "--acts", acts.unwrap(), "--quantize-input"];
    let rest = ["--acc", "int12-sat", "--algorithm", "rtn", "--scale", "constrained"];
    let again = layer.run(&[&named[..], &rest[..]].concat());
    assert_eq!(again["relative_error"], report["relative_error"]);
}

#[test]
fn the_file_says_how_activations_become_codes() {
    let layer = Layer::new();
    layer.run(&["--acts", "uint8", "--acc", "int14-sat", "--out", "q.safetensors"]);
    let stored = tensors(&layer.folder, "q.safetensors");
    let (low, high) = layer.x.iter().fold((0f32, 0f32), |(a, b), x| (a.min(*x), b.max(*x)));
    let (scale, zero) = (stored["act_scale"].1[0], stored["act_zero_point"].1[0]);
    assert!((scale / ((high - low) / 255.0) - 1.0).abs() < 1e-5);
    assert_eq!(zero, (-low / scale).round_ties_even());
}

#[test]
fn formats_and_granularities() {
    let layer = Layer::new();
    for (args, scales) in [
        (&["--weights", "int8", "--granularity", "tensor"][..], [OUT, 1]),
        (&["--weights", "uint4"], [OUT, 1]),
        (&["--weights", "int4", "--granularity", "group:16"], [OUT, 3]),
        (&["--weights", "uint4", "--granularity", "group:7"], [OUT, 6]),
        (&["--weights", "e2m1fn", "--granularity", "group:8"], [OUT, 5]),
        (&["--weights", "mxfp4"], [OUT, 2]),
        (&["--weights", "nvfp4"], [OUT, 3]),
        (&["--weights", "mx(int4,f16,10)"], [OUT, 4]),
    ] {
        let mut errors = Vec::new();
        for algorithm in ["rtn", "gptq"] {
            let mut args = args.to_vec();
            args.extend(["--algorithm", algorithm, "--out", "q.safetensors"]);
            let report = layer.run(&args);
            let file = tensors(&layer.folder, "q.safetensors");
            assert_eq!(file["scale"].0, scales, "{args:?}");
            let error = layer.error(&layer.x, &file["values"].1);
            assert!((number(&report, "relative_error") / error - 1.0).abs() < 1e-5, "{args:?}");
            errors.push(error);
            assert_eq!(
                layer.folder.fewbit(&["dequantize", "q.safetensors", "v.npy"]).code,
                Some(0)
            );
        }
        assert!(errors[1] < errors[0], "{args:?}: {errors:?}");
    }
    let report = layer.run(&["--weights", "int4", "--narrow", "--out", "q.safetensors"]);
    assert_eq!(report["weights"], "int4n");
    let file = tensors(&layer.folder, "q.safetensors");
    assert!(file["codes"].1.iter().all(|&code| code != 8.0));
}

#[test]
fn scales() {
    let layer = Layer::new();
    let error = |args: &[&str]| number(&layer.run(args), "relative_error");
    let absmax: Vec<f32> = layer
        .w
        .chunks(IN)
        .map(|row| row.iter().fold(0f32, |most, w| most.max(w.abs())) / 8.0)
        .collect();
    layer.folder.floats("s.npy", &[OUT], &absmax);
    assert_eq!(error(&["--scale", "s.npy"]), error(&["--scale", "absmax"]));
    assert_eq!(error(&["--scale", "s.npy"]), error(&[]));
    for rule in ["mse", "piso", "piso-diagonal", "piso-full", "hqo"] {
        let searched = error(&["--algorithm", "rtn", "--weights", "int3", "--scale", rule]);
        let plain = error(&["--algorithm", "rtn", "--weights", "int3"]);
        assert!(searched < plain, "{rule}: {searched}, absmax {plain}");
    }
    error(&["--scale", "mse", "--granularity", "tensor"]);
    error(&["--scale", "piso", "--granularity", "group:16"]);
}

#[test]
fn rotations_and_equalization() {
    let layer = Layer::new();
    // One channel of the inputs is far larger than the others, and its weights are as much smaller.
    let scaled = |values: &[f32], by: f32| -> Vec<f32> {
        values.iter().enumerate().map(|(i, v)| if i % IN == 3 { v * by } else { *v }).collect()
    };
    let (x, w) = (scaled(&layer.x, 50.0), scaled(&layer.w, 0.02));
    layer.folder.floats("x.npy", &[SAMPLES, IN], &x);
    layer.folder.floats("w.npy", &[OUT, IN], &w);
    let layer = Layer { x, w, ..layer };
    for args in [
        &["--rotate", "hadamard"][..],
        &["--rotate", "random-hadamard", "--seed", "3"],
        &["--rotate", "orthogonal"],
        &["--rotate", "hadamard:8"],
        &["--rotate", "expansion"],
        &["--equalize", "smoothquant"],
        &["--equalize", "smoothquant", "--alpha", "0.3", "--rotate", "hadamard"],
    ] {
        let mut all = args.to_vec();
        all.extend(["--weights", "int8", "--out", "q.safetensors"]);
        let report = layer.run(&all);
        let file = tensors(&layer.folder, "q.safetensors");
        let error = layer.error(&layer.x, &file["effective"].1);
        let found = number(&report, "relative_error");
        assert!((found / error - 1.0).abs() < 1e-2, "{args:?}: {found}, from the file {error}");
        assert_eq!(file.contains_key("channel_scale"), args.contains(&"smoothquant"));
        // The outputs stay: 8 bits for the weights leave little of an error, whatever was done to them first.
        assert!(found < 0.03, "{args:?}: {found}");
        // Equalized, the large channel no longer takes all of the activations' codes.
        let acts = ["--weights", "int8", "--acts", "int4", "--quantize-input"];
        if args.contains(&"smoothquant") {
            let equalized = number(&layer.run(&[args, &acts].concat()), "relative_error");
            let plain = number(&layer.run(&acts), "relative_error");
            assert!(equalized < 0.7 * plain, "{args:?}: {equalized}, plain {plain}");
        }
    }
}

#[test]
fn results_do_not_depend_on_threads_types_or_layout() {
    let layer = Layer::new();
    // The files differ, and so do their digests.
    let strip = |mut report: Value| {
        let entries = report.as_object_mut().expect("an object");
        for key in ["seconds", "statistics_seconds", "peak_bytes", "threads", "provenance"] {
            entries.remove(key);
        }
        report
    };
    let plain = strip(layer.run(&["--algorithm", "qronos", "--threads", "1"]));
    assert_eq!(strip(layer.run(&["--algorithm", "qronos", "--threads", "3"])), plain);
    // float64, big-endian, column-major, more axes.
    let doubles: Vec<u8> = layer.x.iter().flat_map(|&x| f64::from(x).to_be_bytes()).collect();
    layer.folder.npy("x.npy", ">f8", false, &[SAMPLES, IN], &doubles);
    assert_eq!(strip(layer.run(&["--algorithm", "qronos"])), plain);
    let columns = (0..IN).flat_map(|j| (0..SAMPLES).map(move |i| i * IN + j));
    let columns: Vec<u8> = columns.flat_map(|at| layer.x[at].to_le_bytes()).collect();
    layer.folder.npy("x.npy", "<f4", true, &[SAMPLES, IN], &columns);
    assert_eq!(strip(layer.run(&["--algorithm", "qronos"])), plain);
    layer.folder.floats("x.npy", &[3, SAMPLES / 3, IN], &layer.x);
    assert_eq!(strip(layer.run(&["--algorithm", "qronos"])), plain);
}

#[test]
fn what_is_wrong_is_said_and_nothing_is_written() {
    let layer = Layer::new();
    let files = ["--weight", "w.npy", "--input", "x.npy"];
    let with = |more: &[&'static str]| [&files[..], more].concat();
    for (args, complaint) in [
        (with(&["--acc", "int16-sat"]), "--acts"),
        (with(&["--acts", "uint8", "--acc", "f32"]), "floating-point"),
        (with(&["--acts", "e4m3fn"]), "e4m3fn"),
        (with(&["--weights", "gguf:q4_0"]), "gguf:q4_0"),
        (with(&["--weights", "int99"]), "int99"),
        (with(&["--granularity", "group:0"]), "group:0"),
        (with(&["--scale", "biggest"]), "biggest"),
        (with(&["--scale", "x.npy"]), "scales of shape"),
        (with(&["--weights", "mxfp4", "--granularity", "tensor"]), "--granularity"),
        (with(&["--weights", "mxfp4", "--algorithm", "beacon"]), "codes"),
        (with(&["--weights", "e4m3fn", "--narrow"]), "--narrow"),
        (with(&["--weights", "uint4", "--scale", "mse"]), "zero points"),
        (with(&["--algorithm", "a2q"]), "--acc"),
        (with(&["--algorithm", "rtn", "--damping", "0.1"]), "--damping"),
        (with(&["--algorithm", "beacon", "--precision", "double"]), "--precision"),
        (
            with(&[
                "--algorithm",
                "a2q",
                "--precision",
                "single",
                "--acts",
                "uint8",
                "--acc",
                "int16-sat",
            ]),
            "--precision",
        ),
        (
            with(&[
                "--algorithm",
                "a2q-plus",
                "--act-order",
                "--acts",
                "uint8",
                "--acc",
                "int16-sat",
            ]),
            "--act-order",
        ),
        (
            with(&[
                "--algorithm",
                "a2q",
                "--constraint",
                "axe-strict",
                "--acts",
                "uint8",
                "--acc",
                "int16-sat",
            ]),
            "--constraint",
        ),
        (with(&["--acts", "uint8", "--acc", "f32", "--constraint", "none"]), "floating-point"),
        (with(&["--scale", "constrained"]), "--acc"),
        (with(&["--acts", "uint8", "--scale", "constrained"]), "--scale loss"),
        (with(&["--acts", "uint8", "--acc", "int{P}-sat"]), "--bits"),
        (with(&["--acts", "uint8", "--constraint", "joint"]), "--acc"),
        (with(&["--acts", "uint8", "--acc", "int16-sat", "--constraint", "axe,joint"]), "--bits"),
        (
            with(&[
                "--acts",
                "uint8",
                "--acc",
                "int16-sat",
                "--scale",
                "constrained",
                "--granularity",
                "tensor",
            ]),
            "--granularity",
        ),
        (with(&["--effort", "5"]), "0 to 4"),
        (with(&["--effort", "2", "--weights", "f32"]), "levels"),
        (with(&["--weights", "auto", "--acc", "int16-sat", "--acts", "uint8"]), "--acts auto"),
        (with(&["--weights", "auto", "--acts", "auto"]), "--acc"),
        (with(&["--acts", "mxfp4"]), "a group format"),
        (with(&["--weights", "f32", "--acts", "uint8"]), "no integers"),
        (with(&["--algorithm", "gptq", "--damping=-1"]), "damping"),
        (with(&["--rotate", "sideways"]), "sideways"),
        (with(&["--rotate", "hadamard:7"]), "7"),
        (with(&["--equalize", "smoothquant", "--alpha", "2"]), "alpha"),
        (with(&["--input-quantized", "w.npy"]), "12x40"),
        (
            vec!["--weight", "x.npy", "--input", "w.npy", "--input-quantized", "nothing.npy"],
            "nothing.npy",
        ),
        (vec!["--weight", "w.npy", "--input", "gone.npy"], "gone.npy"),
    ] {
        layer.refused(&args, complaint);
    }
    let mut bad = layer.x.clone();
    bad[1200 * IN + 5] = f32::NAN;
    layer.folder.floats("bad.npy", &[SAMPLES, IN], &bad);
    layer.refused(&["--weight", "w.npy", "--input", "bad.npy"], "NaN in row 1200, column 5");
    let mut w = layer.w.clone();
    w[2 * IN] = f32::INFINITY;
    layer.folder.floats("inf.npy", &[OUT, IN], &w);
    layer.refused(&["--weight", "inf.npy", "--input", "x.npy"], "inf");
    layer.folder.floats("none.npy", &[0, IN], &[]);
    layer.refused(&["--weight", "w.npy", "--input", "none.npy"], "no numbers");
    let bytes = std::fs::read(layer.folder.file("x.npy")).expect("a file");
    std::fs::write(layer.folder.file("short.npy"), &bytes[..bytes.len() - 1]).expect("a file");
    layer.refused(&["--weight", "w.npy", "--input", "short.npy"], "cut short");
    std::fs::write(layer.folder.file("text.npy"), "hello").expect("a file");
    layer.refused(&["--weight", "w.npy", "--input", "text.npy"], "not a .npy file");
}

/// In a comparison an argument is for those that have a use for it; where none has, it is refused.
#[test]
fn an_argument_that_no_compared_algorithm_has_is_refused() {
    let layer = Layer::new();
    let compare = |algorithms: &str, more: &[&str]| {
        let args = ["layer", "--weight", "w.npy", "--input", "x.npy", "--compare", algorithms];
        layer.folder.fewbit(&[&args[..], more].concat())
    };
    for (algorithms, more) in
        [("rtn,gpfq", ["--damping", "0.1"]), ("beacon,beacon", ["--precision", "double"])]
    {
        let run = compare(algorithms, &more);
        assert_eq!((run.code, run.out.as_str()), (Some(2), ""));
        assert_eq!(run.err.lines().count(), 1, "{}", run.err);
        assert!(run.err.contains(more[0]), "{}", run.err);
        assert!(!layer.folder.file("layer.svg").exists());
    }
    for (algorithms, more) in
        [("rtn,gptq", ["--damping", "0.1"]), ("gptq,beacon", ["--precision", "double"])]
    {
        assert_eq!(compare(algorithms, &more).code, Some(0), "{algorithms}");
    }
}

#[test]
fn statistics_are_kept() {
    let layer = Layer::new();
    layer.run(&["--input-quantized", "xq.npy", "--save-statistics", "h.safetensors"]);
    let statistics = fewbit::algorithms::Statistics::load(&layer.folder.file("h.safetensors"))
        .expect("statistics");
    assert_eq!((statistics.samples, statistics.inputs()), (SAMPLES as u64, IN));
    assert!(statistics.has_pairs());
}
