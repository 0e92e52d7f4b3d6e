//! Blocks as GGUF files hold them, byte for byte.
//!
//! Each block has its arithmetic in plain `f32`, in the order of ggml's reference quantizers (`quantize_row_*_ref`),
//! every operation rounded once and none fused. Scales are `f16`, rounded to nearest even, infinite beyond 65504.
//! Numbers of two bytes are little-endian.
//!
//! | block | elements | bytes | layout |
//! |---|---|---|---|
//! | [`BlockQ4_0`] | 32 | 18 | scale `f16`, 16 bytes of codes |
//! | [`BlockQ4_1`] | 32 | 20 | scale `f16`, minimum `f16`, 16 bytes of codes |
//! | [`BlockQ8_0`] | 32 | 34 | scale `f16`, 32 `i8` |
//! | [`BlockMxfp4`] | 32 | 17 | scale `e8m0fnu`, 16 bytes of codes |
//! | [`BlockTq2_0`] | 256 | 66 | 64 bytes of codes, scale `f16` |
//!
//! In a byte of two codes the low one is that of element `i`, the high one that of element `i + 16`: the low halves
//! hold the first half of the block. In `TQ2_0` byte `32 h + i` holds elements `128 h + i + 32 n`, `n` from 0 to 3, the
//! first one lowest.
//!
//! Rows are cut into blocks along the last axis, whose extent must be a multiple of the block's.
//!
//! # Where implementations disagree
//!
//! - A block whose scale is so small that `1 / scale` is infinite: in C the conversion to an integer is undefined, in
//!   gguf-py it is NumPy's. Here a quotient beyond the codes becomes the nearest of them, and NaN the code of zero
//!   (of the minimum in `Q4_1`).
//! - `MXFP4` of a largest magnitude below 2^-125: the exponent is negative, its conversion to a byte undefined in C and
//!   modulo 256 in gguf-py, which makes the scale huge. Here it is 0, the smallest.
//! - `MXFP4` just below a power of two: the exponent is `floor(log2f(amax))`, and a correctly rounded `log2f` reaches
//!   the next whole number early, from 8 on. So does this; a C library whose `log2f` is not correctly rounded may not.
//! - C compilers that fuse a product with an addition (GCC's default for x86-64 with FMA) round once where the text
//!   rounds twice: quantizing to `Q4_0` and `Q4_1` may then differ by one at ties, and the values of `Q4_1` in their
//!   last bit. gguf-py does not fuse.
//! - NaN is ignored by C's comparisons and taken by NumPy's; infinities give scales without a use everywhere. Neither
//!   is a block that files hold.

mod half;
mod kind;
mod mxfp4;
mod nibbles;
mod q4_0;
mod q4_1;
mod q8_0;
mod tq2_0;

pub use kind::{GgmlError, GgmlType};
pub use mxfp4::BlockMxfp4;
pub use q4_0::BlockQ4_0;
pub use q4_1::BlockQ4_1;
pub use q8_0::BlockQ8_0;
pub use tq2_0::BlockTq2_0;
