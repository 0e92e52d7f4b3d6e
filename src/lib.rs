//! Number formats, narrow accumulators and quantization, bit for bit.
//!
//! fewbit says what a narrow number format or a narrow accumulator does to a computation. A format is a row of constants
//! in [`formats`]; an accumulator is a list of stages, written `int16-sat/64,int24-wrap`; a product runs through it and
//! says every overflow.
//!
//! # A simulator of an accelerator
//!
//! Codes in, codes out, every policy named; a dot product through the register that the machine has:
//!
//! ```
//! use fewbit::formats::{Format, Overflow, Policy, Rounding};
//! use fewbit::{Accumulator, reference};
//! use ndarray::array;
//!
//! let e4m3 = Format::E4M3FN;
//! let policy = Policy::new(Rounding::TiesEven, Overflow::Saturate);
//! assert_eq!(e4m3.encode(3.1f32, &policy, 0)?.code, 0x44); // 3.1 is nearest to 3.0 = 1.5 * 2^1
//! assert_eq!(e4m3.decode(0x44), 3.0);
//!
//! let acc: Accumulator = "int8-sat".parse()?;
//! let (values, report) = reference::matmul(array![[100i64, 100, -50]].view(), array![[1i64], [1], [1]].view(), &acc)?;
//! assert_eq!(values[[0, 0]], 77); // 100, then 200 saturates to 127, then 127 - 50
//! assert_eq!(report.stages[0].events, 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! With `default-features = false` that is all that is compiled: formats, accumulators, bounds, and the scalar reference.
//!
//! # Verification of a datapath
//!
//! What the weights can do to a register at worst, and the input that does it, as a stimulus:
//!
//! ```
//! use fewbit::accumulate::bounds::{InputRange, Inputs, Layer};
//! use ndarray::array;
//!
//! let weights = array![[3i64, -2, 1]];
//! let layer = Layer::new(weights.view(), Inputs::Same(InputRange::unsigned(4)))?;
//! let bounds = layer.bounds(&"int8-sat".parse()?)?;
//! let worst = bounds.rows()[0].stages[0];
//! assert_eq!((worst.min, worst.max, worst.required_bits), (-30, 60, 7)); // -2 * 15; (3 + 1) * 15
//! assert_eq!(layer.witness(0, worst.side()), [15, 0, 15]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![cfg_attr(
    feature = "kernels",
    doc = r#"
# Which accumulator a layer needs

A product in vector lanes, whose report answers for every width at once:

```
use fewbit::{Accumulator, MatmulOptions, ReportLevel, matmul};
use ndarray::array;

let acc: Accumulator = "int8-wrap".parse()?;
let options = MatmulOptions { report: ReportLevel::Full, ..Default::default() };
let product = matmul(array![[100i8, 100]].view(), array![[1i8], [1]].view(), &acc, &options)?;
assert_eq!(product.values[[0, 0]], 200 - 256); // one overflow, and it wraps
# Ok::<(), Box<dyn std::error::Error>>(())
```
"#
)]
//!
//! # The modules, from the bottom
//!
//! | module | feature | what it is |
//! |---|---|---|
//! | [`formats`] | | codes and values of every format, rounding, policies: the crate `fewbit-formats` |
//! | [`accumulate`] | | what an accumulator is: stages, their grammar, what a run reports; worst cases of given weights |
//! | [`requantize`] | | from an accumulator's value to the next layer's integer: each stack's rule as a named policy |
//! | [`functions`] | | tables of a function from format to format, and the integer softmax, exponential, GELU, root and norms of TFLite and I-BERT |
//! | [`layout`] | | axes of a shape, and groups along one of them |
//! | [`reference`](mod@reference) | | the specification of every operation as plain scalar code |
//! | [`machine`] | | accumulators as a state that is stepped: what a simulator of hardware links |
//! | [`trace`] | | how one output comes about, step by step, in numbers that people read |
//! | `convert` | `kernels` | slices to codes and back, in vector lanes |
//! | `matmul`, `conv2d`, `PreparedConv` | `kernels` | products through any accumulator, in vector lanes |
//! | `Requantizer` | `kernels` | slices of accumulators' values to the next layer's integers, in vector lanes |
//! | `tensor` | `quantize` | codes with their scales and zero points; files with `store` |
//! | `quantize` | `quantize` | from numbers to tensors: scheme, scale rule, policy; recipes and presets; calibration |
//! | `algorithms` | `algorithms` | the choice of a layer's codes, under an accumulator's constraint; `algorithms::layer`: one layer from numbers to a verdict |
//! | `strategies` | `proptest` | property tests for models of hardware: operands that are hard on them, and comparison with the reference |
//! | `vectors` | `quantize` | stimuli and expected results for test benches, by directed classes, and comparison with them |
//! | `sweep` | `quantize` | what a network of linear layers loses to an accumulator of P bits, P by P; with `algorithms` also what a guarantee against overflow costs |
//!
//! # What holds everywhere
//!
//! - The scalar reference is the specification: every fast path returns the same bits, on every instruction set and any
//!   number of threads.
//! - No default differs between two entry points: rounding, overflow, what becomes of NaN are values that the caller passes.
//! - Random bits are counted, not drawn: they depend on a seed and the element's index alone.
//! - What cannot be done is an error that names the value; nothing panics on what a file or an argument says.
//!
//! In a debug build of a crate that depends on this one, keep it optimised (`matmul` is some 60 times slower without):
//!
//! ```toml
//! [profile.dev.package.fewbit]
//! opt-level = 3
//! ```

#![cfg_attr(
    not(all(feature = "algorithms", feature = "store")),
    allow(dead_code, unused_imports, reason = "what features that are left out would use")
)]

pub mod accumulate;
#[cfg(feature = "algorithms")]
pub mod algorithms;
#[cfg(feature = "kernels")]
pub mod convert;
mod convolution;
pub mod functions;
#[cfg(feature = "kernels")]
mod kernels;
pub mod layout;
pub mod machine;
#[cfg(feature = "kernels")]
mod memory;
mod named;
#[cfg(feature = "quantize")]
pub mod quantize;
pub mod reference;
pub mod requantize;
mod room;
#[cfg(feature = "kernels")]
mod simd;
#[cfg(feature = "proptest")]
pub mod strategies;
#[cfg(feature = "quantize")]
pub mod sweep;
mod tasks;
#[cfg(feature = "quantize")]
pub mod tensor;
pub mod trace;
#[cfg(feature = "quantize")]
pub mod vectors;

pub use accumulate::{Accumulator, Report};
pub use convolution::{Conv2d, ConvShapeError};
pub use fewbit_formats as formats;
#[cfg(feature = "kernels")]
pub use kernels::{
    ConvError, ConvProduct, Finish, FloatEngine, FloatMatmulError, FloatOptions, FloatProduct,
    LinearCodes, MatmulError, MatmulOptions, Operand, Output, PackedMatrix, PreparedConv, Product,
    ProductReport, ReportLevel, RequantizeInput, RequantizeOutput, RequantizeSliceError,
    Requantizer, StageEvents, StageWidths, Widths, conv2d, conv2d_f32, conv2d_into, linear_codes,
    matmul, matmul_float, matmul_i32, matmul_into, matmul_packed, required_widths,
};
pub use room::TooLarge;
#[cfg(feature = "kernels")]
pub use simd::{Isa, IsaError, Vectorized, advise_large_pages, vectorize};
#[cfg(feature = "kernels")]
#[doc(hidden)]
pub use simd::{byte_products, float_products, vdpbf16ps};

/// The Rust examples of README.md, as tests.
#[cfg(all(doctest, feature = "algorithms", feature = "store"))]
#[doc = include_str!("../README.md")]
pub struct Readme;
