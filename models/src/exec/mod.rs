//! Running a network: in floats, with or without its quantizers; or in integers, through accumulators.

mod error;
mod execution;
mod float;
pub mod integer;
mod patches;
mod pieces;
mod scan;

pub use error::ExecError;
pub use execution::{Constants, Execution, QuantizerMode, run_batch};
pub(crate) use float::{branch_conditions, compute};
pub use float::{run_float, run_float_observed};
pub use patches::Patches;
pub(crate) use pieces::float_pieces;
pub(crate) use scan::{Moment, element, run_scan, steps};
