//! Convolutions, as products of patches.
//!
//! ```text
//! Y = W P, P the patches of X        dW = dY Pᵀ summed over images        dP = Wᵀ dY, each element back to where it came from
//! ```
//!
//! A transposed convolution is one over what is pulled apart, with other patches.

use ndarray::{Array2, ArrayView2, Axis, s};
use rayon::prelude::*;

use crate::exec::Patches;
use crate::graph::ProductLayout;
use crate::ops::panels::Right;
use crate::ops::product::product;
use crate::ops::typed::{array, dense};
use crate::ops::{Conv, ConvTranspose, OpError};

use super::call::{Call, Found};

/// Parts that images are cut into, whatever the number of threads.
const PARTS: usize = 8;
/// A place in the padding.
const OUTSIDE: i64 = -1;

/// What a part of the images adds: gradients by their inputs, and by the weights.
struct Part {
    by_x: Vec<f32>,
    by_w: Array2<f32>,
}

pub(super) fn conv(call: &Call<'_>, op: &Conv) -> Found {
    let (x, w) = (call.input(0)?, call.input(1)?);
    let patches = Patches::of_conv(op, w.shape(), x.shape())?;
    through(call, &patches, (ProductLayout::Conv, op.groups))
}

pub(super) fn conv_transpose(call: &Call<'_>, op: &ConvTranspose) -> Found {
    let (x, w) = (call.input(0)?, call.input(1)?);
    let patches = Patches::of_conv_transpose(op, w.shape(), x.shape())?;
    through(call, &patches, (ProductLayout::ConvTranspose, op.groups))
}

fn through(call: &Call<'_>, patches: &Patches, (layout, groups): (ProductLayout, usize)) -> Found {
    let (g, x, w) = (call.gradient()?, call.input(0)?, call.input(1)?);
    let (images, channels) = (x.shape()[0], x.shape()[1]);
    let (positions, columns) = (patches.positions(), patches.columns(channels));
    let weights = layout.matrix(groups, &w.to_owned());
    let (out, width) = weights.dim();
    let rows = out.checked_div(groups).unwrap_or(0);
    if rows * groups != out || width * groups != columns {
        return Err(OpError::Shape(format!("W of shape {:?} in {groups} groups", w.shape())));
    }
    let size = x.len().checked_div(images).unwrap_or(0);
    let (data, gradient) = (dense(x), dense(g));
    let (mut padded, mut places) = (Vec::new(), vec![OUTSIDE; positions * columns]);
    let numbers: Vec<i64> = (0..size as i64).collect();
    patches.image_rows(&numbers, channels, OUTSIDE, &mut padded, &mut places);
    let part = |range: (usize, usize)| {
        let (mut memory, mut taken) = (Vec::new(), vec![0.0; positions * columns]);
        let mut part = Part { by_x: Vec::new(), by_w: Array2::zeros((out, width)) };
        for image in range.0..range.1 {
            let g = ArrayView2::from_shape(
                (out, positions),
                &gradient[image * out * positions..][..out * positions],
            );
            let Ok(g) = g else { continue };
            if call.wants(1) {
                let from = &data[image * size..][..size];
                patches.image_rows(from, channels, 0.0, &mut memory, &mut taken);
                let Ok(p) = ArrayView2::from_shape((positions, columns), &taken) else { continue };
                for group in 0..groups {
                    let own = s![group * rows..(group + 1) * rows, ..];
                    let p = p.slice(s![.., group * width..(group + 1) * width]);
                    product(1.0, g.slice(own), Right::Matrix(p), 1.0, part.by_w.slice_mut(own));
                }
            }
            if call.wants(0) {
                let mut by_patch = Array2::zeros((positions, columns));
                for group in 0..groups {
                    let own = s![group * rows..(group + 1) * rows, ..];
                    let to = by_patch.slice_mut(s![.., group * width..(group + 1) * width]);
                    product(1.0, g.slice(own).t(), Right::Matrix(weights.slice(own)), 0.0, to);
                }
                let mut by_x = vec![0.0; size];
                for (&place, g) in places.iter().zip(&by_patch) {
                    if let Some(to) = usize::try_from(place).ok().and_then(|at| by_x.get_mut(at)) {
                        *to += g;
                    }
                }
                part.by_x.extend(by_x);
            }
        }
        part
    };
    let together = images.div_ceil(PARTS).max(1);
    let ranges = (0..images).step_by(together).map(|from| (from, images.min(from + together)));
    let parts: Vec<Part> = ranges.collect::<Vec<_>>().into_par_iter().map(part).collect();
    let (mut by_x, mut by_w) = (Vec::new(), Array2::<f32>::zeros((out, width)));
    // In order, so that threads change nothing.
    for part in parts {
        by_x.extend(part.by_x);
        by_w += &part.by_w;
    }
    let by_x = call.wants(0).then(|| array(x.shape(), by_x)).transpose()?;
    let by_w = call.wants(1).then(|| layout.weights(groups, &by_w, w.shape()).into_shared());
    let by_bias = call.wants(2).then(|| {
        let mut sum = g.to_owned();
        while sum.ndim() > 2 {
            sum = sum.sum_axis(Axis(2));
        }
        sum.sum_axis(Axis(0)).into_shared()
    });
    Ok(vec![by_x, by_w, by_bias])
}
