//! Solvers that round one input after the other.

mod gpfq;
mod gptaq;
mod gptq;
mod qronos;
mod rtn;

pub use gpfq::{GpfqParams, gpfq};
pub use gptaq::{GptaqParams, gptaq};
pub use gptq::{GptqParams, gptq};
pub use qronos::{QronosParams, qronos};
pub use rtn::{RtnParams, rtn};
