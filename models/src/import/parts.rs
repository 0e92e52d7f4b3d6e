//! What recognized quantizers are made of.

use fewbit::formats::{Format, InfinityPolicy, NanPolicy, Overflow, Policy, Rounding};
use fewbit::quantize::{Parameters, QuantizeError, Quantizer, ScaleRule, Scheme};
use fewbit::tensor::Granularity;
use ndarray::ArrayD;

/// To nearest even, saturating; what the format has no code for is code zero.
pub(super) const NEAREST: Policy =
    Policy::new(Rounding::TiesEven, Overflow::Saturate).with_nan(NanPolicy::Zero);

/// A quantizer with this scale and zero point.
pub(super) fn quantizer(
    format: Format,
    granularity: Granularity,
    (scale, zero_point): (ArrayD<f32>, Option<ArrayD<f32>>),
    policy: Policy,
) -> Result<Quantizer, QuantizeError> {
    let policy = match format {
        Format::Float(_) => policy.with_infinity(InfinityPolicy::Nan),
        _ => policy,
    };
    let zero_point = zero_point.filter(|zeros| zeros.iter().any(|&zero| zero != 0.0));
    let scheme = Scheme::new(format).with_granularity(granularity);
    let quantizer = Quantizer::new(scheme, ScaleRule::abs_max(), policy)?;
    quantizer.with_parameters(Parameters { scale, zero_point })
}

/// The integer format of this range.
pub(super) fn named(low: i64, high: i64) -> Option<Format> {
    (1..=16).find_map(|bits| {
        let names = [
            format!("int{bits}"),
            format!("int{bits}n"),
            format!("uint{bits}"),
            format!("uint{bits}n"),
        ];
        names.iter().find_map(|name| match name.parse::<Format>().ok()? {
            Format::Int(int) if (int.min(), int.max()) == (low, high) => Some(Format::Int(int)),
            _ => None,
        })
    })
}
