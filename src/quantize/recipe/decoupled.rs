//! Weight normalisation and accumulator-aware quantization of given weights.
//!
//! What training would learn is here what Brevitas initialises it with: the scale from the largest magnitude, the norm
//! from the weights. So this is the quantizer before the first step of training, which keeps A2Q's guarantee.

use std::borrow::Cow;

use fewbit_formats::{Format, IntFormat, NanPolicy, Overflow, Policy, Rounding};
use ndarray::ArrayViewD;
use serde::{Deserialize, Serialize};

use crate::accumulate::bounds::{DataType, Sign};
use crate::quantize::execute::Run;
use crate::quantize::quantization::Quantization;
use crate::quantize::scale::at_least;
use crate::quantize::statistic::abs_max;
use crate::quantize::{Centring, QuantizeError, Scheme, a2q};
use crate::reference::log2::log2;
use crate::reference::quantize::{clamp, round};
use crate::reference::torch;
use crate::tensor::{AnyQuantTensor, Arrangement, Granularity, TensorError};

/// What a channel is divided by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Normalization {
    /// `scale |w|_2 / g`, with `g = 2^(log2 |w|_2)`.
    L2,
    /// `|w|_1 / min(g / scale, T)`, with `g = 2^(log2 |w|_1)`: codes whose sum of magnitudes is at most `T` cannot
    /// overflow an accumulator of `P` bits on inputs of `N` bits.
    Accumulator {
        /// `P`.
        bits: u32,
        /// `N`; it must be given.
        input_bits: Option<u32>,
        /// Whether inputs have a sign.
        input_signed: bool,
        /// A2Q or A2Q+.
        zero_centre: Centring,
    },
}

/// Weights that are divided by one scale per channel and multiplied with another one.
///
/// ```text
/// scale = 2^(log2(max |w| / max code))        code = clamp(round(w / divisor))        value = code * scale
/// ```
/// A2Q+ adds `-mean(w) / divisor` before rounding. Channels are the indices of the first axis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decoupled {
    /// The format, a signed integer.
    #[serde(with = "crate::quantize::text")]
    pub format: Format,
    /// How a quotient is rounded: toward zero where a norm is bounded.
    #[serde(with = "crate::quantize::text")]
    pub rounding: Rounding,
    /// What a channel is divided by.
    pub normalization: Normalization,
    /// The least scale.
    pub floor: f32,
}

impl Decoupled {
    fn int(&self) -> Result<IntFormat, QuantizeError> {
        match self.format {
            Format::Int(int) if int.is_signed() => Ok(int),
            other => Err(QuantizeError::Description(format!(
                "`format` of a decoupled quantizer is {other}: expected a signed integer such as int8n"
            ))),
        }
    }

    pub(super) fn check(&self) -> Result<(), QuantizeError> {
        self.int()?;
        let number = |what, value: f64, good: bool, expected| {
            if good { Ok(()) } else { Err(QuantizeError::Number { what, value, expected }) }
        };
        let floor = f64::from(self.floor);
        number("the least scale", floor, floor > 0.0 && floor.is_finite(), "a positive number")?;
        if let Normalization::Accumulator { bits, input_bits, .. } = self.normalization {
            let good = (2..=64).contains(&bits);
            number("the accumulator's width", bits.into(), good, "2 to 64 bits")?;
            let n = input_bits.unwrap_or(8);
            number("the inputs' width", n.into(), (1..=32).contains(&n), "1 to 32 bits")?;
            if self.rounding != Rounding::TowardZero {
                return Err(QuantizeError::Description(format!(
                    "`rounding` is {}: expected toward-zero, since any other could raise the norm that is bounded",
                    self.rounding
                )));
            }
        }
        Ok(())
    }

    /// The largest sum of magnitudes.
    fn bound(&self) -> Result<f32, QuantizeError> {
        let Normalization::Accumulator { bits, input_bits, input_signed, zero_centre } =
            self.normalization
        else {
            return Ok(f32::INFINITY);
        };
        let n = input_bits.ok_or(QuantizeError::Missing {
            what: "the inputs' width",
            remedy: "set `input_bits`, and `input_signed` if they have a sign",
        })?;
        let sign = if input_signed { Sign::Signed } else { Sign::Unsigned };
        Ok(a2q::published_budget(bits, DataType { bits: n, sign }, zero_centre))
    }

    /// Scales and norms of all channels, each kept as a logarithm. Only the scale has a least value, so a channel of zeros has
    /// norm 0, and its values are NaN.
    fn learned(&self, channels: &[&[f32]], most: f32) -> Vec<(f32, f32)> {
        let through_logarithms =
            |numbers: Vec<f32>| torch::exp2(&numbers.into_iter().map(log2).collect::<Vec<f32>>());
        let each =
            |of: &dyn Fn(&[f32]) -> f32| channels.iter().map(|w| of(w)).collect::<Vec<f32>>();
        let norm = |w: &[f32]| match self.normalization {
            Normalization::L2 => torch::l2_norm(w),
            Normalization::Accumulator { .. } => torch::l1_norm(w),
        };
        let scales = through_logarithms(each(&|w| abs_max(w) / most));
        let scales = scales.into_iter().map(|scale| at_least(scale, self.floor));
        scales.zip(through_logarithms(each(&norm))).collect()
    }

    /// A channel in units of its scale, not yet rounded.
    fn normalized(&self, w: &[f32], (scale, norm): (f32, f32), bound: f32) -> Vec<f32> {
        match self.normalization {
            Normalization::L2 => {
                let divisor = (scale * torch::l2_norm(w)) / norm;
                w.iter().map(|w| w / divisor).collect()
            }
            // The learned norm begins with that of the weights as they are.
            Normalization::Accumulator { zero_centre, .. } => {
                a2q::brevitas(w, norm / scale, bound, zero_centre)
            }
        }
    }

    pub(super) fn quantize(&self, x: &ArrayViewD<'_, f32>) -> Result<Quantization, QuantizeError> {
        self.check()?;
        if x.is_empty() {
            return Err(TensorError::Empty { shape: x.shape().to_vec() }.into());
        }
        let (int, bound) = (self.int()?, self.bound()?);
        let (low, high) = (int.min() as f32, int.max() as f32);
        let most = 2f32.powi(int.bits() as i32 - 1) - 1.0;
        let granularity = Granularity::Channel { axis: 0 };
        let arrangement = Arrangement::new(x.shape(), granularity)?;
        let elements = arrangement.arrange(x.view());
        let (mut codes, mut scales) = (Vec::with_capacity(elements.len()), Vec::new());
        let channels: Vec<&[f32]> = arrangement.split(&elements).collect();
        for (w, learned) in channels.iter().zip(self.learned(&channels, most)) {
            let code = |exact: f32| clamp(round(exact, self.rounding, 0), low, high);
            codes.extend(self.normalized(w, learned, bound).into_iter().map(code));
            scales.push(learned.0);
        }
        // The codes are whole numbers, so what is left is to write them down.
        let scheme = Scheme::new(self.format).with_granularity(granularity);
        let policy = Policy::new(Rounding::TiesEven, Overflow::Saturate).with_nan(NanPolicy::Zero);
        let ones = vec![1.0; scales.len()];
        let run = Run {
            arrangement: &arrangement,
            scale: Cow::Owned(ones),
            zero_point: None,
            scheme: &scheme,
            policy,
            seed: 0,
            first_group: 0,
        };
        let stored = arrangement.restore(run.encode::<u32>(&codes)?)?;
        let scale = arrangement.restore_scales(scales.clone())?;
        let tensor = AnyQuantTensor::new(self.format, &stored.view(), scale, None, granularity)?;
        let mut values = codes;
        let rows = values.chunks_mut(arrangement.length.max(1)).zip(&scales);
        rows.for_each(|(row, scale)| row.iter_mut().for_each(|code| *code *= scale));
        Ok(Quantization { tensor, values: arrangement.restore(values)? })
    }
}
