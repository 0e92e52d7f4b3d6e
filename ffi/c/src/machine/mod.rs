//! Machines: accumulators as a state that is stepped.

mod make;
mod push;
mod read;
mod recorder;
mod report;
mod stepped;

pub use make::*;
pub use push::*;
pub use read::*;
pub use report::*;
pub use stepped::FewbitMachine;
