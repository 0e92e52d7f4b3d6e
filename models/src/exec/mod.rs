//! Networks run.

mod error;
mod float;

pub use error::ExecError;
pub use float::{run_float, run_float_observed};
