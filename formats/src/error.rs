//! A format that cannot be.

use crate::named::Excerpt;

/// A format that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// The name is none of the table's and follows none of the patterns.
    #[error(
        "unknown format `{0}`: expected a name such as e4m3fn, bf16, int4, uint8, int8n, binary, ternary, fix8.4, \
         posit16, takum16, hif8 or binary8p4se, or a custom float e<X>m<Y>[b<bias>][fn|fnuz|fin][u]"
    )]
    Unknown(Excerpt),
    /// More bits than a code can have, or none.
    #[error("`{name}` has {bits} bits: expected {least} to 32")]
    Width {
        /// The format asked for.
        name: Excerpt,
        /// Its width.
        bits: u32,
        /// The smallest width of this kind of format.
        least: u32,
    },
    /// A float with too few or too many exponent bits.
    #[error("`{name}` has {bits} exponent bits: expected 1 to 11")]
    ExponentWidth {
        /// The format asked for.
        name: Excerpt,
        /// Its exponent bits.
        bits: u32,
    },
    /// An IEEE-like float without a fraction cannot tell infinity from NaN.
    #[error(
        "`{0}` has no fraction bits to tell infinity from NaN: add one of the suffixes fn, fnuz or fin, or a fraction bit"
    )]
    NoFraction(Excerpt),
    /// NaN at negative zero needs a sign.
    #[error(
        "`{0}` puts NaN at negative zero, which an unsigned format does not have: use fn or fin"
    )]
    UnsignedFnuz(Excerpt),
    /// A value of the format is not an `f64`.
    #[error(
        "`{name}` holds values from 2^{smallest} to below 2^{largest}: both must lie within 2^-1074 and 2^1024, the range of f64"
    )]
    Range {
        /// The format asked for.
        name: Excerpt,
        /// `floor(log2)` of the smallest positive value.
        smallest: i32,
        /// `floor(log2)` of the largest value, plus one.
        largest: i32,
    },
    /// A P3109 format with a precision that does not fit its width.
    #[error(
        "`{name}` has precision {precision} in {bits} bits: expected {bits} from 3 to 16, precision from 1 to {most}"
    )]
    Precision {
        /// The format asked for.
        name: Excerpt,
        /// Its width.
        bits: u32,
        /// Its precision.
        precision: u32,
        /// The largest precision of that width.
        most: u32,
    },
}
