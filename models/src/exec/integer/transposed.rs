//! Transposed convolutions of codes, as convolutions over inputs that are pulled apart.

use ndarray::{ArcArray, ArrayD, Axis, IxDyn, Slice};

use crate::ops::{Conv, ConvTranspose, Padding};

use super::datum::Codes;
use super::ints::map_ints;

/// The convolution that a transposed one is: over its input with zeros between the elements, with every kernel turned round.
///
/// In integers these zeros are products like others, which matters to accumulators that count products.
pub(super) fn lowered(
    op: &ConvTranspose,
    input: &Codes,
    weights: &Codes,
) -> Result<(Conv, Codes, Codes), String> {
    let (x, w) = (input.ints.shape(), weights.ints.shape());
    let groups = op.groups.max(1);
    if x.len() < 3 || x.len() != w.len() || x[1] != w[0] || w[0] % groups != 0 {
        return Err(format!("X of shape {x:?} with W of shape {w:?} in {groups} groups"));
    }
    let slides = op.windows(&x[2..], &w[2..]).map_err(|error| error.to_string())?;
    let zero = input.zero_point;
    let mut stretched = input.ints.clone();
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for (at, slide) in slides.iter().enumerate() {
        let axis = Axis(at + 2);
        // 1. Zeros between the inputs.
        stretched = map_ints!(&stretched, a => stretch(a, axis, slide.stride, zero as _));
        // 2. Padding so that every weight meets every input; less than none cuts inputs off.
        let (reach, extent) = ((slide.kernel - 1) * slide.dilation, stretched.shape()[at + 2]);
        let start = reach as isize - slide.before as isize;
        let end = (slide.input + reach) as isize - extent as isize - start;
        let (from, to) = ((-start).max(0), extent as isize - (-end).max(0));
        if from >= to {
            return Err(format!("padding leaves no input of {x:?}"));
        }
        stretched = map_ints!(&stretched, a => {
            a.slice_axis(axis, Slice::from(from..to)).to_owned().into_shared()
        });
        before.push(start.max(0) as usize);
        after.push(end.max(0) as usize);
    }
    let turned = map_ints!(&weights.ints, a => turn(a, groups));
    let conv = Conv {
        dilations: slides.iter().map(|slide| slide.dilation).collect(),
        groups,
        padding: Padding { pads: [before, after].concat(), ..Padding::default() },
        ..Conv::default()
    };
    Ok((
        conv,
        Codes { ints: stretched, ..input.clone() },
        Codes { ints: turned, ..weights.clone() },
    ))
}

/// The array with `stride - 1` zeros between the elements of an axis.
fn stretch<T: Copy>(
    array: &ArcArray<T, IxDyn>,
    axis: Axis,
    stride: usize,
    zero: T,
) -> ArcArray<T, IxDyn> {
    let mut shape = array.raw_dim();
    shape[axis.0] = shape[axis.0].saturating_sub(1) * stride + 1;
    let mut out = ArrayD::from_elem(shape, zero);
    out.slice_axis_mut(axis, Slice::new(0, None, stride as isize)).assign(array);
    out.into_shared()
}

/// `[out, in / groups, kernel...]` of `[in, out / groups, kernel...]`, every kernel turned round.
fn turn<T: Copy>(weights: &ArcArray<T, IxDyn>, groups: usize) -> ArcArray<T, IxDyn> {
    let (inputs, outputs) = (weights.shape()[0] / groups, weights.shape()[1]);
    let mut shape = weights.shape().to_vec();
    (shape[0], shape[1]) = (outputs * groups, inputs);
    let mut from = vec![0; shape.len()];
    let turned = ArrayD::from_shape_fn(IxDyn(&shape), |at| {
        from[0] = at[0] / outputs * inputs + at[1];
        from[1] = at[0] % outputs;
        for axis in 2..shape.len() {
            from[axis] = shape[axis] - 1 - at[axis];
        }
        weights[&from[..]]
    });
    turned.into_shared()
}
