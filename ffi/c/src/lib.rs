//! The C functions of libfewbit, declared in `ffi/include/fewbit.h`.
//!
//! Every function here is a call of the crate `fewbit`. What is added is what C needs:
//!
//! ```text
//! status     what a function returns: flags, an error bit, a kind of error; the message of this thread's last error
//! handle     objects behind opaque pointers: their kinds are checked
//! memory     arrays and numbers in the caller's room: null, alignment, length and overlap are checked
//! text       names in, text out
//! ```
//!
//! Nothing unwinds into C: a panic is an error like others. There is no state but each thread's last message and text.

#![allow(unsafe_code, reason = "pointers from C")]
#![allow(clippy::too_many_arguments, reason = "C has no default arguments")]

mod accumulator;
mod arrays;
mod bounds;
mod buffer;
mod conv;
mod float_product;
mod format;
mod groups;
mod handle;
mod machine;
mod machine_array;
mod memory;
mod policy;
mod product;
mod report;
mod requantize;
mod scalar;
mod status;
mod table;
mod text;
mod threads;
mod version;

pub use accumulator::*;
pub use arrays::*;
pub use bounds::*;
pub use buffer::*;
pub use conv::*;
pub use float_product::*;
pub use format::*;
pub use groups::*;
pub use machine::*;
pub use machine_array::*;
pub use memory::{FewbitMatrix, FewbitType};
pub use policy::*;
pub use product::*;
pub use report::{FewbitFloatStageReport, FewbitInt128, FewbitReportLevel, FewbitStageReport};
pub use requantize::*;
pub use scalar::*;
pub use status::{FewbitStatus, fewbit_last_error};
pub use table::*;
pub use threads::*;
pub use version::*;
