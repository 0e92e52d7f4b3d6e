//! Quantized tensors: codes, scales, zero points, and which elements share them.
//!
//! The type of an element is a type of numbers, `QuantTensor<E4M3FN>` or `QuantTensor<Int4>`; an [`AnyQuantTensor`] has a
//! format that is known at run time only.

mod any;
mod codes;
mod display;
mod element;
mod error;
mod ggml;
mod granularity;
mod groups;
mod int;
mod packed;
mod parts;
mod quant_tensor;
mod scales;
mod shape;
mod sharing;
#[cfg(feature = "store")]
pub mod store;
mod structure;

pub use any::AnyQuantTensor;
pub use element::{Dynamic, Element};
pub use error::TensorError;
pub use ggml::{ggml_dequantize, ggml_quantize};
pub use granularity::Granularity;
pub(crate) use granularity::{Arrangement, array};
pub use int::{BitGrowth, IntError, IntTensor, ScaleMatch, Window, growth};
pub use packed::unpacked;
pub use quant_tensor::QuantTensor;
pub use scales::ScaleCodes;
pub use shape::unravel;

pub use crate::convert::Code;
pub use crate::layout::resolve_axis;
