//! ONNX files.
//!
//! Operator sets 7 to 25 are read; what older ones wrote as attributes becomes inputs. Functions, sparse tensors, sequences,
//! optional values and texts are refused.

mod error;
mod proto;
mod read;
mod write;

pub use error::{OnnxError, UnknownOperator};
pub use read::{read, read_bytes};
pub use write::{write, write_bytes};
