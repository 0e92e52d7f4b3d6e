//! Numbers as float registers hold them.

use std::fmt;

use fewbit_formats::Real;
use serde::{Serialize, Serializer};

use crate::reference::Dyadic;

/// A finite number, a signed zero, an infinity or NaN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Any finite number; zero is positive.
    Finite(Dyadic),
    /// -0
    NegativeZero,
    /// Positive infinity.
    Infinity,
    /// Negative infinity.
    NegativeInfinity,
    /// Not a number.
    Nan,
}

impl Value {
    /// 0
    pub const ZERO: Self = Self::Finite(Dyadic::ZERO);

    /// The value of an `f64`.
    pub fn from_f64(x: f64) -> Self {
        match Dyadic::from_f64(x) {
            Some(finite) if finite.is_zero() && x.is_sign_negative() => Self::NegativeZero,
            Some(finite) => Self::Finite(finite),
            None if x.is_nan() => Self::Nan,
            None => Self::infinity(x < 0.0),
        }
    }

    /// The nearest `f64`, ties to even; exact for every value of a format.
    pub fn to_f64(&self) -> f64 {
        match self {
            Self::Finite(x) => x.to_f64(),
            Self::NegativeZero => -0.0,
            Self::Infinity => f64::INFINITY,
            Self::NegativeInfinity => f64::NEG_INFINITY,
            Self::Nan => f64::NAN,
        }
    }

    /// Zero of a sign.
    pub const fn zero(negative: bool) -> Self {
        if negative { Self::NegativeZero } else { Self::ZERO }
    }

    /// Infinity of a sign.
    pub const fn infinity(negative: bool) -> Self {
        if negative { Self::NegativeInfinity } else { Self::Infinity }
    }

    /// The number, of zero too; `None` for infinities and NaN.
    pub const fn finite(&self) -> Option<&Dyadic> {
        match self {
            Self::Finite(x) => Some(x),
            Self::NegativeZero => Some(&Dyadic::ZERO),
            _ => None,
        }
    }

    /// Whether this is a zero of either sign.
    pub fn is_zero(&self) -> bool {
        self.finite().is_some_and(Dyadic::is_zero)
    }

    /// Whether the sign is negative; that of NaN is positive.
    pub fn is_negative(&self) -> bool {
        match self {
            Self::Finite(x) => x.is_negative(),
            Self::NegativeZero | Self::NegativeInfinity => true,
            Self::Infinity | Self::Nan => false,
        }
    }

    /// The value on its way into a format.
    pub fn to_real(&self) -> Real {
        match self {
            Self::Finite(x) => x.to_real(),
            Self::NegativeZero => Real::zero(true),
            Self::Infinity | Self::NegativeInfinity => Real::infinity(self.is_negative()),
            Self::Nan => Real::nan(false),
        }
    }

    /// The product by IEEE's rules for zeros, infinities (times zero: NaN) and NaN.
    pub fn times(&self, other: &Self) -> Self {
        let negative = self.is_negative() != other.is_negative();
        match (self.finite(), other.finite()) {
            (Some(a), Some(b)) if a.is_zero() || b.is_zero() => Self::zero(negative),
            (Some(a), Some(b)) => Self::Finite(a * b),
            _ if *self == Self::Nan || *other == Self::Nan => Self::Nan,
            _ if self.is_zero() || other.is_zero() => Self::Nan,
            _ => Self::infinity(negative),
        }
    }
}

impl Serialize for Value {
    /// As [`Dyadic`]; infinities, NaN and -0 as text.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Finite(x) => x.serialize(serializer),
            Self::NegativeZero => serializer.serialize_str("-0"),
            other => serializer.collect_str(other),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Finite(x) => x.fmt(f),
            Self::NegativeZero => f.pad("-0x0p+0"),
            Self::Infinity => f.pad("inf"),
            Self::NegativeInfinity => f.pad("-inf"),
            Self::Nan => f.pad("nan"),
        }
    }
}
