//! Property tests for models of hardware: inputs at which they go wrong if they do, and comparison with the reference.
//!
//! A strategy draws operands, accumulators, blocks or codes (those of one format are in
//! [`formats::types::strategies`](fewbit_formats::types::strategies)); a `hold_…` function compares what a model answered
//! with the reference, and fails the case with the trace of every step. proptest then shrinks to the shortest case that
//! still fails. Ten lines hold somebody's multiply-accumulate unit:
//!
//! ```
//! use fewbit::{Accumulator, strategies};
//! use proptest::prelude::*;
//!
//! /// The model: a register of 16 bits that saturates.
//! fn mac(left: &[i64], right: &[i64]) -> i64 {
//!     let step = |sum: i64, (a, b): (&i64, &i64)| (sum + a * b).clamp(-32768, 32767);
//!     left.iter().zip(right).fold(0, step)
//! }
//!
//! let acc: Accumulator = "int16-sat".parse()?;
//! let operands = strategies::integer_operands(-128..=127, -8..=7, 0..=64);
//! let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
//! proptest!(config, |((left, right) in operands)| {
//!     strategies::hold_dot(&acc, &left, &right, mac(&left, &right))?;
//! });
//! # Ok::<(), fewbit::accumulate::AccumulatorError>(())
//! ```
//!
//! `examples/datapath.rs` holds a whole datapath, and shows what a wrong one prints.

mod accumulators;
mod blocks;
mod hold;
mod operands;

pub use accumulators::{float_accumulators, integer_accumulators};
pub use blocks::blocks;
pub use hold::{hold_code, hold_dot, hold_dot_codes, hold_encoded, hold_requantized};
pub use operands::{code_operands, integer_operands};
