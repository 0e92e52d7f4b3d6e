//! Quantized arrays: what they are made to, what is in them, how they are kept in a file.

mod fidelity;
mod file;
mod histogram;
mod plot;
mod target;

use fewbit::tensor::AnyQuantTensor;
use ndarray::ArrayD;

pub(crate) use fidelity::Fidelity;
pub(crate) use file::{Metadata, read, write};
pub(crate) use histogram::Histogram;
pub(crate) use plot::draw;
pub(crate) use target::Target;

/// An array after quantization.
#[derive(Debug)]
pub(crate) enum Quantized {
    /// Groups that share scales, or one scale for all.
    Tensor(Box<AnyQuantTensor>),
    /// By a quantizer of any granularity, with the values of a simulation on floats.
    Simulated(Box<AnyQuantTensor>),
    /// The blocks of GGUF files, rows of bytes along the last axis.
    Blocks(ArrayD<u8>),
}
