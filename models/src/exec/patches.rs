//! The inputs that every output position of a convolution meets, as rows of a matrix.

use fewbit::Conv2d;
use ndarray::{Array2, ArrayViewD};

use crate::graph::{Graph, Product};
use crate::ops::{AutoPad, Conv, Op};

/// The geometry of a convolution over an input of a given shape, of any number of spatial axes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patches {
    /// Extents of the kernel.
    kernel: Vec<usize>,
    strides: Vec<usize>,
    dilations: Vec<usize>,
    /// Padding before each axis.
    before: Vec<usize>,
    /// Extents of the output.
    pub output: Vec<usize>,
}

impl Patches {
    /// The geometry of a product that is a convolution, for inputs of this shape; `None` for any other product.
    ///
    /// # Errors
    /// What does not fit, in words.
    pub fn of(graph: &Graph, product: &Product, input: &[usize]) -> Option<Result<Self, String>> {
        let Op::Conv(conv) = &graph.node(product.node).op else { return None };
        let weights = graph.data(product.weight)?.shape();
        Some(Self::of_conv(conv, weights, input))
    }

    /// The geometry of a convolution with weights `[O, C / groups, kernel...]` over an input `[N, C, ...]`.
    ///
    /// # Errors
    /// What does not fit, in words.
    pub fn of_conv(conv: &Conv, weights: &[usize], input: &[usize]) -> Result<Self, String> {
        if weights.len() != input.len() || weights.len() < 3 {
            return Err(format!("weights of shape {weights:?} do not fit an input of {input:?}"));
        }
        let axes = weights.len() - 2;
        let kernel = weights[2..].to_vec();
        let or = |values: &[usize], default: usize| {
            if values.len() == axes { values.to_vec() } else { vec![default; axes] }
        };
        let (strides, dilations) = (or(&conv.strides, 1), or(&conv.dilations, 1));
        let (mut before, mut output) = (vec![0; axes], vec![0; axes]);
        for axis in 0..axes {
            let size = input[2 + axis];
            let stride = strides[axis];
            let span = (kernel[axis].max(1) - 1) * dilations[axis] + 1;
            if stride == 0 {
                return Err("a stride of 0".into());
            }
            let (low, high) = match conv.padding.auto {
                AutoPad::Valid => (0, 0),
                AutoPad::SameUpper | AutoPad::SameLower => {
                    let wanted = size.div_ceil(stride).max(1);
                    let total = ((wanted - 1) * stride + span).saturating_sub(size);
                    let small = total / 2;
                    match conv.padding.auto {
                        AutoPad::SameLower => (total - small, small),
                        _ => (small, total - small),
                    }
                }
                _ => {
                    let pads = &conv.padding.pads;
                    if pads.len() == 2 * axes { (pads[axis], pads[axes + axis]) } else { (0, 0) }
                }
            };
            let padded = size + low + high;
            if span > padded {
                return Err(format!("a kernel that spans {span} does not fit {padded} positions"));
            }
            before[axis] = low;
            output[axis] = (padded - span) / stride + 1;
        }
        Ok(Self { kernel, strides, dilations, before, output })
    }

    /// Positions of the output of one image.
    #[must_use]
    pub fn positions(&self) -> usize {
        self.output.iter().product()
    }

    /// The same geometry as that of a two-dimensional convolution; one of a single axis has rows of one. `None` for three
    /// axes.
    #[must_use]
    pub fn conv2d<T>(&self, input: &[usize], groups: usize, padding_code: T) -> Option<Conv2d<T>> {
        let at = |values: &[usize], one: usize| match *values {
            [x] => Some([one, x]),
            [y, x] => Some([y, x]),
            _ => None,
        };
        let (stride, dilation) = (at(&self.strides, 1)?, at(&self.dilations, 1)?);
        let (kernel, output) = (at(&self.kernel, 1)?, at(&self.output, 1)?);
        let (before, size) = (at(&self.before, 0)?, at(&input[2..], 1)?);
        let after = |axis: usize| {
            let span = (kernel[axis].max(1) - 1) * dilation[axis] + 1;
            let reached = (output[axis].max(1) - 1) * stride[axis] + span;
            reached.saturating_sub(size[axis] + before[axis])
        };
        let padding = [(before[0], after(0)), (before[1], after(1))];
        Some(Conv2d { stride, padding, dilation, groups, padding_code })
    }

    /// `[N * positions, C * kernel]` of images `[N, C, ...]`: columns ascend as (channel, kernel position), positions in
    /// row-major order; what lies in the padding is `padding`.
    #[must_use]
    pub fn rows<T: Copy>(&self, images: &ArrayViewD<'_, T>, padding: T) -> Array2<T> {
        let shape = images.shape();
        let (count, channels) = (shape[0], shape[1]);
        let images = images.as_standard_layout();
        let images = images.as_slice().unwrap_or_default();
        // One and two axes are three with extents of 1.
        let three = |values: &[usize], one: usize| -> [usize; 3] {
            let mut all = [one; 3];
            all[3 - values.len().min(3)..].copy_from_slice(&values[values.len().saturating_sub(3)..]);
            all
        };
        let size = three(&shape[2..], 1);
        let (kernel, output) = (three(&self.kernel, 1), three(&self.output, 1));
        let (stride, dilation) = (three(&self.strides, 1), three(&self.dilations, 1));
        let before = three(&self.before, 0);
        let (area, taps) = (size.iter().product::<usize>(), kernel.iter().product::<usize>());
        let positions = self.positions();
        let columns = channels * taps;
        let mut rows = Array2::from_elem((count * positions, columns), padding);
        let all = rows.as_slice_mut().unwrap_or_default();
        for (row, out) in all.chunks_exact_mut(columns.max(1)).enumerate() {
            let (image, position) = (row / positions.max(1), row % positions.max(1));
            let at = [
                position / (output[1] * output[2]),
                position / output[2] % output[1],
                position % output[2],
            ];
            let image = &images[image * channels * area..][..channels * area];
            for d in 0..kernel[0] {
                let Some(z) = source(at[0], d, stride[0], dilation[0], before[0], size[0]) else {
                    continue;
                };
                for v in 0..kernel[1] {
                    let Some(y) = source(at[1], v, stride[1], dilation[1], before[1], size[1])
                    else {
                        continue;
                    };
                    for u in 0..kernel[2] {
                        let Some(x) = source(at[2], u, stride[2], dilation[2], before[2], size[2])
                        else {
                            continue;
                        };
                        let from = (z * size[1] + y) * size[2] + x;
                        let to = (d * kernel[1] + v) * kernel[2] + u;
                        for channel in 0..channels {
                            out[channel * taps + to] = image[channel * area + from];
                        }
                    }
                }
            }
        }
        rows
    }
}

/// The input position that an output position meets with a weight, if it is not in the padding.
fn source(
    at: usize,
    offset: usize,
    stride: usize,
    dilation: usize,
    before: usize,
    size: usize,
) -> Option<usize> {
    (at * stride + offset * dilation).checked_sub(before).filter(|&source| source < size)
}
