//! Networks as graphs: what quantized weights, activations and accumulators do to a whole network.
//!
//! | module | what it is |
//! |---|---|
//! | [`tensor`] | arrays of any element type that networks use |
//! | [`ops`] | operators: attributes, types and shapes, computation in floats; ONNX's names and semantics |
//! | [`graph`] | values, nodes, initializers; what reads and changes them |
//! | [`exec`] | running a network, node after node |
//! | [`gradient`] | derivatives of a loss by values of the graph, backward through its nodes |
//! | [`layers`] | quantized layers as plain structs, to be composed by hand |
//! | [`passes`] | what changes a network: folding, equalization, quantizers and their scales, codes of weights |
//! | [`import`], [`export`] | quantizers of files as the graph's own, and back |
//! | [`flow`] | from a float network to a quantized one, under Brevitas's keys |
//! | [`eval`] | accuracy, error and events per layer, accuracy against accumulator bits |
//! | [`onnx`] | ONNX files to graphs and back |
//! | [`gguf`] | GGUF files: metadata and tensors of blocks, read and written |
//! | [`language`] | language models: architecture, weights by name, tokenizer, the graph built of them (feature `language`) |

#![cfg_attr(
    not(feature = "language"),
    allow(dead_code, unused_imports, reason = "what language models would use")
)]

pub mod eval;
pub mod exec;
pub mod export;
pub mod flow;
pub mod gguf;
pub mod gradient;
pub mod graph;
pub mod import;
#[cfg(feature = "language")]
pub mod language;
pub mod layers;
pub mod onnx;
pub mod ops;
pub mod passes;
pub mod tensor;
