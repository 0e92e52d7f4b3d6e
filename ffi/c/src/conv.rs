//! Convolutions of integers through an accumulator.

use std::ffi::c_void;

use fewbit::{Accumulator, Conv2d, MatmulOptions, Operand, ReportLevel, conv2d};
use ndarray::{ArrayView2, ArrayView4};
use rayon::ThreadPool;

use crate::accumulator::FewbitAccumulator;
use crate::handle;
use crate::memory::{self, FewbitType, apart};
use crate::product::of_operand;
use crate::report::{self, FewbitStageReport};
use crate::status::{Failure, OrValue, Outcome, done};
use crate::threads::{FewbitThreads, on};

/// The shapes of a convolution: input `[images, channels, height, width]`, weights
/// `[outputs, channels / groups, kernel_height, kernel_width]`, both without gaps. Pairs are (rows, columns).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FewbitConv2d {
    /// Images.
    pub images: usize,
    /// Channels of the input.
    pub channels: usize,
    /// Rows of the input.
    pub height: usize,
    /// Columns of the input.
    pub width: usize,
    /// Channels of the output.
    pub outputs: usize,
    /// Rows of the kernel.
    pub kernel_height: usize,
    /// Columns of the kernel.
    pub kernel_width: usize,
    /// Input positions from an output to the next.
    pub stride: [usize; 2],
    /// Positions before the first.
    pub padding_before: [usize; 2],
    /// Positions after the last.
    pub padding_after: [usize; 2],
    /// Input positions from a weight to the next.
    pub dilation: [usize; 2],
    /// Parts that the channels are divided into.
    pub groups: usize,
    /// The code at padded positions: the zero point of the input.
    pub padding_code: i64,
}

type Shape = (usize, usize, usize, usize);

impl FewbitConv2d {
    fn geometry<X>(&self, padding_code: X) -> Conv2d<X> {
        let pair = |axis| (self.padding_before[axis], self.padding_after[axis]);
        Conv2d {
            stride: self.stride,
            padding: [pair(0), pair(1)],
            dilation: self.dilation,
            groups: self.groups,
            padding_code,
        }
    }

    fn shapes(&self) -> (Shape, Shape) {
        let depth = self.channels.checked_div(self.groups).unwrap_or(0);
        let weights = (self.outputs, depth, self.kernel_height, self.kernel_width);
        ((self.images, self.channels, self.height, self.width), weights)
    }

    fn output(&self) -> Outcome<[usize; 2]> {
        let (input, weights) = self.shapes();
        self.geometry(()).output(input, weights).map_err(Failure::length)
    }

    /// # Safety
    /// `pointer` is null or can be read.
    unsafe fn read(pointer: *const Self) -> Outcome<Self> {
        // SAFETY: the caller vouches for it.
        let found = unsafe { memory::input(pointer, 1, "shapes of the convolution") }?;
        found.first().copied().ok_or_else(|| Failure::length("no shapes"))
    }
}

fn elements((a, b, c, d): Shape) -> Outcome<usize> {
    let product = [b, c, d].iter().try_fold(a, |n, &size| n.checked_mul(size));
    product.ok_or_else(|| {
        Failure::length(format!("{a}x{b}x{c}x{d} elements are more than memory can hold"))
    })
}

/// The rows and columns of the output of a convolution.
///
/// # Safety
/// `conv` is null or can be read, `height` and `width` can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_conv2d_output(
    conv: *const FewbitConv2d,
    height: *mut usize,
    width: *mut usize,
) -> u32 {
    done(|| {
        // SAFETY: the caller vouches for it.
        unsafe {
            let [rows, cols] = FewbitConv2d::read(conv)?.output()?;
            memory::put(height, rows, "height")?;
            memory::put(width, cols, "width")
        }
    })
}

struct Job<'a> {
    conv: FewbitConv2d,
    acc: &'a Accumulator,
    level: ReportLevel,
    init: Option<ArrayView2<'a, i64>>,
    out: &'a mut [i64],
    reports: &'a mut [FewbitStageReport],
    threads: Option<&'a ThreadPool>,
}

impl Job<'_> {
    fn run<X: Operand + TryFrom<i64>, W: Operand>(self, input: &[X], weights: &[W]) -> Outcome<()> {
        let Self { conv, acc, level, init, out, reports, threads } = self;
        let (input_shape, weight_shape) = conv.shapes();
        let input = ArrayView4::from_shape(input_shape, input).map_err(Failure::length)?;
        let weights = ArrayView4::from_shape(weight_shape, weights).map_err(Failure::length)?;
        let code = X::try_from(conv.padding_code).map_err(|_| {
            Failure::value(format!("padding code {}: not of the input's type", conv.padding_code))
        })?;
        let geometry = conv.geometry(code);
        let options = MatmulOptions { report: level, init, ..MatmulOptions::default() };
        let product = on(threads, || conv2d(input, weights, &geometry, acc, &options).or_value())?;
        for (to, &value) in out.iter_mut().zip(&product.values) {
            *to = value;
        }
        report::write(reports, product.events.as_deref(), product.report.as_ref());
        Ok(())
    }
}

/// Convolves `input` with `weights` through an accumulator of integer stages, into `out`, `[images, outputs, rows, columns]` of
/// `fewbit_conv2d_output`, `out_length` elements. `init`, of as many elements, is what the last registers start from; null for 0.
/// Outputs are named in reports as row `image * outputs + output` and column `row * columns + column`.
///
/// After an error what `out` holds is not defined.
///
/// # Safety
/// The handles are null or of their kinds; the arrays are null or have the elements that the shapes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_conv2d(
    acc: *const FewbitAccumulator,
    conv: *const FewbitConv2d,
    input: *const c_void,
    input_type: u32,
    weights: *const c_void,
    weight_type: u32,
    init: *const i64,
    out: *mut i64,
    out_length: usize,
    level: u32,
    reports: *mut FewbitStageReport,
    threads: *const FewbitThreads,
) -> u32 {
    done(|| {
        // SAFETY: the caller vouches for it; what is written overlaps nothing that is read.
        unsafe {
            let (acc, conv) = (handle::get(acc)?, FewbitConv2d::read(conv)?);
            let threads = handle::get_optional(threads)?;
            let level = report::level(level)?;
            let [rows, cols] = conv.output()?;
            let length = elements((conv.images, conv.outputs, rows, cols))?;
            if length != out_length {
                return Err(Failure::length(format!(
                    "the output is {}x{}x{rows}x{cols}, {length} elements, and there is room for {out_length}",
                    conv.images, conv.outputs
                )));
            }
            let (input_shape, weight_shape) = conv.shapes();
            let (input_length, weight_length) = (elements(input_shape)?, elements(weight_shape)?);
            let init = if init.is_null() {
                None
            } else {
                apart((init, length), (out.cast_const(), length), "out")?;
                let shape = (conv.images * conv.outputs, rows * cols);
                let init = memory::input(init, length, "init")?;
                Some(ArrayView2::from_shape(shape, init).map_err(Failure::length)?)
            };
            let reports = report::room(level, reports, acc.stages().len())?;
            let written = (out.cast_const(), length);
            apart((reports.as_ptr(), reports.len()), written, "out")?;
            of_operand!(FewbitType::of(input_type)?, "input", X => of_operand!(FewbitType::of(weight_type)?, "weights", W => {
                let (input, weights) = (input.cast::<X>(), weights.cast::<W>());
                apart((input, input_length), written, "out")?;
                apart((weights, weight_length), written, "out")?;
                let out = memory::output(out, length, "out")?;
                let job = Job { conv, acc, level, init, out, reports, threads };
                job.run(
                    memory::input(input, input_length, "input")?,
                    memory::input(weights, weight_length, "weights")?,
                )
            }))
        }
    })
}
