//! Requantization in vector lanes: equal to [`crate::reference::requantize`] bit for bit.
//!
//! ```text
//! job --plan--> a lane and the constants of each channel      (plan, rounding: the modes are asked of the formats)
//! values + bias --sums--> i64                                  (only where there is a bias, or values are i64)
//! values --lane--> i32 within the output's range --> outputs   (lane, thresholds: integer arithmetic without branches)
//! ```
//!
//! Blocks of 64 run through loops that are compiled per instruction set. A lane marks a block in which something is out of
//! the ordinary: a value out of range, an intermediate one that 32 bits do not hold. That block goes through the
//! specification, which either has the value or the error. What no lane covers goes there altogether: random roundings,
//! outputs that wrap, 32-bit outputs with a zero point.

mod chunk;
mod columns;
mod error;
mod input;
mod lane;
mod plan;
mod product;
mod requantizer;
mod rounding;
mod sums;
mod thresholds;

pub use error::RequantizeSliceError;
pub use input::{RequantizeInput, RequantizeOutput};
pub use requantizer::Requantizer;
