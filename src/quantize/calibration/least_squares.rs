//! The fraction of a magnitude that a quantizer errs least with.

use ndarray::ArrayView1;

use super::exact_sum::ExactSum;
use crate::quantize::{QuantizeError, Quantizer, ScaleRule, ScaleSource};

/// Candidates are `i / FRACTIONS` of the magnitude, for `i` of 2 to `FRACTIONS`.
const FRACTIONS: u8 = 20;

/// The candidate with the least sum of `count (x - value)^2`, the first of those that are equal.
///
/// Candidates are those of Brevitas: `(magnitude / 20) i`, both operations in f32. Every square is rounded to f64, their
/// sum is exact.
pub(super) fn best(
    quantizer: &Quantizer,
    magnitude: f32,
    elements: &[(f32, u64)],
) -> Result<f32, QuantizeError> {
    // Without a magnitude there is nothing to choose.
    if !magnitude.is_finite() || magnitude == 0.0 {
        return Ok(magnitude);
    }
    let x: Vec<f32> = elements.iter().map(|(x, _)| *x).collect();
    let base = magnitude / f32::from(FRACTIONS);
    let mut best = None;
    for i in 2..=FRACTIONS {
        let candidate = base * f32::from(i);
        if candidate == 0.0 {
            continue;
        }
        let source = ScaleSource::Constant(candidate);
        let rule = ScaleRule { source, ..quantizer.scale_rule().clone() };
        let values =
            quantizer.clone().with_scale_rule(rule)?.simulate(&ArrayView1::from(&x[..]))?;
        let mut sum = ExactSum::default();
        for (&(x, count), &value) in elements.iter().zip(&values) {
            let error = f64::from(x) - f64::from(value);
            sum.add(error * error * count as f64);
        }
        let error = match sum.special() {
            Some(_) => continue,
            None => sum.integer(),
        };
        if best.as_ref().is_none_or(|(_, least)| error < *least) {
            best = Some((candidate, error));
        }
    }
    Ok(best.map_or(magnitude, |(candidate, _)| candidate))
}
