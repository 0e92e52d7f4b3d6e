//! Scales and zero points of a tensor.

use fewbit_formats::{Format, IntFormat, Policy};
use ndarray::ArrayD;

use crate::reference;
use crate::tensor::{Arrangement, TensorError};

use super::scale::ScaleSource;
use super::scheme::{ZeroPoint, ZeroPointRounding, ZeroPointSource};
use super::statistic::{clamp_above, extremes, low_percentile};
use super::{QuantizeError, ScaleRule, Scheme};

/// Scales and zero points of a tensor, of the shape of the granularity.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters {
    /// One scale per group.
    pub scale: ArrayD<f32>,
    /// One zero point per group; `None` where all are zero.
    pub zero_point: Option<ArrayD<f32>>,
}

/// The parameters that a scheme and a rule give to arranged elements.
pub(crate) fn compute(
    scheme: &Scheme,
    rule: &ScaleRule,
    policy: &Policy,
    arrangement: &Arrangement,
    x: &[f32],
) -> Result<Parameters, QuantizeError> {
    let scale = scales(rule, scheme.format, arrangement, x)?;
    let zero_point = match (&scheme.zero_point, scheme.format) {
        (ZeroPoint::Shifted { source, rounding }, Format::Int(format)) => {
            Some(zero_points(source, *rounding, format, policy, arrangement, x, &scale)?)
        }
        _ => None,
    };
    let restored = |parameter| arrangement.restore_scales(parameter);
    Ok(Parameters { scale: restored(scale)?, zero_point: zero_point.map(restored).transpose()? })
}

/// The arranged scales.
fn scales(
    rule: &ScaleRule,
    format: Format,
    arrangement: &Arrangement,
    x: &[f32],
) -> Result<Vec<f32>, QuantizeError> {
    match &rule.source {
        ScaleSource::Given(scale) => given(arrangement, "scale", scale),
        ScaleSource::Constant(value) => Ok(vec![rule.finish(*value, format); arrangement.scales()]),
        ScaleSource::Statistic(statistic) => arrangement
            .split(x)
            .map(|group| Ok(rule.finish(statistic.of(group)?, format)))
            .collect(),
    }
}

/// The arranged zero points.
fn zero_points(
    source: &ZeroPointSource,
    rounding: ZeroPointRounding,
    format: IntFormat,
    policy: &Policy,
    arrangement: &Arrangement,
    x: &[f32],
    scales: &[f32],
) -> Result<Vec<f32>, QuantizeError> {
    if let ZeroPointSource::Given(zero_point) = source {
        return given(arrangement, "zero point", zero_point);
    }
    let (low, high) = (format.min() as f32, format.max() as f32);
    let zero_point = |(group, scale): (&[f32], &f32)| {
        let least = match source {
            ZeroPointSource::Percentile { low } => low_percentile(group, *low)?,
            _ => extremes(group).0,
        };
        let offset = -clamp_above(least) / scale + low;
        Ok(match rounding {
            ZeroPointRounding::Float => offset,
            ZeroPointRounding::Code => {
                let rounded = reference::quantize::round(offset, policy.rounding, 0);
                reference::quantize::clamp(rounded, low, high)
            }
        })
    };
    arrangement.split(x).zip(scales).map(zero_point).collect()
}

/// Given parameters, arranged, if they have the shape they must have.
fn given(
    arrangement: &Arrangement,
    what: &'static str,
    parameter: &ArrayD<f32>,
) -> Result<Vec<f32>, QuantizeError> {
    if parameter.shape() != arrangement.scale_shape() {
        return Err(TensorError::ParameterShape {
            what,
            found: parameter.shape().to_vec(),
            expected: arrangement.scale_shape().to_vec(),
            shape: arrangement.shape().to_vec(),
            granularity: arrangement.granularity().to_string(),
        }
        .into());
    }
    Ok(arrangement.arrange(parameter.view()).into_owned())
}
