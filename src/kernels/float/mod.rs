//! The fast products through float registers: equal to [`crate::reference::matmul_float`] bit for bit on every
//! instruction set, thread count and tiling.
//!
//! ```text
//! operands -> numbers under their scales, and their extents     (operand, scaled, power, extent)
//! accumulator and extents -> which lanes, if any                (plan)
//! panels of numbers                                             (pack)
//! jobs, and the tiles of a job                                  (driver)
//! a tile: the innermost stage (inner: fma, grouped, aligned), the others (chain), each rounding (round)
//! the same with a report                                        (trace)
//! what no lane can do: the reference, rows in parallel          (stepped)
//! ```
//!
//! Lanes run over consecutive outputs and every lane sums in ascending k.
//!
//! **Why the lanes are right.** A register of at most 22 digits may be rounded from the exact sum *rounded to odd* in
//! `f32`, and one of at most 51 digits from that in `f64` (Boldo and Melquiond, "Emulation of FMA and correctly rounded
//! sums: proved algorithms using rounding to odd", IEEE TC 57(4), 2008). Truncation of a truncated sum is truncation of
//! the sum. Where [`plan`] says so, plain rounding to nearest in between is harmless too; its condition is proved there.

mod aligned;
mod chain;
mod driver;
mod extent;
mod fma;
mod grouped;
mod inner;
mod lines;
mod matmul;
mod operand;
mod pack;
mod plan;
mod power;
mod round;
mod scaled;
mod stepped;
mod trace;

pub use matmul::{FloatEngine, FloatMatmulError, FloatOptions, FloatProduct, matmul_float};
