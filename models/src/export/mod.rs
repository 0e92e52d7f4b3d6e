//! Networks with quantizers as others read them: ONNX's `QuantizeLinear` and `DequantizeLinear`, QONNX, GGUF; and as this crate
//! itself reads them again, to the last bit: ONNX with its own quantizers, constants as codes in `.safetensors`.

mod error;
#[cfg(feature = "language")]
mod gguf;
#[cfg(feature = "language")]
mod half_scales;
#[cfg(feature = "language")]
mod language;
#[cfg(feature = "language")]
mod plain;
mod qcdq;
mod qonnx;
#[cfg(feature = "language")]
mod safetensors;
#[cfg(feature = "language")]
mod stored;

pub use error::ExportError;
#[cfg(feature = "language")]
pub use gguf::{GgufExport, GgufWeights, to_gguf};
#[cfg(feature = "language")]
pub use half_scales::round_scales_to_f16;
#[cfg(feature = "language")]
pub use language::{ExportedFile, write_language_model};
pub use qcdq::to_qcdq;
pub use qonnx::{QonnxActivations, to_qonnx};
