//! Wide integers to narrow ones.

use fewbit_formats::{
    Excerpt, Format, InfinityPolicy, IntFormat, IntRange, NanPolicy, Overflow, Policy, Rounding,
    Signedness,
};
use ndarray::{ArrayD, ArrayViewD, arr0};
use serde::{Deserialize, Serialize};

use crate::quantize::quantization::Quantization;
use crate::quantize::statistic::Statistic;
use crate::quantize::{QuantizeError, ScaleRule};
use crate::reference::quantize::{clamp, round};
use crate::tensor::{AnyQuantTensor, Granularity, TensorError};

/// How many low bits go.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum TruncationScale {
    /// All that the narrow format lacks: a shift by `input bits - bits`.
    Msb,
    /// As many as a percentile of the magnitudes of the integers needs: a power of two, rounded up, between none and all
    /// that the narrow format lacks.
    Percentile {
        /// The percentile.
        high: f64,
    },
}

/// A wide integer's high bits.
///
/// ```text
/// q = ties_even(x / scale + zero point)       the integer that x stands for
/// code = clamp(round(q / step))               step = 2^(input bits - bits), or less
/// value = (code - zero point / step) * (scale * step)
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Truncation {
    /// Bits of the result.
    pub bits: u32,
    /// How what is cut off counts: `down` truncates.
    #[serde(with = "crate::quantize::text")]
    pub rounding: Rounding,
    /// How much is cut off.
    pub step: TruncationScale,
    /// The scale of what is truncated; it must be given.
    #[serde(default)]
    pub input_scale: Option<f32>,
    /// Its zero point.
    #[serde(default)]
    pub input_zero_point: f32,
    /// Its width; it must be given.
    #[serde(default)]
    pub input_bits: Option<u32>,
    /// Whether it has a sign, and so the result.
    pub input_signed: bool,
}

impl Truncation {
    pub(super) fn check(&self) -> Result<(), QuantizeError> {
        let bits = |what, bits: u32| {
            if (2..=32).contains(&bits) {
                return Ok(());
            }
            Err(QuantizeError::Number { what, value: bits.into(), expected: "2 to 32 bits" })
        };
        bits("the width of a truncation", self.bits)?;
        self.input_bits.map_or(Ok(()), |n| bits("the width of the truncated integers", n))
    }

    pub(super) fn quantize(&self, x: &ArrayViewD<'_, f32>) -> Result<Quantization, QuantizeError> {
        self.check()?;
        let (Some(input_scale), Some(input_bits)) = (self.input_scale, self.input_bits) else {
            return Err(QuantizeError::Missing {
                what: "what is truncated",
                remedy: "set `input_scale` and `input_bits`, and `input_zero_point` and `input_signed` if need be",
            });
        };
        if x.is_empty() {
            return Err(TensorError::Empty { shape: x.shape().to_vec() }.into());
        }
        let signedness = if self.input_signed { Signedness::Signed } else { Signedness::Unsigned };
        let int = IntFormat::new(self.bits, signedness, IntRange::Full, Excerpt::new("truncation"))
            .map_err(|error| QuantizeError::Description(error.to_string()))?;
        let format = Format::Int(int);
        let integers = x.mapv(|x| (x / input_scale + self.input_zero_point).round_ties_even());
        let all = 2f32.powi(input_bits as i32 - self.bits as i32);
        let step = match &self.step {
            TruncationScale::Msb => all,
            TruncationScale::Percentile { high } => {
                let rule = ScaleRule::percentile(*high)
                    .power_of_two(Rounding::Up)
                    .with_floor(crate::quantize::ScaleFloor::Collected(1e-10));
                let elements: Vec<f32> = integers.iter().copied().collect();
                let statistic = Statistic::AbsPercentile { high: *high }.of(&elements)?;
                let needed = rule.finish(arr0(statistic).into_dyn(), format)?[[]];
                clamp(needed, all.min(1.0), all.max(1.0))
            }
        };
        let (low, high) = (int.min() as f32, int.max() as f32);
        let (scale, zero_point) = (input_scale * step, self.input_zero_point / step);
        let rounded = integers.mapv(|q| clamp(round(q / step, self.rounding, 0), low, high));
        let policy = Policy::new(Rounding::TiesEven, Overflow::Saturate)
            .with_nan(NanPolicy::Zero)
            .with_infinity(InfinityPolicy::AsOverflow);
        let mut codes = Vec::with_capacity(rounded.len());
        for (index, q) in rounded.indexed_iter() {
            let index: ndarray::IxDyn = index;
            let found = format.encode(*q, &policy, 0).map_err(|source| QuantizeError::Encode {
                index: ndarray::Dimension::slice(&index).to_vec(),
                source,
            })?;
            codes.push(found.code);
        }
        let codes: ArrayD<u32> = crate::tensor::array(x.shape(), codes)?;
        let zero = (zero_point != 0.0).then(|| arr0(zero_point).into_dyn());
        let tensor = AnyQuantTensor::new(
            format,
            &codes.view(),
            arr0(scale).into_dyn(),
            zero,
            Granularity::Tensor,
        )?;
        Ok(Quantization { tensor, values: rounded.mapv(|q| (q - zero_point) * scale) })
    }
}
