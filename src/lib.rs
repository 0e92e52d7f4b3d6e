//! Number formats, narrow accumulators and quantization, bit for bit.
//!
//! fewbit says what a narrow number format or a narrow accumulator does to a computation. [`accumulate`] says what an
//! accumulator is, [`quantize`] turns numbers into codes and [`tensor`] holds them, [`reference`] is the scalar
//! specification of every operation.

pub mod accumulate;
pub mod quantize;
pub mod reference;
pub mod tensor;

pub use accumulate::{Accumulator, Report};
