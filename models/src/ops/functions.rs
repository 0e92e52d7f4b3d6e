//! Functions of one number that a loop over many computes in vector lanes: polynomials, no tables, no branches.
//!
//! Errors are in units of the last place of the exact value, over all `f32` of the range that is named; the test of each
//! function measures them beside `f64`. Polynomials are our own least-maximum fits.
//!
//! | function | range | greatest error |
//! |---|---|---|
//! | [`exp`] | results that are normal | 1.5 |
//! | [`exp_m1`] | all | 2.5 |
//! | [`tanh`] | all | 2 |
//! | [`sigmoid`] | results that are normal | 3 |
//! | [`erf`] | all | 2 |

/// `ln 2` in two parts: so few digits in the first one that products with small whole numbers are exact.
const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];
/// Adding and subtracting it rounds what is below `2^22` to a whole number.
const ROUNDING: f32 = 12_582_912.0;

/// A polynomial, the coefficient of the highest power last.
#[inline(always)]
fn polynomial<const N: usize>(x: f32, coefficients: [f32; N]) -> f32 {
    let mut sum = coefficients[N - 1];
    for i in (0..N - 1).rev() {
        sum = sum * x + coefficients[i];
    }
    sum
}

/// `e^r - 1` for `|r| <= ln 2 / 2`.
#[inline(always)]
fn near_zero(r: f32) -> f32 {
    let p = polynomial(r, [0.5, 0.166_665_18, 0.041_666_202, 0.008_369_018, 0.001_395_071]);
    r + r * r * p
}

/// `2^n` for a whole number of at most 127 in magnitude.
#[inline(always)]
fn power_of_two(n: i32) -> f32 {
    f32::from_bits(((n + 127) << 23) as u32)
}

/// `x = n ln 2 + r` with `|r| <= ln 2 / 2` about, of numbers of at most 104 in magnitude: the whole number and the rest.
#[inline(always)]
fn reduced(x: f32) -> (i32, f32) {
    let shifted = x * std::f32::consts::LOG2_E + ROUNDING;
    let n = shifted - ROUNDING;
    // The low bits of the shifted number are the whole one.
    let whole = (shifted.to_bits() as i32).wrapping_sub(ROUNDING.to_bits() as i32);
    (whole, x - n * LN_2[0] - n * LN_2[1])
}

/// e^x.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    // Beyond these it is infinite, or nothing; comparisons leave what is no number as it is.
    let x = if x > 89.0 { 89.0 } else { x };
    let x = if x < -104.0 { -104.0 } else { x };
    let (n, r) = reduced(x);
    // Two factors: one alone may be no normal number.
    let half = (n >> 1).clamp(-127, 127);
    let rest = n.wrapping_sub(half).clamp(-126, 127);
    (1.0 + near_zero(r)) * power_of_two(half) * power_of_two(rest)
}

/// e^x - 1.
#[inline(always)]
pub(crate) fn exp_m1(x: f32) -> f32 {
    let (n, r) = reduced(x);
    let power = power_of_two(n.clamp(-3, 3));
    let small = power * near_zero(r) + (power - 1.0);
    // The sign is that of x, of zeros too.
    (if x.abs() < 2.0 { small } else { exp(x) - 1.0 }).copysign(x)
}

/// The hyperbolic tangent.
#[inline(always)]
pub(crate) fn tanh(x: f32) -> f32 {
    let z = x * x;
    let p = polynomial(
        z,
        [-0.333_332_84, 0.133_315_15, -0.053_745_147, 0.020_655_222, -0.005_721_633_3],
    );
    let small = x + x * z * p;
    let large = 1.0 - 2.0 / (exp(2.0 * x.abs()) + 1.0);
    (if x.abs() < 0.625 { small } else { large }).copysign(x)
}

/// `1 / (1 + e^-x)`.
#[inline(always)]
pub(crate) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// The error function.
#[inline(always)]
pub(crate) fn erf(x: f32) -> f32 {
    let z = x * x;
    let p = polynomial(
        z,
        [
            0.128_379_17,
            -0.376_126_32,
            0.112_836_86,
            -0.026_858_851,
            0.005_199_6,
            -0.000_812_580_7,
            8.296_611_5e-5,
        ],
    );
    let small = x + x * p;
    // The logarithm of what is missing to 1, which from 4 on is nothing.
    let t = if x.abs() > 4.0 { 4.0 } else { x.abs() };
    let log = polynomial(
        t,
        [
            0.000_211_308_13,
            1.127_611_3,
            0.637_290_36,
            0.103_836_94,
            -0.022_181_405,
            0.003_031_824_7,
            -0.000_194_778_2,
        ],
    );
    let large = 1.0 - exp(-log);
    (if x.abs() < 0.9375 { small } else { large }).copysign(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The greatest error in units of the last place, over every 257th number within limits, of both signs.
    fn worst(f: impl Fn(f32) -> f32, exact: impl Fn(f64) -> f64, from: f32, to: f32) -> (f64, f32) {
        let mut worst = (0.0, 0.0);
        for bits in (from.to_bits()..=to.to_bits()).step_by(257) {
            for x in [f32::from_bits(bits), -f32::from_bits(bits)] {
                let expected = exact(f64::from(x));
                let near = expected as f32;
                if !near.is_normal() {
                    continue;
                }
                let exponent = i32::from((near.to_bits() >> 23 & 0xff) as i16) - 127 - 23;
                let error = (f64::from(f(x)) - expected).abs() / 2f64.powi(exponent);
                if error > worst.0 || error.is_nan() {
                    worst = (error, x);
                }
            }
        }
        worst
    }

    fn assert_within(name: &str, bound: f64, (error, x): (f64, f32)) {
        println!("{name}: {error:.3} at {x:e}");
        assert!(error <= bound, "{name}: {error} units of the last place at {x:e}");
    }

    #[test]
    fn errors_are_within_their_bounds() {
        let least = f32::MIN_POSITIVE;
        assert_within("exp", 1.5, worst(exp, f64::exp, least, 88.7));
        assert_within("exp_m1", 2.5, worst(exp_m1, f64::exp_m1, least, 88.7));
        assert_within("tanh", 2.0, worst(tanh, f64::tanh, least, 1e3));
        let logistic = |x: f64| 1.0 / (1.0 + (-x).exp());
        assert_within("sigmoid", 3.0, worst(sigmoid, logistic, least, 87.0));
        assert_within("erf", 2.0, worst(erf, libm::erf, least, 1e3));
    }

    #[test]
    fn specials_are_those_of_the_functions() {
        for f in [exp, exp_m1, tanh, sigmoid, erf] {
            assert!(f(f32::NAN).is_nan());
        }
        let (inf, zero) = (f32::INFINITY, 0f32);
        assert_eq!([exp(inf), exp(-inf), exp(zero), exp(-zero)], [inf, 0.0, 1.0, 1.0]);
        assert_eq!([exp(f32::MAX), exp(f32::MIN), exp(88.8)], [inf, 0.0, inf]);
        assert_eq!(exp(-103.0).to_bits(), 1, "the least number above zero");
        assert_eq!([exp_m1(inf), exp_m1(-inf)], [inf, -1.0]);
        assert_eq!([tanh(inf), tanh(-inf), erf(inf), erf(-inf)], [1.0, -1.0, 1.0, -1.0]);
        assert_eq!([sigmoid(inf), sigmoid(-inf), sigmoid(zero)], [1.0, 0.0, 0.5]);
        for f in [exp_m1, tanh, erf] {
            assert_eq!(f(-zero).to_bits(), (-zero).to_bits());
            assert_eq!(f(zero).to_bits(), zero.to_bits());
            let tiny = f(f32::from_bits(1));
            assert!(tiny == 0.0 || tiny == f32::from_bits(1), "{tiny:e}");
        }
    }
}
