//! The parts that presets are put together from.

use fewbit_formats::{Format, InfinityPolicy, NanPolicy, Overflow, Policy, Rounding};

use crate::quantize::{
    Bias, Centring, Decoupled, HqoScale, HqoZeroPoint, MseSearch, Normalization, QuantizeError,
    Quantizer, Recipe, ScaleFloor, ScaleRule, ScaleSource, Scheme, Statistic, TailPadding,
    Threshold, Trial, Truncation, TruncationScale, ZeroPoint, ZeroPointRounding, ZeroPointSource,
};

pub(super) type Built = Result<Recipe, QuantizeError>;

const LEAST: f32 = 1e-10;
const HIGH: f64 = 99.999;
const LOW: f64 = 0.001;

/// To nearest, saturating. A NaN is a NaN in the values, and code zero where the format has none.
const INTEGER: Policy =
    Policy::new(Rounding::TiesEven, Overflow::Saturate).with_nan(NanPolicy::Zero);
/// Nothing happens to f32.
const NONE: Policy = Policy::new(Rounding::TiesEven, Overflow::Ieee);
/// An infinity is a NaN.
const FLOAT: Policy = INTEGER.with_infinity(InfinityPolicy::Nan);

const fn policy(format: Format) -> Policy {
    match format {
        Format::F32 => NONE,
        Format::Float(_) => FLOAT,
        _ => INTEGER,
    }
}

pub(super) fn built(scheme: Scheme, rule: ScaleRule) -> Built {
    let policy = policy(scheme.format);
    Ok(Recipe::Quantizer(Quantizer::new(scheme, rule, policy)?))
}

fn of(statistic: Statistic) -> ScaleRule {
    ScaleRule::new(ScaleSource::Statistic(statistic))
}

/// A tensor scale, a channel scale of axis 0, groups of 32 along axis 1.
pub(super) fn tensor(format: Format) -> Scheme {
    Scheme::new(format)
}

pub(super) fn channel(format: Format) -> Scheme {
    Scheme::new(format).per_channel(0)
}

/// Channels of images.
pub(super) fn channel_2d(format: Format) -> Scheme {
    Scheme::new(format).per_channel(1)
}

pub(super) fn row(format: Format) -> Scheme {
    Scheme::new(format).per_row()
}

/// Groups of a weight's input channels.
pub(super) fn group(format: Format, size: usize) -> Scheme {
    Scheme::new(format).per_group(1, size).with_tail_padding(TailPadding::Zeros)
}

/// Groups of a row.
pub(super) fn row_group(format: Format, size: usize) -> Scheme {
    Scheme::new(format).per_group(-1, size).with_tail_padding(TailPadding::Zeros)
}

/// `max |x|`.
pub(super) fn max() -> ScaleRule {
    of(Statistic::AbsMax)
}

/// `max x - min(x, 0)`.
pub(super) fn min_max() -> ScaleRule {
    of(Statistic::MinMax)
}

/// `max |x|` without a least value.
pub(super) fn bare(statistic: Statistic) -> ScaleRule {
    of(statistic).with_floor(ScaleFloor::None)
}

/// A percentile that is collected and kept.
pub(super) fn collected() -> ScaleRule {
    of(Statistic::AbsPercentile { high: HIGH }).with_floor(ScaleFloor::Collected(LEAST))
}

/// `max |x|` that is collected and kept.
pub(super) fn collected_max() -> ScaleRule {
    max().with_floor(ScaleFloor::Collected(LEAST))
}

/// A range between percentiles that is collected and kept.
pub(super) fn collected_interval() -> ScaleRule {
    of(Statistic::PercentileInterval { low: LOW, high: HIGH })
        .with_floor(ScaleFloor::Collected(LEAST))
}

/// Computed from every tensor anew.
pub(super) fn dynamic() -> ScaleRule {
    min_max().with_floor(ScaleFloor::Restricted(LEAST))
}

/// A number over the threshold.
pub(super) fn constant(value: f32) -> ScaleRule {
    ScaleRule::new(ScaleSource::Constant(value)).with_floor(ScaleFloor::None)
}

/// Scale 1.
pub(super) fn unscaled() -> ScaleRule {
    constant(1.0).with_threshold(Threshold::Value(1.0))
}

pub(super) fn batch() -> ScaleRule {
    of(Statistic::MeanOfMaxima { axis: 1 })
}

/// Powers of two, rounded up.
pub(super) fn fixed(rule: ScaleRule) -> ScaleRule {
    rule.power_of_two(Rounding::Up)
}

/// Powers of two, rounded down.
pub(super) fn floored(rule: ScaleRule) -> ScaleRule {
    rule.power_of_two(Rounding::Down)
}

pub(super) fn mse(rule: ScaleRule) -> ScaleRule {
    rule.with_source(ScaleSource::Mse(MseSearch::grid(Statistic::AbsMax)))
}

pub(super) fn range_mse(rule: ScaleRule) -> ScaleRule {
    rule.with_source(ScaleSource::Mse(MseSearch::grid(Statistic::MinMax)))
}

/// The search of activations.
pub(super) fn act_mse(rule: ScaleRule) -> ScaleRule {
    let search = MseSearch::grid(Statistic::AbsMax).with_trial(Trial::Unrestricted);
    rule.with_source(ScaleSource::Mse(search))
}

pub(super) fn act_range_mse(rule: ScaleRule) -> ScaleRule {
    let search = MseSearch::grid(Statistic::MinMax).with_trial(Trial::Unrestricted);
    rule.with_source(ScaleSource::Mse(search))
}

pub(super) fn hqo(rule: ScaleRule) -> ScaleRule {
    rule.with_source(ScaleSource::Hqo(HqoScale::default()))
}

fn shifted(scheme: Scheme, source: ZeroPointSource, rounding: ZeroPointRounding) -> Scheme {
    scheme.with_zero_point(ZeroPoint::Shifted { source, rounding })
}

/// The lowest code for the least element.
pub(super) fn minimum(scheme: Scheme) -> Scheme {
    scheme.shifted()
}

pub(super) fn percentile(scheme: Scheme) -> Scheme {
    shifted(scheme, ZeroPointSource::Percentile { low: LOW }, ZeroPointRounding::Code)
}

pub(super) fn zero_mse(scheme: Scheme, trial: Trial) -> Scheme {
    let search = MseSearch::grid(Statistic::AbsMax).with_trial(trial);
    shifted(scheme, ZeroPointSource::Mse(search), ZeroPointRounding::Code)
}

pub(super) fn zero_hqo(scheme: Scheme, trial: Trial) -> Scheme {
    let params = HqoZeroPoint { trial, ..HqoZeroPoint::default() };
    shifted(scheme, ZeroPointSource::Hqo(params), ZeroPointRounding::Float)
}

pub(super) fn bias(format: Format) -> Built {
    Ok(Recipe::Bias(Bias { format, policy: INTEGER, input_scale: None, weight_scale: None }))
}

pub(super) fn truncation(format: Format, rounding: Rounding, step: TruncationScale) -> Built {
    Ok(Recipe::Truncation(Truncation {
        bits: format.bits(),
        rounding,
        step,
        input_scale: None,
        input_zero_point: 0.0,
        input_bits: None,
        input_signed: format.is_signed(),
    }))
}

pub(super) fn to_percentile() -> TruncationScale {
    TruncationScale::Percentile { high: HIGH }
}

pub(super) fn weight_norm(format: Format) -> Built {
    let (rounding, normalization) = (Rounding::TiesEven, Normalization::L2);
    Ok(Recipe::Decoupled(Decoupled { format, rounding, normalization, floor: LEAST }))
}

pub(super) fn accumulator(format: Format, zero_centre: Centring) -> Built {
    let normalization =
        Normalization::Accumulator { bits: 32, input_bits: None, input_signed: false, zero_centre };
    let rounding = Rounding::TowardZero;
    Ok(Recipe::Decoupled(Decoupled { format, rounding, normalization, floor: LEAST }))
}
