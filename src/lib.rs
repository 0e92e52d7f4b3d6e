//! Number formats, narrow accumulators and quantization, bit for bit.
//!
//! fewbit says what a narrow number format or a narrow accumulator does to a computation. [`accumulate`] says what an
//! accumulator is, [`reference`] is the scalar specification of every operation.

pub mod accumulate;
pub mod reference;

pub use accumulate::{Accumulator, Report};
