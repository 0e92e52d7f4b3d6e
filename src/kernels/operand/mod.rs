//! Operands: how they are stored, and how each micro-kernel has them packed.
//!
//! ```text
//! element, matrix, bytes   a caller's matrix in the narrowest storage; typed views of it
//! geometry                 sides, MR and NR, which matrix runs over lanes
//! panels                   packed memory, whatever the layout
//! int8, int16, ternary, amx, step_words   one layout and its packer each
//! byte_rows, signed_sums   rows where they lie; sums that a worst case is made of
//! packed                   a right operand and all its packed forms
//! ```

#[cfg(target_arch = "x86_64")]
pub(crate) mod amx;
pub(crate) mod byte_rows;
pub(crate) mod bytes;
pub(crate) mod element;
pub(crate) mod geometry;
pub(crate) mod int16;
pub(crate) mod int8;
pub(crate) mod matrix;
pub(crate) mod packed;
pub(crate) mod panels;
pub(crate) mod signed_sums;
pub(crate) mod step_words;
pub(crate) mod ternary;
