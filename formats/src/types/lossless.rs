//! Conversions between types that keep every value.

use super::*;

/// Declares from which type to which there is a `From`.
macro_rules! lossless {
    ($( $from:ident => $($to:ident)+; )+) => {
        $($(
            impl From<$from> for $to {
                /// Exact, for every value, infinities and the sign of zero included; NaN becomes NaN.
                fn from(x: $from) -> Self {
                    Self::from_real(x.to_real())
                }
            }
        )+)+

        /// The conversions that keep every value, each of which is a `From`: from the first format to the second.
        pub const LOSSLESS: &[(Format, Format)] = &[$($( ($from::FORMAT, $to::FORMAT) ),+),+];
    };
}

lossless! {
    E4M3FN => BF16 F16 TF32;
    E5M2 => BF16 F16 TF32;
    E4M3 => BF16 F16 TF32;
    E3M4 => BF16 F16 TF32;
    E4M3FNUZ => BF16 F16 TF32 Posit16 Posit32 Takum16;
    E5M2FNUZ => BF16 F16 TF32 Posit16 Posit32 Takum16;
    E4M3B11FNUZ => BF16 F16 TF32 Posit16 Posit32 Takum16;
    E3M2FN => E4M3FN E5M2 E4M3 BF16 F16 TF32;
    E2M3FN => E4M3FN E4M3 E3M4 BF16 F16 TF32;
    E2M1FN => E4M3FN E5M2 E4M3 E3M4 E3M2FN E2M3FN BF16 F16 TF32;
    E8M0FNU => BF16 TF32 Takum16;
    E4M3FNU => E4M3FN E5M3FNU BF16 F16 TF32 Posit16 Posit32 Takum16;
    E5M3FNU => BF16 TF32 Posit16 Posit32 Takum16;
    BF16 => TF32;
    F16 => TF32;
    Binary8P4SE => BF16 F16 TF32;
    Binary8P3SE => BF16 F16 TF32;
    Posit8 => BF16 TF32 Posit16 Posit32 Takum16;
    Posit16 => Posit32;
    Takum8 => Takum16;
}
