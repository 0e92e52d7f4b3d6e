//! Arrays in files as tensors.

use std::path::Path;

use fewbit_models::eval::Labels;
use fewbit_models::tensor::Tensor;
use ndarray::{ArrayD, IxDyn};

use crate::error::CliError;
use crate::io::log::InputLog;
use crate::io::npy::{self, Npy, Values};
use crate::io::npz;

/// The array of labels in an archive of data.
const LABELS: &str = "y";

/// The named arrays of a file; halves and doubles as `f32`.
///
/// # Errors
/// A file that cannot be read, or is none of arrays.
pub(crate) fn tensors(path: &Path, log: &InputLog) -> Result<Vec<(String, Tensor)>, CliError> {
    npz::read(path, log)?.into_iter().map(|(name, npy)| Ok((name, tensor(npy)?))).collect()
}

fn tensor(npy: Npy) -> Result<Tensor, CliError> {
    macro_rules! of {
        ($values:expr) => {
            ArrayD::from_shape_vec(IxDyn(&npy.shape), $values)?.into()
        };
    }
    Ok(match npy.values {
        Values::I8(v) => of!(v),
        Values::I16(v) => of!(v),
        Values::I32(v) => of!(v),
        Values::I64(v) => of!(v),
        Values::U8(v) => of!(v),
        Values::U16(v) => of!(v),
        Values::U32(v) => of!(v),
        Values::U64(v) => of!(v),
        Values::F16(v) => of!(v.into_iter().map(f32::from).collect::<Vec<f32>>()),
        Values::F32(v) => of!(v),
        Values::F64(v) => of!(v.into_iter().map(|x| x as f32).collect::<Vec<f32>>()),
    })
}

/// Takes the labels out of named arrays.
///
/// # Errors
/// Labels that are no integers.
pub(crate) fn labels(
    path: &Path,
    arrays: &mut Vec<(String, Tensor)>,
) -> Result<Option<Labels>, CliError> {
    let Some(place) = arrays.iter().position(|(name, _)| name == LABELS) else { return Ok(None) };
    let (_, tensor) = arrays.remove(place);
    let wrong = |_| CliError::Array {
        path: path.to_owned(),
        reason: format!(
            "`{LABELS}` has elements of {}: labels are integers",
            tensor.element_type()
        ),
    };
    Ok(Some(Labels(tensor.integers().map_err(wrong)?)))
}

/// Named tensors as the bytes of a `.npz` file.
///
/// # Errors
/// More than 4 GiB.
pub(crate) fn outputs(tensors: &[(String, Tensor)]) -> Result<Vec<u8>, CliError> {
    let mut arrays = Vec::new();
    for (name, tensor) in tensors {
        let bytes = encoded(tensor);
        let bytes = bytes.map_err(|error| CliError::Arguments(error.to_string()))?;
        arrays.push((name.clone(), bytes));
    }
    npz::archive(arrays)
}

fn encoded(tensor: &Tensor) -> Result<Vec<u8>, std::io::Error> {
    let shape = tensor.shape().to_vec();
    match tensor {
        Tensor::Bool(array) => {
            npy::encode(&shape, &array.iter().map(|&x| u8::from(x)).collect::<Vec<_>>())
        }
        Tensor::F32(a) => npy::encode(&shape, &a.iter().copied().collect::<Vec<_>>()),
        Tensor::I64(a) => npy::encode(&shape, &a.iter().copied().collect::<Vec<_>>()),
        Tensor::I32(a) => npy::encode(&shape, &a.iter().copied().collect::<Vec<_>>()),
        Tensor::I16(a) => npy::encode(&shape, &a.iter().copied().collect::<Vec<_>>()),
        Tensor::I8(a) => npy::encode(&shape, &a.iter().copied().collect::<Vec<_>>()),
        Tensor::U64(a) => npy::encode(&shape, &a.iter().copied().collect::<Vec<_>>()),
        Tensor::U32(a) => npy::encode(&shape, &a.iter().copied().collect::<Vec<_>>()),
        Tensor::U16(a) => npy::encode(&shape, &a.iter().copied().collect::<Vec<_>>()),
        Tensor::U8(a) | Tensor::Code(_, a) => {
            npy::encode(&shape, &a.iter().copied().collect::<Vec<_>>())
        }
        other => Err(std::io::Error::other(format!(
            "{} elements of {} cannot be written",
            other.len(),
            other.element_type()
        ))),
    }
}
