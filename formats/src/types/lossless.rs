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
    E2M1FN => E4M3FN;
}
