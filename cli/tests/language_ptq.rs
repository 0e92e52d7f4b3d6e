//! Language models quantized on the command line: reports, guarantees, resuming, independence of the text that is measured on.
#![cfg(feature = "networks")]

mod common;

use common::Folder;
use common::language::{model, words, write};
use serde_json::{Value, json};

const KEYS: &str = "seqlen: 16\nnsamples: 4\nnvalid: 3\nweight_bit_width: 4\nweight_quant_granularity: per_channel\n\
    weight_param_method: mse\ninput_bit_width: 8\ninput_scale_type: dynamic\ninput_quant_granularity: per_row\n\
    input_quant_type: asym\n";

/// A golden model with texts and keys.
fn folder(name: &str) -> Folder {
    let folder = model(name);
    write(&folder, "calibration.txt", &words(3, 100));
    write(&folder, "text.txt", &words(5, 90));
    write(&folder, "other.txt", &words(11, 80));
    write(&folder, "keys.yaml", KEYS);
    folder
}

/// What is put in front of every call's own arguments.
const BASE: [&str; 6] =
    ["ptq", "model", "--config", "keys.yaml", "--calibration-text", "calibration.txt"];

fn ptq(folder: &Folder, out: &str, more: &[&str]) -> Value {
    let args: Vec<&str> =
        BASE.iter().copied().chain(["--out", out, "--json"]).chain(more.iter().copied()).collect();
    let run = folder.fewbit(&args);
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{args:?}");
    let printed: Value = serde_json::from_str(&run.out).expect("JSON");
    let file = std::fs::read_to_string(folder.file(&format!("{out}/report.json")));
    let file: Value = serde_json::from_str(&file.expect("a report")).expect("JSON");
    assert_eq!(file, printed);
    printed
}

fn number(report: &Value, name: &str) -> f64 {
    report[name].as_f64().unwrap_or_else(|| panic!("{name}: {}", report[name]))
}

#[test]
fn a_report_has_perplexities_layers_and_what_ran() {
    let folder = folder("llama3");
    let report = ptq(&folder, "q", &["--text", "text.txt", "--gptq"]);
    let float = folder.fewbit(&[
        "run", "model", "--text", "text.txt", "--seqlen", "16", "--nvalid", "3", "--json",
    ]);
    let float: Value = serde_json::from_str(&float.out).expect("JSON");
    assert_eq!(report["float_perplexity"], float["perplexity"]);
    let (fake, exact) = (number(&report, "perplexity"), number(&report, "exact_perplexity"));
    // The two executions differ by the rounding of sums in float32 alone.
    assert!((fake / exact - 1.0).abs() < 1e-4, "{fake} and {exact}");
    assert!(fake != number(&report, "float_perplexity"));
    assert_eq!(report["scored"], json!({"windows": 3, "seqlen": 16, "tokens": 24}));
    let layers = report["layers"].as_array().expect("layers");
    assert_eq!(layers.len(), 14); // seven linear layers in each of two blocks, and not the last one
    assert_eq!(layers[0]["name"], "model.layers.0.self_attn.q_proj");
    for layer in layers {
        let (guaranteed, observed) =
            (number(layer, "guaranteed_bits"), number(layer, "observed_bits"));
        assert!(observed <= guaranteed && number(layer, "sqnr_db") > 5.0, "{layer}");
        assert_eq!(layer["events"], 0);
    }
    let passes: Vec<&str> = report["passes"]
        .as_array()
        .expect("passes")
        .iter()
        .filter_map(|p| p["name"].as_str())
        .collect();
    assert_eq!(passes, ["insert input quantizers", "insert weight quantizers", "gptq"]);
    assert!(number(&report, "peak_memory_bytes") > 1e6);
    let page = std::fs::read_to_string(folder.file("q/report.html")).expect("a page");
    assert_eq!(page.matches("<svg").count(), 3);
    assert!(!folder.file("q/resume").exists());
}

#[test]
fn codes_chosen_for_an_accumulator_overflow_nothing() {
    let folder = folder("qwen2");
    let accumulator = "int13-sat/16,int20-wrap";
    let with = |out: &str, more: &[&str]| {
        let all = [&["--text", "text.txt", "--accumulator", accumulator], more].concat();
        ptq(&folder, out, &all)
    };
    let nearest = with("rtn", &["--accumulator-constraint", "none"]);
    assert!(number(&nearest, "events") > 0.0);
    assert_ne!(nearest["accumulator_perplexity"], nearest["exact_perplexity"]);
    for constraint in ["axe", "joint"] {
        let own = with(constraint, &["--gptq", "--accumulator-constraint", constraint]);
        assert_eq!(own["events"], 0, "{constraint}");
        assert_eq!(own["accumulator_perplexity"], own["exact_perplexity"], "{constraint}");
        let layers = own["layers"].as_array().expect("layers");
        assert!(
            layers.iter().all(|layer| layer["events"] == 0 && layer["accumulator"] == accumulator)
        );
        let bounds = std::fs::read_to_string(folder.file(&format!("{constraint}/bounds.json")));
        let bounds: Value = serde_json::from_str(&bounds.expect("bounds")).expect("JSON");
        assert!(bounds.as_array().expect("nodes").iter().all(|node| node["fits"] == true));
    }
}

#[test]
fn a_sweep_compares_nearest_codes_with_those_chosen_for_each_width() {
    let folder = folder("llama2");
    let args = [
        "--text",
        "text.txt",
        "--gptq",
        "--sweep-bits",
        "10..12",
        "--acc",
        "int{P}-sat/16,int24-wrap",
    ];
    let report = ptq(&folder, "q", &args);
    let points = report["sweep"].as_array().expect("points");
    let kinds = |algorithm: &str, constraint: &str| {
        let suits = |p: &&Value| p["algorithm"] == algorithm && p["constraint"] == constraint;
        points.iter().filter(suits).cloned().collect::<Vec<_>>()
    };
    // Saturating and wrapping, three widths each; what is constrained once.
    assert_eq!(kinds("rtn", "none").len(), 6);
    assert_eq!(kinds("gptq", "none").len(), 6);
    let own = kinds("gptq", "axe");
    assert_eq!(own.len(), 3);
    assert!(own.iter().all(|point| point["events"] == 0), "{own:?}");
    assert!(kinds("rtn", "none").iter().any(|p| p["events"].as_u64() > Some(0)));
    let one = &points[0];
    let events: u64 =
        one["layer_events"].as_array().expect("events").iter().filter_map(Value::as_u64).sum();
    assert_eq!(one["events"], events);
    let page = std::fs::read_to_string(folder.file("q/report.html")).expect("a page");
    assert_eq!(page.matches("<svg").count(), 4);
}

/// A file that a run leaves.
fn file(folder: &Folder, out: &str, name: &str) -> Vec<u8> {
    std::fs::read(folder.file(&format!("{out}/{name}"))).expect(name)
}

#[test]
fn the_model_does_not_depend_on_the_text_that_is_measured_on() {
    let folder = folder("qwen3");
    for (out, text) in [("a", "text.txt"), ("b", "other.txt")] {
        ptq(&folder, out, &["--text", text, "--qronos"]);
    }
    for name in ["bounds.json", "model.onnx", "model.safetensors"] {
        assert!(file(&folder, "a", name) == file(&folder, "b", name), "{name}");
    }
}

#[test]
fn a_written_model_runs_to_the_same_bits() {
    let folder = folder("llama3");
    let keys = ["--text", "text.txt", "--gptq", "--accumulator", "int14-sat/16,int24-wrap"];
    let report = ptq(&folder, "q", &keys);
    let again = |more: &[&str]| {
        let text = ["run", "q", "--text", "text.txt", "--seqlen", "16", "--nvalid", "3", "--json"];
        let run = folder.fewbit(&[&text[..], more].concat());
        assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
        let found: Value = serde_json::from_str(&run.out).expect("JSON");
        found["perplexity"].clone()
    };
    assert_eq!(again(&[]), report["perplexity"]);
    assert_eq!(again(&["--execution", "integer"]), report["accumulator_perplexity"]);
    let exact = again(&["--execution", "integer", "--acc", "exact"]);
    assert_eq!(exact, report["exact_perplexity"]);
}

#[test]
fn files_for_other_programs_are_written() {
    let folder = folder("llama2");
    let keys = ["--text", "text.txt", "--input-bit-width", "null", "--export-target", "onnx_qcdq"];
    ptq(&folder, "q", &keys);
    let shown = folder.fewbit(&["graph", "q/model.qcdq.onnx", "--json"]);
    assert_eq!((shown.code, shown.err.as_str()), (Some(0), ""));
    let shown: Value = serde_json::from_str(&shown.out).expect("JSON");
    assert_eq!(shown["operators"]["Quantize"], 14);
    let args: Vec<&str> = BASE.iter().copied().chain(["--out", "bad"]).collect();
    let wrong = folder.fewbit(&[&args[..], &["--export-target", "gguf:q9"]].concat());
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.err.contains("gguf:q8_0"), "{}", wrong.err);
}

#[test]
fn keys_of_every_pass_run() {
    let folder = folder("llama3");
    let cases: [(&[&str], &str); 11] = [
        (&["--rotation", "fused_no_fx"], "rotate"),
        (&["--rotation", "fx", "--rotation-orphan-sink", "--rotation-sdpa-regions"], "rotate"),
        (&["--rotation", "layerwise"], "rotate"),
        (&["--rotation", "fx", "--optimize-rotations"], "rotate"),
        (&["--weight-equalization"], "equalize"),
        (&["--act-equalization", "layerwise"], "equalize activations"),
        (&["--magr", "--gptq"], "reduce magnitudes"),
        (&["--awq-scale", "--awq-clip"], "clip weights"),
        (&["--svd-quant", "--svd-quant-rank", "2"], "svd quant"),
        (&["--learned-round", "linear_round", "--learned-round-iters", "10"], "learned round"),
        (&["--bias-corr", "--gpfq"], "correct biases"),
    ];
    for (index, (keys, pass)) in cases.iter().enumerate() {
        let args = [&["--text", "text.txt"], *keys].concat();
        let report = ptq(&folder, &format!("q{index}"), &args);
        let passes = report["passes"].as_array().expect("passes");
        assert!(passes.iter().any(|p| p["name"] == *pass), "{keys:?}: {passes:?}");
        let (float, found) = (number(&report, "float_perplexity"), number(&report, "perplexity"));
        // Four bits cost this model little, whatever else is done.
        assert!((found.ln() / float.ln() - 1.0).abs() < 0.2, "{keys:?}: {float} and {found}");
    }
}

#[test]
fn the_configurations_that_come_along_run() {
    let folder = folder("llama2");
    let examples = format!("{}/../examples/llm", env!("CARGO_MANIFEST_DIR"));
    let mut count = 0;
    for entry in std::fs::read_dir(examples).expect("the examples") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|ending| ending != "yaml") {
            continue;
        }
        let (config, out) = (path.display().to_string(), format!("q{count}"));
        let run = folder.fewbit(&[
            "ptq",
            "model",
            "--config",
            &config,
            "--calibration-text",
            "calibration.txt",
            "--text",
            "text.txt",
            "--seqlen",
            "16",
            "--nsamples",
            "2",
            "--nvalid",
            "2",
            "--out",
            &out,
            "--json",
        ]);
        assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{config}");
        let report: Value = serde_json::from_str(&run.out).expect("JSON");
        assert!(number(&report, "perplexity") > 1.0, "{config}");
        if config.contains("axe") || config.contains("joint") {
            assert_eq!(report["events"], 0, "{config}");
        }
        count += 1;
    }
    assert_eq!(count, 8);
}

#[test]
fn attention_is_quantized() {
    let folder = folder("qwen3");
    let args = ["--text", "text.txt", "--quant-sdpa", "eager", "--attn-quant-config", "qkvs"];
    let report = ptq(&folder, "q", &args);
    let passes = report["passes"].as_array().expect("passes");
    assert!(passes.iter().any(|p| p["name"] == "insert attention quantizers"), "{passes:?}");
    let (fake, exact) = (number(&report, "perplexity"), number(&report, "exact_perplexity"));
    assert!((fake / exact - 1.0).abs() < 1e-3, "{fake} and {exact}");
}

#[test]
fn formats_of_groups_run() {
    let folder = folder("llama2");
    for (bits, format) in [("8", "float_ocp_e4m3"), ("4", "float_ocp_e2m1"), ("8", "int")] {
        let args = [
            "--text",
            "text.txt",
            "--weight-bit-width",
            bits,
            "--input-bit-width",
            bits,
            "--weight-quant-format",
            format,
            "--input-quant-format",
            format,
            "--weight-quant-granularity",
            "per_group",
            "--input-quant-granularity",
            "per_group",
            "--weight-group-size",
            "16",
            "--input-group-size",
            "16",
            "--input-quant-type",
            "sym",
            "--weight-scale-precision",
            "po2_scale",
            "--input-scale-precision",
            "po2_scale",
            "--weight-param-method",
            "stats",
        ];
        let report = ptq(&folder, &format!("{bits}{format}"), &args);
        let (float, found) = (number(&report, "float_perplexity"), number(&report, "perplexity"));
        assert!(
            found != float && (found.ln() / float.ln() - 1.0).abs() < 0.3,
            "{format}: {float}, {found}"
        );
    }
}

#[test]
fn what_is_wrong_is_said_in_one_line_and_leaves_nothing() {
    let folder = folder("llama2");
    write(&folder, "short.txt", "short");
    let wrong = |more: &[&str], expected: &str| {
        let args: Vec<&str> =
            BASE.iter().copied().chain(["--out", "bad"]).chain(more.iter().copied()).collect();
        let run = folder.fewbit(&args);
        assert_eq!(run.code, Some(2), "{more:?}: {}", run.err);
        assert_eq!(run.err.lines().count(), 1, "{more:?}: {}", run.err);
        assert!(run.err.contains(expected), "{more:?}: {}", run.err);
        assert!(!folder.file("bad").exists(), "{more:?}");
    };
    wrong(&["--text", "short.txt"], "the text has 5 tokens");
    wrong(&["--calibration-text", "short.txt"], "cannot be used multiple times");
    wrong(&["--weight-bit-width", "77"], "`weight_bit_width` is 77");
    wrong(&["--act-bit-width", "8"], "there is no key `act_bit_width`");
    wrong(&["--input-scale-type", "static"], "act_calibration");
    wrong(&["--weight-param-method", "hqo", "--weight-quant-format", "e4m3"], "no quantizer");
    wrong(&["--budget", "1"], "--budget");
    wrong(&["--sweep-bits", "8..9"], "--text");
    wrong(&["--resume"], "nothing to go on from");
    wrong(&["--accumulators", "{nothing: int16-sat}", "--gptq"], "no product of this name");
}

#[test]
fn a_run_that_was_killed_goes_on_to_the_same_bits() {
    let folder = folder("llama3");
    let keys = ["--qronos", "--text", "text.txt"];
    let whole = ptq(&folder, "whole", &keys);
    let args: Vec<&str> = BASE.iter().copied().chain(["--out", "killed"]).chain(keys).collect();
    // Killed as soon as something is kept.
    let mut child = folder.spawn(&args);
    let resume = folder.file("killed/resume");
    let kept = || std::fs::read_dir(&resume).map_or(0, |files| files.count());
    while kept() < 4 && child.try_wait().expect("a child").is_none() {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    let _ = child.kill();
    let _ = child.wait();
    if !resume.exists() {
        // It was done before it could be killed: that it is repeated by --resume is for slower machines to see.
        println!("the run ended before it was killed");
        return;
    }
    let other: Vec<&str> = args.iter().copied().chain(["--resume", "--gptq"]).collect();
    let other = folder.fewbit(&other);
    assert_eq!(other.code, Some(2));
    assert!(other.err.contains("other keys"), "{}", other.err);
    let again = ptq(&folder, "killed", &[&keys[..], &["--resume"]].concat());
    for name in ["perplexity", "exact_perplexity"] {
        assert_eq!(again[name], whole[name]);
    }
    for name in ["bounds.json", "model.safetensors"] {
        assert!(file(&folder, "killed", name) == file(&folder, "whole", name), "{name}");
    }
    assert!(!resume.exists());
}
