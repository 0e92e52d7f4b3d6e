//! Networks with quantizers as others read them: ONNX's `QuantizeLinear` and `DequantizeLinear`, and QONNX.

mod error;
mod qcdq;
mod qonnx;

pub use error::ExportError;
pub use qcdq::to_qcdq;
pub use qonnx::{QonnxActivations, to_qonnx};
