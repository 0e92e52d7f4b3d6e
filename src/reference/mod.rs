//! The scalar specification of every operation: obvious, public, never tuned.
//!
//! Whatever a kernel computes faster must equal what stands here, bit for bit.

mod conv;
mod dyadic;
mod float;
pub mod functions;
mod gemmlowp;
pub mod group;
pub(crate) mod log2;
mod matmul;
pub mod quantize;
pub mod requantize;
mod step;
pub mod torch;
mod turns;

pub use conv::conv2d;
pub use dyadic::Dyadic;
pub use float::{
    Addend, Alignment, FloatError, FloatFirstEvent, FloatMatmul, FloatOperand, FloatReport,
    FloatRow, FloatStageReport, FloatTrace, RandomBits, ReferenceProduct, Scales, Step, StepError,
    StepRecord, Value, matmul_float, sum_addends,
};
pub(crate) use float::{FailedStep, FloatRun, flushed};
pub(crate) use matmul::check_init;
pub use matmul::{ReferenceError, matmul, matmul_from};
pub use step::{IntStepRecord, StageState, sum_products, sum_products_from, sum_products_observed};
pub(crate) use turns::Turns;
