//! The scalar specification of every operation: obvious, public, never tuned.
//!
//! Whatever a kernel computes faster must equal what stands here, bit for bit.

mod conv;
mod dyadic;
mod float;
mod matmul;
pub mod quantize;
mod step;

pub use conv::conv2d;
pub use dyadic::Dyadic;
pub use float::{
    Addend, Alignment, FloatError, FloatFirstEvent, FloatProduct, FloatReport, FloatStageReport,
    Operand, RandomBits, Scales, Step, StepError, StepRecord, Value, matmul_float, sum_addends,
};
pub use matmul::{ReferenceError, matmul};
pub use step::{StageState, sum_products, sum_products_from};
