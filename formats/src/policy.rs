//! What an encoder does where the mathematics leaves a choice: every axis is a named value.

use crate::named::named_enum;
use crate::rounding::Rounding;

named_enum! {
    /// What becomes of a rounded value beyond the largest one of the format.
    "overflow policy" =>
    pub enum Overflow {
        /// The largest value of that sign; 0 for a negative value in an unsigned format. `AP_SAT`.
        Saturate = "saturate" | "sat" | "AP_SAT" | "AC_SAT",
        /// Infinity, else NaN, else as `saturate`; whatever the rounding mode.
        Special = "special" | "nonsaturating",
        /// IEEE 754, 7.4: the rounding mode chooses between infinity (or what stands for it under `special`) and the
        /// largest value; a directed mode never steps past it in the wrong direction.
        Ieee = "ieee",
        /// P3109 SatNone: as `ieee`, but the largest value where the format has no infinity; NaN for a negative value
        /// in an unsigned format.
        SatNone = "sat-none" | "satnone",
        /// Modulo 2^bits. Integers and fixed point. `AP_WRAP`.
        Wrap = "wrap" | "AP_WRAP" | "AC_WRAP",
        /// Folded back from the ends: modulo 2^bits with the other bits inverted where the sign bit disagrees with
        /// the lowest bit cut off. Signed integers and fixed point; unsigned as `wrap`. `AP_WRAP_SM`.
        WrapSignMagnitude = "wrap-sm" | "AP_WRAP_SM",
        /// As `saturate`, to a range symmetric about zero. `AP_SAT_SYM`.
        SaturateSymmetric = "saturate-symmetric" | "sat-sym" | "AP_SAT_SYM" | "AC_SAT_SYM",
        /// Zero. `AP_SAT_ZERO`.
        Zero = "zero" | "AP_SAT_ZERO" | "AC_SAT_ZERO",
    }
}

named_enum! {
    /// What becomes of a NaN where the format has none.
    "NaN policy" =>
    pub enum NanPolicy {
        /// An error.
        Error = "error",
        /// Positive zero.
        Zero = "zero",
        /// Negative zero; zero where the format has no negative one.
        NegativeZero = "negative-zero",
        /// As ml_dtypes 0.5: a positive NaN becomes -0, a negative one +0.
        MlDtypes = "ml-dtypes" | "ml_dtypes",
        /// The largest value, as NVIDIA's saturating conversions to FP6 and FP4 and RISC-V's to integers.
        Largest = "largest",
        /// The smallest value, as x86's conversions to integers.
        Smallest = "smallest",
    }
}

named_enum! {
    /// The sign of a NaN in a format that has one with either sign.
    "NaN sign policy" =>
    pub enum NanSign {
        /// The sign of the NaN given.
        Keep = "keep",
        /// Positive.
        Positive = "positive",
    }
}

named_enum! {
    /// The fraction of a NaN in a format that has several.
    "NaN payload policy" =>
    pub enum NanPayload {
        /// The quiet bit alone: the first bit of the fraction.
        Canonical = "canonical",
        /// Every bit of the fraction, as NVIDIA's conversions.
        AllOnes = "all-ones",
        /// The leading bits of the payload given and the quiet bit, as x86's and Arm's conversions.
        Truncate = "truncate",
    }
}

named_enum! {
    /// What becomes of an infinity given to the encoder.
    "infinity policy" =>
    pub enum InfinityPolicy {
        /// It is a value too large: the overflow policy decides.
        AsOverflow = "as-overflow",
        /// Infinity where the format has one, else the overflow policy decides. P3109 SatPropagate.
        Keep = "keep",
        /// NaN, as Brevitas' quantizers; the NaN policy decides where the format has none.
        Nan = "nan",
        /// An error.
        Error = "error",
    }
}

named_enum! {
    /// The sign of a zero result.
    "zero sign policy" =>
    pub enum ZeroSign {
        /// The sign of the value given, where the format has a negative zero.
        Keep = "keep",
        /// Positive.
        Positive = "positive",
    }
}

named_enum! {
    /// Whether a value that is subnormal in the type it comes from counts as zero ("denormals are zero").
    "subnormal input policy" =>
    pub enum SubnormalInput {
        /// It is taken as it is.
        Keep = "keep",
        /// It counts as zero of its sign.
        Flush = "flush",
    }
}

named_enum! {
    /// Whether a result below the smallest normal value of the format counts as zero ("flush to zero").
    "subnormal output policy" =>
    pub enum SubnormalOutput {
        /// Gradual underflow: subnormal codes are used.
        Keep = "keep",
        /// Zero if the value is below the smallest normal one before rounding, as Arm.
        FlushBefore = "flush-before",
        /// Zero if the value is below the smallest normal one after rounding to the format's precision, as x86.
        FlushAfter = "flush-after" | "flush",
    }
}

impl Overflow {
    /// Whether the policy looks at the low bits of a value too large.
    pub(crate) const fn wraps(self) -> bool {
        matches!(self, Self::Wrap | Self::WrapSignMagnitude)
    }
}

/// One choice per axis.
///
/// ```
/// use fewbit_formats::{Format, NanPolicy, Overflow, Policy, Rounding};
/// let policy = Policy::new(Rounding::TowardZero, Overflow::Saturate).with_nan(NanPolicy::Zero);
/// assert_eq!(Format::E2M1FN.encode(2.9f32, &policy, 0).unwrap().code, 0x4); // 2
/// assert_eq!(Format::E2M1FN.encode(f32::NAN, &policy, 0).unwrap().code, 0x0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Policy {
    /// Between two codes.
    pub rounding: Rounding,
    /// Beyond the last code.
    pub overflow: Overflow,
    /// NaN where the format has none.
    pub nan: NanPolicy,
    /// The sign of a NaN.
    pub nan_sign: NanSign,
    /// The fraction of a NaN.
    pub nan_payload: NanPayload,
    /// Infinity in.
    pub infinity: InfinityPolicy,
    /// The sign of a zero.
    pub zero_sign: ZeroSign,
    /// Subnormal in.
    pub subnormal_input: SubnormalInput,
    /// Subnormal out.
    pub subnormal_output: SubnormalOutput,
}

impl Policy {
    /// The given rounding and overflow; on the other axes the choice that keeps most of the value: a NaN stays a NaN of
    /// its sign with the canonical payload, and is an error where the format has none; infinity overflows; zeros keep
    /// their sign; subnormals are kept in and out.
    #[must_use]
    pub const fn new(rounding: Rounding, overflow: Overflow) -> Self {
        Self {
            rounding,
            overflow,
            nan: NanPolicy::Error,
            nan_sign: NanSign::Keep,
            nan_payload: NanPayload::Canonical,
            infinity: InfinityPolicy::AsOverflow,
            zero_sign: ZeroSign::Keep,
            subnormal_input: SubnormalInput::Keep,
            subnormal_output: SubnormalOutput::Keep,
        }
    }

    /// With another rounding mode.
    #[must_use]
    pub const fn with_rounding(self, rounding: Rounding) -> Self {
        Self { rounding, ..self }
    }

    /// With another overflow policy.
    #[must_use]
    pub const fn with_overflow(self, overflow: Overflow) -> Self {
        Self { overflow, ..self }
    }

    /// With another policy for NaN where the format has none.
    #[must_use]
    pub const fn with_nan(self, nan: NanPolicy) -> Self {
        Self { nan, ..self }
    }

    /// With another sign of NaN.
    #[must_use]
    pub const fn with_nan_sign(self, nan_sign: NanSign) -> Self {
        Self { nan_sign, ..self }
    }

    /// With another payload of NaN.
    #[must_use]
    pub const fn with_nan_payload(self, nan_payload: NanPayload) -> Self {
        Self { nan_payload, ..self }
    }

    /// With another policy for infinities.
    #[must_use]
    pub const fn with_infinity(self, infinity: InfinityPolicy) -> Self {
        Self { infinity, ..self }
    }

    /// With another sign of zero.
    #[must_use]
    pub const fn with_zero_sign(self, zero_sign: ZeroSign) -> Self {
        Self { zero_sign, ..self }
    }

    /// With another policy for subnormals given to the encoder.
    #[must_use]
    pub const fn with_subnormal_input(self, subnormal_input: SubnormalInput) -> Self {
        Self { subnormal_input, ..self }
    }

    /// With another policy for subnormal results.
    #[must_use]
    pub const fn with_subnormal_output(self, subnormal_output: SubnormalOutput) -> Self {
        Self { subnormal_output, ..self }
    }
}
