//! Registers that are checked at every step.
//!
//! 1. [`product`] picks MR and NR for the instruction set, packs both operands as [`step_words`] and cuts the outputs
//!    into jobs.
//! 2. [`job`] runs the tiles of one job and tallies what they report.
//! 3. [`tile`] is the micro-kernel.
//!
//! [`step_words`]: super::operand::step_words

mod job;
pub(crate) mod product;
mod tile;
