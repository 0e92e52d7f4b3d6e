//! Convolutions.
//!
//! ```text
//! driver    a convolution from its operands to its report; decides which way it takes
//! planes    the input so that every weight meets it in one piece
//! float     convolutions of f32: lanes over positions
//! prepared  the weights, laid out once
//! finish    codes in the place of sums: what says which
//! direct    lanes over positions: exact sums, and registers that seldom overflow
//! words     what it multiplies, of an image (source, fill, neighbours, copy) and of the weights
//! job       what one thread computes, on a walk over its units, some blocks of channels in a run
//! tile      its micro-kernel; guarded: the one of sums that are looked at now and then
//! sink      what takes the sums: store to memory; codes in the vectors that hold them (code_lanes), of tiles in registers (code_tiles)
//! patches   all else: patches of a block of images as a matrix that the weights multiply
//! problem   what all work on
//! ```

mod code_lanes;
mod code_tiles;
mod codes;
mod copy;
mod direct;
mod driver;
mod fill;
mod finish;
mod float;
mod guarded;
mod job;
mod linear_codes;
mod neighbours;
mod patches;
mod planes;
mod prepared;
mod problem;
mod run;
mod sink;
mod source;
mod store;
mod tile;
mod walk;
mod words;

use std::time::Instant;

use ndarray::{Array4, ArrayView1, ArrayView4, ArrayViewMut4, Axis, Ix4};
use thiserror::Error;

pub use self::finish::{Finish, LinearCodes};
pub use self::float::conv2d_f32;
pub use self::linear_codes::linear_codes;
use self::planes::Planes;
pub use self::prepared::PreparedConv;
use self::problem::{Problem, Reported};
use super::operand::element::{Codes, Operand, any_codes};
use super::operand::matrix::Matrix;
use super::output::{AnyOutputs, Output, each_output};
use super::product::{MatmulError, MatmulOptions, ProductReport, StageEvents};
use crate::accumulate::{Accumulator, Report};
use crate::convolution::{Conv2d, ConvShapeError};
use crate::memory;
use crate::reference::check_init;
use crate::room::{self, TooLarge};
use crate::simd::{Detected, Isa};

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
    PreparedConv::new(weights).run(input, conv, acc, options)
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
    PreparedConv::new(weights).run_into(input, conv, acc, options, out)
}

/// The input of a convolution, whatever the type of its codes: what follows is compiled once, and not in every crate that
/// convolves.
struct Input<'a> {
    /// Its codes in one row.
    pixels: Matrix<'a>,
    shape: (usize, usize, usize, usize),
    conv: Conv2d<i64>,
}

impl<'a> Input<'a> {
    /// Of codes `[N, C, H, W]` in this order.
    fn new<X: Operand>(
        codes: &'a [X],
        shape: (usize, usize, usize, usize),
        conv: &Conv2d<X>,
    ) -> Self {
        let row = ArrayView1::from(codes).insert_axis(Axis(0));
        let Conv2d { stride, padding, dilation, groups, padding_code } = *conv;
        let padding_code = padding_code.to_i64();
        let mut pixels = Matrix::new(row);
        if !holds(&pixels.codes, padding_code) {
            pixels = Matrix::unchanged(row);
        }
        Self { pixels, shape, conv: Conv2d { stride, padding, dilation, groups, padding_code } }
    }
}

/// Runs one expression on a convolution in the storage of its codes.
macro_rules! with_problem {
    (($weights:expr, $input:expr, $acc:expr, $options:expr), $outputs:expr, $problem:ident => $body:expr) => {{
        let (_, _, u, v) = $weights.shape();
        let Input { pixels, shape, conv } = $input;
        any_codes!(&pixels.codes, codes => {
            let Conv2d { stride, padding, dilation, groups, padding_code } = *conv;
            let $problem = Problem {
                input: codes.as_slice().unwrap_or(&[]),
                shape: *shape,
                weights: $weights,
                conv: Conv2d { stride, padding, dilation, groups, padding_code: padding_code as _ },
                kernel: [u, v],
                outputs: $outputs,
                planes: Planes::new(conv, $outputs, [u, v]),
                acc: $acc,
                init: $options.init,
            };
            $body
        })
    }};
}

impl PreparedConv {
    /// [`conv2d`] with these weights.
    ///
    /// # Errors
    /// As [`conv2d`].
    pub fn run<X: Operand>(
        &self,
        input: ArrayView4<'_, X>,
        conv: &Conv2d<X>,
        acc: &Accumulator,
        options: &MatmulOptions<'_>,
    ) -> Result<ConvProduct, ConvError> {
        let shape = output_shape(input, self.shape(), conv)?;
        let zeros = memory::zeros(shape.iter().product());
        let mut values =
            Array4::from_shape_vec(shape, zeros).unwrap_or_else(|_| Array4::zeros(shape));
        let ProductReport { events, report, isa, seconds } =
            self.run_into(input, conv, acc, options, values.view_mut())?;
        Ok(ConvProduct { values, events, report, isa, seconds })
    }

    /// [`conv2d_into`] with these weights.
    ///
    /// # Errors
    /// As [`conv2d_into`].
    pub fn run_into<X: Operand, T: Output>(
        &self,
        input: ArrayView4<'_, X>,
        conv: &Conv2d<X>,
        acc: &Accumulator,
        options: &MatmulOptions<'_>,
        out: ArrayViewMut4<'_, T>,
    ) -> Result<ProductReport, ConvError> {
        let (expected, isa) = self.checked(input, conv, acc, options, |_| out.dim().into())?;
        let start = Instant::now();
        let codes = input.as_standard_layout();
        let input = Input::new(codes.as_slice().unwrap_or(&[]), codes.dim(), conv);
        let reported = self.reported(&input, expected, acc, options, isa, T::any(out))?;
        let (Reported { events, report }, seconds) = (reported, start.elapsed().as_secs_f64());
        Ok(ProductReport { events, report, isa: isa.isa(), seconds })
    }

    /// Writes the outputs, of this shape.
    fn reported(
        &self,
        input: &Input<'_>,
        [images, _, height, width]: [usize; 4],
        acc: &Accumulator,
        options: &MatmulOptions<'_>,
        isa: Detected,
        out: AnyOutputs<'_, Ix4>,
    ) -> Result<Reported, MatmulError> {
        if images == 0 {
            return Ok(Reported { events: None, report: None });
        }
        with_problem!((self, input, acc, options), [height, width], problem => {
            each_output!(out, out => driver::run(&problem, &input.pixels, isa, options, out))
        })
    }

    /// What `finish` makes of the outputs, `[N, O, rows, columns]`, in `codes`; `None` where it cannot.
    ///
    /// The sums of an output channel of an image become codes as soon as they are computed.
    ///
    /// # Errors
    /// As [`conv2d_into`] for outputs of `i32`; another number of codes.
    pub fn run_codes<X: Operand>(
        &self,
        input: ArrayView4<'_, X>,
        conv: &Conv2d<X>,
        acc: &Accumulator,
        options: &MatmulOptions<'_>,
        finish: &dyn Finish,
        codes: &mut [u8],
    ) -> Result<Option<ProductReport>, ConvError> {
        let found = |expected: [usize; 4]| match codes.len() {
            count if count == expected.iter().product::<usize>() => expected,
            count => [1, 1, 1, count],
        };
        let (expected, isa) = self.checked(input, conv, acc, options, found)?;
        let start = Instant::now();
        let all = input.as_standard_layout();
        let input = Input::new(all.as_slice().unwrap_or(&[]), all.dim(), conv);
        let reported = self.coded(&input, expected, acc, options, isa, (finish, codes))?;
        let seconds = start.elapsed().as_secs_f64();
        let report =
            |Reported { events, report }| ProductReport { events, report, isa: isa.isa(), seconds };
        Ok(reported.map(report))
    }

    /// Writes what is made of the outputs, of this shape; `None` where it cannot be.
    fn coded(
        &self,
        input: &Input<'_>,
        [images, _, height, width]: [usize; 4],
        acc: &Accumulator,
        options: &MatmulOptions<'_>,
        isa: Detected,
        (finish, codes): (&dyn Finish, &mut [u8]),
    ) -> Result<Option<Reported>, MatmulError> {
        if images == 0 {
            return Ok(Some(Reported { events: None, report: None }));
        }
        with_problem!((self, input, acc, options), [height, width], problem => {
            driver::run_codes(&problem, &input.pixels, isa, options, finish, codes)
        })
    }

    /// The shape of the outputs, which is that of the memory `found` for them, and the instruction set.
    fn checked<X: Operand>(
        &self,
        input: ArrayView4<'_, X>,
        conv: &Conv2d<X>,
        acc: &Accumulator,
        options: &MatmulOptions<'_>,
        found: impl FnOnce([usize; 4]) -> [usize; 4],
    ) -> Result<([usize; 4], Detected), ConvError> {
        let expected = output_shape(input, self.shape(), conv)?;
        let found = found(expected);
        if expected != found {
            return Err(ConvError::OutputShape { expected, found });
        }
        if let Some(init) = options.init {
            let [images, outputs, height, width] = expected;
            check_init(init, acc, (images * outputs, height * width)).map_err(MatmulError::from)?;
        }
        Ok((expected, Detected::or_best(options.isa).map_err(MatmulError::from)?))
    }
}

/// The shape of the outputs, which memory holds, as it does the patches of an image.
fn output_shape<X: Operand>(
    input: ArrayView4<'_, X>,
    weights: (usize, usize, usize, usize),
    conv: &Conv2d<X>,
) -> Result<[usize; 4], ConvError> {
    let [height, width] = conv.output(input.dim(), weights)?;
    let (images, (outputs, depth, u, v)) = (input.dim().0, weights);
    room::check::<i64>(&[images, outputs, height, width])?;
    if images > 0 && outputs > 0 {
        let positions = height.saturating_mul(width);
        room::check::<X>(&[depth * u * v, positions])?;
    }
    Ok([images, outputs, height, width])
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
