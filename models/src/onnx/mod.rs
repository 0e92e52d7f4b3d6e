//! ONNX files.
//!
//! Operator sets 7 to 25 are read; what older ones wrote as attributes becomes inputs. Functions, sparse tensors, sequences,
//! optional values and texts are refused.
//!
//! The accumulator of a product is written beside its node (`NodeProto.metadata_props`), under `ai.fewbit.accumulator`, and read
//! from there; other programs skip it. QONNX's quantizers are written with the type of their output, as `qonnx` and FINN read
//! it: `finn_datatype` in `quantization_annotation`.

/// The key of a node's metadata that holds the accumulator of its products, as `int16-sat/64,int32-wrap`.
const ACCUMULATOR: &str = "ai.fewbit.accumulator";

mod error;
mod proto;
mod read;
mod write;

pub use error::{OnnxError, UnknownOperator};
pub(crate) use read::external_tensors;
pub use read::{read, read_bytes};
pub(crate) use write::raw_bytes;
pub use write::{ExternalData, write, write_bytes, write_bytes_beside};
