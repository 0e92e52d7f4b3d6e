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
    wrong(&["run", "model", "--prompt", "a", "--acc", "exact"], "cannot be used with");
    wrong(&["run", "model", "--prompt", "a", "--seqlen", "8"], "--text");
    wrong(&["run", "model", "--prompt", ""], "the prompt has no token");
    wrong(&["graph", "empty"], "config.json");
    std::fs::remove_file(folder.file("model").join("tokenizer.json")).expect("a file");
    wrong(&["run", "model", "--prompt", "a"], "tokenizer.json");
}
