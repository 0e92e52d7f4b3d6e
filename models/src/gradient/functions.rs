//! Functions of one number: the gradient times the slope.

use std::f32::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI, PI};

use crate::ops::broadcast::zip;
use crate::ops::{GeluForm, Op, OpError};
use crate::tensor::Tensor;

use super::call::{Call, Found};

/// The gradient through a function whose slope follows from its input.
fn of_input(call: &Call<'_>, slope: impl Fn(f32) -> f32 + Sync) -> Found {
    let found = zip(call.gradient()?, call.input(0)?, |g: f32, x: f32| g * slope(x))?;
    Ok(vec![Some(found)])
}

/// The same of its output.
fn of_output(call: &Call<'_>, slope: impl Fn(f32) -> f32 + Sync) -> Found {
    let found = zip(call.gradient()?, call.output()?, |g: f32, y: f32| g * slope(y))?;
    Ok(vec![Some(found)])
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

/// 1 where a condition holds, else 0.
fn one_if(condition: bool) -> f32 {
    f32::from(u8::from(condition))
}

/// The slope of x Φ(x): Φ(x) + x φ(x), or that of its form with tanh.
fn gelu(x: f32, form: GeluForm) -> f32 {
    match form {
        GeluForm::Exact => {
            let density = (-0.5 * x * x).exp() / (2.0 * PI).sqrt();
            0.5 * (1.0 + libm::erff(x * FRAC_1_SQRT_2)) + x * density
        }
        GeluForm::Tanh => {
            let root = (2.0 / PI).sqrt();
            let tanh = (root * (x + 0.044_715 * x * x * x)).tanh();
            let inner = root * (1.0 + 3.0 * 0.044_715 * x * x);
            0.5 * (1.0 + tanh) + 0.5 * x * (1.0 - tanh * tanh) * inner
        }
    }
}

/// A limit of `Clip`, which may be left out.
fn limit(limit: Option<&Tensor>, none: f32) -> Result<f32, OpError> {
    let Some(limit) = limit else { return Ok(none) };
    let array = limit.get::<f32>().map_err(|source| OpError::Input { name: "limit", source })?;
    array.first().copied().ok_or_else(|| OpError::Shape("a limit is one number".into()))
}

/// Functions of one number. At corners the slope is that on the left, and at the limits of `Clip` that inside.
pub(super) fn function(call: &Call<'_>, op: &Op) -> Found {
    call.only(1)?;
    match op {
        Op::Relu(_) => of_input(call, |x| one_if(x > 0.0)),
        Op::LeakyRelu(op) => of_input(call, |x| if x > 0.0 { 1.0 } else { op.alpha }),
        Op::Clip(_) => {
            let low = limit(call.inputs.optional(1), f32::NEG_INFINITY)?;
            let high = limit(call.inputs.optional(2), f32::INFINITY)?;
            of_input(call, |x| one_if(low <= x && x <= high))
        }
        Op::Sigmoid(_) => of_output(call, |y| y * (1.0 - y)),
        Op::HardSigmoid(op) => of_input(call, |x| {
            let y = op.alpha * x + op.beta;
            if y > 0.0 && y < 1.0 { op.alpha } else { 0.0 }
        }),
        Op::HardSwish(_) => of_input(call, |x| match x {
            x if x <= -3.0 => 0.0,
            x if x >= 3.0 => 1.0,
            x => (2.0 * x + 3.0) / 6.0,
        }),
        Op::Swish(op) => of_input(call, |x| {
            let s = sigmoid(op.alpha * x);
            s + op.alpha * x * s * (1.0 - s)
        }),
        Op::Softplus(_) => of_input(call, sigmoid),
        Op::Tanh(_) => of_output(call, |y| 1.0 - y * y),
        Op::Erf(_) => of_input(call, |x| FRAC_2_SQRT_PI * (-x * x).exp()),
        Op::Gelu(op) => of_input(call, |x| gelu(x, op.form)),
        Op::Sqrt(_) => of_output(call, |y| 0.5 / y),
        Op::Exp(_) => of_output(call, |y| y),
        Op::Log(_) => of_input(call, |x| 1.0 / x),
        Op::Neg(_) => of_input(call, |_| -1.0),
        Op::Abs(_) => of_input(call, |x| if x == 0.0 { 0.0 } else { x.signum() }),
        Op::Reciprocal(_) => of_output(call, |y| -y * y),
        Op::Sin(_) => of_input(call, f32::cos),
        Op::Cos(_) => of_input(call, |x| -x.sin()),
        _ => Err(OpError::Unsupported("there is no rule for this operator".into())),
    }
}
