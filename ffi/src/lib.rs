//! libfewbit: the functions of `fewbit-c` as a shared and as a static library.

pub use fewbit_c::*;
