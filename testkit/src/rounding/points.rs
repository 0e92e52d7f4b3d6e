//! The inputs at which conversions go wrong: exact values, ties, and the floats next to them.

use num_rational::BigRational;
use num_traits::ToPrimitive;

/// The exact value of a finite float.
///
/// # Panics
///
/// If it is not finite.
#[must_use]
pub fn exact(x: f64) -> BigRational {
    BigRational::from_float(x).expect("a finite float")
}

/// The `f32` and `f64` at `x`, just below and just above: of each type the nearest one and its two neighbours, all as
/// `f64`. Infinities are left out.
#[must_use]
pub fn around(x: &BigRational) -> Vec<f64> {
    let Some(wide) = x.to_f64() else { return Vec::new() };
    let narrow = wide as f32;
    let mut points = vec![wide, wide.next_up(), wide.next_down()];
    points.extend([narrow, narrow.next_up(), narrow.next_down()].map(f64::from));
    points.retain(|x| x.is_finite());
    points
}
