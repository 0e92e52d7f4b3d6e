//! num-traits.
//!
//! `Float`, `FloatCore` and `Real` are not implemented: they promise functions (`sin`, `exp`, `powi` ...) of which this
//! crate has no correctly rounded version, and types without NaN or infinity cannot keep their contracts.

use super::Number;
use crate::natural::encode;
use crate::real::Real;
use ::num_traits::ToPrimitive;

/// The exact value of any number, as far as it can be asked for; rounded once.
pub(super) fn cast<T: Number>(x: &impl ToPrimitive) -> Option<T> {
    let float = x.to_f64()?;
    // From 2^53 on an integer may have been rounded to get here; a float has an exact integer there too.
    let large = float.is_finite() && float.abs() >= 9_007_199_254_740_992.0;
    let real = match x.to_i128().filter(|_| large) {
        Some(integer) => Real::from_scaled(integer < 0, integer.unsigned_abs(), 0),
        None => Real::from_f64(float),
    };
    Some(from_real(real))
}

/// A value, rounded once.
pub(super) fn from_real<T: Number>(x: Real) -> T {
    T::from_code(encode(T::FORMAT, x).code)
}

/// A text in any radix.
pub(super) fn from_str_radix<T: Number>(
    text: &str,
    radix: u32,
) -> Result<T, crate::ParseNumberError> {
    if radix == 10 { text.parse() } else { Real::from_digits(text, radix).map(from_real) }
}

/// What every type has.
macro_rules! any {
    ($name:ident) => {
        impl ::num_traits::One for $name {
            fn one() -> Self {
                Self::ONE
            }
        }

        impl ::num_traits::ConstOne for $name {
            const ONE: Self = Self::ONE;
        }

        impl ::num_traits::Bounded for $name {
            /// The smallest finite value.
            fn min_value() -> Self {
                Self::MIN
            }

            /// The largest finite value.
            fn max_value() -> Self {
                Self::MAX
            }
        }

        impl ::num_traits::MulAdd for $name {
            type Output = Self;

            fn mul_add(self, factor: Self, addend: Self) -> Self {
                Self::mul_add(self, factor, addend)
            }
        }

        impl ::num_traits::ToPrimitive for $name {
            fn to_i64(&self) -> Option<i64> {
                (*self).to_f64().to_i64()
            }

            fn to_u64(&self) -> Option<u64> {
                (*self).to_f64().to_u64()
            }

            fn to_i128(&self) -> Option<i128> {
                (*self).to_f64().to_i128()
            }

            fn to_u128(&self) -> Option<u128> {
                (*self).to_f64().to_u128()
            }

            fn to_f64(&self) -> Option<f64> {
                Some((*self).to_f64())
            }
        }

        impl ::num_traits::FromPrimitive for $name {
            $crate::types::num_traits::from_primitive! {
                from_i64(i64), from_u64(u64), from_i128(i128), from_u128(u128), from_f32(f32), from_f64(f64)
            }
        }

        impl ::num_traits::NumCast for $name {
            /// The nearest value to any number, whose exact value counts.
            fn from<N: ::num_traits::ToPrimitive>(x: N) -> Option<Self> {
                $crate::types::num_traits::cast(&x)
            }
        }
    };
}

/// Functions that round an exact number.
macro_rules! from_primitive {
    ($($function:ident($number:ty)),+) => {$(
        fn $function(x: $number) -> Option<Self> {
            Some($crate::types::num_traits::from_real(x.into()))
        }
    )+};
}

/// What a type with a zero has.
macro_rules! zero {
    ($name:ident) => {
        impl ::num_traits::Zero for $name {
            fn zero() -> Self {
                Self::ZERO
            }

            /// Whether this is a zero of either sign.
            fn is_zero(&self) -> bool {
                *self == Self::ZERO
            }
        }

        impl ::num_traits::ConstZero for $name {
            const ZERO: Self = Self::ZERO;
        }

        impl ::num_traits::Num for $name {
            type FromStrRadixErr = $crate::ParseNumberError;

            /// As `FromStr`; an exponent is understood up to radix 10.
            fn from_str_radix(text: &str, radix: u32) -> Result<Self, Self::FromStrRadixErr> {
                $crate::types::num_traits::from_str_radix(text, radix)
            }
        }
    };
}

/// What a type with signs has.
macro_rules! signed {
    ($name:ident) => {
        impl ::num_traits::Signed for $name {
            fn abs(&self) -> Self {
                (*self).abs()
            }

            /// `self - other`, or zero if that is negative; NaN if either is.
            fn abs_sub(&self, other: &Self) -> Self {
                if *self <= *other { Self::ZERO } else { *self - *other }
            }

            /// One with the sign of this, zeros included; NaN if this is NaN.
            fn signum(&self) -> Self {
                (*self).signum()
            }

            fn is_positive(&self) -> bool {
                self.is_sign_positive()
            }

            fn is_negative(&self) -> bool {
                self.is_sign_negative()
            }
        }
    };
}

pub(super) use {any, from_primitive, signed, zero};
