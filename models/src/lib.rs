//! Networks as graphs: what quantized weights, activations and accumulators do to a whole network.
//!
//! | module | what it is |
//! |---|---|
//! | [`tensor`] | arrays of any element type that networks use |
//! | [`ops`] | operators: attributes, types and shapes, computation in floats; ONNX's names and semantics |
//! | [`graph`] | values, nodes, initializers; what reads and changes them |
//! | [`exec`] | networks run |
//! | [`onnx`] | ONNX files to graphs and back |

pub mod exec;
pub mod graph;
pub mod onnx;
pub mod ops;
pub mod tensor;
