//! Functions of two arrays that broadcast.

use ndarray::Axis;

use crate::ops::broadcast::zip;
use crate::ops::{Inputs, OpError, Operator, Where};
use crate::tensor::Tensor;

use super::call::{Call, Found, Gradient};

/// The gradient by what was broadcast: the sum over the elements that one became.
pub(super) fn summed(gradient: &Gradient, shape: &[usize]) -> Gradient {
    if gradient.shape() == shape {
        return gradient.clone();
    }
    let mut sum = gradient.to_owned();
    while sum.ndim() > shape.len() {
        sum = sum.sum_axis(Axis(0));
    }
    for (axis, &extent) in shape.iter().enumerate() {
        if extent == 1 && sum.shape()[axis] != 1 {
            sum = sum.sum_axis(Axis(axis)).insert_axis(Axis(axis));
        }
    }
    sum.into_shared()
}

/// Gradients by both operands from those by what they are broadcast to.
fn operands(call: &Call<'_>, f: impl Fn(usize) -> Found1) -> Found {
    let by = |place: usize| match call.wants(place) {
        true => Ok(Some(summed(&f(place)?, call.input(place)?.shape()))),
        false => Ok(None),
    };
    (0..call.inputs.len()).map(by).collect()
}

type Found1 = Result<Gradient, OpError>;

pub(super) fn add(call: &Call<'_>) -> Found {
    operands(call, |_| call.gradient().cloned())
}

pub(super) fn sub(call: &Call<'_>) -> Found {
    operands(call, |place| match place {
        0 => call.gradient().cloned(),
        _ => Ok(call.gradient()?.mapv(|g| -g).into_shared()),
    })
}

pub(super) fn sum(call: &Call<'_>) -> Found {
    operands(call, |_| call.gradient().cloned())
}

/// d(a b) = b da + a db.
pub(super) fn mul(call: &Call<'_>) -> Found {
    operands(call, |place| zip(call.gradient()?, call.input(1 - place)?, |g: f32, x: f32| g * x))
}

/// d(a / b) = da / b - (a / b) db / b.
pub(super) fn div(call: &Call<'_>) -> Found {
    let by_a = || zip(call.gradient()?, call.input(1)?, |g: f32, b: f32| g / b);
    operands(call, |place| match place {
        0 => by_a(),
        _ => zip(&by_a()?, call.output()?, |g: f32, y: f32| -g * y),
    })
}

/// d(a^b) = b a^(b-1) da + a^b ln a db.
pub(super) fn pow(call: &Call<'_>) -> Found {
    operands(call, |place| {
        let (g, a) = (call.gradient()?, call.input(0)?);
        let slope = match place {
            0 => zip(a, call.input(1)?, |a: f32, b: f32| match b {
                1.0 => 1.0,
                2.0 => 2.0 * a,
                b => b * a.powf(b - 1.0),
            })?,
            _ => zip(a, call.output()?, |a: f32, y: f32| if y == 0.0 { 0.0 } else { y * a.ln() })?,
        };
        zip(g, &slope, |g: f32, slope: f32| g * slope)
    })
}

/// The gradient of `Where` goes to what was chosen.
pub(super) fn choice(call: &Call<'_>, op: &Where) -> Found {
    let condition = call.inputs.required(0, "condition")?;
    let (gradient, zero) = (Tensor::from(call.gradient()?.clone()), Tensor::scalar(0.0f32));
    let by = |place: usize| {
        if place == 0 || !call.wants(place) {
            return Ok(None);
        }
        let all = match place {
            1 => [Some(condition), Some(&gradient), Some(&zero)],
            _ => [Some(condition), Some(&zero), Some(&gradient)],
        };
        let found = op.run(Inputs::new(&all))?.swap_remove(0);
        let found = found.get::<f32>().map_err(|source| OpError::Input { name: "X", source })?;
        Ok(Some(summed(found, call.input(place)?.shape())))
    };
    (0..3).map(by).collect()
}
