//! Powers as PyTorch's vectors compute them: SLEEF's `powf` of 1.0 ULP, in pairs of f32.
//!
//! ```text
//! x = 2^e m with m from 0.75 to 1.5     r = (m - 1) / (m + 1)
//! ln x = e ln 2 + 2 r + r^3 (2/3 + r^2 p(r^2))        in pairs
//! d = y ln x      q = round(d / ln 2)      s = d - q ln 2      x^y = 2^q (1 + s + s^2 p(s))
//! ```
//! The constants are SLEEF's (Shibata and Petrogalli, 2019; `xpowf`). Compared with torch 2.8 on a million arguments each
//! for five exponents: no difference.

/// The elements that a vector loop takes at a time on AVX-512; what is left over goes one by one through C's `pow`.
const BLOCK: usize = 32;

/// An unevaluated sum of two f32, the larger one first.
type Pair = (f32, f32);

/// The sum of two numbers, without loss.
#[inline(always)]
fn two_sum(x: f32, y: f32) -> Pair {
    let sum = x + y;
    let part = sum - x;
    (sum, (x - (sum - part)) + (y - part))
}

/// The sum of two pairs, the first one not being smaller.
#[inline(always)]
fn add(x: Pair, y: Pair) -> Pair {
    let sum = x.0 + y.0;
    (sum, (((x.0 - sum) + y.0) + x.1) + y.1)
}

/// The sum of a number and a smaller pair.
#[inline(always)]
fn add_to(x: f32, y: Pair) -> Pair {
    let sum = x + y.0;
    (sum, ((x - sum) + y.0) + y.1)
}

/// The sum of a pair and a number of any size.
#[inline(always)]
fn add_number(x: Pair, y: f32) -> Pair {
    let (sum, rest) = two_sum(x.0, y);
    (sum, rest + x.1)
}

/// The sum of two pairs of any size.
#[inline(always)]
fn add_any(x: Pair, y: Pair) -> Pair {
    let (sum, rest) = two_sum(x.0, y.0);
    (sum, rest + (x.1 + y.1))
}

#[inline(always)]
fn multiply(x: Pair, y: Pair) -> Pair {
    let product = x.0 * y.0;
    (product, x.0.mul_add(y.1, x.1.mul_add(y.0, x.0.mul_add(y.0, -product))))
}

#[inline(always)]
fn scale(x: Pair, y: f32) -> Pair {
    let product = x.0 * y;
    (product, x.1.mul_add(y, x.0.mul_add(y, -product)))
}

#[inline(always)]
fn square(x: Pair) -> Pair {
    let product = x.0 * x.0;
    (product, (x.0 + x.0).mul_add(x.1, x.0.mul_add(x.0, -product)))
}

#[inline(always)]
fn divide(x: Pair, y: Pair) -> Pair {
    let inverse = 1.0 / y.0;
    let quotient = x.0 * inverse;
    let lost = inverse.mul_add(x.0, -quotient);
    let inverse_lost = (-y.1).mul_add(inverse, (-y.0).mul_add(inverse, 1.0));
    (quotient, quotient.mul_add(inverse_lost, x.1.mul_add(inverse, lost)))
}

/// `x 2^exponent`, exact within the normal range.
fn times_power(x: f32, exponent: i32) -> f32 {
    // In f64, where nothing is lost, and rounded once.
    (f64::from(x) * f64::from_bits(((1023 + i64::from(exponent.clamp(-400, 400))) as u64) << 52))
        as f32
}

/// `ln (2^exponent m)` with `m` from 0.75 to 1.5.
#[inline(always)]
fn ln_of(m: f32, exponent: f32) -> Pair {
    let r = divide(two_sum(-1.0, m), two_sum(1.0, m));
    let square = square(r);
    let t = 0.240_320_35f32.mul_add(square.0, 0.285_112_68).mul_add(square.0, 0.400_008);
    let s = scale((std::f32::consts::LN_2, -1.904_654_3e-9), exponent);
    let s = add(s, (r.0 * 2.0, r.1 * 2.0));
    let inner = add_any(scale(square, t), (0.666_666_6, 3.691_838_6e-9));
    add(s, multiply(multiply(square, r), inner))
}

/// The exponent of a positive normal number whose significand is to lie from 0.75 to 1.5.
#[inline(always)]
fn exponent_of(x: f32) -> i32 {
    (((x * (1.0 / 0.75)).to_bits() >> 23) & 0xff) as i32 - 127
}

/// `ln x` of a positive finite number.
fn ln(x: f32) -> Pair {
    let tiny = x < f32::MIN_POSITIVE;
    let x = if tiny { x * 18_446_744_073_709_551_616.0 } else { x };
    let exponent = exponent_of(x);
    let m = times_power(x, -exponent);
    ln_of(m, (if tiny { exponent - 64 } else { exponent }) as f32)
}

/// `t` and a whole `q` with `e^d = 2^q t`.
#[inline(always)]
fn exp_parts(d: Pair) -> (f32, f32) {
    const LN_2_HIGH: f32 = 0.693_145_75;
    const LN_2_LOW: f32 = 1.428_606_8e-6;
    let q = ((d.0 + d.1) * std::f32::consts::LOG2_E).round_ties_even();
    let s = add_number(add_number(d, q * -LN_2_HIGH), q * -LN_2_LOW);
    let sum = s.0 + s.1;
    let s = (sum, (s.0 - sum) + s.1);
    let u = 0.001_363_246_5f32
        .mul_add(s.0, 0.008_365_969)
        .mul_add(s.0, 0.041_671_082)
        .mul_add(s.0, 0.166_665_52)
        .mul_add(s.0, 0.499_999_85);
    let t = add_to(1.0, add(s, scale(square(s), u)));
    (t.0 + t.1, q)
}

/// `e^d`.
fn exp(d: Pair) -> f32 {
    if d.0 < -104.0 {
        return 0.0;
    }
    let (t, q) = exp_parts(d);
    times_power(t, q as i32)
}

/// `x^y` as [`lane`], for a loop over many, and whether it is: not so for numbers that are not normal, and where the
/// exponent of the result is not within 120.
#[inline(always)]
pub(crate) fn near_one(x: f32, y: f32) -> (f32, bool) {
    let exponent = exponent_of(x);
    let m = f32::from_bits(x.to_bits().wrapping_sub((exponent as u32) << 23));
    let (t, q) = exp_parts(scale(ln_of(m, exponent as f32), y));
    // A whole number of fewer than 22 bits stands in the low bits of its sum with 1.5 * 2^23.
    let q_bits = (q + 12_582_912.0).to_bits().wrapping_sub(0x4b40_0000);
    let power = f32::from_bits(t.to_bits().wrapping_add(q_bits << 23));
    (power, (f32::MIN_POSITIVE..f32::INFINITY).contains(&x) && q.abs() <= 120.0)
}

/// `x^y` of one lane of a vector, `x` not negative.
fn lane(x: f32, y: f32) -> f32 {
    if x.is_nan() || y.is_nan() {
        return f32::NAN;
    }
    if x == 0.0 || x.is_infinite() || y == 0.0 || x == 1.0 {
        return x.powf(y);
    }
    let power = exp(scale(ln(x), y));
    if power.is_nan() { f32::INFINITY } else { power }
}

/// `x^y` of each magnitude.
///
/// In whole blocks of 32 the exponent is rounded to f32; the rest is computed in f64 and rounded once. `y = -1/2` is a
/// reciprocal square root.
#[must_use]
pub fn pow(x: &[f32], y: f64) -> Vec<f32> {
    if y == -0.5 {
        return x.iter().map(|x| 1.0 / x.sqrt()).collect();
    }
    let whole = x.len() / BLOCK * BLOCK;
    let (blocks, rest) = x.split_at(whole);
    let in_vector = blocks.iter().map(|x| lane(*x, y as f32));
    in_vector.chain(rest.iter().map(|x| f64::from(*x).powf(y) as f32)).collect()
}

/// `2^x` of each number.
#[must_use]
pub fn exp2(x: &[f32]) -> Vec<f32> {
    let whole = x.len() / BLOCK * BLOCK;
    let (blocks, rest) = x.split_at(whole);
    let in_vector = blocks.iter().map(|x| lane(2.0, *x));
    in_vector.chain(rest.iter().map(|x| f64::from(*x).exp2() as f32)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_are_within_one_unit_of_the_nearest() {
        for i in 1..2000u32 {
            let x = f32::from_bits(i.wrapping_mul(2_654_435_761) >> 2);
            for y in [-0.3f32, 0.6, 1.7, -0.9] {
                let (found, exact) = (lane(x, y), f64::from(x).powf(f64::from(y)) as f32);
                let near = [exact.next_down(), exact, exact.next_up()].contains(&found);
                assert!(near || exact < 1e-37, "{x:e}^{y}: {found:e} {exact:e}");
            }
        }
    }

    #[test]
    fn what_loops_compute_is_what_a_lane_computes() {
        let mut many = 0;
        for i in 1..400_000u32 {
            let x = f32::from_bits(i.wrapping_mul(2_654_435_761) >> 1);
            for y in [-0.3f32, -0.7, -0.999, -1e-7, 0.6] {
                let (found, is_it) = near_one(x, y);
                if is_it {
                    many += 1;
                    assert_eq!(found.to_bits(), lane(x, y).to_bits(), "{x:e}^{y}");
                }
            }
        }
        assert!(many > 1_800_000, "{many}");
        assert_eq!(near_one(1.0, -0.3), (1.0, true));
        for x in [0.0, 1e-40, f32::INFINITY, f32::NAN] {
            assert!(!near_one(x, -0.3).1, "{x}");
        }
    }

    #[test]
    fn whole_powers_of_two_are_exact() {
        let x: Vec<f32> = (-126..128).map(|x| x as f32).collect();
        let exact: Vec<f32> = x.iter().map(|x| 2f32.powi(*x as i32)).collect();
        assert_eq!(exp2(&x), exact);
    }
}
