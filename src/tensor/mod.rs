//! Quantized tensors: codes, scales, zero points, and which elements share them.

mod any;
mod decode;
pub mod element;
mod error;
mod granularity;
mod group;
mod quant_tensor;
mod shape;

pub use any::AnyQuantTensor;
pub use element::{Code, Dynamic, Element, StaticElement};
pub use error::TensorError;
pub(crate) use granularity::{Arrangement, array};
pub use granularity::{Granularity, resolve_axis};
pub use group::{GroupCodes, GroupTensor, OuterScales, ggml_dequantize, ggml_quantize};
pub use quant_tensor::{QuantTensor, from_codes};
pub use shape::unravel;
