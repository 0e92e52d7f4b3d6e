//! Quantizers of files as the graph's own.

mod parts;
mod qonnx;
mod recognize;
mod stored;
mod transposed;

pub use recognize::recognize_quantizers;
pub use stored::load_stored_weights;
