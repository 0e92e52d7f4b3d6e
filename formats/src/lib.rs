//! Narrow number formats, bit for bit.
//!
//! A [`Format`] says what each code stands for ([`Format::decode`], always exact) and which code a value gets
//! ([`Format::encode`]: one rounding, every choice named in a [`Policy`], flags in RISC-V's order in the result).
//!
//! ```
//! use fewbit_formats::{Format, Overflow, Policy, Rounding};
//!
//! let policy = Policy::new(Rounding::TiesEven, Overflow::Saturate);
//! let encoded = Format::E2M1FN.encode(2.6f32, &policy, 0).unwrap();
//! assert_eq!(encoded.code, 0b0_10_1);
//! assert_eq!(Format::E2M1FN.decode(encoded.code), 3.0);
//! ```
//!
//! Common formats have a type each, a newtype around the code with the operators of a float ([`types`]):
//!
//! ```
//! use fewbit_formats::E4M3FN;
//! assert_eq!((E4M3FN::from_f32(3.1) * E4M3FN::from_f32(2.0)).to_f32(), 6.0);
//! ```
//!
//! The crate needs neither `std` nor an allocator, has no `unsafe` code, and its encoders are `const fn`.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(feature = "std")]
extern crate std;

pub mod arithmetic;
mod decimal;
mod encode;
mod encoded;
mod error;
mod exact;
mod float;
mod format;
pub mod ggml;
mod group;
mod hex_float;
mod integer;
mod name;
mod named;
mod natural;
pub mod philox;
mod policy;
mod preset;
mod real;
pub mod rounding;
mod scale;
mod scan;
mod status;
mod table;
mod tapered;
pub mod types;

pub use arithmetic::{Arithmetic, Raised};
pub use decimal::ParseNumberError;
pub use encoded::{EncodeError, Encoded};
pub use error::FormatError;
pub use float::{Domain, FloatFormat, NanCodes, Signedness, Specials, ZeroCode};
pub use format::Format;
pub use group::{
    BlockScale, GroupError, GroupFormat, GroupFormatError, GroupPolicy, GroupRow, GroupZeroPoint,
    HIF4_BYTES, HIF4_ELEMENTS, Outer, OuterScale, ScaleFormat, Span,
};
pub use hex_float::HexFloat;
pub use integer::{FixedFormat, IntFormat, IntRange};
pub use named::{Excerpt, UnknownName};
pub use policy::{
    InfinityPolicy, NanPayload, NanPolicy, NanSign, Overflow, Policy, SubnormalInput,
    SubnormalOutput, ZeroSign,
};
pub use preset::PolicyPreset;
pub use real::{Class, Real};
pub use rounding::{Rounding, RoundingAlias};
pub use scale::{
    BlockMaximum, ExponentRule, InfiniteBlock, LeastScale, NanBlock, ScaleArithmetic, ScalePolicy,
    ZeroBlock,
};
pub use status::Status;
pub use table::{Alias, FormatRow, Stack};
pub use tapered::{PositFormat, TakumFormat};
pub use types::{
    BF16, Binary, Binary8P3SE, Binary8P4SE, E2M1FN, E2M3FN, E3M2FN, E3M4, E4M3, E4M3B11FNUZ,
    E4M3FN, E4M3FNU, E4M3FNUZ, E5M2, E5M2FNUZ, E5M3FNU, E8M0FNU, F16, Int2, Int4, Int4N, Int8,
    Int8N, Int16, Int32, Posit8, Posit16, Posit32, TF32, Takum8, Takum16, Ternary, Uint2, Uint4,
    Uint8, Uint16,
};
