//! Values to codes and back.

use fewbit::convert::{Caster, Code, ConvertError, Decoder, Encoder, Source, Target};
use fewbit_formats::Format;
use numpy::PyReadwriteArrayDyn;
use pyo3::prelude::*;
use rayon::prelude::*;

use crate::arrays::{Codes, Numbers, each};
use crate::errors::{internal_error, value_error};
use crate::policy::{Axes, named};
use crate::threads::detached;

/// Memory for codes.
#[derive(FromPyObject)]
pub(crate) enum CodesOut<'py> {
    U8(PyReadwriteArrayDyn<'py, u8>),
    U16(PyReadwriteArrayDyn<'py, u16>),
    U32(PyReadwriteArrayDyn<'py, u32>),
}

/// Memory for values.
#[derive(FromPyObject)]
pub(crate) enum ValuesOut<'py> {
    F32(PyReadwriteArrayDyn<'py, f32>),
    F64(PyReadwriteArrayDyn<'py, f64>),
}

/// The error with the place of the element in an array of this shape.
fn placed(error: &ConvertError, shape: &[usize]) -> PyErr {
    match error {
        ConvertError::Value { index, source } => {
            let place = fewbit::tensor::unravel(*index, shape);
            value_error(format!("the element at {place:?} cannot be converted: {source}"))
        }
        other => value_error(other),
    }
}

fn contiguous() -> PyErr {
    internal_error("an array that is not contiguous")
}

/// Bits of a code of this format.
#[pyfunction]
pub(crate) fn code_bits(format: &str) -> PyResult<u32> {
    Ok(named::<Format>(format)?.bits())
}

/// Whether all values of this format are float32, and float64.
#[pyfunction]
pub(crate) fn value_widths(format: &str) -> PyResult<(bool, bool)> {
    let format: Format = named(format)?;
    Ok((format.fits_f32(), format.fits_f64()))
}

/// Writes to `out` what the format makes of `x`.
#[pyfunction]
pub(crate) fn cast(
    py: Python<'_>,
    x: Numbers<'_>,
    out: ValuesOut<'_>,
    format: &str,
    policy: Axes,
    seed: u64,
    threads: Option<usize>,
) -> PyResult<()> {
    let format: Format = named(format)?;
    let caster = Caster::new(format, policy.policy(format)?).with_seed(seed);
    fn run<X: Source, V: Target>(
        py: Python<'_>,
        caster: &Caster,
        (x, shape): (&[X], &[usize]),
        out: &mut [V],
        threads: Option<usize>,
    ) -> PyResult<()> {
        let done = detached(py, threads, || caster.cast(x, out))?;
        done.map_err(|error| placed(&error, shape))
    }
    each!(Numbers: x, [F32, F64, I8, U8, I16, U16, I32, U32, I64, U64], x => {
        let view = x.as_array();
        let x = (view.as_slice().ok_or_else(contiguous)?, view.shape());
        match out {
            ValuesOut::F32(mut out) => {
                run(py, &caster, x, out.as_slice_mut().map_err(|_| contiguous())?, threads)
            }
            ValuesOut::F64(mut out) => {
                run(py, &caster, x, out.as_slice_mut().map_err(|_| contiguous())?, threads)
            }
        }
    })
}

/// Writes to `out` the codes that the format gives to `x`.
#[pyfunction]
pub(crate) fn encode(
    py: Python<'_>,
    x: Numbers<'_>,
    out: CodesOut<'_>,
    format: &str,
    policy: Axes,
    seed: u64,
    threads: Option<usize>,
) -> PyResult<()> {
    let format: Format = named(format)?;
    let encoder = Encoder::new(format, policy.policy(format)?).with_seed(seed);
    fn run<X: Source, C: Code>(
        py: Python<'_>,
        encoder: &Encoder,
        (x, shape): (&[X], &[usize]),
        out: &mut [C],
        threads: Option<usize>,
    ) -> PyResult<()> {
        let done = detached(py, threads, || encoder.encode(x, out))?;
        done.map_err(|error| placed(&error, shape))
    }
    each!(Numbers: x, [F32, F64, I8, U8, I16, U16, I32, U32, I64, U64], x => {
        let view = x.as_array();
        let x = (view.as_slice().ok_or_else(contiguous)?, view.shape());
        each!(CodesOut: out, [U8, U16, U32], out => {
            let mut out = out;
            run(py, &encoder, x, out.as_slice_mut().map_err(|_| contiguous())?, threads)
        })
    })
}

/// Writes to `out` the values of codes.
#[pyfunction]
pub(crate) fn decode(
    py: Python<'_>,
    codes: Codes<'_>,
    out: ValuesOut<'_>,
    format: &str,
    threads: Option<usize>,
) -> PyResult<()> {
    let format: Format = named(format)?;
    each!(Codes: codes, [U8, U16, U32], codes => {
        let view = codes.as_array();
        let codes = view.as_slice().ok_or_else(contiguous)?;
        check_codes(format, codes, view.shape())?;
        match out {
            ValuesOut::F32(mut out) => {
                let out = out.as_slice_mut().map_err(|_| contiguous())?;
                let decoder = Decoder::new(format);
                detached(py, threads, || decoder.decode(codes, out))?.map_err(value_error)
            }
            ValuesOut::F64(mut out) => {
                let out = out.as_slice_mut().map_err(|_| contiguous())?;
                if codes.len() != out.len() {
                    return Err(internal_error("codes and values of different lengths"));
                }
                detached(py, threads, || {
                    let pairs = out.par_iter_mut().zip(codes);
                    pairs.for_each(|(value, code)| *value = format.decode(code.to_u32()));
                })
            }
        }
    })
}

/// Refuses a code with bits above the format's width.
fn check_codes<C: Code>(format: Format, codes: &[C], shape: &[usize]) -> PyResult<()> {
    if format.bits() >= C::BITS {
        return Ok(());
    }
    let excess = codes.iter().position(|code| u64::from(code.to_u32()) >= format.code_count());
    match excess {
        None => Ok(()),
        Some(index) => Err(value_error(format!(
            "the code {:#x} at {:?} is none of {format}, which has {} bits",
            codes[index].to_u32(),
            fewbit::tensor::unravel(index, shape),
            format.bits()
        ))),
    }
}

/// Refuses a format that is a group format where one of elements is asked for.
#[pyfunction]
pub(crate) fn format_kind(name: &str) -> PyResult<&'static str> {
    if name.parse::<Format>().is_ok() {
        return Ok("scalar");
    }
    match name.parse::<fewbit_formats::GroupFormat>() {
        Ok(_) => Ok("group"),
        Err(fewbit_formats::GroupFormatError::Unknown(_)) => {
            named::<Format>(name).map(|_| "scalar")
        }
        Err(error) => Err(value_error(error)),
    }
}
