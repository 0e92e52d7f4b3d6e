//! The values of one block, for the types that are read and not written.
//!
//! Each is ggml's `dequantize_row_*`, every operation rounded once to `f32`.

mod k;
mod plain;
mod q5;

pub(super) use k::{q4_k, q5_k, q6_k};
pub(super) use plain::{bf16, f16, f32};
pub(super) use q5::{q5_0, q5_1};

/// The `f16` at a place.
fn half_at(bytes: &[u8], place: usize) -> f32 {
    half::f16::from_le_bytes([bytes[place], bytes[place + 1]]).to_f32()
}
