//! Running a network in integers: codes between nodes, every product through its accumulator.
//!
//! 1. A quantizer makes [`Codes`] of floats, or requantizes [`Sums`].
//! 2. A product multiplies codes through its accumulator and gives sums, with the product of the scales, whether the second
//!    operand is constant or computed; a bias that is an integer in that scale is added exactly, behind the accumulator.
//! 3. ReLU is a maximum with 0 on sums; means are sums with a smaller scale; additions of codes of one scale are sums; what
//!    only moves values moves codes.
//! 4. A function of codes of at most 16 bits is a [`Table`], computed once for every code.
//! 5. Anything else takes floats: codes and sums are multiplied with their scales first.

mod arithmetic;
mod bias;
mod datum;
mod functions;
mod ints;
mod matrices;
mod multiply;
mod pools;
mod product;
mod report;
mod requantize;
mod run;
mod table;
mod transposed;

pub(crate) use bias::biased;
pub use datum::{Codes, Datum, Scales, Sums};
pub use ints::Ints;
pub(crate) use matrices::matmul;
pub(crate) use product::Job;
pub use report::{IntegerRun, NodeReport};
pub(crate) use requantize::codes;
pub use run::{IntegerOptions, run_integer};
pub use table::Table;
