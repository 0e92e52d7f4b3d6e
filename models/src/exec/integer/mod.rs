//! Running a network in integers: codes between nodes, every product through its accumulator.
//!
//! 1. A quantizer makes [`Codes`] of floats, or requantizes [`Sums`]; [`RowCodes`] where every row has parameters of its own. Those of
//!    constants run once ([`IntegerWeights`]).
//! 2. A product multiplies codes through its accumulator and gives sums, with the product of the scales, whether the second
//!    operand is constant or computed; a bias that is an integer in that scale is added exactly, behind the accumulator.
//!    A product of other codes (parameters of rows, columns and groups; floats) gives floats: scales and zero points are settled in
//!    f64, rounded once, and with scales of groups the accumulator runs as `docs/networks.md` says.
//! 3. ReLU is a maximum with 0 on sums; means are sums with a smaller scale; additions of codes of one scale are sums; what
//!    only moves values moves codes.
//! 4. Branches, and the bodies of loops, run as the graph around them: what goes in and comes out stays codes.
//! 5. A function of codes of at most 16 bits is a [`Table`], computed once for every code.
//! 6. Sums of bytes that only ReLU and a quantizer take become codes in one pass (`tail`, `finish`).
//! 7. Anything else takes floats: codes and sums are multiplied with their scales first.
//!
//! Where no image meets another one in any node, a few at a time go through all of them, side by side.

mod arithmetic;
mod bias;
mod blocks;
mod coder;
mod conv_lines;
mod datum;
mod exact_sums;
mod finish;
mod float_registers;
mod functions;
mod ints;
mod line_job;
mod line_product;
mod lines;
mod matrices;
mod matrix_lines;
mod multiply;
mod pools;
mod prepared;
mod product;
mod report;
mod requantize;
mod right;
mod row_codes;
mod row_moves;
mod run;
mod sequence;
mod table;
mod tail;
mod tiles;
mod transposed;
mod weights;
mod within;

pub(crate) use bias::biased;
pub use datum::{Codes, Datum, Scales, Sums};
pub use ints::Ints;
pub(crate) use matrices::matmul;
pub use prepared::IntegerWeights;
pub(crate) use product::Job;
pub use report::{IntegerRun, NodeReport, merge_nodes};
pub(crate) use requantize::codes;
pub use row_codes::RowCodes;
pub use run::{IntegerOptions, run_integer, run_integer_with};
pub use table::Table;
pub(crate) use weights::Weights;
