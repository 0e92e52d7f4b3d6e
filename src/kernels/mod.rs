//! The fast integer products: equal to [`crate::reference`] bit for bit on every instruction set, thread count and
//! tiling.
//!
//! ```text
//! matmul          what callers see; driver does it in five steps, product is what is asked for and given
//! select          the one place that decides which kernel runs
//! plan            the accumulator as it is run, and the lanes that hold its values
//! operand         how operands are stored, and packed for each micro-kernel
//! byte_dots       products of bytes summed in 32 bits or, where they are small, in 16
//! exact           sums that nothing checks: int8, int16, ternary, AMX
//! guarded         bytes through registers that may overflow: what cannot is summed, the rest stepped
//! trajectory      full reports of bytes: exact trajectories from blocks or prefix sums
//! stepped         all else that lanes hold, checked at every step
//! reference       what they do not hold: the scalar reference, rows in parallel
//! stages, report  what happens and is collected at a step; tallies that become reports
//! parallel        outputs cut into parts and tiles
//! conv            convolutions: without patches where that is faster, else as products
//! float           products through float registers
//! requantize      what happens to sums after the register
//! ```
//!
//! **Names.**
//!
//! ```text
//! kind::layout    a micro-kernel: exact::int8 sums exactly what operand::int8 packs; float::fma, float::grouped, ...
//! operand::layout its layout and packer; XPanels is an operand packed so
//! MR, NR          outputs per panel of the broadcast operand, and of the operand in lanes
//! K_TILE          products along k in a word of a panel; a unit of a panel is one word of each of its outputs
//! R, V            a tile of outputs in registers: R rows by V vectors, as const generics
//! block           of the broadcast operand: MR outputs; of k: the products that a bound is computed for
//! step            the products after which a register is checked; a stage hands on after a tile of them
//! ...16           in lanes of 16 bits; without a suffix in lanes of 32, or as wide as a word
//! Job, Problem    a part of the outputs that one thread runs; what all jobs of a product share
//! ```
//!
//! Lanes run over consecutive outputs and every lane sums in ascending k, so the order of summation does not depend on
//! the vector width.

mod byte_dots;
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
mod requantize;
mod select;
mod stages;
mod stepped;
mod trajectory;

pub use conv::{
    ConvError, ConvProduct, Finish, LinearCodes, PreparedConv, conv2d, conv2d_f32, conv2d_into,
    linear_codes,
};
pub use float::{FloatEngine, FloatMatmulError, FloatOptions, FloatProduct, matmul_float};
pub use matmul::{matmul, matmul_i32, matmul_into, matmul_packed, required_widths};
pub use operand::element::Operand;
pub use operand::packed::PackedMatrix;
pub use output::Output;
pub use product::{
    MatmulError, MatmulOptions, Product, ProductReport, ReportLevel, StageEvents, StageWidths,
    Widths,
};
pub use requantize::{RequantizeInput, RequantizeOutput, RequantizeSliceError, Requantizer};
