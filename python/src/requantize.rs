//! From an accumulator's values to the integers of the next layer.

use fewbit::requantize::{
    PerChannel, Requantization, RequantizeError, RequantizePolicy, RequantizeValueError, ScaleKind,
    ScaleParameters,
};
use fewbit::{RequantizeInput, RequantizeOutput, RequantizeSliceError, Requantizer};
use fewbit_formats::{Format, IntFormat, Overflow};
use numpy::{Element, PyReadonlyArrayDyn, PyReadwriteArrayDyn};
use pyo3::prelude::*;

use crate::errors::{internal_error, value_error};
use crate::policy::named;
use crate::threads::detached;

/// Accumulators' values.
#[derive(FromPyObject)]
pub(crate) enum Values<'py> {
    I32(PyReadonlyArrayDyn<'py, i32>),
    I64(PyReadonlyArrayDyn<'py, i64>),
}

/// Memory for the integers.
#[derive(FromPyObject)]
pub(crate) enum Outputs<'py> {
    I8(PyReadwriteArrayDyn<'py, i8>),
    U8(PyReadwriteArrayDyn<'py, u8>),
    I16(PyReadwriteArrayDyn<'py, i16>),
    U16(PyReadwriteArrayDyn<'py, u16>),
    I32(PyReadwriteArrayDyn<'py, i32>),
    U32(PyReadwriteArrayDyn<'py, u32>),
}

/// One number for all, or a list with one per channel.
#[derive(FromPyObject)]
pub(crate) enum Given<T> {
    One(T),
    Channels(Vec<T>),
}

impl<T> From<Given<T>> for PerChannel<T> {
    fn from(given: Given<T>) -> Self {
        match given {
            Given::One(number) => Self::Tensor(number),
            Given::Channels(numbers) => Self::Channels(numbers),
        }
    }
}

/// A requantization as a value.
#[pyclass(frozen, module = "fewbit._fewbit")]
pub(crate) struct RequantizeJob(Requantizer);

/// An integer format.
fn integer_format(name: &str) -> PyResult<IntFormat> {
    match named::<Format>(name)? {
        Format::Int(format) => Ok(format),
        other => Err(value_error(format!(
            "{other} is no integer format: expected one such as int8, uint8 or int16"
        ))),
    }
}

fn refused(policy: RequantizePolicy, error: &RequantizeError) -> PyErr {
    let remedy = match error {
        RequantizeError::Kind { .. } | RequantizeError::NoMultiplier { .. } => {
            format!("; give {}", needed(policy))
        }
        RequantizeError::Scale { .. } if policy.kind() == ScaleKind::Shift => {
            "; exact-<rounding> takes any scale".into()
        }
        _ => String::new(),
    };
    value_error(format!("{error}{remedy}"))
}

/// The arguments that give what a policy takes.
fn needed(policy: RequantizePolicy) -> &'static str {
    match policy.kind() {
        ScaleKind::MultiplierShift => "scale, or multiplier and shift",
        ScaleKind::Shift => "shift, or scale with a power of two",
        ScaleKind::Affine => "scale, perhaps with out_bias",
        ScaleKind::Thresholds => "thresholds",
        _ => "scale",
    }
}

#[pymethods]
impl RequantizeJob {
    #[new]
    #[allow(
        clippy::too_many_arguments,
        reason = "one argument per argument of the Python function"
    )]
    #[pyo3(signature = (policy, to, scale, multiplier, shift, thresholds, out_scale, out_bias, bias, zero_point, overflow, seed))]
    fn new(
        policy: &str,
        to: &str,
        scale: Option<Given<f64>>,
        multiplier: Option<Given<i32>>,
        shift: Option<Given<i32>>,
        thresholds: Option<Vec<Vec<f64>>>,
        out_scale: i64,
        out_bias: Option<Given<f64>>,
        bias: Option<Given<i64>>,
        zero_point: i64,
        overflow: Option<&str>,
        seed: u64,
    ) -> PyResult<Self> {
        let policy: RequantizePolicy = named(policy)?;
        let to = integer_format(to)?;
        if out_bias.is_some() && !matches!(policy.kind(), ScaleKind::Affine | ScaleKind::Thresholds)
        {
            return Err(value_error(format!(
                "out_bias has no meaning for `{policy}`: it is for finn and thresholds; bias adds to values, zero_point \
                 to outputs"
            )));
        }
        let refused = |error| refused(policy, &error);
        let numbers = match (scale, multiplier, shift, thresholds) {
            (Some(scale), None, None, None) => {
                let numbers = policy.parameters(&scale.into()).map_err(refused)?;
                match (numbers, out_bias) {
                    (ScaleParameters::Affine { scale, .. }, Some(bias)) => {
                        let bias = PerChannel::from(bias).map(|&bias| bias as f32);
                        ScaleParameters::Affine { scale, bias }
                    }
                    (numbers, _) => numbers,
                }
            }
            (None, Some(multiplier), Some(shift), None) => ScaleParameters::MultiplierShift {
                multiplier: multiplier.into(),
                shift: shift.into(),
            },
            (None, None, Some(shift), None) => ScaleParameters::Shift(shift.into()),
            (None, None, None, Some(lists)) => {
                let lists = match <[Vec<f64>; 1]>::try_from(lists) {
                    Ok([one]) => PerChannel::Tensor(one),
                    Err(lists) => PerChannel::Channels(lists),
                };
                let found = ScaleParameters::thresholds(&lists).map_err(refused)?;
                let ScaleParameters::Thresholds { thresholds, .. } = found else {
                    return Err(internal_error("thresholds that are none"));
                };
                let out_bias = match out_bias {
                    None => 0,
                    Some(Given::One(bias)) if bias.fract() == 0.0 => bias as i64,
                    Some(_) => {
                        return Err(value_error(
                            "out_bias of thresholds is one integer for all outputs",
                        ));
                    }
                };
                ScaleParameters::Thresholds { thresholds, out_scale, out_bias }
            }
            (None, None, None, None) => {
                return Err(value_error(format!(
                    "`{policy}` takes {}: give {}",
                    policy.kind().description(),
                    needed(policy)
                )));
            }
            _ => {
                return Err(value_error(
                    "expected one of: scale; multiplier and shift; shift; thresholds",
                ));
            }
        };
        let mut job = Requantization::new(policy, numbers, to).map_err(refused)?;
        if let Some(bias) = bias {
            job = job.with_bias(bias.into()).map_err(refused)?;
        }
        let mut job = job.with_zero_point(zero_point).map_err(refused)?;
        if let Some(overflow) = overflow {
            job = job.with_overflow(named::<Overflow>(overflow)?).map_err(refused)?;
        }
        Ok(Self(Requantizer::new(job.with_seed(seed))))
    }

    /// The NumPy type of the outputs.
    fn dtype(&self) -> &'static str {
        let format = self.0.requantization().format();
        match (format.is_signed(), format.bits()) {
            (true, ..=8) => "int8",
            (false, ..=8) => "uint8",
            (true, 9..=16) => "int16",
            (false, 9..=16) => "uint16",
            (true, _) => "int32",
            (false, _) => "uint32",
        }
    }

    /// Writes the outputs of `values`; channels are the last axis.
    fn run(
        &self,
        py: Python<'_>,
        values: Values<'_>,
        out: Outputs<'_>,
        threads: Option<usize>,
    ) -> PyResult<()> {
        fn typed<X: RequantizeInput + Element, O: RequantizeOutput + Element>(
            py: Python<'_>,
            by: &Requantizer,
            values: &PyReadonlyArrayDyn<'_, X>,
            mut out: PyReadwriteArrayDyn<'_, O>,
            threads: Option<usize>,
        ) -> PyResult<()> {
            let contiguous = || internal_error("an array that is not contiguous");
            let view = values.as_array();
            let shape = view.shape();
            let last = shape.last().copied().unwrap_or(1);
            if let Some(channels) = by.requantization().channels().filter(|&n| n != last) {
                return Err(value_error(format!(
                    "{channels} channels were given for values of shape {shape:?}: expected one number, or {last}, one for \
                     each place of the last axis"
                )));
            }
            let x = view.as_slice().ok_or_else(contiguous)?;
            let out = out.as_slice_mut().map_err(|_| contiguous())?;
            detached(py, threads, || by.run(x, out))?.map_err(|error| match error {
                RequantizeSliceError::Value { index, source } => {
                    let remedy = match &source {
                        RequantizeValueError::Excess { policy, .. } => {
                            let name = policy.to_string();
                            let stack = name.trim_end_matches("-refuse").to_owned();
                            format!("; {stack}-wrap and {stack}-saturate take it")
                        }
                        _ => String::new(),
                    };
                    let place = fewbit::tensor::unravel(index, shape);
                    value_error(format!(
                        "the value at {place:?} cannot be requantized: {source}{remedy}"
                    ))
                }
                other => value_error(other),
            })
        }
        macro_rules! outputs {
            ($values:expr, $($variant:ident),*) => {
                match out {
                    $(Outputs::$variant(out) => typed(py, &self.0, $values, out, threads),)*
                }
            };
        }
        match &values {
            Values::I32(values) => outputs!(values, I8, U8, I16, U16, I32, U32),
            Values::I64(values) => outputs!(values, I8, U8, I16, U16, I32, U32),
        }
    }
}
