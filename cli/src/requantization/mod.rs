//! From the values of an accumulator to integers of a few bits, as arguments ask for it.

mod args;
mod job;
mod number;
mod report;

pub(crate) use args::{NumberArgs, TailNumberArgs, output_format};
pub(crate) use job::{Asked, Outputs, place_of, run};
pub(crate) use report::RequantizeReport;
