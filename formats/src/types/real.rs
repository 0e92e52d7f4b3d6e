//! What the types of floats, posits and takums have beside [what every type has](super::row).

/// Constants, questions, arithmetic and operators of one type.
macro_rules! arithmetic {
    ($name:ident) => {
        #[cfg(feature = "num-traits")]
        $crate::types::num_traits::any!($name);

        impl $name {
            /// The smallest positive value that is not subnormal.
            pub const MIN_POSITIVE: Self = Self::from_f64(match Self::FORMAT.smallest_normal() {
                Some(normal) => normal,
                None => Self::FORMAT.smallest_positive(),
            });
            /// The difference between one and the next larger value.
            pub const EPSILON: Self =
                Self::from_f64(Self::FORMAT.decode(Self::ONE.code_bits() + 1) - 1.0);

            /// Whether this is NaN.
            #[must_use]
            pub const fn is_nan(self) -> bool {
                self.to_f64().is_nan()
            }

            /// Whether this is an infinity.
            #[must_use]
            pub const fn is_infinite(self) -> bool {
                self.to_f64().is_infinite()
            }

            /// Whether this is neither infinite nor NaN.
            #[must_use]
            pub const fn is_finite(self) -> bool {
                self.to_f64().is_finite()
            }

            /// Whether this lies between zero and the smallest normal value.
            #[must_use]
            pub const fn is_subnormal(self) -> bool {
                matches!(self.to_real().class(), $crate::Class::Subnormal)
            }

            /// Whether this is neither zero, subnormal, infinite nor NaN.
            #[must_use]
            pub const fn is_normal(self) -> bool {
                matches!(self.to_real().class(), $crate::Class::Normal)
            }

            /// Whether the sign is negative; -0 and NaN have signs where the format keeps them.
            #[must_use]
            pub const fn is_sign_negative(self) -> bool {
                self.to_f64().is_sign_negative()
            }

            /// Whether the sign is positive.
            #[must_use]
            pub const fn is_sign_positive(self) -> bool {
                !self.is_sign_negative()
            }

            /// The kind of number.
            #[must_use]
            pub const fn classify(self) -> core::num::FpCategory {
                match self.to_real().class() {
                    $crate::Class::Zero => core::num::FpCategory::Zero,
                    $crate::Class::Subnormal => core::num::FpCategory::Subnormal,
                    $crate::Class::Normal => core::num::FpCategory::Normal,
                    $crate::Class::Infinite => core::num::FpCategory::Infinite,
                    $crate::Class::Nan => core::num::FpCategory::Nan,
                }
            }

            /// `1 / self`, rounded once.
            #[must_use]
            pub const fn recip(self) -> Self {
                Self::rounded(Self::ARITHMETIC.div(Self::ONE.to_real(), self.to_real(), 0))
            }

            /// `self * factor + addend`, rounded once.
            #[must_use]
            pub const fn mul_add(self, factor: Self, addend: Self) -> Self {
                let (a, b, c) = (self.to_real(), factor.to_real(), addend.to_real());
                Self::rounded(Self::ARITHMETIC.mul_add(a, b, c, 0))
            }

            /// The square root, rounded once.
            #[must_use]
            pub const fn sqrt(self) -> Self {
                Self::rounded(Self::ARITHMETIC.sqrt(self.to_real(), 0))
            }

            /// The lesser of two, -0 being less than +0; the other one if one is NaN.
            #[must_use]
            pub const fn min(self, other: Self) -> Self {
                Self::rounded(Self::ARITHMETIC.minimum_number(self.to_real(), other.to_real(), 0))
            }

            /// The greater of two, -0 being less than +0; the other one if one is NaN.
            #[must_use]
            pub const fn max(self, other: Self) -> Self {
                Self::rounded(Self::ARITHMETIC.maximum_number(self.to_real(), other.to_real(), 0))
            }

            /// The lesser of two, -0 being less than +0; NaN if either is.
            #[must_use]
            pub const fn minimum(self, other: Self) -> Self {
                Self::rounded(Self::ARITHMETIC.minimum(self.to_real(), other.to_real(), 0))
            }

            /// The greater of two, -0 being less than +0; NaN if either is.
            #[must_use]
            pub const fn maximum(self, other: Self) -> Self {
                Self::rounded(Self::ARITHMETIC.maximum(self.to_real(), other.to_real(), 0))
            }

            /// `least` if this is less, `most` if it is greater, else itself, NaN too. Where `least` is greater than
            /// `most`, or either is NaN, the comparisons are made all the same, that with `least` first.
            #[must_use]
            pub fn clamp(self, least: Self, most: Self) -> Self {
                if self < least {
                    least
                } else if self > most {
                    most
                } else {
                    self
                }
            }

            /// Operations under the type's own policy.
            const ARITHMETIC: $crate::Arithmetic = $crate::natural::arithmetic(Self::FORMAT);

            /// The result of an operation under the type's own policy.
            const fn rounded(result: Result<$crate::Encoded, $crate::EncodeError>) -> Self {
                Self::from_code_bits($crate::natural::total(result).code)
            }
        }

        const _: () = assert!(
            $name::ONE.to_f64() == 1.0
                && $name::EPSILON.to_f64()
                    == $name::FORMAT.decode($name::ONE.code_bits() + 1) - 1.0,
            concat!(stringify!($name), " has no value for one or for its epsilon")
        );

        $crate::types::operators::operators!($name);
    };
}

pub(super) use arithmetic;
