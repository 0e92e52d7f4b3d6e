//! Quantizers: the gradient passes where nothing is clipped.
//!
//! That is the straight-through estimator of Brevitas's quantizers: rounding has the slope 1, clamping that of a clamp. Scales and
//! zero points are constants here. A scale that is found from the tensor itself covers it, and clips nothing.

use fewbit::tensor::Granularity;

use crate::ops::broadcast::zip;
use crate::ops::{OpError, Quantize};

use super::call::{Call, Found};

pub(super) fn straight_through(call: &Call<'_>, op: &Quantize) -> Found {
    call.only(1)?;
    let (gradient, x) = (call.gradient()?, call.input(0)?);
    let scheme = op.quantizer.scheme();
    let is_grouped = matches!(scheme.granularity, Granularity::Group { .. });
    if !op.is_static() || is_grouped {
        return Ok(vec![Some(gradient.clone())]);
    }
    let found = op.quantizer.parameters(&x.view());
    let found = found.map_err(|error| OpError::Unsupported(error.to_string()))?;
    let mut levels = zip(x, &found.scale.into_shared(), |x: f32, scale: f32| x / scale)?;
    if let Some(zero) = found.zero_point {
        levels = zip(&levels, &zero.into_shared(), |level: f32, zero: f32| level + zero)?;
    }
    let (low, high) = (scheme.format.min_finite(), scheme.format.max_finite());
    // What rounds to the last code is not clipped.
    let passes = move |level: f32| {
        let level = f64::from(level.round_ties_even());
        level >= low && level <= high
    };
    let passed = zip(gradient, &levels, |g: f32, level: f32| if passes(level) { g } else { 0.0 })?;
    Ok(vec![Some(passed)])
}
