//! Convolutions in `f32`. Where the CPU has vectors of fused products, those of one or two spatial axes go through
//! [`fewbit::conv2d_f32`]. All others: patches as columns of a matrix and a product with the kernels; depthwise ones row by row.
//!
//! An output's sum has the same order whatever the number of threads: work is cut into blocks of output rows whose size
//! follows from the shapes alone.

use fewbit::{Conv2d, Isa, conv2d_f32};
use ndarray::linalg::general_mat_mul;
use ndarray::{ArcArray, ArrayView2, ArrayView4, ArrayViewMut2, ArrayViewMut4, IxDyn};
use rayon::prelude::*;

use super::OpError;
use super::shape::elements;
use super::typed::{array, dense};
use super::window::Slide;

/// Columns that one product takes at a time, about.
const COLUMNS: usize = 4096;

/// The convolution of X `[N, C, ...]` with W `[O, C / groups, ...]`, plus B `[O]`.
pub(crate) fn convolve(
    x: &ArcArray<f32, IxDyn>,
    w: &ArcArray<f32, IxDyn>,
    bias: Option<&ArcArray<f32, IxDyn>>,
    groups: usize,
    slides: &[Slide],
) -> Result<ArcArray<f32, IxDyn>, OpError> {
    let (batch, channels, filters) = (x.shape()[0], x.shape()[1], w.shape()[0]);
    if let Some(bias) = bias.filter(|bias| bias.shape() != [filters]) {
        return Err(OpError::Shape(format!("B of shape {:?} for {filters}", bias.shape())));
    }
    let mut shape = vec![batch, filters];
    shape.extend(slides.iter().map(|slide| slide.output));
    let mut out = vec![0.0f32; elements(&shape)?];
    let (x, w) = (dense(x), dense(w));
    let bias = bias.map(|bias| dense(bias));
    let layer = Layer {
        w: &w,
        bias: bias.as_deref(),
        channels,
        filters,
        groups,
        slides,
        input: slides.iter().map(|slide| slide.input).product(),
        output: slides.iter().map(|slide| slide.output).product(),
        taps: slides.iter().map(|slide| slide.kernel).product(),
    };
    if out.is_empty() {
        return array(&shape, out);
    }
    if planar(&x, &w, bias.as_deref(), (batch, channels, filters, groups), slides, &mut out)? {
        return array(&shape, out);
    }
    let image = channels * layer.input;
    if groups == channels && filters == channels && slides.len() <= 2 {
        let work = layer.output * layer.taps;
        let x = &x[..];
        super::parallel::rows(&mut out, layer.output, work, |plane, out| {
            layer.depthwise(&x[plane * layer.input..][..layer.input], plane % channels, out);
        });
    } else if batch == 1 {
        layer.blocks(&x, &mut out);
    } else {
        let pictures = out.par_chunks_mut(filters * layer.output).enumerate();
        pictures.for_each_init(Vec::new, |columns, (n, out)| {
            let x = &x[n * image..][..image];
            let per_group = filters / groups;
            for group in 0..groups {
                let out = &mut out[group * per_group * layer.output..][..per_group * layer.output];
                let lead = slides[0].output;
                layer.product(x, group, (0, lead), columns, out);
            }
        });
    }
    array(&shape, out)
}

/// A convolution of one or two spatial axes in fused products, where the CPU has them; tells whether it was done.
fn planar(
    x: &[f32],
    w: &[f32],
    bias: Option<&[f32]>,
    (batch, channels, filters, groups): (usize, usize, usize, usize),
    slides: &[Slide],
    out: &mut [f32],
) -> Result<bool, OpError> {
    let [high, wide] = match *slides {
        [wide] => [UNIT, wide],
        [high, wide] => [high, wide],
        _ => return Ok(false),
    };
    if Isa::best() == Isa::Portable {
        return Ok(false);
    }
    let conv = Conv2d {
        stride: [high.stride, wide.stride],
        padding: [(high.before, high.after), (wide.before, wide.after)],
        dilation: [high.dilation, wide.dilation],
        groups,
        padding_code: 0.0,
    };
    let input = ArrayView4::from_shape((batch, channels, high.input, wide.input), x);
    let kernels = (filters, channels / groups, high.kernel, wide.kernel);
    let weights = ArrayView4::from_shape(kernels, w);
    let out = ArrayViewMut4::from_shape((batch, filters, high.output, wide.output), out);
    let (Ok(input), Ok(weights), Ok(out)) = (input, weights, out) else { return Ok(false) };
    let done = conv2d_f32(input, weights, bias, &conv, None, out);
    done.map_err(|error| OpError::Shape(error.to_string()))?;
    Ok(true)
}

/// An axis of one position.
const UNIT: Slide =
    Slide { input: 1, kernel: 1, stride: 1, dilation: 1, before: 0, after: 0, output: 1 };

/// What all images have in common.
struct Layer<'a> {
    w: &'a [f32],
    bias: Option<&'a [f32]>,
    channels: usize,
    filters: usize,
    groups: usize,
    slides: &'a [Slide],
    /// Elements of a channel of the input.
    input: usize,
    /// Elements of a channel of the output.
    output: usize,
    /// Weights of a kernel for one channel.
    taps: usize,
}

impl Layer<'_> {
    /// One image, cut into blocks along the first spatial axis.
    fn blocks(&self, x: &[f32], out: &mut [f32]) {
        let lead = self.slides[0].output;
        let row = self.output / lead;
        let rows = (COLUMNS / row.max(1)).clamp(1, lead);
        let per_group = self.filters / self.groups;
        let starts = (0..lead).step_by(rows);
        let jobs: Vec<(usize, usize, usize)> = (0..self.groups)
            .flat_map(|group| starts.clone().map(move |from| (group, from, rows.min(lead - from))))
            .collect();
        let parts: Vec<Vec<f32>> = jobs
            .par_iter()
            .map_init(Vec::new, |columns, &(group, from, count)| {
                let mut part = vec![0.0; per_group * count * row];
                self.product(x, group, (from, count), columns, &mut part);
                part
            })
            .collect();
        for ((group, from, count), part) in jobs.into_iter().zip(parts) {
            for (filter, part) in part.chunks(count * row).enumerate() {
                let at = (group * per_group + filter) * self.output + from * row;
                out[at..at + count * row].copy_from_slice(part);
            }
        }
    }

    /// Some output rows of one group: `[filters of the group, columns]`.
    fn product(
        &self,
        x: &[f32],
        group: usize,
        (from, count): (usize, usize),
        columns: &mut Vec<f32>,
        out: &mut [f32],
    ) {
        let (per_group, depth) = (self.filters / self.groups, self.channels / self.groups);
        let k = depth * self.taps;
        let n = self.output / self.slides[0].output * count;
        let x = &x[group * depth * self.input..][..depth * self.input];
        let w = &self.w[group * per_group * k..][..per_group * k];
        let plain = self.taps == 1
            && self.slides.iter().all(|s| s.stride == 1 && s.before == 0 && s.after == 0);
        let whole = n == self.output;
        let b = if plain && whole {
            x
        } else {
            columns.resize(k * n, 0.0);
            for (channel, columns) in columns.chunks_mut(self.taps * n).enumerate() {
                let x = &x[channel * self.input..][..self.input];
                unfold(x, self.slides, (from, count), columns);
            }
            &columns[..k * n]
        };
        if let Some(bias) = self.bias {
            let bias = &bias[group * per_group..][..per_group];
            out.chunks_mut(n).zip(bias).for_each(|(row, &bias)| row.fill(bias));
        }
        multiply(w, b, out, (per_group, k, n), if self.bias.is_some() { 1.0 } else { 0.0 });
    }

    /// One channel with its own kernel.
    fn depthwise(&self, x: &[f32], channel: usize, out: &mut [f32]) {
        out.fill(self.bias.map_or(0.0, |bias| bias[channel]));
        let w = &self.w[channel * self.taps..][..self.taps];
        let (high, wide) = match self.slides {
            [wide] => (&UNIT, wide),
            [high, wide, ..] => (high, wide),
            [] => return,
        };
        for (y, out) in out.chunks_mut(wide.output).enumerate() {
            for ky in 0..high.kernel {
                let Some(row) = high.place(y, ky) else { continue };
                let x = &x[row * wide.input..][..wide.input];
                for kx in 0..wide.kernel {
                    let weight = w[ky * wide.kernel + kx];
                    let (from, to) = wide.inside(kx);
                    if from >= to {
                        continue;
                    }
                    let start = from * wide.stride + kx * wide.dilation - wide.before;
                    let x = &x[start..];
                    let out = &mut out[from..to];
                    match wide.stride {
                        1 => out.iter_mut().zip(x).for_each(|(out, &x)| *out += weight * x),
                        stride => {
                            let x = x.iter().step_by(stride);
                            out.iter_mut().zip(x).for_each(|(out, &x)| *out += weight * x);
                        }
                    }
                }
            }
        }
    }
}

/// `out = a b + keep out`, row-major, `(m, k, n)`.
pub(crate) fn multiply(
    a: &[f32],
    b: &[f32],
    out: &mut [f32],
    (m, k, n): (usize, usize, usize),
    keep: f32,
) {
    let a = ArrayView2::from_shape((m, k), a);
    let b = ArrayView2::from_shape((k, n), b);
    let out = ArrayViewMut2::from_shape((m, n), out);
    if let (Ok(a), Ok(b), Ok(mut out)) = (a, b, out) {
        general_mat_mul(1.0, &a, &b, keep, &mut out);
    }
}

/// The patches of one channel as columns: a row per weight of the kernel, a column per output in the rows `from` on.
pub(crate) fn unfold<T: Copy + Default>(
    x: &[T],
    slides: &[Slide],
    (from, count): (usize, usize),
    columns: &mut [T],
) {
    let Some((last, outer)) = slides.split_last() else { return };
    let taps: usize = slides.iter().map(|slide| slide.kernel).product();
    if taps == 0 || columns.is_empty() {
        return;
    }
    let outer_taps: Vec<usize> = outer.iter().map(|slide| slide.kernel).collect();
    let mut outer_out: Vec<usize> = outer.iter().map(|slide| slide.output).collect();
    let (first, width) = match outer_out.first_mut() {
        Some(lead) => {
            *lead = count;
            (0, last.output)
        }
        None => (from, count),
    };
    let row = columns.len() / taps;
    for (tap, columns) in columns.chunks_mut(row).enumerate() {
        let (kx, outer_tap) = (tap % last.kernel, tap / last.kernel);
        let tap_at = super::shape::Odometer::starting(&outer_taps, outer_tap).at;
        let mut place = super::shape::Odometer::new(&outer_out);
        let (begin, end) = last.inside(kx);
        let (begin, end) =
            (begin.clamp(first, first + width) - first, end.clamp(first, first + width) - first);
        for out in columns.chunks_mut(width) {
            let mut base = Some(0);
            for (axis, slide) in outer.iter().enumerate() {
                let window = place.at[axis] + if axis == 0 { from } else { 0 };
                let at = slide.place(window, tap_at[axis]);
                base = base.zip(at).map(|(base, at)| base * slide.input + at);
            }
            place.step();
            let Some(base) = base.filter(|_| begin < end) else {
                out.fill(T::default());
                continue;
            };
            out[..begin].fill(T::default());
            out[end..].fill(T::default());
            let start = base * last.input + (first + begin) * last.stride + kx * last.dilation
                - last.before;
            let (x, out) = (&x[start..], &mut out[begin..end]);
            match last.stride {
                1 => out.copy_from_slice(&x[..end - begin]),
                stride => {
                    out.iter_mut().zip(x.iter().step_by(stride)).for_each(|(out, &x)| *out = x);
                }
            }
        }
    }
}
