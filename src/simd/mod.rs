//! Vector instructions: the only module of the crate with `unsafe`.
//!
//! A kernel is ordinary safe code, written once. How it comes to run with the instructions of a CPU:
//!
//! 1. [`Isa`] names an instruction set, [`Isa::detect`] asks the CPU for it. What comes back, [`Detected`], holds the
//!    set's token: a value that only detection makes, so that whoever has it has the instructions ([`Token`]).
//! 2. [`Detected::run`], the one dispatch, gives the token to an [`IsaKernel`], which is generic over [`Simd`]: the types
//!    of lanes that every set has. What multiplies no integers goes through [`Detected::run_without_vnni`], so that it is
//!    compiled once for AVX-512.
//! 3. The kernel picks its lanes, `simd.int32()` say, and cuts its work into tiles as [`Token::TUNING`] has it.
//! 4. [`Lanes::vectorize`] runs each hot loop, a [`Vectorized`] body, as a function that is compiled with the set's
//!    features. All that is called in it is `#[inline(always)]`; what is not inlined is compiled without them.
//! 5. In the loop, each method of [`IntLanes`], [`Int16Lanes`], [`ByteLanes`], [`BitLanes`], [`FmaLanes`],
//!    [`StepLanes`], [`FloatLanes`] or [`AlignLanes`] is one or a few instructions; `instructions!` holds the `unsafe` of all of them.
//!
//! An instruction set is a file: its token, and the implementations of these traits.

#![allow(
    unsafe_code,
    reason = "vector instructions; every block rests on the detection that a token stands for"
)]

/// Methods of lanes, in the instructions of the features that are named: the token in `self` must prove them.
#[cfg(target_arch = "x86_64")]
macro_rules! instructions {
    ($features:literal;
        $(fn $name:ident($self:ident $(, $arg:ident: $type:ty)*) -> $out:ty { $($body:tt)* })*) => {
        $(
            #[inline(always)]
            fn $name($self $(, $arg: $type)*) -> $out {
                #[target_feature(enable = $features)]
                #[inline]
                fn $name($($arg: $type),*) -> $out {
                    $($body)*
                }
                // SAFETY: the token in `self` proves the features.
                unsafe { $name($($arg),*) }
            }
        )*
    };
}

/// A token: detection asks for exactly the features that [`Token::vectorize`] enables, beside those of a token that it
/// holds.
#[cfg(target_arch = "x86_64")]
macro_rules! token {
    ($(#[$doc:meta])* $token:ident, $tuning:expr, [$($feature:tt),*]) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub(crate) struct $token(());

        impl $token {
            /// The token, where the CPU has the instructions.
            pub(super) fn detect() -> Option<Self> {
                let all = true $(&& is_x86_feature_detected!($feature))*;
                all.then_some(Self(()))
            }
        }

        impl Token for $token {
            const TUNING: Tuning = $tuning;

            #[inline(always)]
            fn vectorize<B: Vectorized>(self, body: B) -> B::Output {
                $(#[target_feature(enable = $feature)])*
                #[inline(never)]
                fn vectorized<B: Vectorized>(body: B) -> B::Output {
                    body.call()
                }
                // SAFETY: `self` exists, so the CPU has these features.
                unsafe { vectorized(body) }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
pub(crate) mod amx;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod avx512_lanes;
#[cfg(target_arch = "x86_64")]
mod avx512bw;
mod bits;
mod dot_bf16;
mod float;
mod int;
mod isa;
mod lanes;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod linux;
mod pages;
mod peak;
mod portable;
mod prefetch;
mod register;
mod scalar;
mod set;
#[cfg(test)]
mod tests;

pub(crate) use bits::BitLanes;
#[doc(hidden)]
pub use dot_bf16::vdpbf16ps;
pub(crate) use float::{AlignLanes, Float, FloatLanes, FmaLanes, NarrowFloat, StepLanes};
pub(crate) use int::{
    ByteLanes, Int16Lanes, IntLanes, Linear, ROUNDING, RegisterLanes, Word, both,
};
pub(crate) use isa::Detected;
pub use isa::{Isa, IsaError, vectorize};
pub use lanes::Vectorized;
pub(crate) use lanes::{Lanes, LanesOf, Registers, Token, Tuning, Vector};
pub use pages::advise_large_pages;
#[doc(hidden)]
pub use peak::{byte_products, float_products};
pub(crate) use prefetch::{prefetch_ahead, prefetch_to_write};
pub(crate) use scalar::odd_sum;
pub(crate) use set::{IsaKernel, Simd};
