//! The numbers of TFLite's integer softmax.

use std::fmt;
use std::str::FromStr;

use super::error::FunctionError;
use crate::requantize::{Excess, RequantizePolicy};

/// The integers of a softmax: probabilities in units of 2^-8 or 2^-16, from the type's least value on.
///
/// ```
/// use fewbit::functions::SoftmaxOutput;
/// assert_eq!(SoftmaxOutput::ALL.map(SoftmaxOutput::name), ["int8", "uint8", "int16"]);
/// assert_eq!(SoftmaxOutput::Int8.range(), (-128, 127));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum SoftmaxOutput {
    /// 2^-8 each, zero point -128.
    Int8,
    /// 2^-8 each, zero point 0.
    Uint8,
    /// 2^-16 each, zero point -32768.
    Int16,
}

impl SoftmaxOutput {
    /// Every value.
    pub const ALL: [Self; 3] = [Self::Int8, Self::Uint8, Self::Int16];

    /// The name of the type.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Int8 => "int8",
            Self::Uint8 => "uint8",
            Self::Int16 => "int16",
        }
    }

    /// Bits of the type.
    #[must_use]
    pub const fn bits(self) -> u32 {
        match self {
            Self::Int8 | Self::Uint8 => 8,
            Self::Int16 => 16,
        }
    }

    /// The least and the greatest value; the least one stands for 0.
    #[must_use]
    pub const fn range(self) -> (i32, i32) {
        match self {
            Self::Int8 => (-128, 127),
            Self::Uint8 => (0, 255),
            Self::Int16 => (-32768, 32767),
        }
    }
}

impl fmt::Display for SoftmaxOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for SoftmaxOutput {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|output| output.name() == text);
        found.ok_or_else(|| {
            format!("`{text}` is no output of a softmax: expected int8, uint8 or int16")
        })
    }
}

/// TFLite's softmax of 8-bit integers: how differences to the greatest element become the exponential's fixed point.
///
/// [`reference::functions::softmax_tflite`](crate::reference::functions::softmax_tflite) computes it. The rules are those of
/// `PreprocessSoftmaxScaling` and `CalculateInputRadius` in `tensorflow/lite/kernels/internal/quantization_util.cc`.
///
/// ```
/// use fewbit::functions::{SoftmaxOutput, TfliteSoftmax};
/// // 1/16 * 2^26 = 0.5 * 2^23: a difference of 1 is 2^22 in units of 2^-26.
/// let softmax = TfliteSoftmax::new(1.0, 0.0625, SoftmaxOutput::Int8)?;
/// assert_eq!((softmax.multiplier(), softmax.left_shift()), (1 << 30, 23));
/// assert_eq!(softmax.least_difference(), -248); // 31 * 2^26 / 2^23
/// # Ok::<(), fewbit::functions::FunctionError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TfliteSoftmax {
    multiplier: i32,
    left_shift: i32,
    least_difference: i32,
    output: SoftmaxOutput,
}

impl TfliteSoftmax {
    /// Integer bits of the exponential's input, Q5.26.
    pub(crate) const INTEGER_BITS: u32 = 5;

    /// Of real factors: inputs are in units of `scale`, and multiplied with `beta` before the exponential.
    ///
    /// `beta * scale * 2^26`, in f64 and at most `2^31 - 1`, becomes multiplier and shift by `QuantizeMultiplier`
    /// ([`RequantizePolicy::derive`]); differences below `-floor(31 * 2^26 / 2^shift)` count as 0.
    ///
    /// # Errors
    /// `beta` or `scale` that is not above 0 and finite; a product of at most 2^-26, for which TFLite has no shift.
    pub fn new(beta: f64, scale: f64, output: SoftmaxOutput) -> Result<Self, FunctionError> {
        for (what, value) in [("beta", beta), ("input scale", scale)] {
            if !(value > 0.0 && value.is_finite()) {
                let expected = "above 0 and finite";
                return Err(FunctionError::Number { what, value, expected });
            }
        }
        let unit = f64::from(1u32 << (31 - Self::INTEGER_BITS));
        let factor = (beta * scale * unit).min(f64::from(i32::MAX));
        let outside = || FunctionError::Number {
            what: "product of beta and input scale",
            value: beta * scale,
            expected: "above 2^-26",
        };
        // TFLite aborts at 1 and below.
        if factor <= 1.0 {
            return Err(outside());
        }
        let (multiplier, left_shift) = match RequantizePolicy::Gemmlowp(Excess::Wrap).derive(factor)
        {
            Ok(derived) => (derived.multiplier, derived.shift),
            // From 2^30 on the shift is 31, which is one more than requantization has.
            Err(_) => (factor.round() as i32, 31),
        };
        let radius = 31.0 * unit / f64::from(left_shift).exp2();
        let least_difference = -(radius.floor() as i32);
        Ok(Self { multiplier, left_shift, least_difference, output })
    }

    /// Of the numbers themselves.
    ///
    /// # Errors
    /// A negative multiplier, a shift outside of 0 to 31, a least difference above 0.
    pub fn from_numbers(
        multiplier: i32,
        left_shift: i32,
        least_difference: i32,
        output: SoftmaxOutput,
    ) -> Result<Self, FunctionError> {
        let within = |what, value: i32, least: i32, most: i32| {
            if (least..=most).contains(&value) {
                return Ok(());
            }
            let (value, least, most) = (value.into(), least.into(), most.into());
            Err(FunctionError::Integer { what, value, least, most })
        };
        within("multiplier", multiplier, 0, i32::MAX)?;
        within("left shift", left_shift, 0, 31)?;
        within("least difference", least_difference, i32::MIN, 0)?;
        Ok(Self { multiplier, left_shift, least_difference, output })
    }

    /// The multiplier, in units of 2^-31.
    #[must_use]
    pub const fn multiplier(&self) -> i32 {
        self.multiplier
    }

    /// The shift to the left.
    #[must_use]
    pub const fn left_shift(&self) -> i32 {
        self.left_shift
    }

    /// The least difference to the greatest element that counts (`diff_min`), at most 0.
    #[must_use]
    pub const fn least_difference(&self) -> i32 {
        self.least_difference
    }

    /// The integers of the result.
    #[must_use]
    pub const fn output(&self) -> SoftmaxOutput {
        self.output
    }
}
