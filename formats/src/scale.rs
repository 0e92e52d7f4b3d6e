//! The scale of a block of values: one power of two, as E8M0 codes it.
//!
//! The OCP MX specification asks for `X = 2^(floor(log2 amax) - emax)`, where `amax` is the largest magnitude of the block
//! and `emax` the exponent of the element's largest value; it leaves all-zero, infinite and NaN blocks open. Other stacks
//! round otherwise, to keep `amax` from being clamped. Every one of these choices is a named value here.

use crate::format::Format;
use crate::named::named_enum;
use crate::policy::{Overflow, Policy};
use crate::real::{Class, Real};
use crate::rounding::Rounding;

named_enum! {
    /// How the largest magnitude of a block becomes a power of two.
    "scale rule" =>
    pub enum ExponentRule {
        /// `floor(log2 amax) - emax`: the OCP MX text. Elements up to twice the power below the largest value clamp.
        Floor = "floor",
        /// `ceil(log2 amax) - emax`: nothing clamps.
        Ceil = "ceil",
        /// `floor(log2 r) - emax`, where `r` is `amax` rounded to the element's precision, a tie up (despite the name).
        Even = "even",
        /// `ceil(log2(amax / max))`: the smallest power of two with which nothing clamps. NVIDIA, cuBLAS.
        Rceil = "rceil",
        /// The power of two nearest to `amax / max`; a tie to the even E8M0 code.
        Nearest = "nearest",
        /// The power of two nearest to `amax / max`; a tie to the greater one, as ml_dtypes 0.5 casts to E8M0.
        NearestAway = "nearest-away",
    }
}

named_enum! {
    /// How a value is divided by a scale, and `amax` by the element's largest value.
    "scale arithmetic" =>
    pub enum ScaleArithmetic {
        /// Without rounding.
        Exact = "exact",
        /// In `f32`: one division.
        F32Divide = "f32-divide",
        /// In `f32`: a reciprocal, then a multiplication; rounded twice.
        F32Reciprocal = "f32-reciprocal",
        /// In `f32`: a magnitude is divided by the largest element, then multiplied by the inverse of the outer scale; an
        /// element is multiplied by a reciprocal. The package of Four Over Six.
        F32Encode = "f32-encode",
        /// In `f32` times a reciprocal in `bf16`; what becomes a scale is rounded to `bf16` too. HiF4.
        Bf16Reciprocal = "bf16-reciprocal",
    }
}

named_enum! {
    /// The scale of a block of zeros.
    "zero block policy" =>
    pub enum ZeroBlock {
        /// The smallest above zero: for E8M0 2^-127, code 0.
        Smallest = "smallest",
        /// 1, code 127.
        One = "one",
        /// Zero, where the scale's format has one; else the smallest.
        Zero = "zero",
    }
}

named_enum! {
    /// Which element the largest magnitude of a block is brought to, where scales are not powers of two alone: the largest
    /// one, or the greatest power of two among the elements (6 or 4 in e2m1fn, whose elements lie far apart near 6).
    ///
    /// A rule that looks at both takes the one with the smaller error of the values, and the largest element where errors are
    /// equal. Its outer scales leave room: the largest block scale counts as the greatest power of two of its format (256
    /// and not 448 in e4m3fn). Source: Cook et al., "Four Over Six", arXiv 2512.02010.
    "block maximum" =>
    pub enum BlockMaximum {
        /// The largest element.
        Static6 = "static-6" | "static_6",
        /// The greatest power of two.
        Static4 = "static-4" | "static_4",
        /// The one with the smaller sum of squared errors.
        Mse = "mse",
        /// The one with the smaller sum of absolute errors.
        Mae = "mae",
        /// The one with the smaller largest absolute error.
        AbsMax = "abs-max" | "abs_max",
    }
}

impl BlockMaximum {
    /// Whether the rule looks at both.
    #[must_use]
    pub const fn is_adaptive(self) -> bool {
        matches!(self, Self::Mse | Self::Mae | Self::AbsMax)
    }
}

named_enum! {
    /// The least scale of a block, in a format whose scales are not powers of two; a lesser one is raised to it.
    "least scale policy" =>
    pub enum LeastScale {
        /// Whatever the format has, zero too: a block far below the others then vanishes.
        Any = "any",
        /// The smallest value above zero.
        SmallestPositive = "smallest-positive",
        /// The smallest normal value: 2^-6 in e4m3fn. torchao's NVFP4.
        SmallestNormal = "smallest-normal",
    }
}

named_enum! {
    /// The scale of a block that holds a NaN.
    "NaN block policy" =>
    pub enum NanBlock {
        /// NaN, code 255: every value of the block is NaN.
        Propagate = "propagate",
        /// That of the other values; each NaN is left to the element's policy.
        Ignore = "ignore",
        /// An error.
        Error = "error",
    }
}

named_enum! {
    /// The scale of a block that holds an infinity but no NaN.
    "infinite block policy" =>
    pub enum InfiniteBlock {
        /// NaN, code 255.
        Nan = "nan",
        /// As if infinity were 2^128, its exponent field read as that of a number.
        AsExponent = "as-exponent",
        /// The largest: 2^127, code 254.
        Largest = "largest",
        /// That of the finite values; each infinity is left to the element's policy.
        Ignore = "ignore",
        /// An error.
        Error = "error",
    }
}

/// Every choice in the scale of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ScalePolicy {
    /// From the largest magnitude to a power of two.
    pub rule: ExponentRule,
    /// Quotients.
    pub arithmetic: ScaleArithmetic,
    /// Nothing but zeros.
    pub zero_block: ZeroBlock,
    /// A NaN.
    pub nan_block: NanBlock,
    /// An infinity.
    pub infinite_block: InfiniteBlock,
    /// The least scale.
    pub least: LeastScale,
    /// The element that the largest magnitude becomes.
    pub maximum: BlockMaximum,
}

/// The E8M0 code of NaN.
const NAN_CODE: u8 = 255;
/// Exponents below and above every scale's, for quotients that were rounded to zero or infinity.
const BELOW: i32 = -1 << 20;
const ABOVE: i32 = 1 << 20;
/// The bias of E8M0.
const BIAS: i32 = 127;

impl ScalePolicy {
    /// The rule given; exact quotients; the smallest scale for zeros; NaN for NaN and for infinity; any scale else, that of
    /// the largest element.
    #[must_use]
    pub const fn new(rule: ExponentRule) -> Self {
        Self {
            rule,
            arithmetic: ScaleArithmetic::Exact,
            zero_block: ZeroBlock::Smallest,
            nan_block: NanBlock::Propagate,
            infinite_block: InfiniteBlock::Nan,
            least: LeastScale::Any,
            maximum: BlockMaximum::Static6,
        }
    }

    /// With another arithmetic.
    #[must_use]
    pub const fn with_arithmetic(self, arithmetic: ScaleArithmetic) -> Self {
        Self { arithmetic, ..self }
    }

    /// With another policy for blocks with an infinity.
    #[must_use]
    pub const fn with_infinite_block(self, infinite_block: InfiniteBlock) -> Self {
        Self { infinite_block, ..self }
    }

    /// With another policy for blocks with a NaN.
    #[must_use]
    pub const fn with_nan_block(self, nan_block: NanBlock) -> Self {
        Self { nan_block, ..self }
    }

    /// With another scale for blocks of zeros.
    #[must_use]
    pub const fn with_zero_block(self, zero_block: ZeroBlock) -> Self {
        Self { zero_block, ..self }
    }

    /// With another least scale.
    #[must_use]
    pub const fn with_least(self, least: LeastScale) -> Self {
        Self { least, ..self }
    }

    /// With another element that the largest magnitude becomes.
    #[must_use]
    pub const fn with_maximum(self, maximum: BlockMaximum) -> Self {
        Self { maximum, ..self }
    }

    /// The E8M0 code of the scale of a block of `element`s whose largest magnitude is `amax`, which is infinite or NaN if
    /// a value that the policy does not ignore is.
    ///
    /// `None` where the policy calls for an error, or is `Ignore` and should not have let such an `amax` come here.
    ///
    /// ```
    /// use fewbit_formats::{Format, ScalePolicy, ExponentRule};
    /// let code = |rule, amax| ScalePolicy::new(rule).e8m0(amax, Format::E2M1FN).unwrap();
    /// // 7 = 1.75 * 2^2, and e2m1fn reaches 6 = 1.5 * 2^2.
    /// assert_eq!(code(ExponentRule::Floor, 7.0), 127); // 2^0: 7 clamps to 6
    /// assert_eq!(code(ExponentRule::Ceil, 7.0), 128); // 2^1: 7 becomes 3.5
    /// assert_eq!(code(ExponentRule::Rceil, 6.0), 127); // 6 fits as it is
    /// assert_eq!(code(ExponentRule::Ceil, 6.0), 128);
    /// ```
    #[must_use]
    pub const fn e8m0(self, amax: f32, element: Format) -> Option<u8> {
        let amax = Real::from_f32(amax);
        let exponent = match amax.class() {
            Class::Zero => match self.zero_block {
                ZeroBlock::Smallest | ZeroBlock::Zero => -BIAS,
                ZeroBlock::One => 0,
            },
            Class::Nan => match self.nan_block {
                NanBlock::Propagate => return Some(NAN_CODE),
                NanBlock::Ignore | NanBlock::Error => return None,
            },
            Class::Infinite => match self.infinite_block {
                InfiniteBlock::Nan => return Some(NAN_CODE),
                InfiniteBlock::AsExponent => BIAS + 1 - largest_exponent(element),
                InfiniteBlock::Largest => BIAS,
                InfiniteBlock::Ignore | InfiniteBlock::Error => return None,
            },
            Class::Subnormal | Class::Normal => self.rule.exponent(amax, element, self.arithmetic),
        };
        Some((clamp(exponent, -BIAS, BIAS) + BIAS) as u8)
    }
}

impl ExponentRule {
    /// The exponent of the scale, before E8M0's range is looked at, for a finite `amax` other than zero.
    #[must_use]
    pub const fn exponent(self, amax: Real, element: Format, arithmetic: ScaleArithmetic) -> i32 {
        let emax = largest_exponent(element);
        match self {
            Self::Floor => amax.exponent() - emax,
            Self::Ceil => ceil_log2(amax) - emax,
            Self::Even => {
                let shift = 63 - precision(element);
                let rounded = Rounding::TiesAway.round(0, amax.significand(), shift, false, 0);
                let carry = (rounded.whole >> (precision(element) + 1)) as i32;
                amax.exponent() + carry - emax
            }
            Self::Rceil => {
                ceil_log2(arithmetic.quotient(amax, Real::from_f64(element.max_finite())))
            }
            Self::Nearest | Self::NearestAway => {
                let ratio = arithmetic.quotient(amax, Real::from_f64(element.max_finite()));
                let rounding = match self {
                    Self::Nearest => Rounding::TiesEven,
                    _ => Rounding::TiesAway,
                };
                nearest_log2(ratio, rounding)
            }
        }
    }
}

impl ScaleArithmetic {
    /// `x / scale` for a finite `x` and a finite positive `scale`, both of them `f32`s where the arithmetic is.
    ///
    /// The exact quotient is cut as [`Real::from_scaled`] cuts: every rounding of it is that of the exact one.
    #[must_use]
    pub const fn quotient(self, x: Real, scale: Real) -> Real {
        match self {
            Self::Exact => exact_quotient(x, scale),
            Self::F32Divide => Real::from_f32(to_f32(x) / to_f32(scale)),
            Self::F32Reciprocal | Self::F32Encode => {
                Real::from_f32(to_f32(x) * (1.0 / to_f32(scale)))
            }
            Self::Bf16Reciprocal => Real::from_f32(to_f32(x) * to_bf16(1.0 / to_f32(scale))),
        }
    }
}

/// The quotient of two finite values; infinite where the second is zero, even if the first is.
pub(crate) const fn exact_quotient(x: Real, y: Real) -> Real {
    match y.class() {
        Class::Zero => Real::infinity(x.is_negative() != y.is_negative()),
        _ => x.quotient(y).value,
    }
}

/// The nearest `f32`.
pub(crate) const fn to_f32(x: Real) -> f32 {
    const NEAREST: Policy = Policy::new(Rounding::TiesEven, Overflow::Ieee);
    match Format::F32.encode_real(x, &NEAREST, 0) {
        Ok(encoded) => f32::from_bits(encoded.code),
        Err(_) => f32::NAN,
    }
}

/// The nearest `bf16`, as an `f32`.
pub(crate) const fn to_bf16(x: f32) -> f32 {
    const NEAREST: Policy = Policy::new(Rounding::TiesEven, Overflow::Ieee);
    match Format::BF16.encode_real(Real::from_f32(x), &NEAREST, 0) {
        Ok(encoded) => f32::from_bits(encoded.code << 16),
        Err(_) => f32::NAN,
    }
}

/// `ceil(log2 x)` of a positive value.
const fn ceil_log2(x: Real) -> i32 {
    match x.class() {
        Class::Zero => BELOW,
        Class::Infinite => ABOVE,
        _ => x.exponent() + (x.significand() != 1 << 63) as i32,
    }
}

/// The exponent of the power of two nearest to a positive value.
const fn nearest_log2(x: Real, rounding: Rounding) -> i32 {
    match x.class() {
        Class::Zero => BELOW,
        Class::Infinite => ABOVE,
        _ => {
            // Counted as E8M0's codes are, for their parity.
            let code = (x.exponent() + BIAS) as i64;
            rounding.round(code - 1, x.significand(), 63, false, 0).whole as i32 - BIAS
        }
    }
}

/// `floor(log2 max)` of an element format.
const fn largest_exponent(element: Format) -> i32 {
    Real::from_f64(element.max_finite()).exponent()
}

/// Digits behind the leading one of an element's largest value.
const fn precision(element: Format) -> u32 {
    match element {
        Format::Float(float) => float.fraction_bits(),
        other => {
            let trailing = Real::from_f64(other.max_finite()).significand().trailing_zeros();
            63 - trailing
        }
    }
}

const fn clamp(x: i32, least: i32, most: i32) -> i32 {
    if x < least {
        least
    } else if x > most {
        most
    } else {
        x
    }
}
