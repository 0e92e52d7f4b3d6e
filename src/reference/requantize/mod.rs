//! Requantization by its definitions: one value at a time, in 128-bit integers.
//!
//! A file per family: `tosa`, `doubled` (gemmlowp, CMSIS-NN, ruy), `single` (TFLite and CMSIS-NN with one rounding,
//! TFLite's 48-bit path), `real` (ONNX Runtime, FINN+, the exact product, shifts), `thresholds`. What surrounds the
//! scaling (bias, ranges, zero point, the output's format) is here and in `output`.

mod doubled;
mod output;
mod real;
mod single;
mod sum;
mod thresholds;
mod tosa;

use fewbit_formats::philox;

use self::sum::Sum;
use crate::requantize::{
    PerChannel, Requantization, RequantizePolicy, RequantizeValueError, ScaleParameters,
};

/// The output of one value, by its row-major index, which says its channel (the index modulo the channels) and its
/// random bits.
///
/// ```text
/// sum    = value + bias                 exactly, and within the policy's range of values
/// output = fit(scale(sum) + zero point)
/// ```
///
/// # Errors
/// A value that the policy does not take, or an intermediate one that it refuses.
///
/// ```
/// use fewbit::formats::Format;
/// use fewbit::reference::requantize::element;
/// use fewbit::requantize::{Requantization, ScaleParameters};
/// let Format::Int(int8) = Format::INT8 else { unreachable!() };
/// // 2^30 / 2^33 = 1/8.
/// let job = Requantization::new("tosa32".parse()?, ScaleParameters::multiplier_shift(1 << 30, 33), int8)?;
/// let outputs = [11, 12, -12, 5000].map(|x| element(&job, 0, x).unwrap());
/// assert_eq!(outputs, [1, 2, -1, 127]); // 1.375, 1.5, -1.5, 625: ties up
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn element(
    job: &Requantization,
    index: usize,
    value: i64,
) -> Result<i64, RequantizeValueError> {
    let policy = job.policy();
    let bias = job.bias().and_then(|bias| bias.at(index)).copied().unwrap_or(0);
    let sum = Sum { policy, value: i128::from(value) + i128::from(bias) };
    let (least, most) = policy.value_range();
    if sum.value < least.into() || sum.value > most.into() {
        return Err(RequantizeValueError::Value { policy, value: sum.value, least, most });
    }
    output::fit(job, scaled(job, index, sum)?)
}

/// Many values, the first of which has index 0.
///
/// # Errors
/// The first value that is refused: its index and why.
pub fn slice(
    job: &Requantization,
    values: &[i64],
) -> Result<Vec<i64>, (usize, RequantizeValueError)> {
    let each = values.iter().enumerate();
    each.map(|(index, &value)| element(job, index, value).map_err(|error| (index, error))).collect()
}

/// The scaled value, without zero point.
fn scaled(job: &Requantization, index: usize, sum: Sum) -> Result<i128, RequantizeValueError> {
    let random = || philox::bits(job.seed(), index as u64);
    // Lists of channels are not empty: `Requantization::new` refuses those.
    fn of<T: Copy + Default>(list: &PerChannel<T>, index: usize) -> T {
        list.at(index).copied().unwrap_or_default()
    }
    match job.scale() {
        ScaleParameters::MultiplierShift { multiplier, shift } => {
            by_multiplier(sum, of(multiplier, index), of(shift, index))
        }
        ScaleParameters::Shift(shift) => Ok(real::shifted(sum, of(shift, index), random())),
        ScaleParameters::Exact(scale) => Ok(real::exact(sum, of(scale, index), random())),
        ScaleParameters::Float(scale) => Ok(real::onnx(job, sum, of(scale, index))),
        ScaleParameters::Affine { scale, bias } => {
            Ok(real::finn(sum, of(scale, index), of(bias, index)))
        }
        ScaleParameters::Thresholds { thresholds, out_scale, out_bias } => {
            let reached = thresholds.at(index).map_or(0, |list| thresholds::reached(sum, list));
            Ok(reached * i128::from(*out_scale) + i128::from(*out_bias))
        }
    }
}

/// The policies that have a multiplier and a shift.
fn by_multiplier(sum: Sum, multiplier: i32, shift: i32) -> Result<i128, RequantizeValueError> {
    let multiplier = i128::from(multiplier);
    match sum.policy {
        RequantizePolicy::Tosa32(excess) => tosa::scale_32(sum, multiplier, shift, excess),
        RequantizePolicy::Tosa32Double(excess) => {
            tosa::scale_32_double(sum, multiplier, shift, excess)
        }
        RequantizePolicy::Tosa16(excess) => tosa::scale_16(sum, multiplier, shift, excess),
        RequantizePolicy::Gemmlowp(excess) => doubled::gemmlowp(sum, multiplier, shift, excess),
        RequantizePolicy::Cmsis(excess) => doubled::cmsis(sum, multiplier, shift, excess),
        RequantizePolicy::Ruy(excess) => doubled::ruy(sum, multiplier, shift, excess),
        RequantizePolicy::TfliteSingle(excess) => single::tflite(sum, multiplier, shift, excess),
        RequantizePolicy::CmsisSingle(excess) => single::cmsis(sum, multiplier, shift, excess),
        RequantizePolicy::Tflite16(excess) => single::tflite_16(sum, multiplier, shift, excess),
        // The others have no multiplier, and `Requantization::new` gives them none.
        _ => Ok(0),
    }
}
