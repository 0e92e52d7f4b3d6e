//! Low-rank parts that stay in floating point beside quantized weights.

mod svd_quant;

pub use svd_quant::{SvdQuant, SvdQuantParams, svd_quant};
