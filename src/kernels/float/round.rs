//! One rounding to any IEEE-like format, in plain `f64` arithmetic.

use fewbit_formats::{Domain, FloatFormat, Format, NanCodes, Rounding};

/// The two roundings that lanes have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// To nearest, ties to even.
    Even,
    /// Toward zero.
    Zero,
}

impl Mode {
    /// The mode of this name; `None` for those that lanes do not have.
    pub(super) fn new(rounding: Rounding) -> Option<Self> {
        match rounding {
            Rounding::TiesEven => Some(Self::Even),
            Rounding::TowardZero => Some(Self::Zero),
            _ => None,
        }
    }
}

/// Where a result goes that is beyond the largest value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beyond {
    /// Where the rounding says: IEEE 754, 7.4.
    Ieee,
    /// To infinity, and zeros lose their sign: an aligned unit.
    Infinity,
}

/// The signed IEEE-like float behind a format.
pub(super) fn ieee(format: Format) -> Option<FloatFormat> {
    match format {
        Format::Float(float)
            if float.is_signed()
                && float.has_zero()
                && float.nan_codes() == NanCodes::TopExponent
                && float.domain() == Domain::Extended =>
        {
            Some(float)
        }
        _ => None,
    }
}

/// A rounding to a format.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rounder {
    mode: Mode,
    beyond: Beyond,
    /// The smallest normal value.
    least: f64,
    /// The largest value.
    most: f64,
    /// What is beyond it.
    over: f64,
    /// From the power of two of a value to the unit of its last digit.
    unit: f64,
    /// From there to a number whose last digit that is in `f64`.
    magic: f64,
}

/// Where a rounding begins to be more than that: magnitudes that are not near the ends of the range of `f64`, and even.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Limits {
    /// Below, a value other than zero is tiny: with the format's digits and no least exponent it would round to one below
    /// the smallest normal value.
    pub(super) tiny: f64,
    /// From here on, a value rounds beyond the largest.
    pub(super) beyond: f64,
}

impl Limits {
    /// Those of a format whose last digit is `unit` times the power of two of a value, and of which these are the smallest
    /// normal and the largest value.
    #[inline(always)]
    pub(super) fn new(mode: Mode, unit: f64, least: f64, most: f64) -> Self {
        let power = f64::from_bits(most.to_bits() & INFINITY);
        match mode {
            // The tie goes to the even one: the power of two above.
            Mode::Even => {
                Self { tiny: least - least * unit / 4.0, beyond: most + power * unit / 2.0 }
            }
            Mode::Zero => Self { tiny: least, beyond: most + power * unit },
        }
    }
}

/// The bits of infinity.
const INFINITY: u64 = 0x7ff0_0000_0000_0000;

/// No value of a format that lanes take is beyond `2^±FAR`.
pub(super) const FAR: i32 = 960;

impl Rounder {
    /// `None` for a format that is not IEEE-like, or of nearly the range or the digits of `f64`.
    pub(super) fn new(format: Format, mode: Mode, beyond: Beyond) -> Option<Self> {
        let float = ieee(format)?;
        let fraction_bits = float.fraction_bits() as i32;
        let far = float.min_exponent() - fraction_bits < -FAR || float.largest_exponent() > FAR;
        if far || fraction_bits > 48 {
            return None;
        }
        let most = format.max_finite();
        let over = match (mode, beyond) {
            (Mode::Zero, Beyond::Ieee) => most,
            _ => f64::INFINITY,
        };
        let power = |exponent| 2f64.powi(exponent);
        let least = power(float.min_exponent());
        let (unit, magic) = (power(-fraction_bits), power(52 - fraction_bits));
        Some(Self { mode, beyond, least, most, over, unit, magic })
    }

    /// Where it is more than a rounding. No part of it: a larger one is slower.
    #[inline(always)]
    pub(super) fn limits(&self) -> Limits {
        Limits::new(self.mode, self.unit, self.least, self.most)
    }

    /// `x` in the format; infinities and NaN stay.
    #[inline(always)]
    pub(super) fn round(&self, x: f64) -> f64 {
        let magnitude = x.abs();
        let own = f64::from_bits(magnitude.to_bits() & INFINITY);
        let normal = if own < self.least { self.least } else { own };
        // Twice the largest value serves all that is beyond.
        let power = if normal > self.most { self.most } else { normal };
        let power = f64::from_bits(power.to_bits() & INFINITY);
        let (unit, magic) = (power * self.unit, power * self.magic);
        let nearest = (magnitude + magic) - magic;
        let below = if nearest > magnitude { nearest - unit } else { nearest };
        let rounded = if self.mode == Mode::Zero { below } else { nearest };
        let bounded = if rounded > self.most { self.over } else { rounded };
        let result = if magnitude.to_bits() >= INFINITY { magnitude } else { bounded };
        let signed = result.copysign(x);
        if self.beyond == Beyond::Infinity { signed + 0.0 } else { signed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::Value;
    use fewbit_formats::{Overflow, Policy, Status, ZeroSign};
    use proptest::prelude::*;

    fn any_number() -> impl Strategy<Value = f64> {
        let near = (any::<u64>(), -40i32..40, 0u32..52).prop_map(|(bits, exponent, zeros)| {
            let fraction = bits >> 12 >> zeros << zeros;
            let ones = if bits & 1 == 1 { 1 } else { 0 };
            let field = (1023 + exponent) as u64;
            f64::from_bits((bits & 1 << 63) | field << 52 | (fraction ^ ones))
        });
        prop_oneof![8 => near, 1 => any::<f64>().prop_filter("far", |x| x.abs() < 1e280 && x.abs() > 1e-280),
            1 => prop::sample::select(vec![0.0, -0.0, f64::INFINITY, f64::NEG_INFINITY, 65504.0, 65519.9999, 65520.0, 65536.0])]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]
        #[test]
        fn rounding_is_that_of_formats(x in any_number()) {
            for name in ["f16", "bf16", "f32", "e8m13", "e5m10", "e2m1", "e4m3", "e3m20", "e6m25"] {
                let format: Format = name.parse().unwrap();
                for (mode, rounding) in [(Mode::Even, Rounding::TiesEven), (Mode::Zero, Rounding::TowardZero)] {
                    for beyond in [Beyond::Ieee, Beyond::Infinity] {
                        let policy = match beyond {
                            Beyond::Ieee => Policy::new(rounding, Overflow::Ieee),
                            Beyond::Infinity => Policy::new(rounding, Overflow::Special).with_zero_sign(ZeroSign::Positive),
                        };
                        let code = format.encode(Value::from_f64(x).to_real(), &policy, 0).unwrap();
                        let expected = format.decode(code.code);
                        let found = Rounder::new(format, mode, beyond).unwrap().round(x);
                        let limits = Rounder::new(format, mode, beyond).unwrap().limits();
                        let lost = x.is_finite() && found != x;
                        let flags = Status::NONE
                            .union(if x.is_finite() && x.abs() >= limits.beyond { Status::OVERFLOW } else { Status::NONE })
                            .union(if lost && x.abs() < limits.tiny { Status::UNDERFLOW } else { Status::NONE })
                            .union(if lost { Status::INEXACT } else { Status::NONE });
                        prop_assert_eq!(flags, code.status, "{} {:?} {:e}", name, mode, x);
                        prop_assert_eq!(found.to_bits(), expected.to_bits(), "{} {:?} {:?} {:e}: {:e} {:e}", name, mode, beyond, x, found, expected);
                    }
                }
            }
        }
    }

    #[test]
    fn nan_stays() {
        let rounder = Rounder::new(Format::F16, Mode::Even, Beyond::Ieee).unwrap();
        assert!(rounder.round(f64::NAN).is_nan());
    }
}
