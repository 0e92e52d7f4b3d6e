//! Products through accumulators.

use fewbit::accumulate::Register;
use fewbit::accumulate::datapath::BlockScales;
use fewbit::reference::{FloatError, FloatOperand, Scales};
use fewbit::{
    Accumulator, Conv2d, FloatOptions, MatmulOptions, Operand, PackedMatrix, Product, ReportLevel,
    conv2d as convolve, matmul_float, matmul_packed,
};
use fewbit_formats::{Format, Rounding};
use ndarray::{Array2, ArrayView2, ArrayView4, ArrayViewD, Ix2, Ix4};
use numpy::{IntoPyArray, PyArray2, PyArray4, PyReadonlyArray2, PyReadonlyArrayDyn};
use pyo3::prelude::*;
use serde::Serialize;

use crate::arrays::{Codes, Integers, each};
use crate::errors::{internal_error, value_error};
use crate::policy::named;
use crate::threads::detached;

/// How much of a report is asked for.
pub(crate) fn level(text: &str) -> PyResult<ReportLevel> {
    match text {
        "none" => Ok(ReportLevel::None),
        "events" => Ok(ReportLevel::Events),
        "full" => Ok(ReportLevel::Full),
        _ => Err(value_error(format!("report is '{text}': expected 'none', 'events' or 'full'"))),
    }
}

/// JSON text, whose integers have any size.
pub(crate) fn json(value: &impl Serialize) -> PyResult<String> {
    serde_json::to_string(value).map_err(internal_error)
}

/// What a product was, beside its values.
#[derive(Serialize)]
struct Made<'a, S> {
    acc: String,
    kind: &'a str,
    report: &'a str,
    stages: Option<Vec<StageEntry<S>>>,
    seconds: f64,
    isa: String,
    engine: String,
    rounded: u64,
}

/// A stage with its name.
#[derive(Serialize)]
struct StageEntry<S> {
    stage: String,
    #[serde(flatten)]
    report: S,
}

fn entries<S>(acc: &Accumulator, stages: impl IntoIterator<Item = S>) -> Vec<StageEntry<S>> {
    let names = acc.stages().iter().map(|stage| stage.to_string());
    names.zip(stages).map(|(stage, report)| StageEntry { stage, report }).collect()
}

/// The JSON of an integer product or convolution.
fn told(
    acc: &Accumulator,
    report: &str,
    (full, events): (Option<fewbit::Report>, Option<Vec<fewbit::StageEvents>>),
    (isa, seconds): (fewbit::Isa, f64),
) -> PyResult<String> {
    let (acc_text, isa, engine) = (acc.to_string(), isa.to_string(), "lanes".to_owned());
    match full {
        Some(full) => json(&Made {
            acc: acc_text,
            kind: "integer",
            report,
            stages: Some(entries(acc, full.stages)),
            seconds,
            isa,
            engine,
            rounded: 0,
        }),
        None => json(&Made {
            acc: acc_text,
            kind: "integer",
            report,
            stages: events.map(|stages| entries(acc, stages)),
            seconds,
            isa,
            engine,
            rounded: 0,
        }),
    }
}

/// A matrix view.
///
/// # Errors
/// Another number of axes, under the name that the caller has for the array.
fn matrix<'a, T>(view: ArrayViewD<'a, T>, name: &str) -> PyResult<ArrayView2<'a, T>> {
    let shape = view.shape().to_vec();
    view.into_dimensionality::<Ix2>().map_err(|_| {
        value_error(format!("{name} has shape {shape:?}: expected a matrix, of two axes"))
    })
}

/// Integers through integer stages.
#[pyfunction]
#[pyo3(signature = (a, b, acc, init, report, threads))]
pub(crate) fn matmul_int<'py>(
    py: Python<'py>,
    a: Integers<'py>,
    b: Integers<'py>,
    acc: &str,
    init: Option<PyReadonlyArray2<'py, i64>>,
    report: &str,
    threads: Option<usize>,
) -> PyResult<(Bound<'py, PyArray2<i64>>, String)> {
    let acc: Accumulator = named(acc)?;
    let options = MatmulOptions {
        report: level(report)?,
        isa: None,
        init: init.as_ref().map(|init| init.as_array()),
    };
    fn run<A: Operand, B: Operand>(
        py: Python<'_>,
        (a, b): (ArrayView2<'_, A>, ArrayView2<'_, B>),
        acc: &Accumulator,
        options: &MatmulOptions<'_>,
        threads: Option<usize>,
    ) -> PyResult<Product> {
        if a.ncols() != b.nrows() {
            let ((m, ka), (kb, n)) = (a.dim(), b.dim());
            return Err(value_error(fewbit::MatmulError::Shape { m, ka, kb, n }));
        }
        let product =
            detached(py, threads, || matmul_packed(a, &PackedMatrix::new(b), acc, options))?;
        product.map_err(value_error)
    }
    let product = each!(Integers: a, [I8, U8, I16, U16, I32, U32, I64], a => {
        let a = matrix(a.as_array(), "a")?;
        each!(Integers: b, [I8, U8, I16, U16, I32, U32, I64], b => {
            run(py, (a, matrix(b.as_array(), "b")?), &acc, &options, threads)?
        })
    });
    let Product { values, events, report: full, isa, seconds } = product;
    Ok((values.into_pyarray(py), told(&acc, report, (full, events), (isa, seconds))?))
}

/// The code at padded positions as the input's type has it.
fn code_of<T: TryFrom<i64>>(code: i64, _: &ArrayView4<'_, T>) -> PyResult<T> {
    T::try_from(code).map_err(|_| {
        value_error(format!("padding_code is {code}, which the type of the input does not have"))
    })
}

/// A convolution of integers through integer stages.
#[pyfunction]
#[allow(clippy::too_many_arguments, reason = "one argument per argument of the Python function")]
#[pyo3(signature = (input, weights, acc, stride, padding, dilation, groups, padding_code, init, report, threads))]
pub(crate) fn conv2d_int<'py>(
    py: Python<'py>,
    input: Integers<'py>,
    weights: Integers<'py>,
    acc: &str,
    stride: [usize; 2],
    padding: [(usize, usize); 2],
    dilation: [usize; 2],
    groups: usize,
    padding_code: i64,
    init: Option<PyReadonlyArray2<'py, i64>>,
    report: &str,
    threads: Option<usize>,
) -> PyResult<(Bound<'py, PyArray4<i64>>, String)> {
    let acc: Accumulator = named(acc)?;
    let options = MatmulOptions {
        report: level(report)?,
        isa: None,
        init: init.as_ref().map(|init| init.as_array()),
    };
    fn images<'a, T>(
        view: ArrayViewD<'a, T>,
        name: &str,
        axes: &str,
    ) -> PyResult<ArrayView4<'a, T>> {
        let shape = view.shape().to_vec();
        view.into_dimensionality::<Ix4>()
            .map_err(|_| value_error(format!("{name} has shape {shape:?}: expected {axes}")))
    }
    let product = each!(Integers: input, [I8, U8, I16, U16, I32, U32, I64], input => {
        let input = images(input.as_array(), "input", "[N, C, H, W]")?;
        let padding_code = code_of(padding_code, &input)?;
        let conv = Conv2d { stride, padding, dilation, groups, padding_code };
        each!(Integers: weights, [I8, U8, I16, U16, I32, U32, I64], weights => {
            let weights = images(weights.as_array(), "weights", "[O, C / groups, U, V]")?;
            detached(py, threads, || convolve(input, weights, &conv, &acc, &options))?
                .map_err(value_error)?
        })
    });
    let told =
        told(&acc, report, (product.report, product.events), (product.isa, product.seconds))?;
    Ok((product.values.into_pyarray(py), told))
}

/// Numbers of a format: an operand of float and aligned registers.
#[pyclass(frozen, module = "fewbit._fewbit")]
pub(crate) struct FormatMatrix(FloatOperand);

/// What an array is made an operand by.
#[pyfunction]
#[pyo3(signature = (values, format, rounding, seed, name))]
pub(crate) fn operand_of_values(
    py: Python<'_>,
    values: PyReadonlyArrayDyn<'_, f64>,
    format: &str,
    rounding: Option<&str>,
    seed: u64,
    name: &str,
) -> PyResult<FormatMatrix> {
    let format: Format = named(format)?;
    let rounding = rounding.map(named::<Rounding>).transpose()?;
    let view = matrix(values.as_array(), name)?;
    let operand = detached(py, None, || match rounding {
        Some(rounding) => FloatOperand::rounded(view, format, rounding, seed),
        None => FloatOperand::from_values(view, format),
    })?;
    operand.map(FormatMatrix).map_err(|error| {
        let remedy = match error {
            FloatError::NotRepresentable { .. } if rounding.is_none() => {
                "; rounding='ties-even' rounds it"
            }
            _ => "",
        };
        value_error(format!("{name}: {error}{remedy}"))
    })
}

/// Codes of a format as an operand.
#[pyfunction]
pub(crate) fn operand_of_codes(
    py: Python<'_>,
    codes: Codes<'_>,
    format: &str,
    name: &str,
) -> PyResult<FormatMatrix> {
    let format: Format = named(format)?;
    let operand = each!(Codes: codes, [U8, U16, U32], codes => {
        let view = matrix(codes.as_array(), name)?;
        detached(py, None, || FloatOperand::from_codes(view.mapv(u32::from).view(), format))?
    });
    operand.map(FormatMatrix).map_err(|error| value_error(format!("{name}: {error}")))
}

/// The format and number of elements of the blocks that an accumulator's unit scales, or the usual ones.
#[pyfunction]
pub(crate) fn block_scales(acc: &str) -> PyResult<(String, usize)> {
    let acc: Accumulator = named(acc)?;
    let preset = acc.stages().first().and_then(|stage| match stage.register {
        Register::Datapath(datapath) => datapath.scales,
        _ => None,
    });
    let BlockScales { format, block } =
        preset.unwrap_or(BlockScales { format: Format::E8M0FNU, block: 32 });
    Ok((format.to_string(), block as usize))
}

#[pymethods]
impl FormatMatrix {
    /// The same elements under block scales, whose values are `scales`.
    fn with_scales(&self, scales: &FormatMatrix, block: usize) -> Self {
        let (format, values) = (scales.0.format(), scales.0.values().to_owned());
        Self(self.0.clone().with_scales(Scales { format, block, values }))
    }

    /// The values.
    fn values<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray2<f64>> {
        self.0.values().to_owned().into_pyarray(py)
    }

    /// The integers that the values are.
    fn integers<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray2<i64>> {
        let integers: Array2<i64> = self.0.values().mapv(|x| x as i64);
        integers.into_pyarray(py)
    }
}

/// Any numbers through any stages.
#[pyfunction]
#[allow(clippy::too_many_arguments, reason = "one argument per argument of the Python function")]
#[pyo3(signature = (a, b, acc, init, report, seed, threads))]
pub(crate) fn matmul_any<'py>(
    py: Python<'py>,
    a: &Bound<'py, FormatMatrix>,
    b: &Bound<'py, FormatMatrix>,
    acc: &str,
    init: Option<PyReadonlyArray2<'py, f64>>,
    report: &str,
    seed: u64,
    threads: Option<usize>,
) -> PyResult<(Bound<'py, PyArray2<f64>>, String)> {
    let acc: Accumulator = named(acc)?;
    let options = FloatOptions {
        report: level(report)?,
        isa: None,
        seed,
        init: init.as_ref().map(|init| init.as_array()),
    };
    let (a, b) = (&a.get().0, &b.get().0);
    let product =
        detached(py, threads, || matmul_float(a, b, &acc, &options))?.map_err(value_error)?;
    let told = json(&Made {
        acc: acc.to_string(),
        kind: "float",
        report,
        stages: product.report.map(|report| entries(&acc, report.stages)),
        seconds: product.seconds,
        isa: product.isa.to_string(),
        engine: product.engine.to_string(),
        rounded: product.rounded,
    })?;
    Ok((product.values.into_pyarray(py), told))
}
