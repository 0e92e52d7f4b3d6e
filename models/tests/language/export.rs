//! Quantized models in files: folders of this crate, GGUF, blocks as ONNX's own operators.

use std::fs;
use std::path::Path;

use fewbit::formats::{Format, Overflow, Policy, Rounding};
use fewbit::quantize::{Quantizer, ScaleRule, Scheme};
use fewbit_models::exec::integer::{IntegerOptions, run_integer};
use fewbit_models::exec::{Constants, QuantizerMode, run_batch};
use fewbit_models::export::{
    GgufWeights, round_scales_to_f16, to_gguf, to_qcdq, write_language_model,
};
use fewbit_models::gguf::{Gguf, TensorType};
use fewbit_models::graph::{Graph, products};
use fewbit_models::language::{
    BuildOptions, Checkpoint, GgufCheckpoint, HuggingFaceCheckpoint, SavedModel, build,
    is_checkpoint,
};
use fewbit_models::onnx::write_bytes;
use fewbit_models::ops::{Op, Quantize, Relu};
use fewbit_models::tensor::Tensor;
use ndarray::{ArrayD, IxDyn};
use serde_json::json;
use tempfile::TempDir;

use crate::support::{MODELS, expected, folder};

/// A golden model with a tokenizer of a token per letter, split as GPT-2 does.
fn model(name: &str) -> (TempDir, HuggingFaceCheckpoint) {
    let to = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(folder(name)).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.path().join(entry.file_name())).unwrap();
    }
    let mut vocab = json!({"<pad>": 0, "<s>": 1, "</s>": 2, "Ġ": 46});
    for (letter, id) in ('a'..='z').chain('A'..='Q').zip(3..46) {
        vocab[letter.to_string()] = id.into();
    }
    vocab["th"] = 47.into();
    let special = |id: u32, content: &str| {
        json!({"id": id, "content": content, "special": true, "single_word": false, "lstrip": false,
            "rstrip": false, "normalized": false})
    };
    let tokenizer = json!({
        "version": "1.0", "truncation": null, "padding": null, "normalizer": null,
        "added_tokens": [special(0, "<pad>"), special(1, "<s>"), special(2, "</s>")],
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
        "post_processor": null,
        "decoder": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true},
        "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
            "vocab": vocab, "merges": [["t", "h"]]}
    });
    fs::write(to.path().join("tokenizer.json"), tokenizer.to_string()).unwrap();
    let checkpoint = HuggingFaceCheckpoint::open(to.path()).unwrap();
    (to, checkpoint)
}

fn scheme(format: &str) -> Scheme {
    Scheme::new(format.parse::<Format>().unwrap())
}

fn nearest(scheme: Scheme, rule: ScaleRule) -> Quantizer {
    Quantizer::new(scheme, rule, Policy::new(Rounding::TiesEven, Overflow::Saturate)).unwrap()
}

/// Whether scales are kept, or computed anew from each tensor.
#[derive(Clone, Copy, PartialEq)]
enum Scales {
    Kept,
    Anew,
}

/// Quantizers on the weights of all products, and static ones of one scale on their inputs.
fn quantized(
    checkpoint: &dyn Checkpoint,
    weights: &Quantizer,
    scales: Scales,
    inputs: Option<f32>,
) -> Graph {
    let mut graph = build(checkpoint, &BuildOptions::default(), &mut |_, _| ()).unwrap();
    for product in products(&graph) {
        let name = graph.node(product.node).name.clone();
        let data: ArrayD<f32> = graph.data(product.weight).unwrap().clone().try_into().unwrap();
        let quantizer = match scales {
            Scales::Anew => weights.clone(),
            Scales::Kept => {
                let parameters = weights.parameters(&data.view()).unwrap();
                weights.clone().with_parameters(parameters).unwrap()
            }
        };
        let quantizer = Quantize::new(quantizer);
        let weight = graph.add(&format!("{name}.weight.quantizer"), quantizer, &[product.weight]);
        graph.node_mut(product.node).inputs[1] = Some(weight);
        if let Some(scale) = inputs {
            let rule = ScaleRule::given(ndarray::arr0(scale).into_dyn());
            let quantizer = Quantize::new(nearest(scheme("int8"), rule));
            let input = graph.add(&format!("{name}.input"), quantizer, &[product.input]);
            graph.node_mut(product.node).inputs[0] = Some(input);
            graph.set_accumulator(product.node, "int12-sat/16,int32-wrap".parse().unwrap());
        }
    }
    graph.sort().unwrap();
    graph.infer().unwrap();
    graph
}

fn fake(graph: &Graph, inputs: &[Tensor]) -> Vec<Tensor> {
    let constants = Constants::of(graph, QuantizerMode::Apply).unwrap();
    run_batch(graph, inputs, QuantizerMode::Apply, &constants).unwrap()
}

fn bits(tensors: &[Tensor]) -> Vec<u32> {
    let floats = tensors.iter().map(|tensor| tensor.get::<f32>().unwrap());
    floats.flat_map(|x| x.iter().map(|x| x.to_bits()).collect::<Vec<_>>()).collect()
}

fn save(graph: &Graph, checkpoint: &dyn Checkpoint) -> TempDir {
    let to = tempfile::tempdir().unwrap();
    for file in write_language_model(graph, checkpoint).unwrap() {
        let (name, length) = (file.name.clone(), file.length());
        let bytes = file.into_bytes();
        assert_eq!(bytes.len() as u64, length, "{name}");
        fs::write(to.path().join(name), bytes).unwrap();
    }
    to
}

/// The codes of all weights.
fn codes(graph: &Graph) -> Vec<fewbit::tensor::AnyQuantTensor> {
    let all = products(graph).into_iter().map(|product| {
        let Op::Quantize(op) = &graph.node(product.weight_quantizer.unwrap()).op else { panic!() };
        op.codes(graph.data(product.weight).unwrap().get::<f32>().unwrap()).unwrap()
    });
    all.collect()
}

/// Names, quantizers, whether the file has codes in the place of floats.
fn quantizers() -> Vec<(&'static str, Quantizer, Scales, bool)> {
    let group = |format: &str| scheme(format).per_group(1, 8);
    let max = ScaleRule::abs_max;
    let powers = || max().power_of_two(Rounding::Up);
    let down = Policy::new(Rounding::Down, Overflow::Saturate);
    vec![
        ("int8 per channel", nearest(scheme("int8").per_channel(0), max()), Scales::Kept, true),
        ("int4 per channel", nearest(scheme("int4").per_channel(0), max()), Scales::Kept, true),
        ("int8 of one scale", nearest(scheme("int8"), max()), Scales::Kept, true),
        ("int4", nearest(group("int4"), max()), Scales::Kept, true),
        ("int3n", nearest(group("int3n"), max()), Scales::Kept, true),
        ("int2", nearest(group("int2"), max()), Scales::Kept, true),
        ("uint4", nearest(group("uint4").shifted(), ScaleRule::range()), Scales::Kept, true),
        ("int12", nearest(group("int12"), max()), Scales::Kept, true),
        ("e4m3fn", nearest(group("e4m3fn"), powers()), Scales::Kept, true),
        ("e2m1fn", nearest(group("e2m1fn"), powers()), Scales::Kept, true),
        ("e3m2fn", nearest(group("e3m2fn"), max()), Scales::Kept, true),
        ("e4m3fn, scales computed anew", nearest(group("e4m3fn"), powers()), Scales::Anew, false),
        ("e5m6, no type of ONNX", nearest(group("e5m6"), powers()), Scales::Kept, false),
        (
            "int4, rounded down",
            Quantizer::new(group("int4"), max(), down).unwrap(),
            Scales::Kept,
            false,
        ),
    ]
}

#[test]
fn a_model_comes_back_to_the_last_bit() {
    for name in MODELS {
        let (_folder, checkpoint) = model(name);
        let ids = [expected(name).input_ids];
        for (what, quantizer, scales, as_codes) in quantizers() {
            // Of most models two are enough.
            if name != "llama3" && !["uint4", "int4 per channel"].contains(&what) {
                continue;
            }
            let graph = quantized(&checkpoint, &quantizer, scales, Some(0.03));
            let saved = save(&graph, &checkpoint);
            assert!(SavedModel::is_in(saved.path()) && !is_checkpoint(saved.path()));
            let found = SavedModel::open(saved.path()).unwrap();
            assert_eq!(codes(&graph), codes(&found.graph), "{name}, {what}");
            let outputs = fake(&graph, &ids);
            assert_eq!(bits(&outputs), bits(&fake(&found.graph, &ids)), "{name}, {what}");
            let config = checkpoint.config();
            assert_eq!(found.eos_token_ids, config.eos_token_ids);
            assert_eq!(found.max_position_embeddings, config.max_position_embeddings);
            let text = "the words";
            let tokenizer = checkpoint.tokenizer().unwrap();
            assert_eq!(found.tokenizer.encode(text).unwrap(), tokenizer.encode(text).unwrap());
            // What the file has.
            let bytes = fs::read(saved.path().join("model.safetensors")).unwrap();
            let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
            let names = file.names();
            let weight = "model.layers.1.mlp.up_proj.weight";
            assert!(names.contains(&format!("{weight}.codes").as_str()), "{what}");
            // Of these two it depends on the weights whether the values of codes give the same codes again.
            if !["e4m3fn, scales computed anew", "int4, rounded down"].contains(&what) {
                assert_eq!(!names.contains(&weight), as_codes, "{what}");
            }
            if what == "int4" {
                assert_eq!(file.tensor(&format!("{weight}.codes")).unwrap().shape(), [40, 16]);
                assert_eq!(file.tensor(&format!("{weight}.scale")).unwrap().shape(), [40, 4]);
            }
            // In integers, through the accumulators beside the nodes.
            if what.ends_with("per channel") {
                let options = IntegerOptions::default();
                let one = run_integer(&graph, &ids, &options).unwrap();
                let other = run_integer(&found.graph, &ids, &options).unwrap();
                assert_eq!(bits(&one.outputs), bits(&other.outputs), "{name}, {what}");
                assert_eq!(one.nodes, other.nodes);
                assert_eq!(one.nodes.len(), products(&graph).len());
                assert_ne!(bits(&one.outputs), bits(&outputs), "the accumulators do nothing");
            }
        }
    }
}

fn problem(path: &Path) -> String {
    let problem = SavedModel::open(path).map(|_| ()).unwrap_err().to_string();
    assert!(!problem.contains('\n'), "{problem}");
    problem.replace(&path.display().to_string(), "DIR")
}

#[test]
fn damaged_folders_are_one_clear_line() {
    let (_folder, checkpoint) = model("llama2");
    let int4 = nearest(scheme("int4").per_group(1, 8), ScaleRule::abs_max());
    let graph = quantized(&checkpoint, &int4, Scales::Kept, None);
    let saved = save(&graph, &checkpoint);
    let path = |name: &str| saved.path().join(name);
    let weights = fs::read(path("model.safetensors")).unwrap();
    let onnx = fs::read(path("model.onnx")).unwrap();
    fs::write(path("model.safetensors"), &weights[..weights.len() - 1]).unwrap();
    assert!(problem(saved.path()).ends_with("it is cut off or damaged"));
    let int8 = nearest(scheme("int8").per_group(1, 8), ScaleRule::abs_max());
    let other = save(&quantized(&checkpoint, &int8, Scales::Kept, None), &checkpoint);
    fs::copy(other.path().join("model.safetensors"), path("model.safetensors")).unwrap();
    let found = problem(saved.path());
    assert!(found.contains("the two are of different models"), "{found}");
    fs::write(path("model.safetensors"), &weights).unwrap();
    fs::write(path("model.onnx"), &onnx[..onnx.len() / 2]).unwrap();
    let found = problem(saved.path());
    assert!(found.starts_with("DIR/model.onnx: "), "{found}");
    fs::write(path("model.onnx"), &onnx).unwrap();
    assert!(SavedModel::open(saved.path()).is_ok());
    fs::remove_file(path("tokenizer.json")).unwrap();
    assert!(problem(saved.path()).starts_with("DIR/tokenizer.json: "));
    fs::remove_file(path("model.safetensors")).unwrap();
    assert!(problem(saved.path()).starts_with("DIR/model.safetensors: "));
    assert!(SavedModel::is_in(saved.path()));
    fs::remove_file(path("model.onnx")).unwrap();
    assert!(!SavedModel::is_in(saved.path()));
}

/// Whatever bytes change: an error or a model, and no panic.
#[test]
fn changed_bytes_are_no_panic() {
    let (_folder, checkpoint) = model("qwen2");
    let quantizer = nearest(scheme("uint4").per_group(1, 8).shifted(), ScaleRule::range());
    let saved = save(&quantized(&checkpoint, &quantizer, Scales::Kept, Some(0.03)), &checkpoint);
    let mut state = 1u64;
    let mut random = |below: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let mut refused = 0;
    for name in ["model.onnx", "model.safetensors"] {
        let bytes = fs::read(saved.path().join(name)).unwrap();
        let header = if name == "model.onnx" { bytes.len() } else { 4000 };
        for _ in 0..150 {
            let mut changed = bytes.clone();
            for _ in 0..=random(3) {
                changed[random(header)] = random(256) as u8;
            }
            fs::write(saved.path().join(name), changed).unwrap();
            match SavedModel::open(saved.path()) {
                Ok(_) => {}
                Err(error) => {
                    refused += 1;
                    assert!(!error.to_string().contains('\n'), "{error}");
                }
            }
        }
        fs::write(saved.path().join(name), bytes).unwrap();
    }
    assert!(refused > 100, "{refused}");
}

/// Schemes of GGUF files, and their types.
fn gguf_schemes() -> [(&'static str, Quantizer, TensorType); 4] {
    let group = |format: &str| scheme(format).per_group(1, 32);
    let max = ScaleRule::abs_max;
    [
        ("int8", nearest(group("int8"), max()), TensorType::Q8_0),
        ("int4", nearest(group("int4"), max()), TensorType::Q4_0),
        ("uint4", nearest(group("uint4").shifted(), ScaleRule::range()), TensorType::Q4_1),
        ("e2m1fn", nearest(group("e2m1fn"), max().power_of_two(Rounding::Up)), TensorType::MXFP4),
    ]
}

/// With `FEWBIT_LANGUAGE_GGUF=FOLDER` the files are written there, with their values, for `models/tests/golden/language_gguf.py`.
#[test]
fn gguf_files_have_the_values_that_the_network_has() {
    for name in ["llama2", "llama_linear", "mistral", "qwen2", "qwen3"] {
        let (_folder, checkpoint) = model(name);
        let ids = [expected(name).input_ids];
        for (what, quantizer, kind) in gguf_schemes() {
            let mut graph = quantized(&checkpoint, &quantizer, Scales::Kept, None);
            let before = bits(&fake(&graph, &ids));
            let changed = round_scales_to_f16(&mut graph).unwrap();
            // Weights that were f16 have scales that are f16 too where they are divided by a power of two.
            match kind {
                TensorType::Q4_1 => assert!(changed > 0, "{name}, {what}"),
                _ => assert!(changed == 0 || kind != TensorType::MXFP4, "{name}, {what}"),
            }
            assert_eq!(round_scales_to_f16(&mut graph).unwrap(), 0);
            let outputs = fake(&graph, &ids);
            assert_eq!(before != bits(&outputs), changed > 0);
            let export = to_gguf(&graph, &checkpoint, GgufWeights::AsQuantized).unwrap();
            // Rows of 40 or 24 elements are no whole blocks.
            assert!(export.warnings.iter().all(|warning| warning.contains("written as F32")));
            let bytes = export.write_to(Vec::new()).unwrap();
            let file = Gguf::from_bytes(bytes.clone()).unwrap();
            let of_kind = file.tensors().filter(|info| info.kind == kind).count();
            let expected = if name == "qwen2" { 2 } else { 10 };
            assert!(of_kind >= expected, "{name}, {what}: {of_kind}");
            if let Some(to) = std::env::var_os("FEWBIT_LANGUAGE_GGUF") {
                let to = Path::new(&to).join(format!("{name}-{what}"));
                fs::create_dir_all(&to).unwrap();
                fs::write(to.join("model.gguf"), &bytes).unwrap();
                for info in file.tensors() {
                    let tensor = file.tensor(&info.name).unwrap();
                    let floats = tensor.get::<f32>().unwrap();
                    let floats: Vec<u8> = floats.iter().flat_map(|x| x.to_le_bytes()).collect();
                    fs::write(to.join(format!("{}.bin", info.name)), floats).unwrap();
                }
            }
            let again = GgufCheckpoint::new(file).unwrap();
            let rebuilt = build(&again, &BuildOptions::default(), &mut |_, _| ()).unwrap();
            assert_eq!(bits(&outputs), bits(&fake(&rebuilt, &ids)), "{name}, {what}");
            let (one, other) = (checkpoint.tokenizer().unwrap(), again.tokenizer().unwrap());
            for text in ["the words", "a</s>th", ""] {
                assert_eq!(one.encode(text).unwrap(), other.encode(text).unwrap());
            }
            // From a GGUF file a folder, whose tokenizer is a vocabulary.
            let saved = SavedModel::open(save(&graph, &again).path()).unwrap();
            assert_eq!(bits(&outputs), bits(&fake(&saved.graph, &ids)), "{name}, {what}");
            assert_eq!(saved.tokenizer.encode("the").unwrap(), one.encode("the").unwrap());
        }
    }
}

#[test]
fn what_gguf_files_do_not_hold_is_said() {
    let (_folder, checkpoint) = model("llama2");
    let uint4 = nearest(scheme("uint4").per_group(1, 32).shifted(), ScaleRule::range());
    let graph = quantized(&checkpoint, &uint4, Scales::Kept, Some(0.03));
    // Scales that are no f16; a type that is another.
    let export = to_gguf(&graph, &checkpoint, GgufWeights::AsQuantized).unwrap();
    let says = |text: &str| export.warnings.iter().any(|warning| warning.contains(text));
    assert!(
        says("is no f16") && says("15 quantizers of activations are left out"),
        "{:?}",
        export.warnings
    );
    assert!(says("the accumulators of 15 products"));
    let only = to_gguf(&graph, &checkpoint, GgufWeights::Only(TensorType::Q4_1)).map(|_| ());
    let only = only.unwrap_err().to_string();
    assert!(only.starts_with('`') && only.contains("is no f16"), "{only}");
    let mut other = graph.clone();
    let x = other.find("model.layers.1.mlp.gated").unwrap();
    let more = other.add("model.layers.1.mlp.rotation", Relu {}, &[x]);
    let relu = other.producer(more).unwrap().0;
    other.replace_uses_but(x, more, &[relu]);
    other.sort().unwrap();
    let error = to_gguf(&other, &checkpoint, GgufWeights::AsQuantized).map(|_| ()).unwrap_err();
    // What takes the new node's output is named, or the node itself.
    assert!(error.to_string().contains("the node `model.layers.1.mlp."), "{error}");
}

/// Inputs of a block: a residual stream, angles, tokens for the extents.
fn block_inputs(block: &Graph, ids: &Tensor) -> Vec<Tensor> {
    let tokens = ids.len();
    let input = |(number, &id): (usize, &_)| {
        let value = block.value(id);
        if value.name == "input_ids" {
            return ids.clone();
        }
        let sizes: Vec<usize> = match value.fact.shape.as_ref().unwrap().as_slice() {
            [_, width] => vec![tokens, width.size().unwrap()],
            [_, _, width] => vec![ids.shape()[0], ids.shape()[1], width.size().unwrap()],
            other => panic!("{}: {other:?}", value.name),
        };
        let count = sizes.iter().product();
        let number = |i: usize| ((i * 37 + number * 11) % 101) as f32 / 50.0 - 1.0;
        ArrayD::from_shape_vec(IxDyn(&sizes), (0..count).map(number).collect()).unwrap().into()
    };
    block.inputs().iter().enumerate().map(input).collect()
}

/// With `FEWBIT_LANGUAGE_QCDQ=FOLDER` the files are written there, with inputs and outputs, for `models/tests/golden/language_qcdq.py`, which
/// runs them in ONNX Runtime.
#[test]
fn a_block_is_cut_out_and_written_as_codes() {
    for name in MODELS {
        let (_folder, checkpoint) = model(name);
        let ids = expected(name).input_ids;
        let int8 = nearest(scheme("int8").per_channel(0), ScaleRule::abs_max());
        let graph = quantized(&checkpoint, &int8, Scales::Kept, Some(0.03));
        let block = graph.extract_region("model.layers.1").unwrap();
        let inputs = block_inputs(&block, &ids);
        let outputs = fake(&block, &inputs);
        assert_eq!(block.outputs().len(), 1, "{name}");
        assert!(block.nodes().any(|(id, _)| block.accumulator(id).is_some()), "{name}");
        let written = to_qcdq(&block, 23).unwrap();
        assert_eq!(bits(&outputs), bits(&fake(&written, &inputs)), "{name}");
        let whole = to_qcdq(&graph, 23).unwrap();
        let logits = fake(&graph, std::slice::from_ref(&ids));
        assert_eq!(bits(&logits), bits(&fake(&whole, std::slice::from_ref(&ids))), "{name}");
        if let Some(to) = std::env::var_os("FEWBIT_LANGUAGE_QCDQ") {
            let dump = |what: &str, graph: &Graph, inputs: &[Tensor], outputs: &[Tensor]| {
                let to = Path::new(&to).join(format!("{name}-{what}"));
                fs::create_dir_all(&to).unwrap();
                fs::write(to.join("model.onnx"), write_bytes(graph, 23).unwrap()).unwrap();
                let ids = graph.inputs().iter().chain(graph.outputs());
                for (&id, tensor) in ids.zip(inputs.iter().chain(outputs)) {
                    let bytes: Vec<u8> = match tensor {
                        Tensor::F32(x) => x.iter().flat_map(|x| x.to_le_bytes()).collect(),
                        Tensor::I64(x) => x.iter().flat_map(|x| x.to_le_bytes()).collect(),
                        other => panic!("{}", other.element_type()),
                    };
                    fs::write(to.join(format!("{}.bin", graph.name_of(id))), bytes).unwrap();
                    let shape = json!(tensor.shape()).to_string();
                    fs::write(to.join(format!("{}.json", graph.name_of(id))), shape).unwrap();
                }
            };
            dump("block", &written, &inputs, &outputs);
            dump("whole", &whole, std::slice::from_ref(&ids), &logits);
        }
    }
    let graph = Graph::new("nothing");
    assert!(graph.extract_region("model.layers.7").is_err());
}
