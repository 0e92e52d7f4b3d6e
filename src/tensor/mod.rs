//! Quantized tensors: codes, scales, zero points, and which elements share them.

mod any;
mod decode;
pub mod element;
mod error;
mod granularity;
mod quant_tensor;
mod shape;

pub use any::AnyQuantTensor;
pub use element::{Code, Dynamic, Element, StaticElement};
pub use error::TensorError;
pub use granularity::Granularity;
pub(crate) use granularity::{Arrangement, array, resolve_axis};
pub use quant_tensor::{QuantTensor, from_codes};
pub(crate) use shape::unravel;
