//! Norms.
//!
//! ```text
//! y = x̂ scale + bias, x̂ = (x - mean) r, r = 1 / sqrt(variance + ε)
//! dx = r (dx̂ - mean(dx̂) - x̂ mean(dx̂ x̂))        without the mean of x, without mean(dx̂)
//! ```

use ndarray::{ArrayD, IxDyn};

use crate::ops::broadcast::zip;
use crate::ops::parallel::rows;
use crate::ops::shape::axis;
use crate::ops::typed::{array, dense};
use crate::ops::{BatchNormalization, LayerNormalization, OpError, RMSNormalization};

use super::arithmetic::summed;
use super::call::{Call, Found, Gradient};

/// Whether the mean is taken out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Centre {
    Mean,
    Zero,
}

pub(super) fn layer(call: &Call<'_>, op: &LayerNormalization) -> Found {
    through(call, op.axis, op.epsilon, Centre::Mean)
}

pub(super) fn rms(call: &Call<'_>, op: &RMSNormalization) -> Found {
    through(call, op.axis, op.epsilon, Centre::Zero)
}

fn mean(x: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = x.len().max(1) as f64;
    x.sum::<f64>() / count
}

fn through(call: &Call<'_>, first: i64, epsilon: f32, centre: Centre) -> Found {
    call.only(3)?;
    let (g, x) = (call.gradient()?, call.input(0)?);
    let size: usize = x.shape()[axis(first, x.ndim())?..].iter().product();
    let scale = call.inputs.optional(1).map(|_| call.input(1)).transpose()?;
    // dx̂.
    let scaled = match scale {
        Some(scale) => zip(g, scale, |g: f32, scale: f32| g * scale)?,
        None => g.clone(),
    };
    let (data, by_normal) = (dense(x), dense(&scaled));
    // x̂ and dx of each row, side by side.
    let mut both = vec![(0.0f32, 0.0f32); data.len()];
    rows(&mut both, size, 8 * size, |at, out| {
        let (x, g) = (&data[at * size..][..size], &by_normal[at * size..][..size]);
        let middle = match centre {
            Centre::Mean => mean(x.iter().map(|&x| f64::from(x))),
            Centre::Zero => 0.0,
        };
        let variance = mean(x.iter().map(|&x| (f64::from(x) - middle).powi(2)));
        let r = 1.0 / (variance + f64::from(epsilon)).sqrt();
        let normal = |x: f32| (f64::from(x) - middle) * r;
        let along = mean(x.iter().zip(g).map(|(&x, &g)| normal(x) * f64::from(g)));
        let shift = match centre {
            Centre::Mean => mean(g.iter().map(|&g| f64::from(g))),
            Centre::Zero => 0.0,
        };
        for ((out, &x), &g) in out.iter_mut().zip(x).zip(g) {
            let normal = normal(x);
            *out = (normal as f32, (r * (f64::from(g) - shift - normal * along)) as f32);
        }
    });
    let by_x = array(x.shape(), both.iter().map(|pair| pair.1).collect())?;
    let by_scale = match scale.filter(|_| call.wants(1)) {
        Some(scale) => {
            let normal = array(x.shape(), both.iter().map(|pair| pair.0).collect())?;
            Some(summed(&zip(g, &normal, |g: f32, x: f32| g * x)?, scale.shape()))
        }
        None => None,
    };
    let by_bias = match call.wants(2) {
        true => Some(summed(g, call.input(2)?.shape())),
        false => None,
    };
    Ok(vec![Some(by_x), by_scale, by_bias])
}

/// Of a normalization by given means and variances: `y = scale (x - mean) r + bias`, per channel.
pub(super) fn batch(call: &Call<'_>, op: &BatchNormalization) -> Found {
    call.only(3)?;
    let (g, x) = (call.gradient()?, call.input(0)?);
    let count = if x.ndim() < 2 { 1 } else { x.shape()[1] };
    let mut shape = vec![1; x.ndim()];
    if x.ndim() > 1 {
        shape[1] = count;
    }
    let wrong = |_| OpError::Shape(format!("statistics of other shapes than [{count}]"));
    let channel = |values: Vec<f32>| -> Result<Gradient, OpError> {
        Ok(ArrayD::from_shape_vec(IxDyn(&shape), values).map_err(wrong)?.into_shared())
    };
    let (mean, variance) = (dense(call.input(3)?), dense(call.input(4)?));
    let r: Vec<f32> = variance.iter().map(|v| 1.0 / (v + op.epsilon).sqrt()).collect();
    let scale = dense(call.input(1)?);
    let factors = channel(scale.iter().zip(&r).map(|(scale, r)| scale * r).collect())?;
    let by_x = zip(g, &factors, |g: f32, a: f32| g * a)?;
    let by_scale = match call.wants(1) {
        true => {
            let centred = zip(x, &channel(mean.to_vec())?, |x: f32, mean: f32| x - mean)?;
            let normal = zip(&centred, &channel(r)?, |x: f32, r: f32| x * r)?;
            let all = zip(g, &normal, |g: f32, x: f32| g * x)?;
            Some(of_channels(&all, &shape, count)?)
        }
        false => None,
    };
    let by_bias = call.wants(2).then(|| of_channels(g, &shape, count)).transpose()?;
    Ok(vec![Some(by_x), by_scale, by_bias])
}

/// Sums per channel.
fn of_channels(g: &Gradient, shape: &[usize], count: usize) -> Result<Gradient, OpError> {
    array(&[count], dense(&summed(g, shape)).into_owned())
}
