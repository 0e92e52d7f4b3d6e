//! Scale rules by their definitions, in rationals.

use fewbit_formats::{ExponentRule, Format};
use fewbit_testkit::rounding::{exact, power_of_two};
use num_rational::BigRational;

/// The greatest `e` with `2^e <= x`.
pub(crate) fn floor_log2(x: &BigRational) -> i32 {
    // The lengths tell it within one.
    let e = x.numer().bits() as i32 - x.denom().bits() as i32;
    if &power_of_two(e) <= x { e } else { e - 1 }
}

/// The least `e` with `x <= 2^e`.
fn ceil_log2(x: &BigRational) -> i32 {
    let floor = floor_log2(x);
    if &power_of_two(floor) == x { floor } else { floor + 1 }
}

/// Digits behind the leading one of the format's values.
fn digits(format: Format) -> i32 {
    match format {
        Format::Float(float) => float.fraction_bits() as i32,
        Format::Int(int) => int.bits() as i32 - 2,
        Format::Fixed(fixed) => fixed.integer().bits() as i32 - 2,
        other => panic!("{other}"),
    }
}

/// The exponent of a scale before E8M0's range is looked at.
pub(crate) fn expected(rule: ExponentRule, amax: &BigRational, element: Format) -> i32 {
    let max = exact(element.max_finite());
    let (emax, ratio) = (floor_log2(&max), amax / &max);
    match rule {
        ExponentRule::Floor => floor_log2(amax) - emax,
        ExponentRule::Ceil => ceil_log2(amax) - emax,
        ExponentRule::Even => {
            let unit = power_of_two(floor_log2(amax) - digits(element));
            let rounded = (amax / &unit + power_of_two(-1)).floor() * unit;
            floor_log2(&rounded) - emax
        }
        ExponentRule::Rceil => ceil_log2(&ratio),
        ExponentRule::Nearest | ExponentRule::NearestAway => {
            let low = floor_log2(&ratio);
            let middle = power_of_two(low) * BigRational::new(3.into(), 2.into());
            let up = match ratio.cmp(&middle) {
                std::cmp::Ordering::Less => false,
                std::cmp::Ordering::Greater => true,
                std::cmp::Ordering::Equal => {
                    rule == ExponentRule::NearestAway || (low + 127) % 2 != 0
                }
            };
            low + i32::from(up)
        }
    }
}
