//! What every type has.

/// One type: its struct, conversions and text.
macro_rules! newtype {
    ($name:ident, $bits:ident, $constant:ident) => {
        #[doc = concat!(
            "A number of [`Format::", stringify!($constant), "`](crate::Format::", stringify!($constant),
            "): its code in a `", stringify!($bits), "`. The [module](crate::types) says how it is rounded and compared."
        )]
        #[derive(Clone, Copy)]
        #[cfg_attr(
            feature = "bytemuck",
            derive(bytemuck::Pod, bytemuck::Zeroable, bytemuck::TransparentWrapper)
        )]
        #[repr(transparent)]
        pub struct $name($bits);

        impl $name {
            /// The format.
            pub const FORMAT: $crate::Format = $crate::Format::$constant;
            /// Bits of a code.
            pub const BITS: u32 = Self::FORMAT.bits();
            /// The bits of the storage that a code takes.
            const MASK: $bits = <$bits>::MAX >> (<$bits>::BITS - Self::BITS);
            /// One.
            pub const ONE: Self = Self::from_f64(1.0);
            /// The largest finite value.
            pub const MAX: Self = Self::from_f64(Self::FORMAT.max_finite());
            /// The smallest finite value.
            pub const MIN: Self = Self::from_f64(Self::FORMAT.min_finite());
            /// The value of a code. Bits above the format's width are ignored.
            #[must_use]
            #[inline]
            pub const fn from_bits(bits: $bits) -> Self {
                Self(bits & Self::MASK)
            }

            /// The code.
            #[must_use]
            #[inline]
            pub const fn to_bits(self) -> $bits {
                self.0 & Self::MASK
            }

            /// The value of a code of this format.
            #[inline]
            const fn from_code_bits(code: u32) -> Self {
                Self::from_bits(code as $bits)
            }

            /// The code, as functions on any format take it.
            #[inline]
            const fn code_bits(self) -> u32 {
                self.to_bits() as u32
            }

            /// The nearest value, ties to even; beyond the range as the [module](crate::types) says.
            #[must_use]
            pub const fn from_real(x: $crate::Real) -> Self {
                Self::from_code_bits($crate::natural::encode(Self::FORMAT, x).code)
            }

            /// The nearest value, ties to even; beyond the range as the [module](crate::types) says.
            #[must_use]
            pub const fn from_f32(x: f32) -> Self {
                Self::from_real($crate::Real::from_f32(x))
            }

            /// The nearest value, ties to even, never through an `f32`; beyond the range as the
            /// [module](crate::types) says.
            #[must_use]
            pub const fn from_f64(x: f64) -> Self {
                Self::from_real($crate::Real::from_f64(x))
            }

            /// As `from_f32`, with what happened to the value.
            pub const fn from_f32_status(x: f32) -> (Self, $crate::Status) {
                Self::with_status($crate::natural::encode(
                    Self::FORMAT,
                    $crate::Real::from_f32(x),
                ))
            }

            /// As `from_f64`, with what happened to the value.
            pub const fn from_f64_status(x: f64) -> (Self, $crate::Status) {
                Self::with_status($crate::natural::encode(
                    Self::FORMAT,
                    $crate::Real::from_f64(x),
                ))
            }

            const fn with_status(encoded: $crate::Encoded) -> (Self, $crate::Status) {
                (Self::from_code_bits(encoded.code), encoded.status)
            }

            /// The nearest value, ties to even; beyond the range, infinity included, the last value of that sign.
            #[must_use]
            pub const fn saturating_from_f32(x: f32) -> Self {
                Self::saturating($crate::Real::from_f32(x))
            }

            /// The nearest value, ties to even; beyond the range, infinity included, the last value of that sign.
            #[must_use]
            pub const fn saturating_from_f64(x: f64) -> Self {
                Self::saturating($crate::Real::from_f64(x))
            }

            const fn saturating(x: $crate::Real) -> Self {
                let policy = $crate::natural::saturating();
                let encoded = $crate::natural::total(Self::FORMAT.encode_real(x, &policy, 0));
                Self::from_code_bits(encoded.code)
            }

            /// The value under a policy, and what happened to it. `random` supplies the bits of stochastic rounding.
            ///
            /// # Errors
            ///
            /// As [`Format::encode`](crate::Format::encode).
            pub const fn from_f32_with(
                x: f32,
                policy: &$crate::Policy,
                random: u32,
            ) -> Result<(Self, $crate::Status), $crate::EncodeError> {
                Self::with($crate::Real::from_f32(x), policy, random)
            }

            /// The value under a policy, and what happened to it. `random` supplies the bits of stochastic rounding.
            ///
            /// # Errors
            ///
            /// As [`Format::encode`](crate::Format::encode).
            pub const fn from_f64_with(
                x: f64,
                policy: &$crate::Policy,
                random: u32,
            ) -> Result<(Self, $crate::Status), $crate::EncodeError> {
                Self::with($crate::Real::from_f64(x), policy, random)
            }

            const fn with(
                x: $crate::Real,
                policy: &$crate::Policy,
                random: u32,
            ) -> Result<(Self, $crate::Status), $crate::EncodeError> {
                match Self::FORMAT.encode_real(x, policy, random) {
                    Ok(encoded) => Ok(Self::with_status(encoded)),
                    Err(error) => Err(error),
                }
            }

            /// The exact value.
            #[must_use]
            #[inline]
            pub const fn to_f64(self) -> f64 {
                Self::FORMAT.decode(self.code_bits())
            }

            /// The exact value as an operand of [`Arithmetic`](crate::Arithmetic).
            #[must_use]
            #[inline]
            pub const fn to_real(self) -> $crate::Real {
                Self::FORMAT.decode_real(self.code_bits())
            }

            /// The code in little-endian order.
            #[must_use]
            pub const fn to_le_bytes(self) -> [u8; size_of::<$bits>()] {
                self.to_bits().to_le_bytes()
            }

            /// The code in big-endian order.
            #[must_use]
            pub const fn to_be_bytes(self) -> [u8; size_of::<$bits>()] {
                self.to_bits().to_be_bytes()
            }

            /// The value of a code in little-endian order.
            #[must_use]
            pub const fn from_le_bytes(bytes: [u8; size_of::<$bits>()]) -> Self {
                Self::from_bits(<$bits>::from_le_bytes(bytes))
            }

            /// The value of a code in big-endian order.
            #[must_use]
            pub const fn from_be_bytes(bytes: [u8; size_of::<$bits>()]) -> Self {
                Self::from_bits(<$bits>::from_be_bytes(bytes))
            }

            /// The order in which every code has its place; see [`Format::total_cmp`](crate::Format::total_cmp).
            #[must_use]
            pub const fn total_cmp(&self, other: &Self) -> core::cmp::Ordering {
                Self::FORMAT.total_cmp(self.code_bits(), other.code_bits())
            }
        }

        impl $crate::types::Number for $name {
            type Bits = $bits;
            const FORMAT: $crate::Format = Self::FORMAT;

            #[inline]
            fn from_code(code: u32) -> Self {
                Self::from_code_bits(code)
            }

            #[inline]
            fn code(self) -> u32 {
                self.code_bits()
            }
        }

        impl $crate::types::number::Sealed for $name {}

        impl From<$name> for f64 {
            /// Exact.
            #[inline]
            fn from(x: $name) -> Self {
                x.to_f64()
            }
        }

        impl From<$name> for $crate::Real {
            /// Exact.
            #[inline]
            fn from(x: $name) -> Self {
                x.to_real()
            }
        }

        impl core::str::FromStr for $name {
            type Err = $crate::ParseNumberError;

            /// The nearest value, ties to even, to the number written, whatever its length; beyond the range as the
            /// [module](crate::types) says. The syntax is that of `f32`.
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let encoded = $crate::decimal::parse(Self::FORMAT, text)?;
                Ok(Self::from_code_bits(encoded.code))
            }
        }

        impl core::fmt::Display for $name {
            /// The shortest text without an exponent that is read back as the same code, and of those the closest; whole
            /// numbers below 10^16 in full. With a precision, the exact value rounded to it.
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                $crate::decimal::fmt_plain(Self::FORMAT, self.code_bits(), f)
            }
        }

        impl core::fmt::Debug for $name {
            /// As `Display`, with a point always; with an exponent below 10^-5 and from 10^16 on.
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                $crate::decimal::fmt_debug(Self::FORMAT, self.code_bits(), f)
            }
        }

        impl core::fmt::LowerExp for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                $crate::decimal::fmt_exponent(Self::FORMAT, self.code_bits(), "e", f)
            }
        }

        impl core::fmt::UpperExp for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                $crate::decimal::fmt_exponent(Self::FORMAT, self.code_bits(), "E", f)
            }
        }

        $crate::types::row::format_code!($name, LowerHex, UpperHex, Binary, Octal);
    };
}

/// Formats the code.
macro_rules! format_code {
    ($name:ident, $($trait:ident),+) => {$(
        impl core::fmt::$trait for $name {
            /// The code.
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                core::fmt::$trait::fmt(&self.to_bits(), f)
            }
        }
    )+};
}

pub(super) use {format_code, newtype};
