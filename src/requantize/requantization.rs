//! A policy with all of its numbers.

use fewbit_formats::{IntFormat, IntRange, Overflow};

use super::error::RequantizeError;
use super::parameters::{PerChannel, ScaleParameters};
use super::policy::RequantizePolicy;

/// Beyond this no scale makes sense, and the exact product with 64 bits stays far within 128.
const SCALES_BELOW: f64 = 2_147_483_648.0;

/// A policy with its numbers, a bias, a zero point and the format of the output: all that an output is determined by.
/// Everything was checked; only values can still be refused.
///
/// ```
/// use fewbit::formats::Format;
/// use fewbit::reference::requantize::element;
/// use fewbit::requantize::{PerChannel, Requantization, ScaleParameters};
///
/// let Format::Int(uint8) = Format::UINT8 else { unreachable!() };
/// let scales = ScaleParameters::Float(PerChannel::Channels(vec![0.5, 0.25]));
/// let job = Requantization::new("onnx".parse()?, scales, uint8)?
///     .with_bias(PerChannel::Tensor(100))?
///     .with_zero_point(3)?;
/// assert_eq!(element(&job, 0, 10)?, 58); // 110 * 0.5 + 3
/// assert_eq!(element(&job, 1, 10)?, 31); // 110 * 0.25 = 27.5, to the even 28; + 3
/// assert_eq!(element(&job, 2, -1000)?, 0); // channel 0 again; saturated
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Requantization {
    policy: RequantizePolicy,
    scale: ScaleParameters,
    bias: Option<PerChannel<i64>>,
    zero_point: i64,
    format: IntFormat,
    overflow: Overflow,
    seed: u64,
}

impl Requantization {
    /// A policy with its numbers and an output that saturates; no bias, zero point 0, seed 0.
    ///
    /// # Errors
    /// Numbers of another kind or out of the policy's ranges; lists of channels of different lengths, or of none.
    pub fn new(
        policy: RequantizePolicy,
        scale: ScaleParameters,
        format: IntFormat,
    ) -> Result<Self, RequantizeError> {
        check_numbers(policy, &scale)?;
        let overflow = Overflow::Saturate;
        let job = Self { policy, scale, bias: None, zero_point: 0, format, overflow, seed: 0 };
        job.check_channels()?;
        Ok(job)
    }

    /// With a bias, in units of the accumulator: it is added exactly to each value before it is scaled.
    ///
    /// # Errors
    /// Another number of channels than that of the other numbers.
    pub fn with_bias(self, bias: PerChannel<i64>) -> Result<Self, RequantizeError> {
        let job = Self { bias: Some(bias), ..self };
        job.check_channels()?;
        Ok(job)
    }

    /// With a zero point, in units of the output: it is added exactly to the scaled value, before the output's range.
    ///
    /// # Errors
    /// One that the output's format does not have.
    pub fn with_zero_point(self, zero_point: i64) -> Result<Self, RequantizeError> {
        let format = self.format;
        if zero_point < format.min() || zero_point > format.max() {
            return Err(RequantizeError::ZeroPoint { zero_point, format });
        }
        Ok(Self { zero_point, ..self })
    }

    /// With another overflow policy of the output.
    ///
    /// # Errors
    /// Other than `saturate` for `onnx` and `finn`, which clamp before they leave floats; one that wraps in a narrow range.
    pub fn with_overflow(self, overflow: Overflow) -> Result<Self, RequantizeError> {
        let clamps = matches!(self.policy, RequantizePolicy::Onnx | RequantizePolicy::Finn);
        let wraps = matches!(overflow, Overflow::Wrap | Overflow::WrapSignMagnitude);
        if clamps && overflow != Overflow::Saturate
            || wraps && self.format.range() == IntRange::Narrow
        {
            let (policy, format) = (self.policy, self.format);
            return Err(RequantizeError::Overflow { policy, format, overflow });
        }
        Ok(Self { overflow, ..self })
    }

    /// With another seed of a stochastic rounding mode; an element's random bits depend on it and on the element's
    /// row-major index alone.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// The policy.
    #[must_use]
    pub fn policy(&self) -> RequantizePolicy {
        self.policy
    }

    /// Its numbers.
    #[must_use]
    pub fn scale(&self) -> &ScaleParameters {
        &self.scale
    }

    /// The bias before the scale.
    #[must_use]
    pub fn bias(&self) -> Option<&PerChannel<i64>> {
        self.bias.as_ref()
    }

    /// The zero point.
    #[must_use]
    pub fn zero_point(&self) -> i64 {
        self.zero_point
    }

    /// The output's format.
    #[must_use]
    pub fn format(&self) -> IntFormat {
        self.format
    }

    /// What becomes of an output beyond the format.
    #[must_use]
    pub fn overflow(&self) -> Overflow {
        self.overflow
    }

    /// The seed of a stochastic rounding mode.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The channels that its lists have; `None` where every number is for all.
    #[must_use]
    pub fn channels(&self) -> Option<usize> {
        let bias = self.bias.as_ref().and_then(PerChannel::channels);
        self.scale.lists().iter().find_map(|(_, channels)| *channels).or(bias)
    }

    /// Refuses lists of different lengths, and of none.
    fn check_channels(&self) -> Result<(), RequantizeError> {
        let bias = ("bias", self.bias.as_ref().and_then(PerChannel::channels));
        let mut first = None;
        for (what, channels) in self.scale.lists().into_iter().chain([bias]) {
            let Some(found) = channels else { continue };
            let expected = *first.get_or_insert(found);
            if found == 0 || found != expected {
                let expected = if found == 0 { "1 or more".into() } else { expected.to_string() };
                return Err(RequantizeError::Channels { what, found, expected });
            }
        }
        Ok(())
    }
}

/// Refuses numbers of another kind and those out of range.
fn check_numbers(policy: RequantizePolicy, scale: &ScaleParameters) -> Result<(), RequantizeError> {
    let (expected, found) = (policy.kind().description(), scale.kind().description());
    if policy.kind() != scale.kind() {
        return Err(RequantizeError::Kind { policy, expected, found });
    }
    let check_shift = |list: &PerChannel<i32>| {
        let Some((least, most)) = policy.shift_range() else { return Ok(()) };
        match list.iter().enumerate().find(|(_, shift)| !(least..=most).contains(*shift)) {
            None => Ok(()),
            Some((channel, &shift)) => {
                Err(RequantizeError::Shift { policy, channel, shift, least, most })
            }
        }
    };
    let check_scale = |list: &PerChannel<f64>, expected, suits: fn(f64) -> bool| match list
        .iter()
        .enumerate()
        .find(|(_, scale)| !suits(**scale))
    {
        None => Ok(()),
        Some((channel, &scale)) => Err(RequantizeError::Scale { policy, channel, scale, expected }),
    };
    let wide = |list: &PerChannel<f32>| list.map(|&x| f64::from(x));
    match scale {
        ScaleParameters::MultiplierShift { multiplier, shift } => {
            let Some((least, most)) = policy.multiplier_range() else { return Ok(()) };
            let beyond = multiplier.iter().enumerate().find(|(_, m)| !(least..=most).contains(*m));
            if let Some((channel, &multiplier)) = beyond {
                return Err(RequantizeError::Multiplier {
                    policy,
                    channel,
                    multiplier,
                    least,
                    most,
                });
            }
            check_shift(shift)
        }
        ScaleParameters::Shift(shift) => check_shift(shift),
        ScaleParameters::Float(scale) => {
            check_scale(&wide(scale), "positive and finite in float32", |x| {
                x > 0.0 && x.is_finite()
            })
        }
        ScaleParameters::Exact(scale) => {
            let expected = "finite and below 2^31 in magnitude";
            check_scale(scale, expected, |x| x.abs() < SCALES_BELOW)
        }
        ScaleParameters::Affine { scale, bias } => {
            check_scale(&wide(scale), "finite in float32", f64::is_finite)?;
            check_scale(&wide(bias), "finite in float32", f64::is_finite)
        }
        ScaleParameters::Thresholds { .. } => Ok(()),
    }
}
