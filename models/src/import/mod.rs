//! Quantizers of files as the graph's own.

mod recognize;

pub use recognize::recognize_quantizers;
