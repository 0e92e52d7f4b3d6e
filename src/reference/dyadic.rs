//! Exact binary fractions: what sums of products are before anything rounds them.

use std::cmp::Ordering;
use std::fmt;

use fewbit_formats::{Real, Rounding, rounding};
use num_bigint::{BigInt, BigUint, Sign};
use num_traits::{Signed, ToPrimitive, Zero};
use serde::{Serialize, Serializer};

/// An exact number `significand * 2^exponent`, of any size.
///
/// ```
/// use fewbit::reference::Dyadic;
/// let x = Dyadic::new(3, -1) + Dyadic::new(1, 200);
/// assert_eq!(x - Dyadic::new(1, 200), Dyadic::from_f64(1.5).unwrap());
/// assert_eq!(Dyadic::new(-13, -3).to_string(), "-0x1.ap+0"); // -1.625
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Dyadic {
    /// Odd, or zero.
    significand: Significand,
    /// 0 for zero.
    exponent: i32,
}

/// `Small` wherever it fits in 127 bits and a sign.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Significand {
    Small(i128),
    Big(BigInt),
}

use Significand::{Big, Small};

impl Dyadic {
    /// 0
    pub const ZERO: Self = Self { significand: Small(0), exponent: 0 };

    /// `significand * 2^exponent`
    pub fn new(significand: i128, exponent: i32) -> Self {
        if significand == i128::MIN {
            return Self { significand: Small(-1), exponent: exponent + 127 };
        }
        if significand == 0 {
            return Self::ZERO;
        }
        let zeros = significand.trailing_zeros();
        Self { significand: Small(significand >> zeros), exponent: exponent + zeros as i32 }
    }

    fn from_big(significand: BigInt, exponent: i32) -> Self {
        let Some(zeros) = significand.trailing_zeros() else {
            return Self::ZERO;
        };
        let odd: BigInt = significand >> zeros;
        let exponent = exponent + zeros as i32;
        match odd.to_i128() {
            Some(small) if small != i128::MIN => Self { significand: Small(small), exponent },
            _ => Self { significand: Big(odd), exponent },
        }
    }

    /// The value of an `f64`; `None` for infinities and NaN.
    pub fn from_f64(x: f64) -> Option<Self> {
        if !x.is_finite() {
            return None;
        }
        let bits = x.to_bits();
        let field = ((bits >> 52) & 0x7ff) as i32;
        let fraction = (bits & ((1 << 52) - 1)) as i128;
        let magnitude = if field == 0 { fraction } else { fraction | 1 << 52 };
        Some(Self::new(if x < 0.0 { -magnitude } else { magnitude }, field.max(1) - 1075))
    }

    /// Whether this is 0.
    pub fn is_zero(&self) -> bool {
        self.significand == Small(0)
    }

    /// Whether this is less than 0.
    pub fn is_negative(&self) -> bool {
        match &self.significand {
            Small(s) => *s < 0,
            Big(s) => s.is_negative(),
        }
    }

    /// `floor(log2 |self|)`; `None` for 0.
    pub fn floor_log2(&self) -> Option<i32> {
        let bits = match &self.significand {
            Small(0) => return None,
            Small(s) => u128::BITS - s.unsigned_abs().leading_zeros(),
            Big(s) => s.bits() as u32,
        };
        Some(bits as i32 - 1 + self.exponent)
    }

    /// Whether this is a whole number.
    pub fn is_integer(&self) -> bool {
        self.exponent >= 0
    }

    /// This number as an `i128`, if it is one.
    pub fn to_i128(&self) -> Option<i128> {
        match &self.significand {
            Small(s) if self.exponent >= 0 => {
                let bits = u128::BITS - s.unsigned_abs().leading_zeros();
                (bits as i32 + self.exponent < 127).then(|| s << self.exponent)
            }
            _ => None,
        }
    }

    /// The nearest multiple of `2^position` in the sense of `rounding`, and whether it is another number.
    ///
    /// The parity that ties and round-to-odd look at is that of the multiple. `random` serves the stochastic modes.
    pub fn cut(&self, position: i32, rounding: Rounding, random: u32) -> (Self, bool) {
        let shift = i64::from(position) - i64::from(self.exponent);
        if shift <= 0 || self.is_zero() {
            return (self.clone(), false);
        }
        let negative = self.is_negative();
        let away = |odd, lost| {
            let (_, lost) = rounding::split(lost, 64);
            rounding.steps_away(negative, odd, lost, random)
        };
        let magnitude = match &self.significand {
            Small(s) => {
                let (whole, lost) = split(s.unsigned_abs(), shift);
                let rounded = (whole + u128::from(away(whole & 1 == 1, lost))) as i128;
                return (Self::new(if negative { -rounded } else { rounded }, position), true);
            }
            Big(s) => s.magnitude(),
        };
        let (whole, lost) = split_big(magnitude, shift);
        let rounded = &whole + u32::from(away(whole.bit(0), lost));
        let sign = if negative { Sign::Minus } else { Sign::Plus };
        (Self::from_big(BigInt::from_biguint(sign, rounded), position), true)
    }

    /// The number on its way into a format: its leading bits, the last of them jammed.
    pub fn to_real(&self) -> Real {
        let negative = self.is_negative();
        match &self.significand {
            Small(s) => Real::from_scaled(negative, s.unsigned_abs(), self.exponent),
            Big(s) => {
                let shift = s.bits() - 127;
                let top = (s.magnitude() >> shift).to_u128().unwrap_or(u128::MAX);
                // The significand is odd, so what is cut off is never zero: the last bit becomes one.
                Real::from_scaled(negative, top << 1 | 1, self.exponent + shift as i32 - 1)
            }
        }
    }

    /// The nearest `f64`, ties to even; infinite beyond the range.
    pub fn to_f64(&self) -> f64 {
        let Some(exponent) = self.floor_log2() else {
            return 0.0;
        };
        let (rounded, _) = self.cut((exponent - 52).max(-1074), Rounding::TiesEven, 0);
        let sign = if self.is_negative() { -1.0 } else { 1.0 };
        let (Some(exponent), Small(s)) = (rounded.floor_log2(), &rounded.significand) else {
            return sign * 0.0;
        };
        if exponent > 1023 {
            return sign * f64::INFINITY;
        }
        // At most 53 bits, in two exact factors: neither over- nor underflows.
        let half = rounded.exponent / 2;
        *s as f64 * power_of_two(half) * power_of_two(rounded.exponent - half)
    }

    fn to_big(&self, position: i32) -> BigInt {
        let significand = match &self.significand {
            Small(s) => BigInt::from(*s),
            Big(s) => s.clone(),
        };
        significand << (self.exponent - position) as u32
    }

    fn small_at(&self, position: i32) -> Option<i128> {
        let Small(s) = self.significand else {
            return None;
        };
        let shift = (self.exponent - position) as u32;
        (shift < s.unsigned_abs().leading_zeros().saturating_sub(2)).then(|| s << shift)
    }
}

/// `2^exponent` within the normal range.
fn power_of_two(exponent: i32) -> f64 {
    f64::from_bits(((exponent + 1023) as u64) << 52)
}

/// `magnitude / 2^shift`: the whole part, and the rest in units of `2^-64` with a sticky last bit.
fn split(magnitude: u128, shift: i64) -> (u128, u64) {
    let (whole, rest) = match shift {
        ..128 => (magnitude >> shift, magnitude & !(u128::MAX << shift)),
        _ => (0, magnitude),
    };
    let lost = if shift <= 64 {
        (rest << (64 - shift)) as u64
    } else {
        let below = shift - 64;
        let kept = if below < 128 { (rest >> below) as u64 } else { 0 };
        let sticky = below >= 128 || rest & !(u128::MAX << below) != 0;
        kept | u64::from(sticky && rest != 0)
    };
    (whole, lost)
}

/// [`split`] of any size.
fn split_big(magnitude: &BigUint, shift: i64) -> (BigUint, u64) {
    let shift = shift as u64;
    let whole = magnitude >> shift;
    let rest = magnitude - (&whole << shift);
    if shift <= 64 {
        return (whole, (rest << (64 - shift)).to_u64().unwrap_or(u64::MAX));
    }
    let kept: BigUint = &rest >> (shift - 64);
    let sticky = (&kept << (shift - 64)) != rest;
    (whole, kept.to_u64().unwrap_or(u64::MAX) | u64::from(sticky))
}

impl std::ops::Add for &Dyadic {
    type Output = Dyadic;

    fn add(self, other: Self) -> Dyadic {
        if self.is_zero() {
            return other.clone();
        }
        if other.is_zero() {
            return self.clone();
        }
        let position = self.exponent.min(other.exponent);
        match (self.small_at(position), other.small_at(position)) {
            (Some(a), Some(b)) => Dyadic::new(a + b, position),
            _ => Dyadic::from_big(self.to_big(position) + other.to_big(position), position),
        }
    }
}

impl std::ops::Mul for &Dyadic {
    type Output = Dyadic;

    fn mul(self, other: Self) -> Dyadic {
        let exponent = self.exponent + other.exponent;
        if let (Small(a), Small(b)) = (&self.significand, &other.significand)
            && let Some(product) = a.checked_mul(*b)
        {
            return Dyadic::new(product, exponent);
        }
        Dyadic::from_big(self.to_big(self.exponent) * other.to_big(other.exponent), exponent)
    }
}

impl std::ops::Neg for &Dyadic {
    type Output = Dyadic;

    fn neg(self) -> Dyadic {
        let significand = match &self.significand {
            Small(s) => Small(-s),
            Big(s) => Big(-s),
        };
        Dyadic { significand, exponent: self.exponent }
    }
}

impl std::ops::Sub for &Dyadic {
    type Output = Dyadic;

    fn sub(self, other: Self) -> Dyadic {
        self + &-other
    }
}

macro_rules! by_value {
    ($($trait:ident :: $method:ident),*) => {$(
        impl std::ops::$trait for Dyadic {
            type Output = Self;

            fn $method(self, other: Self) -> Self {
                std::ops::$trait::$method(&self, &other)
            }
        }
    )*};
}
by_value!(Add::add, Sub::sub, Mul::mul);

impl Ord for Dyadic {
    fn cmp(&self, other: &Self) -> Ordering {
        let difference = self - other;
        match (difference.is_zero(), difference.is_negative()) {
            (true, _) => Ordering::Equal,
            (_, true) => Ordering::Less,
            _ => Ordering::Greater,
        }
    }
}

impl PartialOrd for Dyadic {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Dyadic {
    /// As C's `%a`, with as many digits as it takes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(exponent) = self.floor_log2() else {
            return f.pad("0x0p+0");
        };
        let magnitude = match &self.significand {
            Small(s) => BigUint::from(s.unsigned_abs()),
            Big(s) => s.magnitude().clone(),
        };
        // The leading one, and after it whole hexadecimal digits.
        let fraction_bits = (exponent - self.exponent) as u64;
        let digits = fraction_bits.div_ceil(4);
        let fraction =
            (&magnitude << (4 * digits - fraction_bits)) - (BigUint::from(1u8) << (4 * digits));
        let sign = if self.is_negative() { "-" } else { "" };
        let text = if digits == 0 {
            format!("{sign}0x1p{exponent:+}")
        } else {
            let digits = digits as usize;
            let fraction =
                if fraction.is_zero() { String::new() } else { fraction.to_str_radix(16) };
            format!("{sign}0x1.{fraction:0>digits$}p{exponent:+}")
        };
        f.pad(&text)
    }
}

impl Serialize for Dyadic {
    /// A number where an `f64` holds it exactly, else the text of [`Display`](fmt::Display).
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let nearest = self.to_f64();
        if Self::from_f64(nearest).as_ref() == Some(self) {
            match self.to_i128().map(i64::try_from) {
                Some(Ok(integer)) => serializer.serialize_i64(integer),
                _ => serializer.serialize_f64(nearest),
            }
        } else {
            serializer.collect_str(self)
        }
    }
}
