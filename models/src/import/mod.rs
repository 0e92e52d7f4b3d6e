//! Quantizers of files as the graph's own.

mod parts;
mod qonnx;
mod recognize;
mod transposed;

pub use recognize::recognize_quantizers;
