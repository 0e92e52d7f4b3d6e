//! Vector lanes: the only module of the crate with `unsafe`.
//!
//! [`Lanes`] is what a kernel may do with a vector of integers. Each instruction set implements it with its own
//! instructions, and a zero-sized token that only detection can make stands for the fact that the CPU has them.
//! Kernels are written once, generic over [`Lanes`], and [`run`] instantiates them per instruction set.

#![allow(
    unsafe_code,
    reason = "vector instructions; every block rests on the detection that a token stands for"
)]

/// Methods whose body is one expression of the instructions that the lanes stand for.
#[cfg(target_arch = "x86_64")]
macro_rules! instructions {
    ($(fn $name:ident($self:ident $(, $arg:ident: $type:ty)*) -> $out:ty { $body:expr })*) => {
        $(
            #[inline(always)]
            fn $name($self $(, $arg: $type)*) -> $out {
                // SAFETY: the token in `self` proves the instructions.
                unsafe { $body }
            }
        )*
    };
}

#[cfg(target_arch = "x86_64")]
pub(crate) mod amx;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
pub(crate) mod bits;
mod bytes;
pub(crate) mod fused;
mod isa;
mod lanes;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod linux;
mod narrow;
mod pages;
mod peak;
mod portable;
mod prefetch;
pub(crate) mod real;
#[cfg(test)]
mod tests;

pub(crate) use bytes::ByteLanes;
pub use isa::{Isa, IsaError};
pub(crate) use isa::{Task, run, run_best};
pub(crate) use lanes::{Call, Lanes, Simd, Word};
pub(crate) use narrow::{NarrowLanes, both};
pub(crate) use pages::advise_large_pages;
#[doc(hidden)]
pub use peak::byte_products;
pub(crate) use prefetch::prefetch_to_write;
