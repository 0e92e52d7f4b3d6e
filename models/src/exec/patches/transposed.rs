//! The inputs that every output position of a transposed convolution meets.

use crate::ops::OpError;
use crate::ops::shape::{Odometer, elements};
use crate::ops::window::Slide;

/// The place of a zero between the inputs, or around them.
pub(super) const NOWHERE: usize = usize::MAX;

/// `[positions, kernel]`: the input that each output meets with each tap, the last one first.
///
/// # Errors
/// More of them than can be counted.
pub(super) fn places(slides: &[Slide]) -> Result<Vec<usize>, OpError> {
    let outputs: Vec<usize> = slides.iter().map(|slide| slide.input).collect();
    let kernel: Vec<usize> = slides.iter().map(|slide| slide.kernel).collect();
    let (positions, taps) = (elements(&outputs)?, elements(&kernel)?);
    let mut places = Vec::with_capacity(elements(&[positions, taps])?);
    let mut output = Odometer::new(&outputs);
    for _ in 0..positions {
        let mut tap = Odometer::new(&kernel);
        for _ in 0..taps {
            let mut axes = slides.iter().zip(output.at.iter().zip(&tap.at));
            let place = axes.try_fold(0, |place, (slide, (&at, &tap))| {
                let window = slide.window(at, slide.kernel - 1 - tap)?;
                Some(place * slide.output + window)
            });
            places.push(place.unwrap_or(NOWHERE));
            tap.step();
        }
        output.step();
    }
    Ok(places)
}

/// The rows of one image, `[positions, channels * taps]`; zeros are `padding`.
pub(super) fn rows<T: Copy>(
    (places, taps): (&[usize], usize),
    image: &[T],
    channels: usize,
    padding: T,
    rows: &mut [T],
) {
    let (columns, area) = ((channels * taps).max(1), image.len().checked_div(channels));
    let positions = rows.chunks_exact_mut(columns).zip(places.chunks_exact(taps.max(1)));
    for (row, places) in positions {
        let channels = image.chunks_exact(area.unwrap_or(0).max(1));
        for (row, channel) in row.chunks_exact_mut(taps.max(1)).zip(channels) {
            for (to, &place) in row.iter_mut().zip(places) {
                *to = channel.get(place).copied().unwrap_or(padding);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{ArrayD, Axis, IxDyn, Slice, concatenate};

    use super::super::Patches;
    use crate::ops::{Conv, ConvTranspose, Padding};

    /// Zeros between the elements of an axis, and around them: a negative number cuts off.
    fn apart(x: &ArrayD<i32>, axis: Axis, stride: usize, around: (isize, isize)) -> ArrayD<i32> {
        let mut shape = x.raw_dim();
        shape[axis.0] = (x.len_of(axis) - 1) * stride + 1;
        let mut wide = ArrayD::zeros(shape);
        wide.slice_axis_mut(axis, Slice::new(0, None, stride as isize)).assign(x);
        let zeros = |count: isize| {
            let mut shape = wide.raw_dim();
            shape[axis.0] = count.max(0) as usize;
            ArrayD::zeros(shape)
        };
        let (before, after) = (zeros(around.0), zeros(around.1));
        let all = concatenate(axis, &[before.view(), wide.view(), after.view()]).expect("a line");
        let end = all.len_of(axis) as isize - (-around.1).max(0);
        all.slice_axis(axis, Slice::new((-around.0).max(0), Some(end), 1)).to_owned()
    }

    #[test]
    fn rows_are_those_of_a_convolution_over_what_is_pulled_apart() {
        for (size, kernel, strides, dilations, pads, extra) in [
            (vec![5], vec![3], vec![2], vec![1], vec![1, 1], vec![1]),
            (vec![4, 3], vec![2, 2], vec![2, 2], vec![1, 1], vec![0; 4], vec![0, 0]),
            (vec![4, 5], vec![3, 2], vec![1, 3], vec![2, 1], vec![1, 0, 2, 1], vec![0, 2]),
            (vec![3, 4], vec![4, 3], vec![2, 1], vec![1, 2], vec![3, 2, 0, 3], vec![1, 0]),
            (
                vec![2, 3, 2],
                vec![2, 1, 3],
                vec![3, 2, 1],
                vec![1; 3],
                vec![0, 0, 1, 1, 0, 1],
                vec![1; 3],
            ),
        ] {
            let axes = size.len();
            let mut shape = vec![2, 3];
            shape.extend(&size);
            let count: usize = shape.iter().product();
            let x = ArrayD::from_shape_vec(shape.clone(), (1..=count as i32).collect());
            let x = x.expect("as many elements");
            let mut weights = vec![3, 5];
            weights.extend(&kernel);
            let op = ConvTranspose {
                strides: strides.clone(),
                dilations: dilations.clone(),
                output_padding: extra.clone(),
                padding: Padding { pads: pads.clone(), ..Padding::default() },
                ..ConvTranspose::default()
            };
            let patches = Patches::of_conv_transpose(&op, &weights, &shape).expect("it fits");
            let mut wide = x.clone();
            for axis in 0..axes {
                let reach = ((kernel[axis] - 1) * dilations[axis]) as isize;
                let (before, after) = (pads[axis] as isize, pads[axes + axis] as isize);
                let around = (reach - before, reach - after + extra[axis] as isize);
                wide = apart(&wide, Axis(axis + 2), strides[axis], around);
            }
            let conv = Conv { dilations: dilations.clone(), ..Conv::default() };
            let mut turned = vec![5, 3];
            turned.extend(&kernel);
            let plain = Patches::of_conv(&conv, &turned, wide.shape()).expect("it fits");
            assert_eq!(patches.output(), plain.output(), "{op:?}");
            let (rows, expected) = (patches.rows(&x.view(), 0), plain.rows(&wide.view(), 0));
            assert_eq!(rows, expected, "{op:?}");
            assert!(rows.iter().any(|&x| x == 0) && rows.iter().any(|&x| x != 0));
        }
    }

    #[test]
    fn shapes_that_do_not_fit_are_refused() {
        let op = ConvTranspose::default();
        for (weights, input) in [
            (vec![3, 1, 2], vec![1, 2, 4]),
            (vec![3, 1, 2, 2], vec![1, 3, 4]),
            (vec![3, 1], vec![1, 3]),
        ] {
            let found = Patches::of_conv_transpose(&op, &weights, &input);
            assert!(found.is_err(), "{weights:?} {input:?}");
        }
        let far = ArrayD::<f32>::zeros(IxDyn(&[0, 3, 4]));
        let none = Patches::of_conv_transpose(&op, &[3, 1, 2], &[0, 3, 4]).expect("it fits");
        assert_eq!(none.rows(&far.view(), 0.0).dim(), (0, 6));
    }
}
