//! The requantization that arguments and their files make, and its outputs.

use std::path::Path;

use fewbit::requantize::{
    PerChannel, Requantization, RequantizeError, RequantizePolicy, RequantizeValueError, ScaleKind,
    ScaleParameters,
};
use fewbit::tensor::unravel;
use fewbit::{RequantizeInput, RequantizeOutput, RequantizeSliceError, Requantizer};
use fewbit_formats::IntFormat;
use npyz::AutoSerialize;

use super::args::Numbers;
use super::number::Precision;
use crate::error::CliError;
use crate::io::log::InputLog;
use crate::io::npy::{self, Values};
use crate::io::numbers::Integers;

/// What arguments ask for.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) policy: RequantizePolicy,
    pub(crate) to: IntFormat,
    pub(crate) numbers: Numbers,
    pub(crate) seed: u64,
}

impl Asked {
    /// The requantization of an array whose last axis has `last` places.
    ///
    /// # Errors
    /// Numbers that the policy does not take, that are missing or have no effect; files of other shapes.
    pub(crate) fn job(&self, last: usize, log: &InputLog) -> Result<Requantization, CliError> {
        let Numbers { bias, zero_point, overflow, .. } = &self.numbers;
        let refused = |error| self.refused(&error);
        let scale = self.scale(last, log)?;
        let mut job = Requantization::new(self.policy, scale, self.to).map_err(refused)?;
        if let Some(bias) = bias {
            let bias = bias.integers(&self.flag("bias"), last, log)?;
            job = job.with_bias(bias).map_err(refused)?;
        }
        let job = job.with_zero_point(*zero_point).map_err(refused)?;
        let job = job.with_overflow(*overflow).map_err(refused)?;
        Ok(job.with_seed(self.seed))
    }

    /// A flag as it is written.
    fn flag(&self, name: &str) -> String {
        format!("{}{name}", self.numbers.prefix)
    }

    fn scale(&self, last: usize, log: &InputLog) -> Result<ScaleParameters, CliError> {
        let (policy, kind) = (self.policy, self.policy.kind());
        let Numbers { scale, multiplier, shift, thresholds, out_bias, .. } = &self.numbers;
        if out_bias.is_some() && !matches!(kind, ScaleKind::Affine | ScaleKind::Thresholds) {
            return Err(CliError::Arguments(format!(
                "{} has no meaning for `{policy}`: it is for finn and thresholds; {} adds to values, {} to outputs",
                self.flag("out-bias"),
                self.flag("bias"),
                self.flag("zero-point")
            )));
        }
        if let Some(scale) = scale {
            let precision = match kind {
                ScaleKind::Float | ScaleKind::Affine => Precision::Single,
                _ => Precision::Double,
            };
            let scales = scale.reals(precision, last, log)?;
            let numbers = policy.parameters(&scales).map_err(|error| self.refused(&error))?;
            return match (numbers, out_bias) {
                (ScaleParameters::Affine { scale, .. }, Some(bias)) => {
                    let bias = bias.reals(Precision::Single, last, log)?.map(|&bias| bias as f32);
                    Ok(ScaleParameters::Affine { scale, bias })
                }
                (numbers, _) => Ok(numbers),
            };
        }
        let shift = match shift {
            Some(shift) => Some(shift.integers_32(&self.flag("shift"), last, log)?),
            None => None,
        };
        match (multiplier, shift, thresholds) {
            (Some(multiplier), Some(shift), _) => {
                let multiplier = multiplier.integers_32(&self.flag("multiplier"), last, log)?;
                Ok(ScaleParameters::MultiplierShift { multiplier, shift })
            }
            (None, Some(shift), _) => Ok(ScaleParameters::Shift(shift)),
            (_, _, Some(path)) => self.thresholds(path, last, log),
            _ => Err(CliError::Arguments(format!(
                "`{policy}` takes {}: give {}",
                kind.description(),
                self.remedy()
            ))),
        }
    }

    fn thresholds(
        &self,
        path: &Path,
        last: usize,
        log: &InputLog,
    ) -> Result<ScaleParameters, CliError> {
        let npy = npy::read(path, log)?;
        let shape = npy.shape.clone();
        let (lists, each) = match shape[..] {
            [each] | [1, each] => (1, each),
            [lists, each] if lists == last => (lists, each),
            _ => {
                return Err(npy.wrong(format!(
                    "has shape {shape:?}; thresholds for all, [T], or for each place of the last axis, [{last}, T], are needed"
                )));
            }
        };
        let of_floats = matches!(npy.values, Values::F16(_) | Values::F32(_) | Values::F64(_));
        let found = if of_floats {
            let lists = of_channels(npy.f64_values()?, lists, each);
            ScaleParameters::thresholds(&lists).map_err(|error| npy.wrong(error.to_string()))?
        } else {
            let (_, integers) = Integers::of(npy)?;
            let thresholds = of_channels(integers.into_wide(), lists, each);
            ScaleParameters::Thresholds { thresholds, out_scale: 1, out_bias: 0 }
        };
        let ScaleParameters::Thresholds { thresholds, .. } = found else { return Ok(found) };
        let out_bias = match &self.numbers.out_bias {
            None => 0,
            Some(bias) => match bias.integers(&self.flag("out-bias"), last, log)? {
                PerChannel::Tensor(bias) => bias,
                _ => {
                    return Err(CliError::Arguments(format!(
                        "{} of thresholds is one integer for all outputs",
                        self.flag("out-bias")
                    )));
                }
            },
        };
        let out_scale = self.numbers.out_scale.unwrap_or(1);
        Ok(ScaleParameters::Thresholds { thresholds, out_scale, out_bias })
    }

    /// The flags that give what the policy takes.
    fn remedy(&self) -> String {
        let [scale, multiplier, shift, thresholds] =
            ["scale", "multiplier", "shift", "thresholds"].map(|name| self.flag(name));
        match self.policy.kind() {
            ScaleKind::MultiplierShift => format!("{scale}, or {multiplier} and {shift}"),
            ScaleKind::Shift => format!("{shift}, or {scale} with a power of two"),
            ScaleKind::Affine => format!("{scale}, perhaps with {}", self.flag("out-bias")),
            ScaleKind::Thresholds => thresholds,
            _ => scale,
        }
    }

    /// The error with what to do instead.
    fn refused(&self, error: &RequantizeError) -> CliError {
        let remedy = match error {
            RequantizeError::Kind { .. } | RequantizeError::NoMultiplier { .. } => {
                format!("; give {}", self.remedy())
            }
            RequantizeError::DerivedShift { .. } => "; a smaller scale has one".into(),
            RequantizeError::Shift { .. } if self.policy.kind() == ScaleKind::MultiplierShift => {
                "; TOSA's shifts go to the right, those of TFLite are exponents, 31 less TOSA's"
                    .into()
            }
            RequantizeError::Scale { .. } if self.policy.kind() == ScaleKind::Shift => {
                "; exact-<rounding> takes any scale".into()
            }
            _ => String::new(),
        };
        CliError::Arguments(format!("{error}{remedy}"))
    }
}

/// The rows of a matrix; one of them is for all channels.
fn of_channels<T: Clone>(values: Vec<T>, lists: usize, each: usize) -> PerChannel<Vec<T>> {
    if lists == 1 {
        return PerChannel::Tensor(values);
    }
    let row = |list: usize| values.iter().skip(list * each).take(each).cloned().collect();
    PerChannel::Channels((0..lists).map(row).collect())
}

/// Outputs as an array of the narrowest type that holds their format.
pub(crate) struct Outputs {
    /// The bytes of a `.npy` file.
    pub(crate) file: Result<Vec<u8>, std::io::Error>,
    /// NumPy's name of the type.
    pub(crate) dtype: &'static str,
    /// How many are the least and the greatest value of the format.
    pub(crate) ends: (usize, usize),
}

/// Requantizes an array of this shape.
///
/// # Errors
/// A value that is refused.
pub(crate) fn run<X: RequantizeInput>(
    by: &Requantizer,
    shape: &[usize],
    values: &[X],
) -> Result<Outputs, RequantizeSliceError> {
    let format = by.requantization().format();
    match (format.is_signed(), format.bits()) {
        (true, ..=8) => run_as::<X, i8>("int8", by, shape, values),
        (false, ..=8) => run_as::<X, u8>("uint8", by, shape, values),
        (true, 9..=16) => run_as::<X, i16>("int16", by, shape, values),
        (false, 9..=16) => run_as::<X, u16>("uint16", by, shape, values),
        (true, _) => run_as::<X, i32>("int32", by, shape, values),
        (false, _) => run_as::<X, u32>("uint32", by, shape, values),
    }
}

fn run_as<X, O>(
    dtype: &'static str,
    by: &Requantizer,
    shape: &[usize],
    values: &[X],
) -> Result<Outputs, RequantizeSliceError>
where
    X: RequantizeInput,
    O: RequantizeOutput + AutoSerialize + Into<i64>,
{
    let mut outputs = vec![O::default(); values.len()];
    by.run(values, &mut outputs)?;
    let format = by.requantization().format();
    let count = |end: i64| outputs.iter().filter(|&&output| output.into() == end).count();
    let ends = (count(format.min()), count(format.max()));
    Ok(Outputs { file: npy::encode(shape, &outputs), dtype, ends })
}

/// An error of [`run`] with the place in an array of this shape, and what to do instead.
pub(crate) fn place_of(error: &RequantizeSliceError, shape: &[usize]) -> String {
    let RequantizeSliceError::Value { index, source } = error else { return error.to_string() };
    let remedy = match source {
        RequantizeValueError::Excess { policy, .. } => {
            let name = policy.to_string();
            let stack = name.trim_end_matches("-refuse");
            format!("; {stack}-wrap and {stack}-saturate take it")
        }
        RequantizeValueError::Value { .. } => "; exact-<rounding> takes all of int64".into(),
        _ => String::new(),
    };
    format!("the value at {:?} cannot be requantized: {source}{remedy}", unravel(*index, shape))
}
