//! The fast integer products: equal to [`crate::reference`] bit for bit on every instruction set, thread count and
//! tiling.
//!
//! ```text
//! matmul, conv    what callers see; driver does it in five steps, product is what is asked for and given
//! select          the one place that decides which kernel runs
//! plan            the accumulator as it is run, and the lanes that hold its values
//! operand         how operands are stored, and packed for each micro-kernel
//! exact           sums that nothing checks: int8, int16, ternary, AMX
//! guarded         bytes through registers that may overflow: what cannot is summed, the rest stepped
//! trajectory      full reports of bytes: exact trajectories from blocks or prefix sums
//! stepped         all else that lanes hold, checked at every step
//! reference       what they do not hold: the scalar reference, rows in parallel
//! stages, report  what happens and is collected at a step; tallies that become reports
//! parallel        outputs cut into parts and tiles
//! float           products through float registers
//! ```
//!
//! **Names.** A kernel is `layout/packer/micro-kernel`: what `operand::int8` packs, `exact::int8` multiplies. A packed
//! operand is panels of words: NR outputs side by side for the operand *in lanes*, MR for the one that is *broadcast*; a
//! word holds K_TILE products along k. A *tile* of outputs is MR rows by NR columns, or by some vectors of them; a *block*
//! of k is what is bounded at once, and a *step* is what a register checks at once.
//!
//! Lanes run over consecutive outputs and every lane sums in ascending k, so the order of summation does not depend on
//! the vector width.

mod conv;
mod driver;
mod exact;
mod float;
mod guarded;
mod matmul;
mod operand;
mod output;
mod parallel;
mod plan;
mod product;
mod reference;
mod report;
mod select;
mod stages;
mod stepped;
mod trajectory;

pub use conv::{ConvError, ConvProduct, conv2d};
pub use float::{FloatEngine, FloatMatmulError, FloatOptions, FloatProduct, matmul_float};
pub use matmul::{matmul, matmul_i32, matmul_into, matmul_packed, required_widths};
pub use operand::element::Operand;
pub use operand::packed::PackedMatrix;
pub use output::Output;
pub use product::{MatmulError, MatmulOptions, Product, ProductReport, ReportLevel, Widths};
pub use report::stage::{StageEvents, StageWidths};
