//! `ConvTranspose`.

use rayon::prelude::*;

use crate::tensor::Tensor;

use super::convolve::multiply;
use super::set::attributes;
use super::shape::{Odometer, elements};
use super::typed::{array, dense};
use super::window::{AutoPad, Padding, Slide, spatial, steps};
use super::{Dim, Fact, Inputs, OpError, Operator};

attributes! {
    /// The transpose of `Conv`: inputs X `[N, C, ...]`, W `[C, O / groups, ...]`, and B `[O]` if there is one.
    ConvTranspose {
        /// Extents of the kernel; empty for those of W.
        "kernel_shape" kernel: Vec<usize> = Vec::new();
        /// Positions from what one input adds to to what the next does; empty for 1.
        "strides" strides: Vec<usize> = Vec::new();
        /// Positions from one weight to the next; empty for 1.
        "dilations" dilations: Vec<usize> = Vec::new();
        /// Parts that the channels fall into.
        "group" groups: usize = 1;
        /// Added to the extents of the output, at their end; empty for 0.
        "output_padding" output_padding: Vec<usize> = Vec::new();
        /// Extents of the output, from which padding follows; empty where padding is given.
        "output_shape" output_shape: Vec<usize> = Vec::new();
        flatten
        /// What is cut off around the output.
        padding: Padding;
    }
}

impl ConvTranspose {
    /// The windows of the convolution that this is the transpose of: its input is the output here.
    pub(crate) fn windows(&self, x: &[usize], kernel: &[usize]) -> Result<Vec<Slide>, OpError> {
        let axes = x.len();
        let strides = steps("strides", &self.strides, axes)?;
        let dilations = steps("dilations", &self.dilations, axes)?;
        let extra = spatial("output_padding", &self.output_padding, axes, 0)?;
        let pads = spatial("pads", &self.padding.pads, 2 * axes, 0)?;
        let wanted = match self.output_shape.len() {
            0 => None,
            n if n >= axes => Some(&self.output_shape[n - axes..]),
            n => {
                let problem = format!("{n} extents for {axes} spatial axes");
                return Err(OpError::attribute("output_shape", problem));
            }
        };
        let slide = |i: usize| {
            let (stride, dilation, kernel) = (strides[i], dilations[i], kernel[i]);
            if kernel == 0 || x[i] == 0 {
                return Err(OpError::Shape("a kernel or an input without elements".into()));
            }
            let whole = (x[i] - 1) * stride + (kernel - 1) * dilation + 1 + extra[i];
            let wrong = || OpError::Shape(format!("padding that leaves nothing of {whole}"));
            let wanted = match (wanted, self.padding.auto) {
                (Some(wanted), _) => Some(wanted[i]),
                (None, AutoPad::SameUpper | AutoPad::SameLower) => Some(x[i] * stride),
                (None, AutoPad::Valid) => Some(whole),
                (None, AutoPad::NotSet) => None,
            };
            let (before, after, output) = match wanted {
                Some(output) => {
                    let cut = whole.saturating_sub(output);
                    let small = cut / 2;
                    let before =
                        if self.padding.auto == AutoPad::SameUpper { small } else { cut - small };
                    (before, cut - before, output)
                }
                None => {
                    let (before, after) = (pads[i], pads[axes + i]);
                    let output = whole.checked_sub(before + after).ok_or_else(wrong)?;
                    (before, after, output)
                }
            };
            // As windows over the output: one for each input.
            Ok(Slide { input: output, kernel, stride, dilation, before, after, output: x[i] })
        };
        (0..axes).map(slide).collect()
    }
}

impl Operator for ConvTranspose {
    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        let (x, w) = (inputs.required(0, "X")?, inputs.required(1, "W")?);
        let (Some(dims), Some(weights)) = (&x.shape, &w.shape) else {
            return Ok(vec![Fact { element: x.element, ..Fact::default() }]);
        };
        if dims.len() < 3 || dims.len() != weights.len() {
            let (x, w) = (dims.len(), weights.len());
            return Err(OpError::Shape(format!(
                "X has {x} axes and W has {w}: 3 or more, as many"
            )));
        }
        let filters = weights[1].size().and_then(|size| size.checked_mul(self.groups));
        let mut shape = vec![dims[0].clone(), filters.map_or(Dim::Unknown, Dim::Size)];
        let sizes: Option<Vec<usize>> = dims[2..].iter().map(Dim::size).collect();
        let kernel: Option<Vec<usize>> = weights[2..].iter().map(Dim::size).collect();
        match (sizes, kernel) {
            (Some(sizes), Some(kernel)) => {
                let slides = self.windows(&sizes, &kernel)?;
                shape.extend(slides.iter().map(|slide| Dim::Size(slide.input)));
            }
            _ => shape.extend(dims[2..].iter().map(|_| Dim::Unknown)),
        }
        Ok(vec![Fact { element: x.element, shape: Some(shape), known: None }])
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let (x, w) = (inputs.array::<f32>(0, "X")?, inputs.array::<f32>(1, "W")?);
        let bias = inputs.optional(2).map(|_| inputs.array::<f32>(2, "B")).transpose()?;
        let (own, weights, groups) = (x.shape(), w.shape(), self.groups);
        let wrong = || OpError::Shape(format!("X of shape {own:?} with W of shape {weights:?}"));
        if own.len() < 3 || own.len() != weights.len() || own[1] != weights[0] {
            return Err(wrong());
        }
        if groups == 0 || own[1] % groups != 0 {
            return Err(wrong());
        }
        if !self.kernel.is_empty() && self.kernel != weights[2..] {
            return Err(OpError::attribute("kernel_shape", "it is not that of W"));
        }
        let slides = self.windows(&own[2..], &weights[2..])?;
        let (depth, per_group) = (own[1] / groups, weights[1]);
        let filters = per_group * groups;
        if let Some(bias) = bias.filter(|bias| bias.shape() != [filters]) {
            return Err(OpError::Shape(format!("B of shape {:?} for {filters}", bias.shape())));
        }
        let mut shape = vec![own[0], filters];
        shape.extend(slides.iter().map(|slide| slide.input));
        let mut out = vec![0.0f32; elements(&shape)?];
        let size: usize = own[2..].iter().product();
        let plane: usize = slides.iter().map(|slide| slide.input).product();
        let taps: usize = weights[2..].iter().product();
        elements(&[per_group * taps, size])?;
        let (data, bias) = (dense(x), bias.map(|bias| dense(bias)));
        // W of a group, transposed: [filters taps, channels].
        let w = dense(w);
        let rows = per_group * taps;
        let mut transposed = vec![0.0f32; w.len()];
        for (channel, row) in w.chunks(rows.max(1)).enumerate() {
            let group = channel / depth;
            for (i, &weight) in row.iter().enumerate() {
                transposed[group * rows * depth + i * depth + channel % depth] = weight;
            }
        }
        if !out.is_empty() {
            out.par_chunks_mut(per_group * plane).enumerate().for_each_init(
                Vec::new,
                |columns, (part, out)| {
                    let (n, group) = (part / groups, part % groups);
                    let x = &data[(n * groups + group) * depth * size..][..depth * size];
                    let w = &transposed[group * rows * depth..][..rows * depth];
                    columns.resize(rows * size, 0.0);
                    multiply(w, x, columns, (rows, depth, size), 0.0);
                    for (filter, out) in out.chunks_mut(plane).enumerate() {
                        out.fill(bias.as_ref().map_or(0.0, |b| b[group * per_group + filter]));
                        fold(&columns[filter * taps * size..][..taps * size], &slides, out);
                    }
                },
            );
        }
        Ok(vec![array(&shape, out)?.into()])
    }
}

/// Adds every column's entries where its window lies.
fn fold(columns: &[f32], slides: &[Slide], out: &mut [f32]) {
    let kernel: Vec<usize> = slides.iter().map(|slide| slide.kernel).collect();
    let windows: Vec<usize> = slides.iter().map(|slide| slide.output).collect();
    let size: usize = windows.iter().product();
    let mut tap = Odometer::new(&kernel);
    for column in columns.chunks(size.max(1)) {
        let mut window = Odometer::new(&windows);
        for &value in column {
            let mut place = Some(0);
            for (axis, slide) in slides.iter().enumerate() {
                let at = slide.place(window.at[axis], tap.at[axis]);
                place = place.zip(at).map(|(place, at)| place * slide.input + at);
            }
            if let Some(place) = place {
                out[place] += value;
            }
            window.step();
        }
        tap.step();
    }
}
