//! Convolutions.
//!
//! ```text
//! driver    a convolution from its operands to its report; decides which way it takes
//! planes    the input so that every weight meets it in one piece
//! float     convolutions of f32: lanes over positions
//! direct    lanes over positions: exact sums, and registers that few products enter
//! steps     the words that it multiplies
//! tile      its micro-kernel
//! patches   all else: patches of a block of images as a matrix that the weights multiply
//! problem   what all work on
//! ```

mod direct;
mod driver;
mod float;
mod patches;
mod planes;
mod problem;
mod steps;
mod tile;

use std::time::Instant;

use ndarray::{Array1, Array4, ArrayView1, ArrayView4, ArrayViewMut4, Axis};
use thiserror::Error;

pub use self::float::conv2d_f32;
use self::planes::Planes;
use self::problem::{Problem, Reported};
use super::operand::element::{Codes, Operand, any_codes};
use super::operand::matrix::Matrix;
use super::output::Output;
use super::product::{MatmulError, MatmulOptions, ProductReport, StageEvents};
use crate::accumulate::{Accumulator, Report};
use crate::convolution::{Conv2d, ConvShapeError};
use crate::reference::check_init;
use crate::room::{self, TooLarge};
use crate::simd::{Detected, Isa, advise_large_pages};

/// Why a convolution cannot be computed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConvError {
    /// Shapes that do not fit.
    #[error(transparent)]
    Shape(#[from] ConvShapeError),
    /// A result, or the patches of one image, that cannot be held.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    /// Memory for outputs of another shape.
    #[error("the outputs are {expected:?}, and there is room for {found:?}")]
    OutputShape {
        /// Images, output channels, rows and columns.
        expected: [usize; 4],
        /// The shape of the memory.
        found: [usize; 4],
    },
    /// Biases of another number than outputs.
    #[error("there are {outputs} output channels and {found} biases")]
    Bias {
        /// Output channels.
        outputs: usize,
        /// Biases.
        found: usize,
    },
    /// The product of a group.
    #[error(transparent)]
    Product(#[from] MatmulError),
}

/// A convolution's result.
#[derive(Clone, Debug, PartialEq)]
pub struct ConvProduct {
    /// The last register of every output, `[N, O, rows, columns]`.
    pub values: Array4<i64>,
    /// As [`Product::events`](crate::Product::events); an output is named as row `n * O + o` and column
    /// `i * columns + j`.
    pub events: Option<Vec<StageEvents>>,
    /// As [`Product::report`](crate::Product::report), with outputs named so.
    pub report: Option<Report>,
    /// The instruction set that ran.
    pub isa: Isa,
    /// Wall-clock seconds, without checking the operands.
    pub seconds: f64,
}

/// Convolves `input`, `[N, C, H, W]`, with `weights`, `[O, C / groups, U, V]`: codes times codes, through `acc`.
///
/// Products enter in ascending (channel, row, column) of the kernel; padded positions enter with the padding code. Initial
/// values are `[N * O, rows * columns]`, as outputs are named in reports. Equal
/// to [`reference::conv2d`](crate::reference::conv2d) on every instruction set and any number of threads.
///
/// # Errors
/// Shapes that do not fit, and as [`matmul`](crate::matmul).
///
/// ```
/// use fewbit::{Conv2d, MatmulOptions, conv2d};
/// use ndarray::Array4;
/// let input = Array4::from_elem((1, 1, 3, 3), 2u8);
/// let weights = Array4::from_elem((1, 1, 3, 3), 1i8);
/// let conv = Conv2d { padding: [(1, 1); 2], ..Conv2d::default() };
/// let product = conv2d(input.view(), weights.view(), &conv, &"int8-sat".parse()?, &MatmulOptions::default())?;
/// assert_eq!(product.values[[0, 0, 1, 1]], 18); // nine inputs
/// assert_eq!(product.values[[0, 0, 0, 0]], 8); // four inputs, five zeros
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn conv2d<X: Operand, W: Operand>(
    input: ArrayView4<'_, X>,
    weights: ArrayView4<'_, W>,
    conv: &Conv2d<X>,
    acc: &Accumulator,
    options: &MatmulOptions<'_>,
) -> Result<ConvProduct, ConvError> {
    let shape = output_shape(input, weights, conv)?;
    let mut values = Array4::zeros(shape);
    if let Some(memory) = values.as_slice_mut() {
        advise_large_pages(memory);
    }
    let ProductReport { events, report, isa, seconds } =
        convolve(input, weights, conv, acc, options, values.view_mut())?;
    Ok(ConvProduct { values, events, report, isa, seconds })
}

/// [`conv2d`] into the memory of the caller, `[N, O, rows, columns]` of `i16`, `i32` or `i64`.
///
/// # Errors
/// As [`conv2d`]; memory of another shape; an output that `T` cannot hold. What `out` holds after an error is not defined.
///
/// ```
/// use fewbit::{Conv2d, MatmulOptions, conv2d_into};
/// use ndarray::Array4;
/// let input = Array4::from_elem((1, 1, 2, 2), 100u8);
/// let weights = Array4::from_elem((1, 1, 2, 2), 1i8);
/// let mut out = Array4::<i32>::zeros((1, 1, 1, 1));
/// let (conv, options) = (Conv2d::default(), MatmulOptions::default());
/// conv2d_into(input.view(), weights.view(), &conv, &"exact".parse()?, &options, out.view_mut())?;
/// assert_eq!(out[[0, 0, 0, 0]], 400);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn conv2d_into<X: Operand, W: Operand, T: Output>(
    input: ArrayView4<'_, X>,
    weights: ArrayView4<'_, W>,
    conv: &Conv2d<X>,
    acc: &Accumulator,
    options: &MatmulOptions<'_>,
    out: ArrayViewMut4<'_, T>,
) -> Result<ProductReport, ConvError> {
    let (expected, found) = (output_shape(input, weights, conv)?, out.dim().into());
    if expected != found {
        return Err(ConvError::OutputShape { expected, found });
    }
    convolve(input, weights, conv, acc, options, out)
}

/// The shape of the outputs, which memory holds, as it does the patches of an image.
fn output_shape<X: Operand, W: Operand>(
    input: ArrayView4<'_, X>,
    weights: ArrayView4<'_, W>,
    conv: &Conv2d<X>,
) -> Result<[usize; 4], ConvError> {
    let [height, width] = conv.output(input.dim(), weights.dim())?;
    let (images, (outputs, depth, u, v)) = (input.dim().0, weights.dim());
    room::check::<i64>(&[images, outputs, height, width])?;
    if images > 0 && outputs > 0 {
        let positions = height.saturating_mul(width);
        room::check::<X>(&[depth * u * v, positions])?;
    }
    Ok([images, outputs, height, width])
}

/// Writes all outputs to `out`, which has their shape.
fn convolve<X: Operand, W: Operand, T: Output>(
    input: ArrayView4<'_, X>,
    weights: ArrayView4<'_, W>,
    conv: &Conv2d<X>,
    acc: &Accumulator,
    options: &MatmulOptions<'_>,
    out: ArrayViewMut4<'_, T>,
) -> Result<ProductReport, ConvError> {
    let (images, outputs, height, width) = out.dim();
    if let Some(init) = options.init {
        check_init(init, acc, (images * outputs, height * width)).map_err(MatmulError::from)?;
    }
    if images == 0 {
        let isa = options.isa.unwrap_or_else(Isa::best);
        return Ok(ProductReport { events: None, report: None, isa, seconds: 0.0 });
    }
    let start = Instant::now();
    let isa = Detected::or_best(options.isa).map_err(MatmulError::from)?;
    let (outputs, depth, u, v) = weights.dim();
    let input = input.as_standard_layout();
    let pixels = input.as_slice().unwrap_or(&[]);
    let pixels = ArrayView1::from(pixels).insert_axis(Axis(0));
    // In the order of k, which is that of the array.
    let codes = weights.iter().map(|w| w.to_i64());
    let weights = Array1::from_iter(codes).into_shape_with_order((outputs, depth * u * v));
    let weights = weights.unwrap_or_else(|_| unreachable!("as many weights as there are"));
    let padding = conv.padding_code.to_i64();
    let mut matrix = Matrix::new(pixels);
    if !holds(&matrix.codes, padding) {
        matrix = Matrix::unchanged(pixels);
    }
    let kernel = [u, v];
    let Reported { events, report } = any_codes!(&matrix.codes, codes => {
        let Conv2d { stride, padding: around, dilation, groups, .. } = *conv;
        let problem = Problem {
            input: codes.as_slice().unwrap_or(&[]),
            shape: input.dim(),
            weights,
            conv: Conv2d { stride, padding: around, dilation, groups, padding_code: padding as _ },
            kernel,
            outputs: [height, width],
            planes: Planes::new(conv, [height, width], kernel),
            acc,
            init: options.init,
        };
        driver::run(&problem, &matrix, isa, options, out)
    })?;
    let seconds = start.elapsed().as_secs_f64();
    Ok(ProductReport { events, report, isa: isa.isa(), seconds })
}

/// Whether the storage of `codes` holds `value`.
fn holds(codes: &Codes<'_>, value: i64) -> bool {
    match codes {
        Codes::U8(_) => u8::try_from(value).is_ok(),
        Codes::I8(_) => i8::try_from(value).is_ok(),
        Codes::I16(_) => i16::try_from(value).is_ok(),
        Codes::I32(_) => i32::try_from(value).is_ok(),
        Codes::I64(_) => true,
    }
}
