//! Exact sums: plain integer matrix products.
//!
//! Each kernel is a layout with its packer in [`operand`](super::operand) and a [micro-kernel](blocking::MicroKernel) here:
//! [`int8`] (with [`int8_tile`] and [`initial`]), [`int16`], [`ternary`] and [`amx`]. [`blocking`] is the one loop that runs them, and
//! [`product`] names them all and packs for them.

#[cfg(target_arch = "x86_64")]
mod amx;
pub(crate) mod blocking;
mod initial;
pub(crate) mod int16;
pub(crate) mod int8;
mod int8_tile;
pub(crate) mod product;
mod store;
mod ternary;
