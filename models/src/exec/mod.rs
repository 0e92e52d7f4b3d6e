//! Running a network: in floats, with or without its quantizers; or in integers, through accumulators.

mod error;
mod execution;
pub mod integer;
mod patches;

pub use error::ExecError;
pub use execution::{Execution, QuantizerMode, run_float};
pub use patches::Patches;
