//! The solvers, each a function of a problem.

mod beacon;
mod gpfq;
mod gptaq;
mod gptq;
mod qronos;
mod rtn;

pub use beacon::{Beacon, BeaconParams, beacon};
pub use gpfq::{GpfqParams, gpfq};
pub use gptaq::{GptaqParams, gptaq};
pub use gptq::{GptqParams, gptq};
pub use qronos::{QronosParams, qronos};
pub use rtn::{RtnParams, rtn};
