//! The rules that stacks scale an accumulator's value by.

use fewbit_formats::Rounding;

/// What becomes of an intermediate value that 32 bits do not hold.
///
/// ```
/// use fewbit::requantize::Excess;
/// assert_eq!(Excess::ALL.map(Excess::name), ["wrap", "saturate", "refuse"]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Excess {
    /// Its low 32 bits, as two's complement: what a C cast does on every machine.
    Wrap,
    /// The nearest end of the range.
    Saturate,
    /// An error that names the value.
    Refuse,
}

impl Excess {
    /// Every value.
    pub const ALL: [Self; 3] = [Self::Wrap, Self::Saturate, Self::Refuse];

    /// The suffix of a policy's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Wrap => "wrap",
            Self::Saturate => "saturate",
            Self::Refuse => "refuse",
        }
    }
}

/// How an accumulator's value is scaled. `x` is the value (with its bias), `m` the multiplier, `s` the shift of the
/// stack's own convention; `floor` rounds toward negative infinity, as an arithmetic shift to the right does.
///
/// Where a policy has an [`Excess`], its name may end in `-wrap`, `-saturate` or `-refuse`; without, it is
/// [`RequantizePolicy::default_excess`], what the stack itself does.
///
/// ```
/// use fewbit::requantize::{Excess, RequantizePolicy};
/// let policy: RequantizePolicy = "gemmlowp-saturate".parse()?;
/// assert_eq!(policy, RequantizePolicy::Gemmlowp(Excess::Saturate));
/// assert_eq!("gemmlowp-wrap".parse::<RequantizePolicy>()?.to_string(), "gemmlowp");
/// assert_eq!("shift-rne".parse::<RequantizePolicy>()?.to_string(), "shift-ties-even");
/// # Ok::<(), fewbit::requantize::RequantizeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RequantizePolicy {
    /// `tosa32`: TOSA 1.0 `apply_scale_32` in SINGLE_ROUND, `floor((x m + 2^(s-1)) / 2^s)`.
    ///
    /// `0 <= m`, `2 <= s <= 62`. The specification requires `-2^(s-1) <= x < 2^(s-1)`, after which the result fits 32
    /// bits: that is `-refuse`, the default; `-wrap` takes every 32-bit `x` and the low bits of the result, as MLIR's
    /// lowering.
    Tosa32(Excess),
    /// `tosa32-double`: the same in DOUBLE_ROUND. For `s > 31` the sum starts from `2^(s-1) + 2^30` where `x >= 0`, from
    /// `2^(s-1) - 2^30` elsewhere.
    Tosa32Double(Excess),
    /// `tosa16`: TOSA 1.0 `apply_scale_16`. `x` has 48 bits, `0 <= m < 2^15`, `2 <= s <= 62`; a result beyond 32 bits is
    /// refused by default.
    Tosa16(Excess),
    /// `gemmlowp`: gemmlowp and TFLite's default. With `l = max(s, 0)` and `r = max(-s, 0)`: `x 2^l` in 32 bits (it
    /// wraps by default), `SaturatingRoundingDoublingHighMul` by `m`, which is `floor((x 2^l m + 2^30) / 2^31)` but for
    /// the one product that saturates, (-2^31)^2; then `RoundingDivideByPOT` by `2^r`, ties away from zero.
    /// `-31 <= s <= 30`.
    Gemmlowp(Excess),
    /// `tflite-single`: TFLite with `TFLITE_SINGLE_ROUNDING`, `floor((x m + 2^(30-s)) / 2^(31-s))`. `0 <= m`,
    /// `-31 <= s <= 30`; a result beyond 32 bits wraps by default.
    TfliteSingle(Excess),
    /// `tflite16`: TFLite's 64-bit `MultiplyByQuantizedMultiplier` of int16 layers. `x` has 48 bits, the multiplier is
    /// cut to 16, `m' = floor((m + 2^15) / 2^16)`, at most `2^15 - 1`; `floor((x m' + 2^(14-s)) / 2^(15-s))`. `0 <= m`,
    /// `-31 <= s <= 7`; a result beyond 32 bits wraps by default.
    Tflite16(Excess),
    /// `cmsis`: CMSIS-NN's `arm_nn_requantize`, as [`Self::Gemmlowp`], but with `arm_nn_doubling_high_mult_no_sat`, whose
    /// result for (-2^31)^2 wraps to -2^31. At `s = -31` C leaves its division undefined (CMSIS-NN#114); here it is what
    /// two's complement gives, and the formula.
    Cmsis(Excess),
    /// `cmsis-single`: CMSIS-NN with `CMSIS_NN_USE_SINGLE_ROUNDING`: `t = floor(x m / 2^(30-s))` in 32 bits (it wraps by
    /// default), then `floor((t + 1) / 2)`. `-31 <= s <= 30`.
    CmsisSingle(Excess),
    /// `ruy`: as [`Self::Gemmlowp`], the last division with ties up (`SQRDMULH`, then a rounding shift of Arm).
    Ruy(Excess),
    /// `onnx`: ONNX Runtime's `MlasRequantizeOutput`, of QLinearMatMul and QLinearConv: `x` to f32, times a scale in f32,
    /// clamped to the output's range less the zero point, rounded to the nearest, ties to even; the zero point is added
    /// last. The output saturates.
    Onnx,
    /// `exact-<rounding>`: the exact product of `x` and a scale, rounded once.
    Exact(Rounding),
    /// `shift-<rounding>`: `x / 2^s`, rounded once; `0 <= s <= 62`.
    Shift(Rounding),
    /// `finn`: FINN+'s `Requant`, `clip(round(x scale + bias))`: `x` to f32, a product and a sum in f32, each rounded;
    /// ties to even. The output saturates.
    Finn,
    /// `thresholds`: FINN's `MultiThreshold`, `out_scale n + out_bias` where `n` thresholds `t` have `x >= t`.
    Thresholds,
}

/// What the numbers of a policy are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ScaleKind {
    /// A multiplier and a shift.
    MultiplierShift,
    /// A shift to the right.
    Shift,
    /// A scale in f32.
    Float,
    /// A scale in f64, taken exactly.
    Exact,
    /// A scale and a bias in f32.
    Affine,
    /// Thresholds.
    Thresholds,
}

impl ScaleKind {
    /// In words.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::MultiplierShift => "a multiplier and a shift",
            Self::Shift => "a shift",
            Self::Float => "a float32 scale",
            Self::Exact => "a scale",
            Self::Affine => "a float32 scale and bias",
            Self::Thresholds => "thresholds",
        }
    }
}

impl RequantizePolicy {
    /// What its numbers are.
    ///
    /// ```
    /// use fewbit::requantize::{RequantizePolicy, ScaleKind};
    /// assert_eq!(RequantizePolicy::Onnx.kind(), ScaleKind::Float);
    /// ```
    #[must_use]
    pub const fn kind(self) -> ScaleKind {
        match self {
            Self::Shift(_) => ScaleKind::Shift,
            Self::Onnx => ScaleKind::Float,
            Self::Exact(_) => ScaleKind::Exact,
            Self::Finn => ScaleKind::Affine,
            Self::Thresholds => ScaleKind::Thresholds,
            _ => ScaleKind::MultiplierShift,
        }
    }

    /// What the policy does with an intermediate value that 32 bits do not hold, where it has a choice.
    #[must_use]
    pub const fn excess(self) -> Option<Excess> {
        match self {
            Self::Tosa32(excess)
            | Self::Tosa32Double(excess)
            | Self::Tosa16(excess)
            | Self::Gemmlowp(excess)
            | Self::TfliteSingle(excess)
            | Self::Tflite16(excess)
            | Self::Cmsis(excess)
            | Self::CmsisSingle(excess)
            | Self::Ruy(excess) => Some(excess),
            _ => None,
        }
    }

    /// What the stack itself does with one: TOSA's text requires that there is none, C wraps.
    #[must_use]
    pub const fn default_excess(self) -> Excess {
        match self {
            Self::Tosa32(_) | Self::Tosa32Double(_) | Self::Tosa16(_) => Excess::Refuse,
            _ => Excess::Wrap,
        }
    }

    /// The least and the greatest value that it takes, bias included: 32 bits, 48 where the stack has them, and 64 for
    /// `exact`, `shift` and `thresholds`.
    ///
    /// ```
    /// use fewbit::requantize::{Excess, RequantizePolicy};
    /// assert_eq!(RequantizePolicy::Onnx.value_range(), (-(1 << 31), (1 << 31) - 1));
    /// assert_eq!(RequantizePolicy::Tosa16(Excess::Refuse).value_range(), (-(1 << 47), (1 << 47) - 1));
    /// ```
    #[must_use]
    pub const fn value_range(self) -> (i64, i64) {
        match self {
            Self::Exact(_) | Self::Shift(_) | Self::Thresholds => (i64::MIN, i64::MAX),
            Self::Tosa16(_) | Self::Tflite16(_) => (-(1 << 47), (1 << 47) - 1),
            _ => (i32::MIN as i64, i32::MAX as i64),
        }
    }

    /// The least and the greatest shift, in the stack's own convention; `None` where there is none.
    ///
    /// ```
    /// use fewbit::requantize::{Excess, RequantizePolicy};
    /// assert_eq!(RequantizePolicy::Tosa32(Excess::Refuse).shift_range(), Some((2, 62)));
    /// assert_eq!(RequantizePolicy::Gemmlowp(Excess::Wrap).shift_range(), Some((-31, 30)));
    /// ```
    #[must_use]
    pub const fn shift_range(self) -> Option<(i32, i32)> {
        match self {
            Self::Tosa32(_) | Self::Tosa32Double(_) | Self::Tosa16(_) => Some((2, 62)),
            Self::Tflite16(_) => Some((-31, 7)),
            Self::Shift(_) => Some((0, 62)),
            _ if self.excess().is_some() => Some((-31, 30)),
            _ => None,
        }
    }

    /// The least and the greatest multiplier; `None` where there is none.
    #[must_use]
    pub const fn multiplier_range(self) -> Option<(i32, i32)> {
        match self {
            Self::Tosa16(_) => Some((0, i16::MAX as i32)),
            Self::Tosa32(_) | Self::Tosa32Double(_) | Self::TfliteSingle(_) | Self::Tflite16(_) => {
                Some((0, i32::MAX))
            }
            _ if self.excess().is_some() => Some((i32::MIN, i32::MAX)),
            _ => None,
        }
    }
}
