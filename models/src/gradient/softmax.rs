//! Softmax: `dx = y (dy - Σ dy y)`, and of its logarithm `dx = dy - e^y Σ dy`.

use crate::ops::shape::axis;
use crate::ops::typed::{array, dense};
use crate::ops::{LogSoftmax, Softmax, SoftmaxExtent};

use super::call::{Call, Found};

pub(super) fn softmax(call: &Call<'_>, op: &Softmax) -> Found {
    along(call, op.axis, op.extent, |y, g| {
        let sum: f64 = y.iter().zip(g.iter()).map(|(&y, &g)| f64::from(y) * f64::from(g)).sum();
        g.iter_mut().zip(y).for_each(|(g, y)| *g = y * (*g - sum as f32));
    })
}

pub(super) fn log_softmax(call: &Call<'_>, op: &LogSoftmax) -> Found {
    along(call, op.axis, op.extent, |y, g| {
        let sum: f64 = g.iter().map(|&g| f64::from(g)).sum();
        g.iter_mut().zip(y).for_each(|(g, y)| *g -= y.exp() * sum as f32);
    })
}

/// Changes the gradients of what a sum goes over, given the outputs there.
fn along(
    call: &Call<'_>,
    over: i64,
    extent: SoftmaxExtent,
    f: impl Fn(&[f32], &mut [f32]),
) -> Found {
    let (gradient, output) = (call.gradient()?, call.output()?);
    let shape = output.shape();
    if shape.is_empty() {
        return Ok(vec![Some(gradient.mapv(|_| 0.0).into_shared())]);
    }
    let at = axis(over, shape.len())?;
    let inner: usize = match extent {
        SoftmaxExtent::Axis => shape[at + 1..].iter().product(),
        SoftmaxExtent::Rest => 1,
    };
    let size = match extent {
        SoftmaxExtent::Axis => shape[at],
        SoftmaxExtent::Rest => shape[at..].iter().product(),
    };
    let (g, y) = (dense(gradient), dense(output));
    let mut out = g.to_vec();
    let (mut row, mut own) = (vec![0.0; size], vec![0.0; size]);
    for start in (0..out.len()).step_by((size * inner).max(1)) {
        for offset in start..start + inner {
            for i in 0..size {
                (row[i], own[i]) = (y[offset + i * inner], g[offset + i * inner]);
            }
            f(&row, &mut own);
            own.iter().enumerate().for_each(|(i, &g)| out[offset + i * inner] = g);
        }
    }
    Ok(vec![Some(array(shape, out)?)])
}
