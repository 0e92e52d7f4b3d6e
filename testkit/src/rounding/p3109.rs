//! P3109's formats and projection, from the text of the draft of June 2026 and in its terms.
//!
//! Code points are read exactly, whatever their exponent. Projections are computed where values are `f64`; every step of
//! them is exact there: products with powers of two, floors, differences.

use std::cmp::Ordering;

/// A format `Binary{bits}p{precision}{s|u}{e|f}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct P3109Spec {
    /// K.
    pub bits: u32,
    /// P.
    pub precision: u32,
    /// Σ: whether there are negative values.
    pub signed: bool,
    /// Δ: whether there are infinities.
    pub extended: bool,
}

/// What a code point stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum P3109Value {
    /// NaN.
    Nan,
    /// An infinity.
    Infinity {
        /// Its sign.
        negative: bool,
    },
    /// `(-1)^negative * significand * 2^exponent`.
    Finite {
        /// The sign.
        negative: bool,
        /// The significand as an integer, 0 for zero.
        significand: u32,
        /// The exponent of its last digit.
        exponent: i32,
    },
}

/// The draft's rounding modes; the stochastic ones with N random bits and the number R.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the draft's")]
pub enum P3109Rounding {
    TowardZero,
    TowardPositive,
    TowardNegative,
    TiesToAway,
    TiesToEven,
    ToOdd,
    StochasticA(u32, u32),
    StochasticB(u32, u32),
    StochasticC(u32, u32),
}

/// The draft's saturation modes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the draft's")]
pub enum P3109Saturation {
    SatFinite,
    SatPropagate,
    SatNone,
}

/// `x * 2^exponent`, in two steps where one power would not be an `f64`.
fn scaled(x: f64, exponent: i32) -> f64 {
    let half = exponent / 2;
    x * 2f64.powi(half) * 2f64.powi(exponent - half)
}

impl P3109Spec {
    /// B: 2^(K-P-1) of signed formats, 2^(K-P) of unsigned ones.
    #[must_use]
    pub fn bias(self) -> i32 {
        1 << (self.bits - self.precision - u32::from(self.signed))
    }

    /// What a code point stands for.
    #[must_use]
    pub fn meaning(self, code: u32) -> P3109Value {
        let codes = 1u32 << self.bits;
        let half = codes / 2;
        let negative = self.signed && code > half;
        let code = if negative { code - half } else { code };
        let (nan, infinity) = if self.signed { (half, half - 1) } else { (codes - 1, codes - 2) };
        if !negative && code == nan {
            return P3109Value::Nan;
        }
        if self.extended && code == infinity {
            return P3109Value::Infinity { negative };
        }
        let step = 1u32 << (self.precision - 1);
        let (trailing, exponent) = (code % step, (code / step) as i32);
        let unit = 1 - self.precision as i32;
        let (significand, exponent) = if exponent == 0 {
            (trailing, unit + 1 - self.bias())
        } else {
            (step + trailing, unit + exponent - self.bias())
        };
        P3109Value::Finite { negative, significand, exponent }
    }

    /// The value of a code point, where it is an `f64`.
    #[must_use]
    pub fn decode(self, code: u32) -> f64 {
        let signed = |negative, x: f64| if negative { -x } else { x };
        match self.meaning(code) {
            P3109Value::Nan => f64::NAN,
            P3109Value::Infinity { negative } => signed(negative, f64::INFINITY),
            P3109Value::Finite { negative, significand, exponent } => {
                signed(negative, scaled(f64::from(significand), exponent))
            }
        }
    }

    /// Every code point with its value, NaN left out, in the order of values.
    #[must_use]
    pub fn values(self) -> Vec<(f64, u32)> {
        let all = (0..1u32 << self.bits).map(|code| (self.decode(code), code));
        let mut values: Vec<_> = all.filter(|(value, _)| !value.is_nan()).collect();
        values.sort_by(|a, b| a.0.total_cmp(&b.0));
        values
    }

    fn nan(self) -> u32 {
        if self.signed { 1 << (self.bits - 1) } else { (1 << self.bits) - 1 }
    }

    /// RoundToPrecision: the value of X rounded to P digits, with no largest exponent.
    fn round(self, x: f64, rounding: P3109Rounding) -> f64 {
        if x == 0.0 || x.is_infinite() {
            return x;
        }
        let q = floor_log2(x.abs()).max(1 - self.bias()) - self.precision as i32 + 1;
        let s = scaled(x.abs(), -q);
        let (floor, nu) = (s.floor(), s - s.floor());
        let is_even = |n: f64| n % 2.0 == 0.0;
        let code_is_even = if self.precision > 1 {
            is_even(floor)
        } else {
            floor == 0.0 || (q + self.bias()) % 2 == 0
        };
        let power = |n: u32| 2f64.powi(n as i32);
        let away = match rounding {
            P3109Rounding::TowardZero => false,
            P3109Rounding::TowardPositive => nu > 0.0 && x > 0.0,
            P3109Rounding::TowardNegative => nu > 0.0 && x < 0.0,
            P3109Rounding::TiesToAway => nu >= 0.5,
            P3109Rounding::TiesToEven => nu > 0.5 || nu == 0.5 && !code_is_even,
            P3109Rounding::ToOdd => nu > 0.0 && code_is_even,
            P3109Rounding::StochasticA(n, r) => (nu * power(n)).floor() + f64::from(r) >= power(n),
            P3109Rounding::StochasticB(n, r) => {
                (nu * power(n + 1)).floor() + (2.0 * f64::from(r) + 1.0) >= power(n + 1)
            }
            P3109Rounding::StochasticC(n, r) => {
                (nu * power(n)).round_ties_even() + f64::from(r) >= power(n)
            }
        };
        let rounded = scaled(if away { floor + 1.0 } else { floor }, q);
        if x < 0.0 { -rounded } else { rounded }
    }

    /// Projection: RoundToPrecision, Saturate, Encode.
    #[must_use]
    pub fn project(
        self,
        values: &[(f64, u32)],
        x: f64,
        rounding: P3109Rounding,
        saturation: P3109Saturation,
    ) -> u32 {
        use P3109Rounding::{ToOdd, TowardNegative, TowardPositive, TowardZero};
        use P3109Saturation::{SatFinite, SatNone, SatPropagate};
        if x.is_nan() {
            return self.nan();
        }
        let finite = |&&(value, _): &&(f64, u32)| value.is_finite();
        let low = values.iter().find(finite).expect("a finite value").0;
        let high = values.iter().rfind(finite).expect("a finite value").0;
        let rounded = self.round(x, rounding);
        let keeps_infinity =
            x.is_infinite() && self.extended && (self.signed || x > 0.0) && saturation != SatFinite;
        let value = if keeps_infinity {
            x
        } else if (low..=high).contains(&rounded) {
            rounded
        } else {
            let above = rounded > high;
            match saturation {
                SatFinite | SatPropagate => {
                    if above {
                        high
                    } else {
                        low
                    }
                }
                SatNone if !above && !self.signed => return self.nan(),
                SatNone => {
                    let stops = match rounding {
                        TowardZero => true,
                        TowardNegative => above,
                        TowardPositive => !above,
                        ToOdd => !self.signed && self.extended,
                        _ => false,
                    };
                    match (self.extended && !(stops && x.is_finite()), above) {
                        (true, true) => f64::INFINITY,
                        (true, false) => f64::NEG_INFINITY,
                        (false, true) => high,
                        (false, false) => low,
                    }
                }
            }
        };
        // One zero: a negative value rounded to it is it.
        let value = value + 0.0;
        let order = |(at, _): &(f64, u32)| at.partial_cmp(&value).unwrap_or(Ordering::Less);
        let at = values.binary_search_by(order).expect("a value of the format");
        values[at].1
    }
}

/// `floor(log2 x)` of a positive number, from how often it can be halved.
fn floor_log2(x: f64) -> i32 {
    let mut e = x.log2().floor() as i32;
    while scaled(x, -e) < 1.0 {
        e -= 1;
    }
    while scaled(x, -e) >= 2.0 {
        e += 1;
    }
    e
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values and projections that the draft's readers quote.
    #[test]
    fn known_values() {
        let spec =
            |bits, precision, signed, extended| P3109Spec { bits, precision, signed, extended };
        let p4 = spec(8, 4, true, true);
        assert_eq!([0x7e, 0x48, 0xc8].map(|code| p4.decode(code)), [224.0, 2.0, -2.0]);
        assert!(p4.decode(0x7f) == f64::INFINITY && p4.decode(0x80).is_nan());
        assert_eq!(spec(8, 3, true, true).decode(0x7e), 49152.0);
        let tiny = spec(4, 2, true, false);
        assert_eq!([1, 7].map(|code| tiny.decode(code)), [0.25, 3.0]);
        // Binary8p1uf is not E8M0: code x is 2^(x-128), and 0 is zero.
        let scale = spec(8, 1, false, false);
        assert_eq!(
            [0, 1, 128, 254].map(|code| scale.decode(code)),
            [0.0, 2f64.powi(-127), 1.0, 2f64.powi(126)]
        );
        let project = |x, rounding| p4.project(&p4.values(), x, rounding, P3109Saturation::SatNone);
        assert_eq!(project(232.0, P3109Rounding::TiesToEven), 0x7e);
        assert_eq!(project(233.0, P3109Rounding::TiesToEven), 0x7f);
        assert_eq!(project(-1e9, P3109Rounding::TowardZero), 0xfe);
        assert_eq!(project(-0.0001, P3109Rounding::TiesToEven), 0);
    }
}
