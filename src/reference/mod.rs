//! The scalar specification of every operation: obvious, public, never tuned.
//!
//! Whatever a kernel computes faster must equal what stands here, bit for bit.

mod matmul;
pub mod quantize;
mod step;

pub use matmul::{ReferenceError, matmul};
pub use step::{StageState, sum_products, sum_products_from};
