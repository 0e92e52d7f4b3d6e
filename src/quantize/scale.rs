//! How the scale of a group is chosen.

use fewbit_formats::{Format, Rounding};
use ndarray::ArrayD;
use serde::{Deserialize, Serialize};

use super::log2::{powers_of_two, round_log2_exact};
use super::search::{HqoScale, MseSearch};
use super::{GroupScales, QuantizeError, Quantizer, Statistic};
use crate::reference;
use crate::reference::log2::{exp2_integer, log2};

/// Where the number that a scale is made of comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum ScaleSource {
    /// A statistic of the group.
    Statistic(Statistic),
    /// The same number for every group: what the threshold of the format is to stand for.
    Constant(f32),
    /// `sqrt(2 / fan_in)`, `fan_in` the number of elements of one index of the first axis (He et al., 2015).
    He,
    /// What a calibration has collected, or a learned parameter, of the shape of the granularity, in the place of the
    /// statistic.
    Collected(#[serde(with = "super::text::array")] ArrayD<f32>),
    /// As [`ScaleSource::Collected`], given as its base-2 logarithm.
    Logarithm(#[serde(with = "super::text::array")] ArrayD<f32>),
    /// The scales themselves, of the shape of the granularity; threshold, restriction and floor are not applied.
    Given(#[serde(with = "super::text::array")] ArrayD<f32>),
    /// Codes of a group format, found as its policy says: threshold, restriction and floor are not applied.
    Codes(GroupScales),
    /// The fraction of a statistic with the least squared error.
    Mse(MseSearch),
    /// Half-quadratic optimisation from a statistic.
    Hqo(HqoScale),
}

/// What a scale may be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Restriction {
    /// Any f32.
    Float,
    /// `2^(log2 x)`: the number that a parameter kept as a logarithm stands for. Logarithm and power are each rounded to
    /// f32.
    LogFloat,
    /// The nearest whole number in this direction.
    Integer(#[serde(with = "super::text")] Rounding),
    /// `2^round(log2 x)`, with `log2 x` first rounded to f32 and then to a whole number.
    ///
    /// Just below a power of two the f32 logarithm is the whole number itself, so `down` gives that power of two
    /// although `x` lies below it (for `2^k` with `k <= -2` or `k >= 3`); `up` errs likewise just above one. This is
    /// what torch computes; [`Restriction::PowerOfTwoExact`] is what the mathematics says.
    PowerOfTwo(#[serde(with = "super::text")] Rounding),
    /// `2^round(log2 x)` of the exact logarithm.
    PowerOfTwoExact(#[serde(with = "super::text")] Rounding),
    /// What this quantizer makes of the tensor of all of them: scales that are quantized themselves, in groups or not.
    Quantized(Box<Quantizer>),
}

/// What a statistic is divided by: the magnitude in the element's own units that it is to be mapped to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Threshold {
    /// Integers: `-min` if signed, so `2^(b-1)` of a full and `2^(b-1) - 1` of a narrow range, `max` if unsigned.
    /// Floats and the rest: the largest value.
    Largest,
    /// Integers: the largest of the full range plus one, `2^(b-1)` signed and `2^b` unsigned.
    PowerOfTwo,
    /// This number.
    Value(f32),
}

/// The least scale, and where it is enforced.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum ScaleFloor {
    /// No least scale: a group of zeros has scale 0, and its values are NaN.
    None,
    /// On the statistic, before and after its restriction.
    Statistic(f32),
    /// On the statistic, after its restriction only.
    Restricted(f32),
    /// On the scale.
    Scale(f32),
    /// On the statistic before its restriction, and on the scale: a statistic that is collected and kept.
    Collected(f32),
}

/// How a statistic becomes a scale.
///
/// ```text
/// s = source of the group            max(s, floor)
/// s = |max(restriction(s), floor)|
/// scale = |restriction(s / restriction(threshold))|        max(scale, floor)
/// ```
/// with the floor at the place that [`ScaleFloor`] names. Every operation is one f32 operation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScaleRule {
    /// The number that the threshold is to stand for.
    pub source: ScaleSource,
    /// What the scale may be.
    pub restriction: Restriction,
    /// What the threshold may be.
    pub threshold_restriction: Restriction,
    /// What the quotient of the two may be.
    #[serde(default = "unrestricted")]
    pub ratio_restriction: Restriction,
    /// What the statistic is divided by.
    pub threshold: Threshold,
    /// The least scale.
    pub floor: ScaleFloor,
}

fn unrestricted() -> Restriction {
    Restriction::Float
}

/// The floor of Brevitas's presets.
const FLOOR: f32 = 1e-10;

impl ScaleRule {
    /// Unrestricted scales from this source, with a least statistic of `1e-10`.
    pub fn new(source: ScaleSource) -> Self {
        Self {
            source,
            restriction: Restriction::Float,
            threshold_restriction: Restriction::Float,
            ratio_restriction: Restriction::Float,
            threshold: Threshold::Largest,
            floor: ScaleFloor::Statistic(FLOOR),
        }
    }

    /// `max |x| / threshold`.
    pub fn abs_max() -> Self {
        Self::new(ScaleSource::Statistic(Statistic::AbsMax))
    }

    /// `(max(x, 0) - min(x, 0)) / threshold`, for quantizers with a zero point.
    pub fn range() -> Self {
        Self::new(ScaleSource::Statistic(Statistic::Range))
    }

    /// The percentile `high` of `|x|`, over the threshold.
    pub fn percentile(high: f64) -> Self {
        Self::new(ScaleSource::Statistic(Statistic::AbsPercentile { high }))
    }

    /// These scales.
    pub fn given(scale: ArrayD<f32>) -> Self {
        Self::new(ScaleSource::Given(scale))
    }

    /// Scales that are powers of two, and a threshold to match.
    #[must_use]
    pub fn power_of_two(self, rounding: Rounding) -> Self {
        let restriction = Restriction::PowerOfTwo(rounding);
        let threshold = Threshold::PowerOfTwo;
        Self {
            restriction: restriction.clone(),
            threshold_restriction: restriction,
            threshold,
            ..self
        }
    }

    /// Statistic and threshold restricted alike.
    #[must_use]
    pub fn restricted(self, restriction: Restriction) -> Self {
        Self { restriction: restriction.clone(), threshold_restriction: restriction, ..self }
    }

    /// With another restriction of the quotient.
    #[must_use]
    pub fn with_ratio_restriction(self, ratio_restriction: Restriction) -> Self {
        Self { ratio_restriction, ..self }
    }

    /// With another source.
    #[must_use]
    pub fn with_source(self, source: ScaleSource) -> Self {
        Self { source, ..self }
    }

    /// With another floor.
    #[must_use]
    pub fn with_floor(self, floor: ScaleFloor) -> Self {
        Self { floor, ..self }
    }

    /// With another threshold.
    #[must_use]
    pub fn with_threshold(self, threshold: Threshold) -> Self {
        Self { threshold, ..self }
    }

    pub(crate) fn check(&self) -> Result<(), QuantizeError> {
        let number = |what, value: f32, good: bool, expected| {
            if good {
                return Ok(());
            }
            Err(QuantizeError::Number { what, value: f64::from(value), expected })
        };
        match &self.source {
            ScaleSource::Statistic(statistic) => statistic.check()?,
            ScaleSource::Constant(value) => {
                let good = value.is_finite() && *value != 0.0;
                number("the constant of the scale", *value, good, "a finite number other than 0")?;
            }
            ScaleSource::Mse(search) => search.check()?,
            ScaleSource::Hqo(search) => search.check()?,
            _ => {}
        }
        match self.floor {
            ScaleFloor::None => {}
            ScaleFloor::Statistic(least)
            | ScaleFloor::Restricted(least)
            | ScaleFloor::Scale(least)
            | ScaleFloor::Collected(least) => {
                let good = least.is_finite() && least > 0.0;
                number("the least scale", least, good, "a positive number")?;
            }
        }
        if let Threshold::Value(value) = self.threshold {
            let good = value.is_finite() && value > 0.0;
            number("the threshold", value, good, "a positive number")?;
        }
        for restriction in [&self.restriction, &self.threshold_restriction, &self.ratio_restriction]
        {
            if let Restriction::Integer(rounding)
            | Restriction::PowerOfTwo(rounding)
            | Restriction::PowerOfTwoExact(rounding) = restriction
                && !matches!(rounding, Rounding::Down | Rounding::Up | Rounding::TiesEven)
            {
                return Err(QuantizeError::ScaleRounding(*rounding));
            }
        }
        Ok(())
    }

    /// The scales that statistics become; both are arrays of the scales' shape.
    pub(crate) fn finish(
        &self,
        mut s: ArrayD<f32>,
        format: Format,
    ) -> Result<ArrayD<f32>, QuantizeError> {
        let threshold = ArrayD::from_elem(ndarray::IxDyn(&[]), self.threshold.of(format));
        let threshold = self.threshold_restriction.apply(threshold)?;
        let threshold = threshold.first().copied().unwrap_or(f32::NAN).abs();
        if let ScaleFloor::Statistic(least) | ScaleFloor::Collected(least) = self.floor {
            s.mapv_inplace(|s| at_least(s, least));
        }
        s = self.restriction.apply(s)?;
        if let ScaleFloor::Statistic(least) | ScaleFloor::Restricted(least) = self.floor {
            s.mapv_inplace(|s| at_least(s, least));
        }
        s.mapv_inplace(|s| s.abs() / threshold);
        s = self.ratio_restriction.apply(s)?;
        s.mapv_inplace(f32::abs);
        if let ScaleFloor::Scale(least) | ScaleFloor::Collected(least) = self.floor {
            s.mapv_inplace(|s| at_least(s, least));
        }
        Ok(s)
    }

    /// The scales that statistics stand for while they are collected, before any restriction.
    pub(crate) fn unrestricted(&self, mut s: ArrayD<f32>, format: Format) -> ArrayD<f32> {
        if let ScaleFloor::Statistic(least)
        | ScaleFloor::Collected(least)
        | ScaleFloor::Restricted(least) = self.floor
        {
            s.mapv_inplace(|s| at_least(s, least));
        }
        let threshold = self.threshold.of(format);
        s.mapv_inplace(|s| s / threshold);
        s
    }
}

impl Threshold {
    /// Its value for a format.
    pub(crate) fn of(self, format: Format) -> f32 {
        match (self, format) {
            (Self::Value(value), _) => value,
            (Self::Largest, Format::Int(int)) if int.is_signed() => -(int.min() as f32),
            (Self::PowerOfTwo, Format::Ternary) => 2.0,
            (Self::PowerOfTwo, Format::Int(int)) => {
                let magnitude = int.bits() - u32::from(int.is_signed());
                (1u64 << magnitude) as f32
            }
            _ => format.max_finite() as f32,
        }
    }
}

impl Restriction {
    /// The numbers that take the place of `x`.
    pub(crate) fn apply(&self, mut x: ArrayD<f32>) -> Result<ArrayD<f32>, QuantizeError> {
        match self {
            Self::Float => {}
            Self::LogFloat => {
                let logarithms: Vec<f32> = x.iter().map(|x| log2(*x)).collect();
                let powers = reference::torch::exp2(&logarithms);
                x.iter_mut().zip(powers).for_each(|(x, power)| *x = power);
            }
            Self::Integer(rounding) => {
                x.mapv_inplace(|x| reference::quantize::round(x, *rounding, 0));
            }
            Self::PowerOfTwo(rounding) => powers_of_two(x.iter_mut(), *rounding),
            Self::PowerOfTwoExact(rounding) => {
                x.mapv_inplace(|x| exp2_integer(round_log2_exact(x, *rounding)));
            }
            Self::Quantized(quantizer) => return quantizer.simulate(&x.view()),
        }
        Ok(x)
    }
}

/// `|x|` or `least`, whichever is more, with the sign of `x`; NaN stays.
pub(super) fn at_least(x: f32, least: f32) -> f32 {
    let magnitude = if x.abs() < least { least } else { x.abs() };
    if x < 0.0 { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(restriction: Restriction, x: f32) -> f32 {
        restriction.apply(ndarray::arr0(x).into_dyn()).unwrap()[[]]
    }

    fn scale_of_one(rule: ScaleRule, format: Format) -> f32 {
        rule.finish(ndarray::arr0(1.0).into_dyn(), format).unwrap()[[]]
    }

    #[test]
    fn the_f32_logarithm_reaches_the_next_power_of_two_too_early() {
        let below_8 = f32::from_bits(8f32.to_bits() - 1);
        assert_eq!(one(Restriction::PowerOfTwo(Rounding::Down), below_8), 8.0);
        assert_eq!(one(Restriction::PowerOfTwoExact(Rounding::Down), below_8), 4.0);
        let below_2 = f32::from_bits(2f32.to_bits() - 1);
        assert_eq!(one(Restriction::PowerOfTwo(Rounding::Down), below_2), 1.0);
    }

    #[test]
    fn exact_restrictions_bracket_their_argument() {
        let root = std::f32::consts::SQRT_2; // below the root itself
        for x in [1e-40, 1e-10, 0.3, 1.0, root, root.next_up(), 3.0, 3.9999998, 1e30] {
            let [down, up, near] = [Rounding::Down, Rounding::Up, Rounding::TiesEven]
                .map(|rounding| one(Restriction::PowerOfTwoExact(rounding), x));
            assert!(down <= x && x <= up && up <= down * 2.0, "{down} {x} {up}");
            let square = f64::from(x) * f64::from(x);
            let middle = 2.0 * f64::from(down) * f64::from(down);
            assert_eq!(near, if square > middle { down * 2.0 } else { down }, "{x}");
        }
    }

    #[test]
    fn signed_full_range_is_divided_by_the_magnitude_of_its_negative_end() {
        let scale = |format: Format| scale_of_one(ScaleRule::abs_max(), format);
        assert_eq!(scale(Format::INT8), 1.0 / 128.0);
        assert_eq!(scale(Format::INT8N), 1.0 / 127.0);
        assert_eq!(scale(Format::UINT8), 1.0 / 255.0);
        let power = |format| scale_of_one(ScaleRule::abs_max().power_of_two(Rounding::Up), format);
        assert_eq!(power(Format::INT8N), 2f32.powi(-7));
        assert_eq!(power(Format::UINT8), 2f32.powi(-8));
    }
}
