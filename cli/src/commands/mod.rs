//! One module per job.

pub(crate) mod accumulators;
pub(crate) mod bounds;
pub(crate) mod cast;
pub(crate) mod dequantize;
pub(crate) mod digest;
pub(crate) mod explain;
pub(crate) mod formats;
#[cfg(feature = "networks")]
pub(crate) mod graph;
pub(crate) mod layer;
pub(crate) mod matmul;
#[cfg(feature = "networks")]
pub(crate) mod ptq;
pub(crate) mod quantize;
mod ranges;
pub(crate) mod requantize;
#[cfg(feature = "networks")]
pub(crate) mod run;
pub(crate) mod sweep;
pub(crate) mod table;
pub(crate) mod vectors;
pub(crate) mod verify;
