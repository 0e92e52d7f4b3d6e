//! The fast integer products: equal to [`crate::reference`] bit for bit on every instruction set, thread count and
//! tiling.
//!
//! ```text
//! operands -> 16-bit or 32-bit codes -> packed panels            (operand, pack)
//! accumulator and value bounds -> which lanes, which passes      (plan)
//! per block of rows and panel of columns: the hot loop           (tile, outer)
//! what need not be stepped: exact sums of bits, bytes and words  (sums)
//! of bytes: blocks of k that are summed, or stepped              (guarded, reach, bounded, narrow)
//! of bytes, with the whole report: short sums are walked         (full, walk, profile, lane_tally)
//! outputs -> values and report                                   (driver, tally)
//! ```
//!
//! Lanes run over consecutive outputs and every lane sums in ascending k, so the order of summation does not depend on
//! the vector width.

mod block;
mod bounded;
mod bytes;
mod certificate;
mod conv;
mod driver;
mod float;
mod from;
mod full;
mod guarded;
mod lane_tally;
mod matmul;
mod narrow;
mod operand;
mod outer;
mod pack;
mod peak;
mod plan;
mod profile;
mod quads;
mod reach;
mod scalar;
mod sides;
mod split;
mod steps;
mod sums;
mod tally;
mod tile;
mod walk;
mod widths;

pub use conv::{ConvError, ConvProduct, conv2d};
pub use float::{FloatEngine, FloatMatmulError, FloatOptions, FloatProduct, matmul_float};
pub use from::matmul_from;
pub use matmul::{
    MatmulError, MatmulOptions, Product, ProductReport, ReportLevel, matmul, matmul_i32,
    matmul_into, matmul_packed,
};
pub use operand::{Operand, PackedMatrix};
#[doc(hidden)]
pub use peak::byte_products;
pub use sums::Output;
pub use tally::StageEvents;
pub use widths::{StageWidths, Widths, required_widths};
