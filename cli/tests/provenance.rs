//! Results say what they were made by and from: version, seed, and the SHA-256 of every file that was read, as Python's
//! hashlib has them.

mod common;

use common::Folder;
use serde_json::{Value, json};

/// SHA-256 of the files of [`folder`].
const A: &str = "e6a342e64eb6635a977dd9efcd7602a4845cf69a711b962679e9a566bd83da81";
const B: &str = "671ac5021dc4770dec7d9f3eb89eb2aa8418ec40eba8df342139a11c0ec4a670";
const X: &str = "8ef341df6ce970af1eaef7b84ba5ad69a4584a0d922277ef9636cd6c9e794c44";

fn folder() -> Folder {
    let folder = Folder::in_memory();
    let words = |values: [i16; 3]| values.map(i16::to_le_bytes).concat();
    folder.npy("a.npy", "<i2", false, &[1, 3], &words([3, -2, 1]));
    folder.npy("b.npy", "<i2", false, &[3, 1], &words([5, 7, -11]));
    folder.floats("x.npy", &[2, 4], &[0.5, -1.25, 3.0, 0.125, 8.0, -2.0, 0.75, 1.0]);
    folder
}

fn run(folder: &Folder, line: &str) -> String {
    let run = folder.fewbit(&line.split_whitespace().collect::<Vec<_>>());
    assert_eq!(run.code, Some(0), "{line}: {}", run.err);
    run.out
}

fn provenance(text: &str) -> Value {
    serde_json::from_str::<Value>(text).expect("JSON")["provenance"].clone()
}

/// What a result of these inputs has.
fn of(seed: Value, inputs: &[(&str, &str)]) -> Value {
    let inputs: Vec<_> =
        inputs.iter().map(|(file, sha256)| json!({ "file": file, "sha256": sha256 })).collect();
    json!({ "version": env!("CARGO_PKG_VERSION"), "seed": seed, "inputs": inputs })
}

#[test]
fn reports_have_it() {
    let folder = folder();
    let both = [("a.npy", A), ("b.npy", B)];
    for (line, expected) in [
        ("matmul a.npy b.npy --acc int8-sat --json", of(json!(0), &both)),
        ("matmul b.npy a.npy --acc int24-sat --json", of(json!(0), &[("b.npy", B), ("a.npy", A)])),
        ("explain a.npy b.npy --acc int8-sat --row 0 --col 0 --json", of(json!(0), &both)),
        ("bounds a.npy --acc int8-sat --input int4 --json", of(Value::Null, &both[..1])),
        ("cast x.npy y.npy --to e4m3fn --round sr8 --seed 7 --json", of(json!(7), &[("x.npy", X)])),
        (
            "requantize a.npy y.npy --policy onnx --scale 0.5 --to int8 --json",
            of(json!(0), &both[..1]),
        ),
        ("quantize x.npy q.safetensors --to int8 --json", of(json!(0), &[("x.npy", X)])),
        ("formats e4m3fn --json", of(Value::Null, &[])),
    ] {
        assert_eq!(provenance(&run(&folder, line)), expected, "{line}");
    }
    run(&folder, "matmul a.npy b.npy --acc int8-sat --report r.json");
    let report = std::fs::read_to_string(folder.file("r.json")).unwrap();
    assert_eq!(provenance(&report), of(json!(0), &both));
}

/// A file that is replaced by the result is that which was read.
#[test]
fn an_input_that_is_overwritten_is_hashed_as_it_was() {
    let folder = folder();
    let out = run(&folder, "cast x.npy x.npy --to e2m1fn --json");
    assert_eq!(provenance(&out), of(json!(0), &[("x.npy", X)]));
    let again = provenance(&run(&folder, "cast x.npy y.npy --to e2m1fn --json"));
    assert_ne!(again["inputs"][0]["sha256"], json!(X), "x.npy has other values now");
}

#[test]
fn tensors_and_pictures_have_it() {
    let folder = folder();
    run(&folder, "quantize x.npy q.safetensors --to mxfp4 --seed 5 --svg q.svg");
    let expected = of(json!(5), &[("x.npy", X)]);
    let bytes = std::fs::read(folder.file("q.safetensors")).unwrap();
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header: Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    let metadata = header["__metadata__"]["fewbit"].as_str().unwrap();
    assert_eq!(provenance(metadata), expected);
    let svg = std::fs::read_to_string(folder.file("q.svg")).unwrap();
    let text = svg.split("<metadata>").nth(1).unwrap().split("</metadata>").next().unwrap();
    assert_eq!(serde_json::from_str::<Value>(text).unwrap(), expected);
    // What was written is read, and is an input then.
    let read = provenance(&run(&folder, "dequantize q.safetensors y.npy --json"));
    assert_eq!(read["inputs"][0]["file"], json!("q.safetensors"));
}

#[test]
fn carried_data_are_inputs_too() {
    let folder = folder();
    let out = run(&folder, "sweep --bits 16..16 --acc int{P}-wrap --json");
    let expected = [
        (
            "data/digits/digits.csv.gz",
            "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22",
        ),
        (
            "data/digits/mlp.safetensors",
            "bb35829a449604a1224cbe4db3722be50b82b6e841abf790e92b102d063b0e74",
        ),
        (
            "data/digits/cnn.onnx",
            "37e60ea5a43db96ab3f08e7214b188d2ebbe2e3db2aad4e724c38846ca0446b9",
        ),
    ];
    assert_eq!(provenance(&out), of(json!(0), &expected));
}

#[test]
fn layers_have_it_in_every_file() {
    let folder = folder();
    run(
        &folder,
        "layer --weight x.npy --input x.npy --weights int4 --out q.safetensors --report r.json --svg p.svg \
         --save-statistics s.safetensors --seed 3",
    );
    let expected = of(json!(3), &[("x.npy", X)]);
    let report = std::fs::read_to_string(folder.file("r.json")).unwrap();
    assert_eq!(provenance(&report), expected);
    for name in ["q.safetensors", "s.safetensors", "p.svg"] {
        let bytes = std::fs::read(folder.file(name)).unwrap();
        let text = String::from_utf8_lossy(&bytes).replace('\\', "");
        assert!(text.contains(X), "{name}");
    }
}
