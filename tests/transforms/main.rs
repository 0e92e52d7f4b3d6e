//! Rotations, equalization, scales, learned rounding and low rank against their definitions.

#[path = "../algorithms/data.rs"]
#[allow(dead_code, reason = "shared with another test binary, which uses the rest")]
mod data;
mod equalize;
mod hadamard;
mod learned;
mod low_rank;
mod rotations;
mod scales;
