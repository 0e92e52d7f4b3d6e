//! What some formats have and others have not.

use crate::format::Format;

/// The bit of a capability.
macro_rules! bit {
    (signed) => {
        1
    };
    (zero) => {
        2
    };
    (negative_zero) => {
        4
    };
    (nan) => {
        8
    };
    (no_nan) => {
        16
    };
    (infinity) => {
        32
    };
    (subnormal) => {
        64
    };
    (f32) => {
        128
    };
    (float) => {
        256
    };
    (tapered) => {
        512
    };
    (unordered) => {
        1024
    };
    (integer) => {
        2048
    };
}

/// The capabilities of a format, by its constants.
pub(super) const fn of(format: Format) -> u32 {
    if matches!(format, Format::Int(_) | Format::Binary | Format::Ternary) {
        return bit!(integer) | if format.fits_f32() { bit!(f32) } else { 0 };
    }
    let (negative_zero, unordered, kind) = match format {
        Format::Float(float) => (float.has_negative_zero(), float.has_nan(), bit!(float)),
        _ => (false, false, bit!(tapered)),
    };
    let subnormal = match format.smallest_normal() {
        Some(normal) => format.smallest_positive() < normal,
        None => false,
    };
    let held = [
        (format.is_signed(), bit!(signed)),
        (format.has_zero(), bit!(zero)),
        (negative_zero, bit!(negative_zero)),
        (format.has_nan(), bit!(nan)),
        (!format.has_nan(), bit!(no_nan)),
        (unordered, bit!(unordered)),
        (format.has_infinity(), bit!(infinity)),
        (subnormal, bit!(subnormal)),
        (format.fits_f32(), bit!(f32)),
    ];
    let (mut bits, mut i) = (kind, 0);
    while i < held.len() {
        if held[i].0 {
            bits |= held[i].1;
        }
        i += 1;
    }
    bits
}

/// What a type has for a capability.
macro_rules! capability {
    (signed, $name:ident, $bits:ident) => {
        impl $name {
            /// Minus one.
            pub const NEG_ONE: Self = Self::from_f64(-1.0);

            /// The magnitude. Exact; a NaN becomes positive where the format has a positive one.
            #[must_use]
            pub const fn abs(self) -> Self {
                if self.is_sign_negative() { self.negated() } else { self }
            }

            /// One with the sign of this; NaN if this is NaN.
            #[must_use]
            pub const fn signum(self) -> Self {
                if self.is_nan() { self } else { Self::ONE.copysign(self) }
            }

            /// The magnitude of this with the sign of another.
            #[must_use]
            pub const fn copysign(self, sign: Self) -> Self {
                if self.is_sign_negative() == sign.is_sign_negative() {
                    self
                } else {
                    self.negated()
                }
            }

            /// The negative. A signed format has that of every code.
            const fn negated(self) -> Self {
                match Self::FORMAT.negate(self.code_bits()) {
                    Some(code) => Self::from_code_bits(code),
                    None => self,
                }
            }
        }

        impl core::ops::Neg for $name {
            type Output = Self;

            /// Exact; zero and NaN keep their sign where the format has only one of them.
            #[inline]
            fn neg(self) -> Self {
                self.negated()
            }
        }

        #[cfg(feature = "num-traits")]
        $crate::types::num_traits::signed!($name);
    };
    (zero, $name:ident, $bits:ident) => {
        impl $name {
            /// Zero, positive.
            pub const ZERO: Self = Self::from_f64(0.0);
        }

        impl Default for $name {
            /// Zero.
            fn default() -> Self {
                Self::ZERO
            }
        }

        impl core::iter::Sum for $name {
            /// The sum in order, rounded at every step.
            fn sum<I: Iterator<Item = Self>>(numbers: I) -> Self {
                numbers.fold(Self::ZERO, |sum, x| sum + x)
            }
        }

        impl<'a> core::iter::Sum<&'a Self> for $name {
            /// The sum in order, rounded at every step.
            fn sum<I: Iterator<Item = &'a Self>>(numbers: I) -> Self {
                numbers.copied().sum()
            }
        }

        #[cfg(feature = "num-traits")]
        $crate::types::num_traits::zero!($name);
    };
    (negative_zero, $name:ident, $bits:ident) => {
        impl $name {
            /// Negative zero.
            pub const NEG_ZERO: Self = Self::from_f64(-0.0);
        }
    };
    (nan, $name:ident, $bits:ident) => {
        impl $name {
            /// NaN: quiet, positive where there are several; NaR of a posit or takum.
            pub const NAN: Self = Self::from_f64(f64::NAN);
        }
    };
    (unordered, $name:ident, $bits:ident) => {
        impl PartialOrd for $name {
            /// By value; NaN has no place.
            #[inline]
            fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
                self.to_f64().partial_cmp(&other.to_f64())
            }
        }
    };
    (no_nan, $name:ident, $bits:ident) => {
        impl Eq for $name {}

        impl PartialOrd for $name {
            #[inline]
            fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
                Some(self.cmp(other))
            }
        }

        impl Ord for $name {
            /// By value: both zeros are equal.
            fn cmp(&self, other: &Self) -> core::cmp::Ordering {
                let zero_or = |x: &Self| if *x == Self::ZERO { Self::ZERO } else { *x };
                zero_or(self).total_cmp(&zero_or(other))
            }
        }

        impl core::hash::Hash for $name {
            /// Equal values have equal hashes: both zeros count as the positive one.
            fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
                let code = if *self == Self::ZERO { Self::ZERO } else { *self };
                code.to_bits().hash(state);
            }
        }
    };
    (infinity, $name:ident, $bits:ident) => {
        impl $name {
            /// Infinity.
            pub const INFINITY: Self = Self::from_f64(f64::INFINITY);
            /// Minus infinity.
            pub const NEG_INFINITY: Self = Self::from_f64(f64::NEG_INFINITY);
        }
    };
    (subnormal, $name:ident, $bits:ident) => {
        impl $name {
            /// The smallest positive value.
            pub const MIN_POSITIVE_SUBNORMAL: Self =
                Self::from_f64(Self::FORMAT.smallest_positive());
            /// The largest subnormal value.
            pub const MAX_SUBNORMAL: Self =
                Self::from_code_bits(Self::MIN_POSITIVE.code_bits() - 1);
        }
    };
    (f32, $name:ident, $bits:ident) => {
        impl $name {
            /// The exact value, which an `f32` holds whatever the code.
            #[must_use]
            #[inline]
            pub const fn to_f32(self) -> f32 {
                self.to_f64() as f32
            }
        }

        impl From<$name> for f32 {
            /// Exact.
            #[inline]
            fn from(x: $name) -> Self {
                x.to_f32()
            }
        }
    };
    (float, $name:ident, $bits:ident) => {
        $crate::types::real::arithmetic!($name);

        impl PartialEq for $name {
            /// By value: both zeros are equal, and NaN equals nothing.
            #[inline]
            fn eq(&self, other: &Self) -> bool {
                self.to_f64() == other.to_f64()
            }
        }

        impl $name {
            /// The base of the exponent.
            pub const RADIX: u32 = 2;
            const FLOAT: $crate::FloatFormat = match Self::FORMAT {
                $crate::Format::Float(float) => float,
                _ => panic!("a float"),
            };
            /// Bits of the significand, the leading one included.
            pub const MANTISSA_DIGITS: u32 = Self::FLOAT.fraction_bits() + 1;
            /// Decimal digits that survive any rounding: `floor((MANTISSA_DIGITS - 1) log10(2))`.
            pub const DIGITS: u32 = (Self::MANTISSA_DIGITS - 1) * 30_103 / 100_000;
            /// One more than the exponent of the smallest normal value, as `f32::MIN_EXP`.
            pub const MIN_EXP: i32 = Self::FLOAT.min_exponent() + 1;
            /// One more than the exponent of the largest value, as `f32::MAX_EXP`.
            pub const MAX_EXP: i32 = Self::FLOAT.largest_exponent() + 1;
        }
    };
    (tapered, $name:ident, $bits:ident) => {
        $crate::types::real::arithmetic!($name);
        // NaR equals NaR, and is less than every other value.
        $crate::types::capability::ordered_by_code!($name);
    };
    (integer, $name:ident, $bits:ident) => {
        $crate::types::capability::ordered_by_code!($name);
    };
}

/// Equality and order of a type each of whose values has one code.
macro_rules! ordered_by_code {
    ($name:ident) => {
        impl PartialEq for $name {
            /// By code, of which every value has one.
            #[inline]
            fn eq(&self, other: &Self) -> bool {
                self.to_bits() == other.to_bits()
            }
        }

        impl Eq for $name {}

        impl PartialOrd for $name {
            #[inline]
            fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
                Some(self.cmp(other))
            }
        }

        impl Ord for $name {
            /// By value; what is no number is less than every other.
            #[inline]
            fn cmp(&self, other: &Self) -> core::cmp::Ordering {
                self.total_cmp(other)
            }
        }

        impl core::hash::Hash for $name {
            fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
                self.to_bits().hash(state);
            }
        }
    };
}

pub(super) use {bit, capability, ordered_by_code};
