//! Networks on the command line: run, quantized, swept, shown.
#![cfg(feature = "networks")]

mod common;

use common::Folder;
use fewbit_cli::digits;
use fewbit_models::graph::{Graph, Node, ValueId};
use fewbit_models::ops::{
    Add, BatchNormalization, Clip, Conv, Dim, Fact, Flatten, Gemm, GlobalAveragePool, LSTM, MatMul,
    Padding, Recurrence, Relu, Squeeze, Transpose,
};
use fewbit_models::tensor::{ElementType, Tensor};
use ndarray::{ArrayD, IxDyn};
use serde_json::Value;

/// A stored archive of arrays as NumPy writes it.
fn npz(arrays: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    let (version, none) = (20u16.to_le_bytes(), [0u8; 2]);
    for (name, data) in arrays {
        let name = format!("{name}.npy");
        let offset = (bytes.len() as u32).to_le_bytes();
        let size = (data.len() as u32).to_le_bytes();
        let mut common = [version, none, none, none, none].concat();
        let mut crc = flate2::Crc::new();
        crc.update(data);
        common.extend(crc.sum().to_le_bytes());
        common.extend([size, size].concat());
        common.extend((name.len() as u16).to_le_bytes());
        common.extend(none);
        bytes.extend(0x0403_4b50u32.to_le_bytes());
        bytes.extend(&common);
        bytes.extend(name.as_bytes());
        bytes.extend(data);
        directory.extend(0x0201_4b50u32.to_le_bytes());
        directory.extend(version);
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend(offset);
        directory.extend(name.as_bytes());
    }
    let (start, length) = (bytes.len() as u32, directory.len() as u32);
    let count = (arrays.len() as u16).to_le_bytes();
    bytes.extend(directory);
    bytes.extend(0x0605_4b50u32.to_le_bytes());
    bytes.extend([0; 4]);
    bytes.extend([count, count].concat());
    bytes.extend(length.to_le_bytes());
    bytes.extend(start.to_le_bytes());
    bytes.extend(none);
    bytes
}

fn floats(shape: &[usize], values: &[f32]) -> Vec<u8> {
    let data: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
    common::npy_bytes("<f4", false, shape, &data)
}

fn labels(values: &[i64]) -> Vec<u8> {
    let data: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
    common::npy_bytes("<i8", false, &[values.len()], &data)
}

/// The carried network and its data: `mlp.safetensors`, `X.npz` of training images, `V.npz` of others with labels.
fn digits_folder() -> Folder {
    let folder = Folder::new();
    let root = env!("CARGO_MANIFEST_DIR");
    let network = format!("{root}/../data/digits/mlp.safetensors");
    std::fs::copy(network, folder.file("mlp.safetensors")).expect("the carried network");
    let split = digits::split().expect("the carried data");
    let images = |images: &ndarray::Array2<f32>| {
        floats(&[images.nrows(), images.ncols()], &images.iter().copied().collect::<Vec<_>>())
    };
    let y: Vec<i64> = split.held_out.labels.iter().map(|&label| label.into()).collect();
    let training = npz(&[("x", images(&split.training.images))]);
    let held_out = npz(&[("x", images(&split.held_out.images)), ("y", labels(&y))]);
    let shuffled: Vec<i64> = y.iter().rev().copied().collect();
    let other = npz(&[("x", images(&split.held_out.images)), ("y", labels(&shuffled))]);
    for (name, bytes) in [("X.npz", training), ("V.npz", held_out), ("S.npz", other)] {
        std::fs::write(folder.file(name), bytes).expect("a file");
    }
    folder
}

fn numbers(count: usize, seed: usize) -> Vec<f32> {
    let wave = |i: usize| ((i * i + 7 * i * seed + 13 * seed) as f32 * 0.731).sin();
    (0..count).map(|i| 0.6 * wave(i) + 0.3 * wave(3 * i + 1)).collect()
}

fn tensor(shape: &[usize], seed: usize) -> Tensor {
    let count = shape.iter().product();
    ArrayD::from_shape_vec(IxDyn(shape), numbers(count, seed)).expect("the shape's elements").into()
}

fn conv(graph: &mut Graph, name: &str, x: ValueId, shape: [usize; 4], groups: usize) -> ValueId {
    let padding = Padding { pads: vec![shape[2] / 2; 4], ..Padding::default() };
    let w = graph.add_constant(&format!("{name}.weight"), tensor(&shape, name.len()));
    graph.add(name, Conv { groups, padding, ..Conv::default() }, &[x, w])
}

/// A small residual network with batch normalization, a depthwise convolution and ReLU6, as `cnn.onnx`, with images.
fn cnn_folder() -> Folder {
    let folder = Folder::new();
    let mut graph = Graph::new("cnn");
    let shape = vec![Dim::Named("batch".into()), 1.into(), 8.into(), 8.into()];
    let x = graph.add_input("image", Fact::new(ElementType::F32, shape));
    let stem = conv(&mut graph, "stem", x, [6, 1, 3, 3], 1);
    let positive = |seed| Tensor::vector(numbers(6, seed).iter().map(|x| x.abs() + 0.4).collect());
    let mut inputs = vec![stem, graph.add_constant("gamma", positive(3))];
    inputs.push(graph.add_constant("beta", tensor(&[6], 4)));
    inputs.push(graph.add_constant("mean", tensor(&[6], 5)));
    inputs.push(graph.add_constant("variance", positive(6)));
    let stem = graph.add("norm", BatchNormalization::default(), &inputs);
    let (low, high) = (Tensor::scalar(0f32), Tensor::scalar(6f32));
    let (low, high) = (graph.add_constant("low", low), graph.add_constant("high", high));
    let stem = graph.add("relu6", Clip::default(), &[stem, low, high]);
    let left = conv(&mut graph, "depthwise", stem, [6, 1, 3, 3], 6);
    let left = graph.add("relu", Relu {}, &[left]);
    let left = conv(&mut graph, "pointwise", left, [6, 6, 1, 1], 1);
    let sum = graph.add("sum", Add {}, &[left, stem]);
    let sum = graph.add("relu2", Relu {}, &[sum]);
    let mean = graph.add("mean_of_all", GlobalAveragePool {}, &[sum]);
    let flat = graph.add("flat", Flatten::default(), &[mean]);
    let w = graph.add_constant("fc.weight", tensor(&[4, 6], 9));
    let b = graph.add_constant("fc.bias", tensor(&[4], 10));
    let y = graph.add("fc", Gemm { transpose_b: true, ..Gemm::default() }, &[flat, w, b]);
    graph.add_output(y);
    graph.sort().expect("an order");
    graph.infer().expect("shapes");
    fewbit_models::onnx::write(&graph, 17, &folder.file("cnn.onnx")).expect("a file");
    let images = floats(&[96, 1, 8, 8], &numbers(96 * 64, 21));
    std::fs::write(folder.file("X.npz"), npz(&[("image", images)])).expect("a file");
    folder
}

fn done(folder: &Folder, args: &[&str]) -> String {
    let run = folder.fewbit(args);
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{args:?}");
    run.out
}

fn report(folder: &Folder, name: &str) -> Value {
    let text = std::fs::read_to_string(folder.file(name)).expect("a report");
    serde_json::from_str(&text).expect("JSON")
}

fn accuracy(report: &Value, of: &str) -> f64 {
    report[of]["accuracy"].as_f64().expect("an accuracy")
}

#[test]
fn a_flipped_bit_of_an_array_is_found() {
    let folder = digits_folder();
    let bytes = std::fs::read(folder.file("V.npz")).expect("images");
    for at in [1000, bytes.len() / 2] {
        let mut flipped = bytes.clone();
        flipped[at] ^= 4;
        std::fs::write(folder.file("V.npz"), flipped).expect("a file");
        let run = folder.fewbit(&["run", "mlp.safetensors", "--input", "V.npz"]);
        assert_eq!(run.code, Some(2), "{}", run.out);
        assert!(run.err.contains("is damaged: x.npy has CRC-32"), "{}", run.err);
    }
}

#[test]
fn the_carried_network_runs_and_is_quantized() {
    let folder = digits_folder();
    let out = done(&folder, &["run", "mlp.safetensors", "--input", "V.npz"]);
    assert!(out.starts_with("596 samples in float") && out.contains("98.32 % right"), "{out}");
    let ptq = |out: &str, data: &str, more: &[&str]| {
        let args =
            ["ptq", "mlp.safetensors", "--calibration", "X.npz", "--data", data, "--out", out];
        let args: Vec<&str> = args.iter().chain(more).copied().collect();
        done(&folder, &args)
    };
    let out =
        ptq("q", "V.npz", &["--weight_bit_width", "4", "--weight-quant-granularity=per_channel"]);
    assert!(out.contains("nothing to do: no clips from 0 to 6"), "{out}");
    let found = report(&folder, "q/report.json");
    assert!((accuracy(&found, "float") - 0.9832).abs() < 1e-4);
    assert!(accuracy(&found, "quantized") > 0.97 && accuracy(&found, "integer") > 0.97);
    let layers = found["layers"].as_array().expect("layers");
    assert_eq!(layers.len(), 3);
    for layer in layers {
        let bits = |key: &str| layer[key].as_u64().expect("bits");
        assert!(bits("observed_bits") <= bits("guaranteed_bits"), "{layer}");
        assert!(layer["sqnr_db"].as_f64().expect("dB") > 10.0, "{layer}");
    }
    // Labels change the accuracies and nothing else.
    ptq("s", "S.npz", &["--weight_bit_width", "4", "--weight-quant-granularity=per_channel"]);
    assert_ne!(accuracy(&report(&folder, "s/report.json"), "float"), accuracy(&found, "float"));
    for name in ["model.onnx", "model.qonnx.onnx", "bounds.json"] {
        let bytes = |of: &str| std::fs::read(folder.file(&format!("{of}/{name}"))).expect("a file");
        assert!(bytes("q") == bytes("s"), "{name}");
    }
    // What was written is what was measured.
    for (model, how) in
        [("q/model.onnx", "fake"), ("q/model.qonnx.onnx", "fake"), ("q/model.onnx", "integer")]
    {
        let args =
            ["run", model, "--input", "V.npz", "--execution", how, "--json", "--output", "Y.npz"];
        let run: Value = serde_json::from_str(&done(&folder, &args)).expect("JSON");
        let expected = accuracy(&found, if how == "fake" { "quantized" } else { "integer" });
        assert_eq!(run["accuracy"].as_f64(), Some(expected), "{model} {how}");
        assert_eq!(run["in_floats"], Value::Null);
    }
}

#[test]
fn a_constraint_keeps_accumulators_from_overflowing() {
    let folder = digits_folder();
    let events = |out: &str, more: &[&str]| -> u64 {
        let args = [
            "ptq",
            "mlp.safetensors",
            "--calibration",
            "X.npz",
            "--data",
            "V.npz",
            "--out",
            out,
            "--weight-bit-width",
            "4",
            "--weight-quant-granularity",
            "per_channel",
            "--accumulator",
            "int14-sat",
        ];
        let args: Vec<&str> = args.iter().chain(more).copied().collect();
        done(&folder, &args);
        let found = report(&folder, &format!("{out}/report.json"));
        let layers = found["layers"].as_array().expect("layers").iter();
        layers.map(|layer| layer["events"].as_u64().expect("events")).sum()
    };
    assert!(events("nearest", &[]) > 0);
    for constraint in ["axe", "joint"] {
        let more = ["--gptq", "--accumulator-constraint", constraint];
        assert_eq!(events(constraint, &more), 0, "{constraint}");
        let bounds = report(&folder, &format!("{constraint}/bounds.json"));
        assert!(bounds.as_array().expect("nodes").iter().all(|node| node["fits"] == true));
    }
}

#[test]
fn a_budget_of_changed_classes_takes_bits_away() {
    let folder = digits_folder();
    let least = |budget: &str| -> Vec<u64> {
        let args = [
            "ptq",
            "mlp.safetensors",
            "--calibration",
            "X.npz",
            "--out",
            "q",
            "--weight-bit-width",
            "4",
            "--budget",
            budget,
        ];
        done(&folder, &args);
        let found = report(&folder, "q/report.json");
        let rows = found["least_bits"].as_array().expect("rows").iter();
        rows.map(|row| row["bits"].as_u64().expect("bits")).collect()
    };
    let (none, some) = (least("0"), least("5"));
    assert_eq!((none.len(), some.len()), (3, 3));
    assert!(none.iter().zip(&some).all(|(none, some)| some <= none), "{none:?} {some:?}");
    assert!(some.iter().sum::<u64>() < none.iter().sum::<u64>(), "{none:?} {some:?}");
}

#[test]
fn a_residual_network_with_depthwise_convolutions_goes_the_whole_way() {
    let folder = cnn_folder();
    let args = [
        "ptq",
        "cnn.onnx",
        "--calibration",
        "X.npz",
        "--data",
        "X.npz",
        "--out",
        "q",
        "--gptq",
        "--weight-quant-granularity",
        "per_channel",
        "--sweep-bits",
        "8..10",
    ];
    done(&folder, &args);
    let found = report(&folder, "q/report.json");
    let names: Vec<&str> = found["passes"]
        .as_array()
        .expect("passes")
        .iter()
        .map(|pass| pass["name"].as_str().expect("a name"))
        .collect();
    let expected = [
        "inline branches",
        "relu6 to relu",
        "decompose attention",
        "decompose recurrent",
        "merge batch norm",
        "equalize",
        "insert activation quantizers",
        "insert recurrent quantizers",
        "insert weight quantizers",
        "calibrate",
        "gptq",
        "quantize biases",
    ];
    assert_eq!(names, expected);
    assert_eq!(found["in_floats"].as_array().map(Vec::len), Some(0));
    assert_eq!(found["sweep"].as_array().map(Vec::len), Some(6));
    let run = |model: &str, how: &str| -> Vec<f32> {
        let args = ["run", model, "--input", "X.npz", "--execution", how, "--output", "Y.npz"];
        done(&folder, &args);
        let bytes = std::fs::read(folder.file("Y.npz")).expect("outputs");
        let start = bytes.windows(6).position(|w| w == b"\x93NUMPY").expect("an array");
        let length = usize::from(u16::from_le_bytes([bytes[start + 8], bytes[start + 9]]));
        let (words, _) = bytes[start + 10 + length..][..96 * 4 * 4].as_chunks::<4>();
        words.iter().map(|word| f32::from_le_bytes(*word)).collect()
    };
    let fake = run("q/model.onnx", "fake");
    assert_eq!(fake, run("q/model.qonnx.onnx", "fake"));
    // A float product that lies on a tie may round the other way; of these images none does.
    let integer = run("q/model.onnx", "integer");
    let far = fake.iter().zip(&integer).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(far < 1e-4, "{far}");
    let whole = [
        "run",
        "q/model.onnx",
        "--input",
        "X.npz",
        "--execution",
        "integer",
        "--requantization",
        "tosa32",
    ];
    done(&folder, &whole);
}

#[test]
fn graphs_are_shown() {
    let folder = cnn_folder();
    let out = done(&folder, &["graph", "cnn.onnx", "--svg", "G.svg", "--dot", "G.dot"]);
    assert!(out.contains("depthwise") && out.contains("[batch, 6, 8, 8]"), "{out}");
    let svg = std::fs::read_to_string(folder.file("G.svg")).expect("a picture");
    assert!(svg.starts_with("<svg") && svg.contains("GlobalAveragePool"), "{svg}");
    let dot = std::fs::read_to_string(folder.file("G.dot")).expect("a text");
    assert!(dot.contains("\"depthwise\" -> \"relu\";"), "{dot}");
    let json = done(&folder, &["graph", "cnn.onnx", "--json"]);
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["operators"]["Conv"], 3);
    // 8x8 positions: 6 * 9, 6 * 9, 6 * 6; and 24 of the last layer.
    assert_eq!(json["macs"], 64 * (54 + 54 + 36) + 24);
}

#[test]
fn a_sweep_has_every_algorithm_under_every_constraint() {
    let folder = digits_folder();
    let args = [
        "sweep",
        "--model",
        "mlp.safetensors",
        "--data",
        "V.npz",
        "--calibration-data",
        "X.npz",
        "--compare",
        "rtn,gptq",
        "--constraint",
        "none,axe",
        "--bits",
        "13..14",
        "--csv",
        "--out",
        ".",
    ];
    done(&folder, &args);
    let found = report(&folder, "sweep.json");
    assert_eq!(found["points"].as_array().map(Vec::len), Some(2));
    let series = found["series"].as_array().expect("series");
    let names: Vec<_> = series.iter().map(|s| (&s["algorithm"], &s["constraint"])).collect();
    let expected = [("rtn", "none"), ("rtn", "axe"), ("gptq", "none"), ("gptq", "axe")];
    assert_eq!(names.len(), 4);
    for ((algorithm, constraint), expected) in names.iter().zip(expected) {
        assert_eq!((algorithm.as_str(), constraint.as_str()), (Some(expected.0), Some(expected.1)));
    }
    let events = |index: usize| -> u64 {
        let points = series[index]["points"].as_array().expect("points").iter();
        points.map(|point| point["events"].as_u64().expect("events")).sum()
    };
    assert!(events(0) > 0 && events(2) > 0);
    assert_eq!((events(1), events(3)), (0, 0));
    let csv = std::fs::read_to_string(folder.file("sweep.csv")).expect("a list");
    assert_eq!(csv.lines().count(), 9);
}

/// A cell over six steps that begins with a given state, and the product of its states with themselves.
#[test]
fn recurrent_nodes_and_products_of_activations_are_layers() {
    let folder = Folder::new();
    let mut graph = Graph::new("cell");
    let batch = || Dim::Named("batch".into());
    let fact = |shape| Fact::new(ElementType::F32, shape);
    let x = graph.add_input("x", fact(vec![batch(), 6.into(), 4.into()]));
    let state = graph.add_input("state", fact(vec![1.into(), batch(), 5.into()]));
    let steps = graph.add("steps", Transpose { order: vec![1, 0, 2] }, &[x]);
    let w = graph.add_constant("W", tensor(&[1, 20, 4], 1));
    let r = graph.add_constant("R", tensor(&[1, 20, 5], 2));
    let y = graph.add_value("y", Fact::default());
    let last = graph.add_value("last", Fact::default());
    graph.add_node(Node {
        name: "cell".into(),
        op: LSTM {
            recurrence: Recurrence { hidden: Some(5), ..Recurrence::default() },
            coupled: false,
        }
        .into(),
        inputs: vec![Some(steps), Some(w), Some(r), None, None, Some(state)],
        outputs: vec![Some(y), Some(last)],
    });
    let axes = graph.add_constant("axes", Tensor::vector(vec![1i64]));
    let y = graph.add("all", Squeeze {}, &[y, axes]);
    let rows = graph.add("rows", Transpose { order: vec![1, 0, 2] }, &[y]);
    let turned = graph.add("turned", Transpose { order: vec![1, 2, 0] }, &[y]);
    let scores = graph.add("scores", MatMul {}, &[rows, turned]);
    graph.add_output(scores);
    graph.add_output(last);
    graph.infer().expect("shapes");
    fewbit_models::onnx::write(&graph, 17, &folder.file("cell.onnx")).expect("a file");
    let arrays = [
        ("x", floats(&[8, 6, 4], &numbers(192, 7))),
        ("state", floats(&[1, 8, 5], &numbers(40, 8))),
    ];
    std::fs::write(folder.file("X.npz"), npz(&arrays)).expect("a file");
    let args = ["ptq", "cell.onnx", "--calibration", "X.npz", "--data", "X.npz", "--out", "q"];
    let printed = done(
        &folder,
        &[&args[..], &["--accumulator", "int12-sat", "--batch-size-validation", "4"]].concat(),
    );
    let found = report(&folder, "q/report.json");
    let layers = found["layers"].as_array().expect("layers");
    let names: Vec<_> =
        layers.iter().map(|layer| layer["name"].as_str().expect("a name")).collect();
    assert_eq!(names, ["cell.x", "cell.h.product", "scores"]);
    for layer in layers {
        assert_eq!(layer["accumulator"], "int12-sat", "{layer}");
        assert!(layer["sqnr_db"].as_f64().is_some_and(|db| db > 15.0), "{layer}");
        assert!(layer["observed_bits"].is_u64() && layer["events"].is_u64(), "{layer}");
        let name = layer["name"].as_str().expect("a name");
        assert!(printed.contains(&format!("| {name} ")), "{printed}");
    }
    let events = |layer: &Value| layer["events"].as_u64().expect("events");
    assert!(layers.iter().map(events).sum::<u64>() > 0);
    // The file has the loop, with its quantizers and its accumulators.
    let args = [
        "run",
        "q/model.onnx",
        "--input",
        "X.npz",
        "--output",
        "Y.npz",
        "--execution",
        "integer",
        "--json",
    ];
    let run: Value = serde_json::from_str(&done(&folder, &args)).expect("JSON");
    let nodes = run["nodes"].as_array().expect("nodes");
    assert_eq!(nodes.len(), 3);
    assert_eq!(run["outputs"][0]["shape"], serde_json::json!([8, 6, 6]));
    assert_eq!(run["outputs"][1]["shape"], serde_json::json!([1, 8, 5]));
    let outputs = |name: &str| {
        let node = nodes.iter().find(|node| node["name"] == name).expect("a node");
        node["outputs"].as_u64()
    };
    assert_eq!((outputs("cell.x"), outputs("cell.h.product")), (Some(960), Some(960)));
    assert_eq!(outputs("scores"), Some(8 * 36));
}

#[test]
fn bad_input_is_one_line() {
    let folder = cnn_folder();
    let model = std::fs::read(folder.file("cnn.onnx")).expect("a file");
    std::fs::write(folder.file("cut.onnx"), &model[..model.len() / 2]).expect("a file");
    std::fs::write(folder.file("text.onnx"), "no model at all").expect("a file");
    std::fs::write(folder.file("bad.yaml"), "weight_bitwidth: 4\n").expect("a file");
    std::fs::write(folder.file("W.npz"), npz(&[("image", floats(&[2, 3], &[0.0; 6]))]))
        .expect("a file");
    folder.npy("Y.npy", "<f4", false, &[0, 1, 8, 8], &[]);
    let before = folder.names();
    let ptq = ["ptq", "cnn.onnx", "--calibration", "X.npz", "--out", "q"];
    for (args, expected) in [
        (&["run", "cut.onnx", "--input", "X.npz"][..], "cut.onnx"),
        (&["run", "text.onnx", "--input", "X.npz"], "this is no ONNX model"),
        (&["run", "none.onnx", "--input", "X.npz"], "none.onnx"),
        (&["run", "cnn.onnx", "--input", "W.npz"], "image"),
        (&["run", "cnn.onnx", "--input", "Y.npy"], "has no samples"),
        (&["run", "cnn.onnx", "--input", "cnn.onnx"], "cnn.onnx"),
        (&["run", "cnn.onnx", "--input", "X.npz", "--acc", "int1-sat"], "int1-sat"),
        (&[&ptq[..], &["--config", "bad.yaml"]].concat(), "did you mean `weight_bit_width`?"),
        (&[&ptq[..], &["--weight-bit-width", "77"]].concat(), "expected 1 to 16"),
        (&[&ptq[..], &["--weight-bit-width", "four"]].concat(), "`weight_bit_width` is four"),
        (&[&ptq[..], &["--quant-format", "posit"]].concat(), "posit"),
        (&[&ptq[..], &["--accumulator", "int16"]].concat(), "int16"),
        (&["sweep", "--model", "cnn.onnx", "--data", "W.npz"], "image"),
        (&["graph", "text.onnx"], "this is no ONNX model"),
    ] {
        let run = folder.fewbit(args);
        assert_eq!(run.code, Some(2), "{args:?}: {}", run.err);
        assert_eq!(run.err.lines().count(), 1, "{args:?}: {}", run.err);
        assert!(run.err.contains(expected), "{args:?}: {}", run.err);
        assert_eq!(folder.names(), before, "{args:?}");
    }
}
