//! What an accumulator is: a list of stages, its grammar, and what a run through it reports.

pub mod bounds;
pub mod datapath;
mod error;
mod interleave;
mod near;
mod overflow;
mod parse;
mod register;
mod report;
mod step;
mod width;

pub use datapath::Datapath;
pub use error::AccumulatorError;
pub use interleave::{MAX_INTERLEAVE, Turn};
pub use overflow::{FloatOverflow, RegisterOverflow};
pub use register::{Accumulator, Register, Stage};
pub use report::{FirstEvent, OutputTrace, Report, StageReport};
pub(crate) use step::IntRegister;
pub use step::IntStep;
pub use width::{int_range, required_bits, required_bits_of_range};
