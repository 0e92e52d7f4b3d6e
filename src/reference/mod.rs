//! The scalar specification of every operation: obvious, public, never tuned.
//!
//! Whatever a kernel computes faster must equal what stands here, bit for bit.

mod dyadic;
mod float;
pub mod group;
mod matmul;
pub mod quantize;
mod step;

pub use dyadic::Dyadic;
pub use float::{
    Addend, Alignment, FloatError, FloatFirstEvent, FloatProduct, FloatReport, FloatStageReport,
    Operand, RandomBits, Scales, Step, StepError, StepRecord, Value, matmul_float, sum_addends,
};
pub use matmul::{ReferenceError, matmul};
pub use step::{StageState, sum_products, sum_products_from};
