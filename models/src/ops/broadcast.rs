//! Functions of two arrays that broadcast.

use ndarray::{ArcArray, IxDyn};

use super::OpError;
use super::parallel::rows;
use super::shape::{Odometer, broadcast, elements};
use super::typed::{array, dense};

/// So many elements are computed by one thread at a time.
const PIECE: usize = 1 << 15;

/// An axis of the result, and the steps of both inputs along it.
#[derive(Clone, Copy)]
struct Axis {
    size: usize,
    a: usize,
    b: usize,
}

/// A function of each pair of elements, shapes broadcast.
///
/// Axes over which both go on alike are one, so that the inner loop is long: over equal shapes, a scalar, or one number
/// per channel.
pub(crate) fn zip<A, B, R>(
    a: &ArcArray<A, IxDyn>,
    b: &ArcArray<B, IxDyn>,
    f: impl Fn(A, B) -> R + Sync,
) -> Result<ArcArray<R, IxDyn>, OpError>
where
    A: Copy + Sync + Send,
    B: Copy + Sync + Send,
    R: Copy + Default + Send,
{
    let shape = broadcast(a.shape(), b.shape())?;
    let mut out = vec![R::default(); elements(&shape)?];
    if out.is_empty() {
        return array(&shape, out);
    }
    let (x, y) = (dense(a), dense(b));
    let (x, y, f) = (&x[..], &y[..], &f);
    let mut outer = merge(&shape, a.shape(), b.shape());
    let inner = outer.pop().unwrap_or(Axis { size: 1, a: 0, b: 0 });
    if outer.is_empty() {
        rows(&mut out, PIECE, PIECE, |at, out| {
            line(out, (x, at * PIECE * inner.a), (y, at * PIECE * inner.b), inner, f);
        });
    } else {
        let extents: Vec<usize> = outer.iter().map(|axis| axis.size).collect();
        let together = (PIECE / inner.size).max(1);
        let chunk = together * inner.size;
        rows(&mut out, chunk, chunk, |at, out| {
            let mut place = Odometer::starting(&extents, at * together);
            for row in out.chunks_mut(inner.size) {
                let (mut from_a, mut from_b) = (0, 0);
                for (&i, axis) in place.at.iter().zip(&outer) {
                    from_a += i * axis.a;
                    from_b += i * axis.b;
                }
                line(row, (x, from_a), (y, from_b), inner, f);
                place.step();
            }
        });
    }
    array(&shape, out)
}

/// The function along one axis, from given places on.
fn line<A: Copy, B: Copy, R>(
    out: &mut [R],
    (x, from_x): (&[A], usize),
    (y, from_y): (&[B], usize),
    axis: Axis,
    f: &impl Fn(A, B) -> R,
) {
    let n = out.len();
    match (axis.a, axis.b) {
        (0, 0) => {
            let (x, y) = (x[from_x], y[from_y]);
            out.iter_mut().for_each(|out| *out = f(x, y));
        }
        (0, _) => {
            let x = x[from_x];
            let y = &y[from_y..from_y + n];
            out.iter_mut().zip(y).for_each(|(out, &y)| *out = f(x, y));
        }
        (_, 0) => {
            let y = y[from_y];
            let x = &x[from_x..from_x + n];
            out.iter_mut().zip(x).for_each(|(out, &x)| *out = f(x, y));
        }
        _ => {
            let (x, y) = (&x[from_x..from_x + n], &y[from_y..from_y + n]);
            out.iter_mut().zip(x).zip(y).for_each(|((out, &x), &y)| *out = f(x, y));
        }
    }
}

/// The axes of the result, neighbours over which both inputs go on alike put together. A step is 0 where an input is
/// broadcast; along the last axis it is 0 or 1.
fn merge(shape: &[usize], a: &[usize], b: &[usize]) -> Vec<Axis> {
    let rank = shape.len();
    let extent = |shape: &[usize], i: usize| match (i + shape.len()).checked_sub(rank) {
        Some(i) => shape[i],
        None => 1,
    };
    // From the last axis on: size, whether each input moves.
    let mut merged: Vec<(usize, bool, bool)> = Vec::new();
    for i in (0..rank).rev().filter(|&i| shape[i] != 1) {
        let moves = (extent(a, i) != 1, extent(b, i) != 1);
        match merged.last_mut() {
            Some((size, x, y)) if (*x, *y) == moves => *size *= shape[i],
            _ => merged.push((shape[i], moves.0, moves.1)),
        }
    }
    let (mut step_a, mut step_b) = (1, 1);
    let mut axes: Vec<Axis> = merged
        .into_iter()
        .map(|(size, x, y)| {
            let axis = Axis { size, a: if x { step_a } else { 0 }, b: if y { step_b } else { 0 } };
            step_a *= if x { size } else { 1 };
            step_b *= if y { size } else { 1 };
            axis
        })
        .collect();
    axes.reverse();
    axes
}

/// The elements of an array, repeated to a shape.
pub(crate) fn expand<T: Copy + Default + Send + Sync>(
    a: &ArcArray<T, IxDyn>,
    shape: &[usize],
) -> Result<ArcArray<T, IxDyn>, OpError> {
    elements(shape)?;
    if a.shape() == shape {
        return Ok(a.clone());
    }
    let view = a.broadcast(IxDyn(shape));
    let view = view.ok_or_else(|| {
        OpError::Shape(format!("{:?} does not broadcast to {shape:?}", a.shape()))
    })?;
    Ok(view.as_standard_layout().into_owned().into_shared())
}
