//! Sums of real numbers through any accumulator, step by step, in exact arithmetic.
//!
//! ```text
//! for k in 0..K:  push(stage 0, a[k] * b[k])             exact
//! a step of a stage with register r and inputs x[..width]:
//!     int<P>      r' = wrap or saturate(r + sum x)       the sum must be a whole number
//!     exact       r' = r + sum x
//!     float       r' = round(r + sum x)                  one rounding
//!     aligned<F>  e  = the largest exponent among r and x (products: that of a plus that of b, not renormalised)
//!                 r' = round(sum of r and x, each cut to a multiple of 2^(e - F))
//!     preset      see the unit's row
//! ```
//!
//! Tiles, groups and the order of steps are those of the integer stages. Between stages a value is handed on as it is,
//! exact, with the exponent that it has in its register's format.
//!
//! **Infinities and NaN** follow IEEE 754: NaN stays NaN, infinity minus infinity and infinity times zero are NaN. An
//! integer register cannot hold them, and refuses; so does a float register whose format lacks what it needs.
//! **Overflow** of a float register is IEEE's (7.4): the rounding chooses between infinity and the largest value. An
//! aligned register goes to infinity under any rounding, as the hardware it models. A register that names its overflow
//! (`-sat`, `-special`: [`FloatOverflow`](crate::accumulate::FloatOverflow)) does that instead, with infinite sums too. **Signs of zero** in float
//! registers are IEEE's too; aligned registers have no negative zero.
//! **Stochastic rounding** takes its bits from Philox4x32-10 under the seed, with the counter
//! `[k, addend, output, stage]`: `k` of the step's last product, the output's row-major index, and the addend that is
//! cut, counted from 1 with the register first, or 0 where the result is rounded.

mod addend;
mod align;
mod cdna2;
mod cdna3;
mod error;
mod matmul;
mod operand;
mod record;
mod report;
mod round;
mod run;
mod split_halves;
mod step;
mod sum;
mod value;
mod vdpbf16ps;

pub use addend::Addend;
pub use error::{FloatError, StepError};
pub(crate) use matmul::flushed;
pub use matmul::{FloatMatmul, FloatRow, ReferenceProduct, matmul_float};
pub use operand::{FloatOperand, Scales};
pub use record::{Alignment, Step, StepRecord};
pub use report::{FloatFirstEvent, FloatReport, FloatStageReport, FloatTrace};
pub(crate) use run::{FailedStep, FloatRun};
pub use run::{RandomBits, sum_addends};

pub use value::Value;
