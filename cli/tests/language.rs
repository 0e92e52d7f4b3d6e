//! Language models on the command line: a text goes on, is scored, questions are answered; what is wrong is said in one line.
#![cfg(feature = "networks")]

mod common;

use common::Folder;
use common::language::{ALPHABET, model, write};
use serde_json::{Value, json};

fn done(folder: &Folder, args: &[&str]) -> Value {
    let run = folder.fewbit(args);
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{args:?}");
    serde_json::from_str(&run.out).expect("JSON")
}

/// The text of tokens, one character each.
fn text(tokens: &[u32]) -> String {
    tokens.iter().filter_map(|&token| ALPHABET.chars().nth(token as usize - 3)).collect()
}

#[test]
fn a_prompt_goes_on_as_in_transformers() {
    // `greedy` of the golden model: eight tokens, and twelve that follow.
    let greedy = [26, 46, 33, 4, 14, 32, 10, 35, 31, 31, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20];
    let folder = model("llama3");
    let prompt = text(&greedy[..8]);
    let args = ["run", "model", "--prompt", &prompt, "--max-new-tokens", "12", "--json"];
    let found = done(&folder, &args);
    assert_eq!(found["tokens"], json!(greedy[8..]));
    assert_eq!(found["text"], text(&greedy[8..]));
    assert_eq!(found["prompt_tokens"], 8);
    // All files that made it, under their names.
    let inputs = found["provenance"]["inputs"].as_array().expect("inputs");
    assert!(inputs.iter().any(|input| input["file"] == "model/model-00002-of-00003.safetensors"));
    let plain = folder.fewbit(&["run", "model", "--prompt", &prompt, "--max-new-tokens", "12"]);
    assert!(plain.out.starts_with(&text(&greedy)), "{}", plain.out);
}

#[test]
fn a_text_is_scored_and_questions_are_answered() {
    let folder = model("qwen3");
    write(&folder, "text.txt", "some words of a text That goes on and on and on and Ends");
    let run = |args: &[&str]| {
        let all: Vec<&str> =
            ["run", "model", "--json"].into_iter().chain(args.iter().copied()).collect();
        done(&folder, &all)
    };
    let halves = run(&["--text", "text.txt", "--seqlen", "10", "--nvalid", "3"]);
    assert_eq!(halves["windows"], 3);
    assert_eq!((&halves["scored_tokens"], &halves["tokens"]), (&json!(15), &json!(30)));
    let mean = halves["window_nll"].as_array().expect("numbers").iter();
    let mean = mean.map(|nll| nll.as_f64().expect("a number")).sum::<f64>() / 3.0;
    assert_eq!(halves["perplexity"].as_f64(), Some(mean.exp()));
    let sliding = run(&["--text", "text.txt", "--seqlen", "10", "--stride", "5"]);
    assert_eq!(sliding["scored_tokens"], 55);
    write(
        &folder,
        "q.jsonl",
        "{\"context\": \"one and one is\", \"choices\": [\"two\", \"three\"], \"answer\": 0}\n",
    );
    let answers = run(&["--choices", "q.jsonl"]);
    assert_eq!(answers["questions"], 1);
    let found = &answers["log_likelihoods"][0];
    let first = found[0].as_f64() > found[1].as_f64();
    assert_eq!(answers["acc"], if first { json!(1.0) } else { json!(0.0) });
}

#[test]
fn a_language_model_is_shown() {
    let folder = model("mistral");
    let shown = done(&folder, &["graph", "model", "--json"]);
    assert_eq!(shown["name"], "mistral");
    assert_eq!(shown["operators"]["Gemm"], 15);
    assert_eq!(shown["operators"]["Attention"], 2);
}

/// A quantized model in the folder `q`, of int4 weights with a scale per row and int8 inputs.
fn quantized(folder: &Folder) {
    use fewbit::formats::{Format, Overflow, Policy, Rounding};
    use fewbit::quantize::{Quantizer, ScaleRule, Scheme};
    use fewbit_models::export::write_language_model;
    use fewbit_models::graph::products;
    use fewbit_models::language::{BuildOptions, HuggingFaceCheckpoint, build};
    use fewbit_models::ops::Quantize;

    let checkpoint = HuggingFaceCheckpoint::open(folder.file("model")).expect("a checkpoint");
    let built = build(&checkpoint, &BuildOptions::default(), &mut |_, _| ());
    let mut graph = built.expect("a graph");
    let policy = Policy::new(Rounding::TiesEven, Overflow::Saturate);
    let of = |scheme: Scheme, rule: ScaleRule| Quantizer::new(scheme, rule, policy).expect("one");
    for product in products(&graph) {
        let name = graph.node(product.node).name.clone();
        let data =
            graph.data(product.weight).expect("weights").get::<f32>().expect("floats").clone();
        let weights = of(Scheme::new(Format::INT4).per_channel(0), ScaleRule::abs_max());
        let parameters = weights.parameters(&data.view()).expect("scales");
        let weights = Quantize::new(weights.with_parameters(parameters).expect("static"));
        let weight = graph.add(&format!("{name}.weight.quantizer"), weights, &[product.weight]);
        let rule = ScaleRule::given(ndarray::arr0(0.03f32).into_dyn());
        let input = Quantize::new(of(Scheme::new(Format::INT8), rule));
        let input = graph.add(&format!("{name}.input"), input, &[product.input]);
        graph.node_mut(product.node).inputs[..2].copy_from_slice(&[Some(input), Some(weight)]);
    }
    graph.sort().expect("an order");
    graph.infer().expect("shapes");
    std::fs::create_dir(folder.file("q")).expect("a folder");
    for file in write_language_model(&graph, &checkpoint).expect("files") {
        let to = folder.file("q").join(&file.name);
        std::fs::write(to, file.into_bytes()).expect("a file");
    }
}

#[test]
fn a_quantized_model_runs_in_every_execution() {
    let folder = model("llama3");
    quantized(&folder);
    write(&folder, "text.txt", "some words of a text That goes on and on and on and Ends");
    let run = |model: &str, args: &[&str]| {
        let text = ["run", model, "--json", "--text", "text.txt", "--seqlen", "10"];
        let all: Vec<&str> = text.into_iter().chain(args.iter().copied()).collect();
        done(&folder, &all)
    };
    let perplexity = |found: &Value| found["perplexity"].as_f64().expect("a number");
    let float = perplexity(&run("model", &[]));
    let fake = perplexity(&run("q", &[]));
    assert_eq!(fake, perplexity(&run("q", &["--execution", "fake", "--threads", "1"])));
    // The mean of -ln p: a model of random weights is surprised by everything.
    assert!(fake != float && (fake.ln() / float.ln() - 1.0).abs() < 0.2, "{fake} and {float}");
    let exact = run("q", &["--execution", "integer"]);
    assert!((perplexity(&exact).ln() / fake.ln() - 1.0).abs() < 1e-3);
    let events = |found: &Value| -> u64 {
        let nodes = found["nodes"].as_array().expect("nodes").iter();
        let stages = nodes.flat_map(|node| node["events"].as_array().expect("stages").clone());
        stages.map(|stage| stage["events"].as_u64().expect("a number")).sum()
    };
    assert_eq!(events(&exact), 0);
    let narrow = ["--execution", "integer", "--acc", "int8-sat/8,int32-wrap"];
    let overflown = run("q", &narrow);
    assert!(events(&overflown) > 0 && perplexity(&overflown) != perplexity(&exact));
    let strip = |mut found: Value| {
        found["seconds"] = Value::Null;
        found["tokens_per_second"] = Value::Null;
        found["provenance"] = Value::Null;
        found
    };
    assert_eq!(strip(overflown), strip(run("q", &[&narrow[..], &["--threads", "1"]].concat())));
    let inputs = exact["provenance"]["inputs"].as_array().expect("inputs");
    assert!(inputs.iter().any(|input| input["file"] == "q/model.safetensors"));
    let shown = done(&folder, &["graph", "q", "--json"]);
    assert_eq!(shown["operators"]["Quantize"], 30);
    let said =
        done(&folder, &["run", "q", "--prompt", "some words", "--max-new-tokens", "3", "--json"]);
    assert_eq!(said["tokens"].as_array().map(Vec::len), Some(3));
    let length = std::fs::metadata(folder.file("q").join("model.safetensors")).expect("it").len();
    let weights = std::fs::read(folder.file("q").join("model.safetensors")).expect("it");
    std::fs::write(folder.file("q").join("model.safetensors"), &weights[..length as usize - 3])
        .expect("it");
    let cut = folder.fewbit(&["run", "q", "--text", "text.txt"]);
    assert_eq!((cut.code, cut.err.lines().count()), (Some(2), 1), "{}", cut.err);
    assert!(cut.err.contains("it is cut off or damaged"), "{}", cut.err);
}

#[test]
fn what_is_wrong_is_said_in_one_line() {
    let folder = model("llama2");
    write(&folder, "short.txt", "short");
    write(&folder, "bad.jsonl", "{\"context\": \"a\", \"choices\": [\"b\"], \"answer\": 3}\n");
    std::fs::create_dir(folder.file("empty")).expect("a folder");
    write(&folder, "no.gguf", "GGUF");
    let wrong = |args: &[&str], expected: &str| {
        let run = folder.fewbit(args);
        assert_eq!(run.code, Some(2), "{args:?}: {}", run.err);
        assert_eq!(run.err.lines().count(), 1, "{args:?}: {}", run.err);
        assert!(run.err.contains(expected), "{args:?}: {}", run.err);
    };
    wrong(
        &["run", "model", "--text", "short.txt", "--seqlen", "8"],
        "the text has 5 tokens, and a window 8",
    );
    wrong(&["run", "model", "--text", "none.txt"], "none.txt");
    wrong(&["run", "model", "--choices", "bad.jsonl"], "bad.jsonl: line 1: answer 3 of 1 choices");
    wrong(&["run", "empty", "--prompt", "a"], "config.json");
    wrong(&["run", "none", "--prompt", "a"], "none");
    wrong(&["run", "no.gguf", "--prompt", "a"], "no.gguf");
    wrong(&["run", "model"], "--input");
    wrong(&["run", "model", "--prompt", "a", "--acc", "exact"], "has no quantizers");
    wrong(&["run", "model", "--prompt", "a", "--execution", "fake"], "fewbit ptq");
    wrong(&["run", "model", "--prompt", "a", "--seqlen", "8"], "--text");
    wrong(&["run", "model", "--prompt", ""], "the prompt has no token");
    wrong(&["graph", "empty"], "config.json");
    std::fs::remove_file(folder.file("model").join("tokenizer.json")).expect("a file");
    wrong(&["run", "model", "--prompt", "a"], "tokenizer.json");
}
