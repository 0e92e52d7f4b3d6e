//! Pools: the greatest or the mean of each window.

use fewbit::{Vectorized, vectorize};
use ndarray::{ArcArray, IxDyn};
use rayon::prelude::*;

use crate::tensor::Tensor;

use super::parallel::rows;
use super::set::attributes;
use super::shape::elements;
use super::typed::{array, dense};
use super::window::{Fit, Padding, Slide, output_dims, slides};
use super::{Dim, Fact, Inputs, OpError, Operator};

attributes! {
    /// The greatest of each window. The second output, where each is, is not computed.
    MaxPool {
        /// Extents of the window.
        "kernel_shape" kernel: Vec<usize> = Vec::new();
        /// Positions from one output to the next; empty for 1.
        "strides" strides: Vec<usize> = Vec::new();
        /// Positions from one element of the window to the next; empty for 1.
        "dilations" dilations: Vec<usize> = Vec::new();
        /// Whether a last window may hang over.
        "ceil_mode" ceil: bool = false;
        /// Order of the second output's indices.
        "storage_order" storage_order: i64 = 0;
        flatten
        /// What lies around the input.
        padding: Padding;
    }
    /// The mean of each window.
    AveragePool {
        /// Extents of the window.
        "kernel_shape" kernel: Vec<usize> = Vec::new();
        /// Positions from one output to the next; empty for 1.
        "strides" strides: Vec<usize> = Vec::new();
        /// Positions from one element of the window to the next; empty for 1.
        "dilations" dilations: Vec<usize> = Vec::new();
        /// Whether a last window may hang over.
        "ceil_mode" ceil: bool = false;
        /// Whether padding counts as zeros in the mean.
        "count_include_pad" count_padding: bool = false;
        flatten
        /// What lies around the input.
        padding: Padding;
    }
    /// The mean of each channel.
    GlobalAveragePool {}
    /// The greatest of each channel.
    GlobalMaxPool {}
}

/// Planes of a task.
const PLANES: usize = 64;

fn fit(ceil: bool) -> Fit {
    if ceil { Fit::Ceil } else { Fit::Floor }
}

fn spatial(x: &[usize]) -> Result<&[usize], OpError> {
    if x.len() < 3 {
        return Err(OpError::Shape(format!("a pool over shape {x:?}: 3 axes or more")));
    }
    Ok(&x[2..])
}

/// Two spatial axes of a window: of one, the first is a single place.
fn planar(slides: &[Slide]) -> Option<[Slide; 2]> {
    let unit =
        Slide { input: 1, kernel: 1, stride: 1, dilation: 1, before: 0, after: 0, output: 1 };
    match slides {
        [wide] => Some([unit, *wide]),
        [high, wide] => Some([*high, *wide]),
        _ => None,
    }
}

/// Folds each window: every tap in turn over whole rows of outputs.
fn fold<T: Copy>(x: &[T], slides: &[Slide], out: &mut [T], f: impl Fn(T, T) -> T + Copy) {
    if let Some([high, wide]) = planar(slides) {
        vectorize(Plane { x, high, wide, out, f });
        return;
    }
    let (shape, kernel): (Vec<_>, Vec<_>) = slides.iter().map(|s| (s.output, s.kernel)).unzip();
    let mut place = super::shape::Odometer::new(&shape);
    for out in out {
        let mut tap = super::shape::Odometer::new(&kernel);
        loop {
            let at = slides.iter().zip(place.at.iter().zip(&tap.at));
            let at = at.map(|(slide, (&w, &t))| Some((slide.place(w, t)?, slide.input)));
            let at = at.reduce(|a, b| a.zip(b).map(|((a, _), (b, size))| (a * size + b, size)));
            if let Some((at, _)) = at.flatten() {
                *out = f(*out, x[at]);
            }
            if !tap.step() {
                break;
            }
        }
        place.step();
    }
}

/// The windows of one plane.
struct Plane<'a, T, F> {
    x: &'a [T],
    high: Slide,
    wide: Slide,
    out: &'a mut [T],
    f: F,
}

impl<T: Copy, F: Fn(T, T) -> T> Vectorized for Plane<'_, T, F> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { x, high, wide, out, f } = self;
        for (y, out) in out.chunks_mut(wide.output).enumerate() {
            for ky in 0..high.kernel {
                let Some(row) = high.place(y, ky) else { continue };
                let x = &x[row * wide.input..][..wide.input];
                for kx in 0..wide.kernel {
                    let (from, to) = wide.inside(kx);
                    if from >= to {
                        continue;
                    }
                    let x = &x[from * wide.stride + kx * wide.dilation - wide.before..];
                    let out = &mut out[from..to];
                    match wide.stride {
                        1 => out.iter_mut().zip(x).for_each(|(o, &x)| *o = f(*o, x)),
                        2 => {
                            let (pairs, rest) = x.as_chunks::<2>();
                            out.iter_mut().zip(pairs).for_each(|(o, x)| *o = f(*o, x[0]));
                            let behind = out.iter_mut().skip(pairs.len());
                            behind.zip(rest).for_each(|(o, &x)| *o = f(*o, x));
                        }
                        stride => {
                            let x = x.iter().step_by(stride);
                            out.iter_mut().zip(x).for_each(|(o, &x)| *o = f(*o, x));
                        }
                    }
                }
            }
        }
    }
}

/// Whether windows are pairs of neighbours, side by side.
fn is_of_pairs(slide: Slide) -> bool {
    let Slide { input, kernel, stride, dilation, before, output, .. } = slide;
    (kernel, stride, dilation, before) == (2, 2, 1, 0) && 2 * output == input
}

/// The greatest of pairs of elements in pairs of rows of `2 columns`, of however many planes.
struct Pairs<'a, T, F> {
    x: &'a [T],
    columns: usize,
    lowest: T,
    out: &'a mut [T],
    f: F,
}

impl<T: Copy, F: Fn(T, T) -> T> Vectorized for Pairs<'_, T, F> {
    type Output = ();

    /// The greater of neighbours, then of those `columns` apart: loops over all rows, which become vectors where rows are short,
    /// too. Of the second every other row is asked for.
    #[inline(always)]
    fn call(self) {
        let Self { x, columns, lowest, out, f } = self;
        let mut across = Vec::with_capacity(x.len() / 2);
        across.extend(x.as_chunks::<2>().0.iter().map(
            #[inline(always)]
            |pair| f(f(lowest, pair[0]), pair[1]),
        ));
        let below = across.get(columns..).unwrap_or(&[]);
        let mut down = Vec::with_capacity(across.len());
        down.extend(across.iter().zip(below).map(
            #[inline(always)]
            |(&above, &below)| f(above, below),
        ));
        for (row, start) in (0..out.len()).step_by(columns.max(1)).enumerate() {
            copy_row(&down[2 * row * columns..], columns, &mut out[start..]);
        }
    }
}

/// The first `columns` elements. What is behind them may be written, too.
#[inline(always)]
fn copy_row<T: Copy>(from: &[T], columns: usize, to: &mut [T]) {
    const PIECE: usize = 16;
    for at in (0..columns).step_by(PIECE) {
        match (from[at..].first_chunk::<PIECE>(), to[at..].first_chunk_mut::<PIECE>()) {
            (Some(from), Some(to)) => *to = *from,
            _ => to[at..columns].copy_from_slice(&from[at..columns]),
        }
    }
}

/// Elements of each window along one axis that count in a mean.
fn counted(slide: &Slide, padding: bool) -> Vec<usize> {
    let end = slide.input + slide.before + if padding { slide.after } else { 0 };
    let begin = if padding { 0 } else { slide.before };
    let counts = |window: usize, tap: usize| {
        let at = window * slide.stride + tap * slide.dilation;
        at >= begin && at < end
    };
    (0..slide.output).map(|w| (0..slide.kernel).filter(|&t| counts(w, t)).count()).collect()
}

fn infer_pool(
    x: &Fact,
    (kernel, strides, dilations): (&[usize], &[usize], &[usize]),
    (padding, ceil): (&Padding, bool),
) -> Result<Fact, OpError> {
    let shape = match &x.shape {
        Some(x) if x.len() < 3 => {
            return Err(OpError::Shape(format!("a pool over {} axes: 3 or more", x.len())));
        }
        Some(x) => {
            let spatial = output_dims(&x[2..], kernel, strides, dilations, padding, fit(ceil))?;
            Some([&x[..2], &spatial].concat())
        }
        None => None,
    };
    Ok(Fact { element: x.element, shape, known: None })
}

impl Operator for MaxPool {
    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        let window = (&self.kernel[..], &self.strides[..], &self.dilations[..]);
        Ok(vec![infer_pool(inputs.required(0, "X")?, window, (&self.padding, self.ceil))?])
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let max = |a: f32, b: f32| if b > a || b.is_nan() { b } else { a };
        Ok(vec![match inputs.required(0, "X")? {
            Tensor::F32(x) => self.greatest(x, f32::NEG_INFINITY, max)?.into(),
            Tensor::I8(x) => self.greatest(x, i8::MIN, i8::max)?.into(),
            Tensor::U8(x) => self.greatest(x, u8::MIN, u8::max)?.into(),
            other => {
                let found = other.element_type();
                return Err(OpError::Unsupported(format!("MaxPool of {found}")));
            }
        }])
    }
}

impl MaxPool {
    /// Each window folded from `lowest` on.
    fn greatest<T: Copy + Send + Sync>(
        &self,
        x: &ArcArray<T, IxDyn>,
        lowest: T,
        max: impl Fn(T, T) -> T + Copy + Sync,
    ) -> Result<ArcArray<T, IxDyn>, OpError> {
        let slides = greatest_windows(self, x.shape())?;
        let mut shape = x.shape()[..2].to_vec();
        shape.extend(slides.iter().map(|slide| slide.output));
        let mut out = vec![lowest; elements(&shape)?];
        let plane: usize = slides.iter().map(|slide| slide.output).product();
        let taps: usize = slides.iter().map(|slide| slide.kernel).product();
        let size: usize = x.shape()[2..].iter().product();
        let data = dense(x);
        let of_pairs = planar(&slides).filter(|slides| slides.iter().all(|&s| is_of_pairs(s)));
        if let Some([_, wide]) = of_pairs {
            let columns = wide.output;
            out.par_chunks_mut((plane * PLANES).max(1))
                .zip(data.par_chunks((size * PLANES).max(1)))
                .for_each(|(out, x)| vectorize(Pairs { x, columns, lowest, out, f: max }));
            return array(&shape, out);
        }
        rows(&mut out, plane, plane * taps, |at, out| {
            fold(&data[at * size..][..size], &slides, out, max);
        });
        array(&shape, out)
    }
}

/// The windows of a `MaxPool` over an input of this shape.
pub(crate) fn greatest_windows(op: &MaxPool, x: &[usize]) -> Result<Vec<Slide>, OpError> {
    let windows = (&op.kernel, &op.strides, &op.dilations);
    slides(spatial(x)?, windows.0, windows.1, windows.2, &op.padding, fit(op.ceil))
}

impl AveragePool {
    /// The windows over an input of this shape, and how many elements count in the mean of each.
    pub(crate) fn windows(&self, x: &[usize]) -> Result<(Vec<Slide>, Vec<usize>), OpError> {
        let slides = slides(
            spatial(x)?,
            &self.kernel,
            &self.strides,
            &self.dilations,
            &self.padding,
            fit(self.ceil),
        )?;
        // The number of elements that a window holds is a product over the axes.
        let mut counts = vec![1usize];
        for slide in &slides {
            let along = counted(slide, self.count_padding);
            counts = counts.iter().flat_map(|&n| along.iter().map(move |&m| n * m)).collect();
        }
        Ok((slides, counts))
    }
}

impl Operator for AveragePool {
    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        let window = (&self.kernel[..], &self.strides[..], &self.dilations[..]);
        Ok(vec![infer_pool(inputs.required(0, "X")?, window, (&self.padding, self.ceil))?])
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let x = inputs.array::<f32>(0, "X")?;
        let (slides, counts) = self.windows(x.shape())?;
        let mut shape = x.shape()[..2].to_vec();
        shape.extend(slides.iter().map(|slide| slide.output));
        let mut out = vec![0.0f32; elements(&shape)?];
        let plane = counts.len();
        let taps: usize = slides.iter().map(|slide| slide.kernel).product();
        let size: usize = x.shape()[2..].iter().product();
        let data = dense(x);
        rows(&mut out, plane, plane * taps, |at, out| {
            fold(&data[at * size..][..size], &slides, out, |a, b| a + b);
            out.iter_mut().zip(&counts).for_each(|(out, &n)| *out /= n as f32);
        });
        Ok(vec![array(&shape, out)?.into()])
    }
}

fn infer_global(inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
    let x = inputs.required(0, "X")?;
    let ones = |x: &Vec<Dim>| {
        let ones = (2..x.len()).map(|_| Dim::Size(1));
        x.iter().take(2).cloned().chain(ones).collect()
    };
    Ok(vec![Fact { element: x.element, shape: x.shape.as_ref().map(ones), known: None }])
}

/// One number of each channel.
fn global(
    inputs: Inputs<'_, Tensor>,
    f: impl Fn(&[f32]) -> f32 + Sync,
) -> Result<Vec<Tensor>, OpError> {
    let x = inputs.array::<f32>(0, "X")?;
    let size: usize = spatial(x.shape())?.iter().product();
    let mut shape = x.shape()[..2].to_vec();
    shape.resize(x.ndim(), 1);
    let mut out = vec![0.0; shape[0] * shape[1]];
    let data = dense(x);
    rows(&mut out, 1, size, |at, out| out[0] = f(&data[at * size..][..size]));
    Ok(vec![array(&shape, out)?.into()])
}

impl Operator for GlobalAveragePool {
    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        infer_global(inputs)
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        global(inputs, |x| super::sums::sum(x) / x.len() as f32)
    }
}

impl Operator for GlobalMaxPool {
    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        infer_global(inputs)
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let max = |a: f32, b: f32| if b > a || b.is_nan() { b } else { a };
        global(inputs, |x| x.iter().copied().fold(f32::NEG_INFINITY, max))
    }
}
