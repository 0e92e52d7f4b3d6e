//! Quantizers and the tensors that they make.

use fewbit::quantize::{Preset, Quantizer, Recipe, ScaleRule, Scheme};
use fewbit::tensor::{AnyQuantTensor, Granularity};
use fewbit_formats::{Format, GroupFormat, GroupFormatError};
use ndarray::ArrayD;
use numpy::{IntoPyArray, PyArrayDyn, PyReadonlyArrayDyn};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::errors::value_error;
use crate::policy::{Axes, named};
use crate::products::json;
use crate::threads::detached;

/// Codes with their scales.
#[pyclass(frozen, name = "Tensor", module = "fewbit._fewbit")]
pub(crate) struct Tensor(AnyQuantTensor);

/// An array of codes in the smallest unsigned type that holds them.
fn codes<'py>(py: Python<'py>, bits: u32, codes: &ArrayD<u32>) -> Bound<'py, PyAny> {
    match bits {
        ..=8 => codes.mapv(|code| code as u8).into_pyarray(py).into_any(),
        9..=16 => codes.mapv(|code| code as u16).into_pyarray(py).into_any(),
        _ => codes.clone().into_pyarray(py).into_any(),
    }
}

#[pymethods]
impl Tensor {
    /// The tensor of these parts; the granularity is JSON text.
    #[new]
    fn new(
        codes: PyReadonlyArrayDyn<'_, u32>,
        format: &str,
        scale: PyReadonlyArrayDyn<'_, f32>,
        zero_point: Option<PyReadonlyArrayDyn<'_, f32>>,
        granularity: &str,
    ) -> PyResult<Self> {
        let granularity: Granularity = serde_json::from_str(granularity).map_err(value_error)?;
        let zero_point = zero_point.map(|zero_point| zero_point.as_array().to_owned());
        let scale = scale.as_array().to_owned();
        AnyQuantTensor::new(named(format)?, &codes.as_array(), scale, zero_point, granularity)
            .map(Self)
            .map_err(value_error)
    }

    #[staticmethod]
    fn from_safetensors(bytes: &[u8]) -> PyResult<Self> {
        AnyQuantTensor::from_safetensors(bytes).map(Self).map_err(value_error)
    }

    fn to_safetensors<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.0.to_safetensors().map_err(value_error)?))
    }

    /// The format of an element.
    #[getter]
    fn element(&self) -> String {
        self.0.format().to_string()
    }

    /// The format of the groups, or of an element where there are none.
    #[getter]
    fn format(&self) -> String {
        match self.0.scale_codes() {
            Some(codes) => codes.format.to_string(),
            None => self.0.format().to_string(),
        }
    }

    #[getter]
    fn shape(&self) -> Vec<usize> {
        self.0.shape().to_vec()
    }

    #[getter]
    fn granularity(&self) -> PyResult<String> {
        json(&self.0.granularity())
    }

    #[getter]
    fn codes<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        codes(py, self.0.bit_width(), &self.0.codes())
    }

    #[getter]
    fn scale<'py>(&self, py: Python<'py>) -> Bound<'py, PyArrayDyn<f32>> {
        self.0.scale().clone().into_pyarray(py)
    }

    #[getter]
    fn zero_point<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyArrayDyn<f32>>> {
        self.0.zero_point().map(|zero_point| zero_point.clone().into_pyarray(py))
    }

    /// The codes of the scales, their format, the outer scales' codes and values; `None` where scales are numbers.
    #[getter]
    #[expect(clippy::type_complexity, reason = "a tuple for Python, unpacked at once")]
    fn scale_codes<'py>(
        &self,
        py: Python<'py>,
    ) -> Option<(
        String,
        Bound<'py, PyAny>,
        Option<Bound<'py, PyAny>>,
        Option<Bound<'py, PyArrayDyn<f32>>>,
    )> {
        let found = self.0.scale_codes()?;
        let format = found.format.scale().format;
        let outer = found.format.scale().outer.map(|outer| outer.format);
        let outer = outer.zip(found.outer.as_ref());
        Some((
            format.to_string(),
            codes(py, format.bits(), &found.scales),
            outer.map(|(format, outer)| codes(py, format.bits(), outer)),
            found.outer_values().map(|values| values.into_pyarray(py)),
        ))
    }

    fn dequantize<'py>(
        &self,
        py: Python<'py>,
        threads: Option<usize>,
    ) -> PyResult<Bound<'py, PyArrayDyn<f32>>> {
        Ok(detached(py, threads, || self.0.dequantize())?.into_pyarray(py))
    }

    fn ints<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArrayDyn<i64>>> {
        Ok(self.0.ints().map_err(value_error)?.into_pyarray(py))
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }
}

/// Turns numbers into codes.
#[pyclass(frozen, name = "Recipe", module = "fewbit._fewbit")]
pub(crate) struct PyRecipe(Recipe);

#[pymethods]
impl PyRecipe {
    /// The quantizer to a scalar or group format; one scale for all elements, or one for each group along `axis`.
    #[staticmethod]
    fn to_format(format: &str, axis: Option<isize>, policy: Axes, seed: u64) -> PyResult<Self> {
        let quantizer = match format.parse::<GroupFormat>() {
            Ok(format) => {
                let policy = policy.group_policy(&format)?;
                Quantizer::of_groups(format, axis.unwrap_or(-1), policy)
            }
            Err(GroupFormatError::Unknown(_)) => {
                let format: Format = named(format)?;
                if let Some(axis) = axis {
                    return Err(value_error(format!(
                        "axis is {axis}, and {format} has one scale for all elements: groups have an axis, such as those of \
                         mxfp4 or mx({format},f16,32)"
                    )));
                }
                let policy = policy.policy(format)?;
                Quantizer::new(Scheme::new(format), ScaleRule::abs_max(), policy)
            }
            Err(error) => return Err(value_error(error)),
        };
        Ok(Self(Recipe::Quantizer(quantizer.map_err(value_error)?.with_seed(seed))))
    }

    /// A preset, with fields changed: pairs of a name and JSON text.
    #[staticmethod]
    fn of_preset(name: &str, fields: Vec<(String, String)>) -> PyResult<Self> {
        let preset: &Preset = named(name)?;
        let mut values = Vec::new();
        for (field, text) in fields {
            values.push((
                field,
                serde_json::from_str::<serde_json::Value>(&text).map_err(value_error)?,
            ));
        }
        let (formats, others): (Vec<_>, Vec<_>) =
            values.into_iter().partition(|(field, _)| field == "format");
        let mut recipe = match (preset.format, formats.last()) {
            (None, Some((_, serde_json::Value::String(format)))) => {
                preset.recipe_in(named(format)?).map_err(value_error)?
            }
            _ => preset.recipe().map_err(value_error)?,
        };
        for (field, value) in formats.into_iter().chain(others) {
            recipe = recipe.set(&field, value).map_err(value_error)?;
        }
        Ok(Self(recipe))
    }

    /// A whole recipe as JSON text.
    #[staticmethod]
    fn of_json(text: &str) -> PyResult<Self> {
        serde_json::from_str(text).map(Self).map_err(value_error)
    }

    /// The recipe with a field changed.
    fn set(&self, field: &str, value: &str) -> PyResult<Self> {
        let value = serde_json::from_str(value).map_err(value_error)?;
        self.0.set(field, value).map(Self).map_err(value_error)
    }

    fn json(&self) -> PyResult<String> {
        json(&self.0)
    }

    /// The codes of a tensor.
    fn quantize(
        &self,
        py: Python<'_>,
        x: PyReadonlyArrayDyn<'_, f32>,
        threads: Option<usize>,
    ) -> PyResult<Tensor> {
        let x = x.as_array();
        detached(py, threads, || self.0.codes(&x))?.map(Tensor).map_err(value_error)
    }

    /// The values of a tensor as a simulation on floats has them.
    fn values<'py>(
        &self,
        py: Python<'py>,
        x: PyReadonlyArrayDyn<'py, f32>,
        threads: Option<usize>,
    ) -> PyResult<Bound<'py, PyArrayDyn<f32>>> {
        let x = x.as_array();
        let done = detached(py, threads, || self.0.quantize(&x))?.map_err(value_error)?;
        Ok(done.values.into_pyarray(py))
    }
}

impl Tensor {
    /// The tensor as Python has it.
    pub(crate) fn of(tensor: AnyQuantTensor) -> Self {
        Self(tensor)
    }
}
