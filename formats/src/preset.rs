//! Policies of known stacks, under their names.
//!
//! A preset says what a stack of a stated version does with a value and with the scale of a block. Where a stack's
//! behaviour depends on the format, so does the policy. The disagreements that are left are told in `docs/formats.md`.

use crate::format::Format;
use crate::named::{Excerpt, UnknownName};
use crate::policy::{InfinityPolicy, NanPayload, NanPolicy, NanSign, Overflow, Policy};
use crate::rounding::Rounding;
use crate::scale::{
    BlockMaximum, ExponentRule, InfiniteBlock, LeastScale, ScaleArithmetic, ScalePolicy, ZeroBlock,
};
use core::fmt;
use core::str::FromStr;

/// A named set of policies.
#[derive(Clone, Copy, Debug)]
pub struct PolicyPreset {
    /// The name: a stack and a version.
    pub name: &'static str,
    /// What it follows.
    pub description: &'static str,
    /// Where it is known to differ from what it follows; empty if nowhere.
    pub differs: &'static str,
    policy: fn(Format) -> Policy,
    /// The scale of a block.
    pub scale: ScalePolicy,
}

impl PolicyPreset {
    /// Every preset.
    #[must_use]
    pub const fn all() -> &'static [Self] {
        PRESETS
    }

    /// What the stack does when it converts to `format`.
    #[must_use]
    pub fn policy(&self, format: Format) -> Policy {
        (self.policy)(format)
    }
}

impl PartialEq for PolicyPreset {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for PolicyPreset {}

impl fmt::Display for PolicyPreset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name)
    }
}

impl FromStr for PolicyPreset {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = PRESETS.iter().find(|preset| preset.name.eq_ignore_ascii_case(text));
        known.copied().ok_or(UnknownName {
            kind: "preset",
            found: Excerpt::new(text),
            expected: NAMES,
        })
    }
}

impl Policy {
    /// What every front end does where nothing is asked for: to nearest with ties to even, saturating; NaN in a float format
    /// without one becomes a zero as in ml_dtypes, and is refused by other formats.
    ///
    /// ```
    /// use fewbit_formats::{Format, Policy};
    /// let policy = Policy::default_of(Format::E2M1FN);
    /// assert_eq!(Format::E2M1FN.encode(100.0f32, &policy, 0).unwrap().code, 0b0_11_1); // 6
    /// assert!(Format::INT4.encode(f32::NAN, &Policy::default_of(Format::INT4), 0).is_err());
    /// ```
    #[must_use]
    pub const fn default_of(format: Format) -> Self {
        match format {
            Format::Float(_) => SATURATE.with_nan(NanPolicy::MlDtypes),
            _ => SATURATE,
        }
    }
}

const SATURATE: Policy = Policy::new(Rounding::TiesEven, Overflow::Saturate);
const SPECIAL: Policy = Policy::new(Rounding::TiesEven, Overflow::Special);
const FLOOR: ScalePolicy = ScalePolicy::new(ExponentRule::Floor);

/// Declares each preset once, and the list of their names.
macro_rules! presets {
    ($($name:literal = $description:literal, $policy:expr, $scale:expr, $differs:literal;)+) => {
        const PRESETS: &[PolicyPreset] = &[$(PolicyPreset {
            name: $name,
            description: $description,
            differs: $differs,
            policy: $policy,
            scale: $scale,
        }),+];

        const NAMES: &str = crate::named::join!($($name),+);
    };
}

presets! {
    "ocp-1.0" = "OCP OFP8 and MX 1.0: nearest even, saturating, floor scales; -2 of MXINT8 left unused",
        |format| symmetric_mxint8(SATURATE.with_nan(NanPolicy::MlDtypes), format),
        FLOOR,
        "NaN in FP6 and FP4 and the scales of all-zero, infinite and NaN blocks are open in the text; chosen here: \
         ml_dtypes' zeros, 2^-127, NaN, NaN";
    "ocp-1.0-nonsaturating" = "OCP OFP8's other mode: overflow to infinity, else to NaN",
        |_| SPECIAL.with_nan(NanPolicy::MlDtypes),
        FLOOR,
        "";
    "ieee-754" = "IEEE 754-2019 conversions: the rounding mode decides about overflow",
        |_| Policy::new(Rounding::TiesEven, Overflow::Ieee).with_nan_payload(NanPayload::Truncate),
        FLOOR,
        "";
    "ml_dtypes-0.5" = "ml_dtypes 0.5 from f32: nearest even, to infinity, else to NaN, else to the largest value; integers toward zero, \
         wrapping",
        |format| {
            let policy = match format {
                Format::E8M0FNU => SPECIAL.with_rounding(Rounding::TiesAway),
                Format::Int(_) => C_CAST,
                _ => SPECIAL,
            };
            policy.with_nan(NanPolicy::MlDtypes)
        },
        ScalePolicy::new(ExponentRule::NearestAway),
        "e8m0fnu of f32 values between 2^-127 and 2^-126, which ml_dtypes rounds up; f64, which ml_dtypes rounds twice; \
         integers of infinities, which become 0; e5m3fnu (ml_dtypes 0.7) of negative values that round to zero, which become NaN";
    "hifloat8" = "HiFloat8 as its paper's round-half-away and en_dtypes 0.0.4 convert: nearest, ties away, to infinity",
        |_| SPECIAL.with_rounding(Rounding::TiesAway),
        FLOOR,
        "";
    "fouroversix-1.0" = "the package of Four Over Six, 1.0.5: NVFP4 whose block maximum is 6 or 4, by mse",
        |_| SATURATE.with_nan(NanPolicy::MlDtypes),
        FLOOR
            .with_arithmetic(ScaleArithmetic::F32Encode)
            .with_zero_block(ZeroBlock::Zero)
            .with_maximum(BlockMaximum::Mse),
        "blocks whose two errors are equal but for the order of a sum in f32; errors are summed in f64 and in order here";
    "hifloat4" = "HiF4 as its paper's reference code converts from f32: bf16 reciprocals, ties away",
        |format| match format {
            Format::E1M2 => SATURATE.with_rounding(Rounding::TiesAway),
            _ => SATURATE,
        },
        FLOOR.with_arithmetic(ScaleArithmetic::Bf16Reciprocal),
        "quotients just below an eighth, to which the reference code adds one half in f32, which carries them over; \
         blocks with infinities, which are NaN here and saturate there";
    "torch-2.8" = "PyTorch 2.8 on the CPU, eager: nearest even, overflow to infinity or NaN; integers toward zero, wrapping",
        torch,
        FLOOR,
        "e8m0fnu, whose cast drops the sign, takes zero to 2^-127, and rounds up between 2^-127 and 2^-126; NaN in \
         bf16, which depends on where in the tensor it stands";
    "torchao-0.13-floor" = "torchao 0.13 to_mx, FLOOR", |_| TORCHAO, torchao(ExponentRule::Floor), "";
    "torchao-0.13-ceil" = "torchao 0.13 to_mx, CEIL", |_| TORCHAO, torchao(ExponentRule::Ceil), "";
    "torchao-0.13-even" = "torchao 0.13 to_mx, EVEN", |_| TORCHAO, torchao(ExponentRule::Even), "";
    "torchao-0.13-rceil" = "torchao 0.13 to_mx, RCEIL",
        |_| TORCHAO,
        torchao(ExponentRule::Rceil)
            .with_arithmetic(ScaleArithmetic::F32Divide)
            .with_infinite_block(InfiniteBlock::Largest),
        "amax just above the element's largest value times a power of two, where torchao's f32 log2 loses the step";
    "brevitas-0.12" = "Brevitas 0.12 quantizers: nearest even, saturating, infinity to NaN, floor scales",
        |_| SATURATE.with_infinity(InfinityPolicy::Nan).with_nan(NanPolicy::Error),
        FLOOR,
        "Brevitas' scales are floats: not bound to E8M0's range, at least 1e-10, and off by a binade where its \
         floating-point log2 is";
    "nvidia-cvt-satfinite" = "PTX cvt.rn.satfinite to FP8, FP6 and FP4",
        |_| {
            SATURATE
                .with_nan(NanPolicy::Largest)
                .with_nan_sign(NanSign::Positive)
                .with_nan_payload(NanPayload::AllOnes)
        },
        ScalePolicy::new(ExponentRule::Rceil)
            .with_arithmetic(ScaleArithmetic::F32Reciprocal)
            .with_infinite_block(InfiniteBlock::Largest),
        "";
    "nvidia-nvfp4" = "NVFP4 as Transformer Engine computes it: f32 reciprocals, e4m3fn scales down to zero",
        |_| SATURATE.with_nan(NanPolicy::Largest).with_nan_sign(NanSign::Positive),
        ScalePolicy::new(ExponentRule::Rceil)
            .with_arithmetic(ScaleArithmetic::F32Reciprocal)
            .with_zero_block(ZeroBlock::Zero)
            .with_infinite_block(InfiniteBlock::Largest),
        "Not confirmed on the hardware. Its sources have divided by 6 and multiplied by 1/6, and computed the element's \
         factor as S_enc / s and as 1 / (s / S_enc); followed here: amax * (S_enc * (1/6)) and 1 / (s * (1/S_enc)). A \
         tensor of zeros gets outer scale 0 instead of 1; blocks with NaN or infinity do not take part in the outer scale";
    "torchao-0.13-nvfp4" = "torchao 0.13 nvfp4_quantize: f32 quotients, e4m3fn scales of at least 2^-6",
        |_| SATURATE.with_nan(NanPolicy::MlDtypes),
        ScalePolicy::new(ExponentRule::Rceil)
            .with_arithmetic(ScaleArithmetic::F32Divide)
            .with_zero_block(ZeroBlock::Zero)
            .with_least(LeastScale::SmallestNormal),
        "blocks with NaN or infinity, which spoil torchao's per-tensor scale; a tensor of zeros, whose per-tensor scale \
         torchao divides by";
    "microxcaling-1.1" = "microxcaling 1.1 in its default: elements to nearest, ties away from zero, floor scales",
        |format| {
            let policy = SATURATE.with_rounding(Rounding::TiesAway).with_nan(NanPolicy::Zero);
            symmetric_mxint8(policy, format)
        },
        FLOOR,
        "not compared with the library, which PyPI does not have. It returns values and no codes; its f32 log2 is a \
         binade too high just below large powers of two; the exponent of a block of zeros is counted from 2^-126";
    "p3109" = "P3109 draft of June 2026: nearest even, SatNone",
        |_| Policy::new(Rounding::TiesEven, Overflow::SatNone),
        FLOOR,
        "P3109's own scales are not divided by the element's largest value";
    "p3109-satfinite" = "P3109 draft of June 2026: nearest even, SatFinite",
        |_| SATURATE,
        FLOOR,
        "as p3109";
    "p3109-satpropagate" = "P3109 draft of June 2026: nearest even, SatPropagate",
        |_| SATURATE.with_infinity(InfinityPolicy::Keep),
        FLOOR,
        "as p3109";
    "riscv" = "RISC-V conversions: one NaN, positive; integers saturate, NaN to the largest",
        |_| {
            Policy::new(Rounding::TiesEven, Overflow::Ieee)
                .with_nan(NanPolicy::Largest)
                .with_nan_sign(NanSign::Positive)
        },
        FLOOR,
        "";
    "hls" = "Vitis HLS ap_fixed without arguments: AP_TRN, AP_WRAP",
        |format| match format {
            Format::Int(_) | Format::Fixed(_) => Policy::new(Rounding::Down, Overflow::Wrap),
            _ => SATURATE,
        },
        FLOOR,
        "";
}

/// MXINT8's largest magnitude is 1 63/64 on both sides.
const fn symmetric_mxint8(policy: Policy, format: Format) -> Policy {
    match format {
        Format::Fixed(_) => policy.with_overflow(Overflow::SaturateSymmetric),
        _ => policy,
    }
}

/// torchao clamps in f32 before it casts; NaN elements stay NaN in FP8.
const TORCHAO: Policy = SATURATE.with_nan(NanPolicy::MlDtypes);

const fn torchao(rule: ExponentRule) -> ScalePolicy {
    ScalePolicy::new(rule).with_infinite_block(InfiniteBlock::AsExponent)
}

/// PyTorch's casts fill the fraction of a NaN in FP8, and leave f16 to the processor, which keeps the payload.
fn torch(format: Format) -> Policy {
    match format {
        Format::E5M2 => SPECIAL.with_nan_payload(NanPayload::AllOnes),
        Format::F16 => SPECIAL.with_nan_payload(NanPayload::Truncate),
        Format::E8M0FNU => SPECIAL.with_rounding(Rounding::TiesAway),
        Format::Int(_) => C_CAST.with_nan(NanPolicy::Zero),
        _ => SPECIAL,
    }
}

/// C's conversion of a float to an integer as processors do it within 32 bits, then cut to the width.
const C_CAST: Policy = Policy::new(Rounding::TowardZero, Overflow::Wrap);
