//! Number formats, narrow accumulators and quantization, bit for bit.
//!
//! fewbit says what a narrow number format or a narrow accumulator does to a computation. [`accumulate`] says what an
//! accumulator is, [`convert`] turns slices of numbers into codes and back, [`quantize`] makes quantized tensors and
//! [`tensor`] holds them, [`algorithms`] choose the codes of a layer's weights, [`matmul`] multiplies, and [`reference`](mod@reference)
//! is the scalar specification of every operation.

pub mod accumulate;
pub mod algorithms;
pub mod convert;
mod convolution;
mod kernels;
pub mod quantize;
pub mod reference;
mod room;
mod simd;
pub mod tensor;

pub use accumulate::{Accumulator, Report};
pub use convolution::{Conv2d, ConvShapeError};
pub use fewbit_formats as formats;
pub use kernels::{
    ConvError, ConvProduct, FloatEngine, FloatMatmulError, FloatOptions, FloatProduct, MatmulError,
    MatmulOptions, Operand, Output, PackedMatrix, Product, ProductReport, ReportLevel, StageEvents,
    StageWidths, Widths, conv2d, matmul, matmul_float, matmul_i32, matmul_into, matmul_packed,
    required_widths,
};
pub use room::TooLarge;
#[doc(hidden)]
pub use simd::byte_products;
pub use simd::{Isa, IsaError};

/// The Rust examples of README.md, as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
