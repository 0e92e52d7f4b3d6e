//! Accumulators as a state.

use fewbit::accumulate::{OutputTrace, Turn};
use fewbit::machine::{
    CodeMachine, FloatMachine, FloatStepRecord, Machine, MachineArray, OperandFormat, Steps,
};
use fewbit::reference::{Addend, Dyadic, FloatReport, IntStepRecord, RandomBits, Value};
use fewbit::{Accumulator, Report};
use fewbit_formats::Format;
use ndarray::Array2;
use numpy::{IntoPyArray, PyArray2, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;
use pyo3::types::{PyFloat, PyInt};

use crate::errors::value_error;
use crate::policy::named;
use crate::products::json;
use crate::threads::detached;

/// Which machine runs.
#[derive(Clone)]
enum Inner {
    Integer(Machine),
    Float(FloatMachine),
    Codes(CodeMachine),
}

/// An accumulator as a state.
#[pyclass(name = "Machine", module = "fewbit._fewbit")]
pub(crate) struct PyMachine {
    acc: Accumulator,
    inner: Inner,
}

/// A step: stage, first and last product, the register's turn or fold, before, input, exact, after, whether it overflowed.
type StepTuple<'py> = (
    usize,
    u64,
    u64,
    (&'static str, u32),
    Bound<'py, PyAny>,
    Bound<'py, PyAny>,
    Bound<'py, PyAny>,
    Bound<'py, PyAny>,
    bool,
);

/// A stage: its text, register, what waits, how many wait, how many it has taken.
type StageTuple<'py> = (String, Bound<'py, PyAny>, Option<Bound<'py, PyAny>>, usize, u64);

fn whole<'py>(py: Python<'py>, value: i128) -> PyResult<Bound<'py, PyAny>> {
    Ok(value.into_pyobject(py)?.into_any())
}

/// A number as Python's `float`, which has every value of a format of at most 64 bits; other sums are rounded to it.
fn real<'py>(py: Python<'py>, value: &Value) -> Bound<'py, PyAny> {
    PyFloat::new(py, value.to_f64()).into_any()
}

fn turn(turn: Turn) -> (&'static str, u32) {
    match turn {
        Turn::Fold(register) => ("fold", register),
        Turn::Inputs(register) => ("inputs", register),
        _ => ("other", 0),
    }
}

fn int_steps<'py>(py: Python<'py>, steps: &[IntStepRecord]) -> PyResult<Vec<StepTuple<'py>>> {
    let step = |step: &IntStepRecord| {
        Ok((
            step.stage,
            step.first_k,
            step.last_k,
            turn(step.turn),
            whole(py, step.before)?,
            whole(py, step.input)?,
            whole(py, step.exact)?,
            whole(py, step.after)?,
            step.event,
        ))
    };
    steps.iter().map(step).collect()
}

fn float_steps<'py>(py: Python<'py>, steps: &[FloatStepRecord]) -> PyResult<Vec<StepTuple<'py>>> {
    let step = |record: &FloatStepRecord| {
        let sum = record
            .inputs
            .iter()
            .try_fold(Dyadic::ZERO, |sum, input| input.value.finite().map(|value| &sum + value));
        let input = sum.map_or(Value::Nan, Value::Finite);
        (
            record.stage,
            record.first_k,
            record.last_k,
            turn(record.turn),
            real(py, &record.before),
            real(py, &input),
            real(py, &record.step.exact),
            real(py, &record.step.after),
            record.step.status.contains(fewbit_formats::Status::OVERFLOW),
        )
    };
    Ok(steps.iter().map(step).collect())
}

fn steps<'py>(py: Python<'py>, found: Steps<'_>) -> PyResult<Vec<StepTuple<'py>>> {
    match found {
        Steps::Integer(found) => int_steps(py, found),
        Steps::Float(found) => float_steps(py, found),
    }
}

/// A number that a float machine takes: a whole number of any size that fits 127 bits, or a float.
fn value(number: &Bound<'_, PyAny>) -> PyResult<Value> {
    if number.is_instance_of::<PyInt>() {
        let whole: i128 = number
            .extract()
            .map_err(|_| value_error(format!("{number} has more than 127 bits")))?;
        return Ok(Value::Finite(Dyadic::new(whole, 0)));
    }
    Ok(Value::from_f64(number.extract()?))
}

/// A whole number of at most 127 bits.
fn integer(number: &Bound<'_, PyAny>) -> PyResult<i128> {
    let index = number.call_method0("__index__").map_err(|_| {
        crate::errors::type_error(format!(
            "{number} is no whole number, and the stages of this machine are of integers"
        ))
    })?;
    index.extract().map_err(|_| value_error(format!("{number} has more than 127 bits")))
}

fn operand(format: &str, scale: Option<&str>) -> PyResult<OperandFormat> {
    let format: Format = named(format)?;
    Ok(match scale {
        None => format.into(),
        Some(scale) => OperandFormat::scaled(format, named(scale)?),
    })
}

#[pymethods]
impl PyMachine {
    #[new]
    #[pyo3(signature = (acc, a, b, a_scale, b_scale, seed, output))]
    fn new(
        acc: &str,
        a: Option<&str>,
        b: Option<&str>,
        a_scale: Option<&str>,
        b_scale: Option<&str>,
        seed: u64,
        output: u64,
    ) -> PyResult<Self> {
        let acc: Accumulator = named(acc)?;
        let random = RandomBits { seed, output };
        let inner = match (a, b) {
            (Some(a), Some(b)) => {
                let machine = acc.machine_for(operand(a, a_scale)?, operand(b, b_scale)?);
                Inner::Codes(machine.map_err(value_error)?.with_random(random))
            }
            (None, None) if a_scale.is_none() && b_scale.is_none() => match acc.is_integer() {
                true => Inner::Integer(acc.machine().map_err(value_error)?),
                false => Inner::Float(acc.float_machine(random)),
            },
            _ => {
                return Err(value_error(
                    "expected both a and b, the formats of the codes, or neither",
                ));
            }
        };
        Ok(Self { acc, inner })
    }

    #[getter]
    fn acc(&self) -> String {
        self.acc.to_string()
    }

    /// Takes a product.
    fn push<'py>(
        &mut self,
        py: Python<'py>,
        product: &Bound<'py, PyAny>,
    ) -> PyResult<Vec<StepTuple<'py>>> {
        match &mut self.inner {
            Inner::Integer(machine) => int_steps(py, machine.push_product(integer(product)?)),
            Inner::Float(machine) => {
                let product = Addend::new(value(product)?, None);
                float_steps(py, machine.push_product(product).map_err(value_error)?)
            }
            Inner::Codes(_) => {
                Err(value_error("this machine takes codes of its formats: push_codes(a, b)"))
            }
        }
    }

    /// Takes products in ascending k; with no steps told this is the fast way.
    fn push_products(
        &mut self,
        py: Python<'_>,
        products: PyReadonlyArray1<'_, i64>,
    ) -> PyResult<()> {
        let products = products.as_array();
        let inner = &mut self.inner;
        match inner {
            Inner::Integer(machine) => detached(py, Some(1), || {
                for &product in products {
                    machine.push_product(product);
                }
            }),
            Inner::Float(machine) => {
                let product = |&x: &i64| Addend::new(Value::Finite(Dyadic::new(x.into(), 0)), None);
                detached(py, Some(1), || {
                    products.iter().try_for_each(|x| machine.push_product(product(x)).map(|_| ()))
                })?
                .map_err(value_error)
            }
            Inner::Codes(_) => {
                Err(value_error("this machine takes codes of its formats: push_codes(a, b)"))
            }
        }
    }

    /// Takes products that are no whole numbers.
    fn push_reals(&mut self, py: Python<'_>, products: PyReadonlyArray1<'_, f64>) -> PyResult<()> {
        let products = products.as_array();
        match &mut self.inner {
            Inner::Float(machine) => detached(py, Some(1), || {
                products.iter().try_for_each(|&x| {
                    machine.push_product(Addend::new(Value::from_f64(x), None)).map(|_| ())
                })
            })?
            .map_err(value_error),
            _ => Err(value_error(format!("{} takes whole numbers", self.acc))),
        }
    }

    /// Takes codes, under the codes of their scales.
    #[pyo3(signature = (a, b, a_scale, b_scale))]
    fn push_codes<'py>(
        &mut self,
        py: Python<'py>,
        a: u32,
        b: u32,
        a_scale: Option<u32>,
        b_scale: Option<u32>,
    ) -> PyResult<Vec<StepTuple<'py>>> {
        match &mut self.inner {
            Inner::Codes(machine) => {
                let found = machine.push_scaled(a, b, a_scale, b_scale).map_err(value_error)?;
                steps(py, found)
            }
            _ => Err(value_error(
                "this machine takes products: codes need their formats, Machine(acc, a=..., b=...)",
            )),
        }
    }

    /// Takes pairs of codes without scales.
    fn push_code_pairs(
        &mut self,
        py: Python<'_>,
        a: PyReadonlyArray1<'_, u32>,
        b: PyReadonlyArray1<'_, u32>,
    ) -> PyResult<()> {
        let (a, b) = (a.as_array(), b.as_array());
        if a.len() != b.len() {
            return Err(value_error(format!(
                "a has {} codes and b {}: expected as many",
                a.len(),
                b.len()
            )));
        }
        match &mut self.inner {
            Inner::Codes(machine) => detached(py, Some(1), || {
                a.iter().zip(b).try_for_each(|(&a, &b)| machine.push(a, b).map(|_| ()))
            })?
            .map_err(value_error),
            _ => Err(value_error(
                "this machine takes products: codes need their formats, Machine(acc, a=..., b=...)",
            )),
        }
    }

    /// Closes groups and tiles: the output and the steps of it; a machine of codes tells no steps.
    fn drain<'py>(
        &mut self,
        py: Python<'py>,
    ) -> PyResult<(Bound<'py, PyAny>, Vec<StepTuple<'py>>)> {
        match &mut self.inner {
            Inner::Integer(machine) => {
                let drained = machine.drain();
                Ok((whole(py, drained.value)?, int_steps(py, drained.steps)?))
            }
            Inner::Float(machine) => {
                let (value, steps) = machine.drain().map_err(value_error)?;
                Ok((real(py, value), float_steps(py, steps)?))
            }
            Inner::Codes(machine) => {
                machine.drain().map_err(value_error)?;
                Ok((self.value(py)?, Vec::new()))
            }
        }
    }

    #[getter]
    fn value<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match &self.inner {
            Inner::Integer(machine) => whole(py, machine.value()),
            Inner::Float(machine) => Ok(real(py, machine.value())),
            Inner::Codes(machine) => match machine.as_integer() {
                Some(machine) => whole(py, machine.value()),
                None => Ok(real(py, &machine.value())),
            },
        }
    }

    fn reset(&mut self, start: &Bound<'_, PyAny>) -> PyResult<()> {
        match &mut self.inner {
            Inner::Integer(machine) => machine.reset(integer(start)?).map_err(value_error),
            Inner::Float(machine) => {
                machine.reset(value(start)?);
                Ok(())
            }
            Inner::Codes(machine) => machine.reset(value(start)?).map_err(value_error),
        }
    }

    /// The stages as they stand.
    fn stages<'py>(&self, py: Python<'py>) -> PyResult<Vec<StageTuple<'py>>> {
        let names = self.acc.stages().iter().map(|stage| stage.to_string());
        let int = |machine: &Machine| {
            let stages = machine.stages().zip(names.clone());
            let stage = |(stage, name): (fewbit::machine::MachineStage, String)| {
                let pending = Some(whole(py, stage.pending)?);
                Ok((name, whole(py, stage.register)?, pending, stage.waiting as usize, stage.taken))
            };
            stages.map(stage).collect()
        };
        let float = |machine: &FloatMachine| {
            let stages = machine.stages().zip(names.clone());
            stages
                .map(|(stage, name)| {
                    (name, real(py, stage.register), None, stage.pending.len(), stage.taken)
                })
                .collect()
        };
        match &self.inner {
            Inner::Integer(machine) => int(machine),
            Inner::Float(machine) => Ok(float(machine)),
            Inner::Codes(machine) => match (machine.as_integer(), machine.as_float()) {
                (Some(machine), _) => int(machine),
                (_, Some(machine)) => Ok(float(machine)),
                _ => Ok(Vec::new()),
            },
        }
    }

    /// What a product of this one output reports, as JSON.
    fn report(&self) -> PyResult<String> {
        let int = |traces: &[OutputTrace]| {
            let mut report = Report::new(traces.len());
            report.add(0, 0, traces);
            json(&report)
        };
        let float = |machine: &FloatMachine| {
            let mut report = FloatReport::new(machine.traces().len());
            report.add(0, 0, machine.traces().to_vec());
            json(&report)
        };
        match &self.inner {
            Inner::Integer(machine) => int(machine.traces()),
            Inner::Float(machine) => float(machine),
            Inner::Codes(machine) => match (machine.as_integer(), machine.as_float()) {
                (Some(machine), _) => int(machine.traces()),
                (_, Some(machine)) => float(machine),
                _ => json(&()),
            },
        }
    }

    /// Whether the values are whole numbers.
    #[getter]
    fn is_integer(&self) -> bool {
        match &self.inner {
            Inner::Integer(_) => true,
            Inner::Float(_) => false,
            Inner::Codes(machine) => machine.as_integer().is_some(),
        }
    }

    fn copy(&self) -> Self {
        Self { acc: self.acc.clone(), inner: self.inner.clone() }
    }
}

/// An array of integer machines that step together.
#[pyclass(name = "MachineArray", module = "fewbit._fewbit")]
pub(crate) struct PyMachineArray {
    acc: Accumulator,
    array: MachineArray,
}

/// The values of registers of at most 64 bits.
fn narrow(values: &Array2<i128>) -> PyResult<Array2<i64>> {
    let mut narrow = Array2::zeros(values.dim());
    for ((place, to), &value) in narrow.indexed_iter_mut().zip(values) {
        *to = i64::try_from(value).map_err(|_| {
            value_error(format!("register {place:?} is {value}, which int64 cannot hold"))
        })?;
    }
    Ok(narrow)
}

#[pymethods]
impl PyMachineArray {
    #[new]
    fn new(acc: &str, rows: usize, cols: usize) -> PyResult<Self> {
        let acc: Accumulator = named(acc)?;
        let array = acc.machine_array(rows, cols).map_err(value_error)?;
        Ok(Self { acc, array })
    }

    #[getter]
    fn acc(&self) -> String {
        self.acc.to_string()
    }

    #[getter]
    fn shape(&self) -> (usize, usize) {
        self.array.dim()
    }

    /// One step: register (i, j) takes column[i] * row[j].
    fn push_outer(
        &mut self,
        py: Python<'_>,
        column: PyReadonlyArray1<'_, i32>,
        row: PyReadonlyArray1<'_, i32>,
    ) -> PyResult<()> {
        let (column, row) = (column.as_array().to_vec(), row.as_array().to_vec());
        let array = &mut self.array;
        detached(py, Some(1), || array.push_outer(&column, &row))?.map_err(value_error)
    }

    /// As many steps as a has columns and b rows.
    fn push_matmul(
        &mut self,
        py: Python<'_>,
        a: PyReadonlyArray2<'_, i32>,
        b: PyReadonlyArray2<'_, i32>,
    ) -> PyResult<()> {
        let (a, b) = (a.as_array(), b.as_array());
        if a.ncols() != b.nrows() {
            let ((m, ka), (kb, n)) = (a.dim(), b.dim());
            return Err(value_error(fewbit::MatmulError::Shape { m, ka, kb, n }));
        }
        let array = &mut self.array;
        detached(py, Some(1), || {
            a.columns()
                .into_iter()
                .zip(b.rows())
                .try_for_each(|(column, row)| array.push_outer(&column.to_vec(), &row.to_vec()))
        })?
        .map_err(value_error)
    }

    /// One step: each register takes its own product.
    fn push_products(
        &mut self,
        py: Python<'_>,
        products: PyReadonlyArray2<'_, i64>,
    ) -> PyResult<()> {
        let view = products.as_array();
        if view.dim() != self.array.dim() {
            return Err(value_error(format!(
                "products of shape {:?} for an array of shape {:?}",
                view.dim(),
                self.array.dim()
            )));
        }
        let products: Vec<i64> = view.iter().copied().collect();
        let array = &mut self.array;
        detached(py, Some(1), || array.push_products(&products))?.map_err(value_error)
    }

    fn drain<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyArray2<i64>>> {
        Ok(narrow(&self.array.drain())?.into_pyarray(py))
    }

    #[getter]
    fn values<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray2<i64>>> {
        Ok(narrow(&self.array.values())?.into_pyarray(py))
    }

    fn events<'py>(&self, py: Python<'py>, stage: usize) -> PyResult<Bound<'py, PyArray2<u64>>> {
        let stages = self.acc.stages().len();
        if stage >= stages {
            return Err(value_error(format!(
                "stage is {stage}: {} has {stages}, from 0",
                self.acc
            )));
        }
        Ok(self.array.events(stage).into_pyarray(py))
    }

    fn reset(&mut self, starts: Option<PyReadonlyArray2<'_, i64>>) -> PyResult<()> {
        self.array.reset(starts.as_ref().map(|starts| starts.as_array())).map_err(value_error)
    }
}
