//! Errors as Python's exceptions.

use std::fmt::Display;

use pyo3::PyErr;
use pyo3::exceptions::{PyRuntimeError, PyTypeError, PyValueError};

/// A `ValueError` with the library's sentence.
pub(crate) fn value_error(error: impl Display) -> PyErr {
    PyValueError::new_err(error.to_string())
}

/// A `TypeError`.
pub(crate) fn type_error(message: impl Display) -> PyErr {
    PyTypeError::new_err(message.to_string())
}

/// A `RuntimeError` for what should never happen.
pub(crate) fn internal_error(message: impl Display) -> PyErr {
    PyRuntimeError::new_err(format!("internal error of fewbit: {message}"))
}
