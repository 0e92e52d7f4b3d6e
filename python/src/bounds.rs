//! What given weights can do to an accumulator, whatever the inputs.

use fewbit::Accumulator;
use fewbit::accumulate::Register;
use fewbit::accumulate::bounds::{
    InputRange, Inputs, Layer, RowBias, RowBounds, Side, StageBounds,
};
use fewbit_formats::Format;
use ndarray::Array2;
use numpy::{IntoPyArray, PyArray2, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;
use serde::Serialize;

use crate::errors::value_error;
use crate::policy::named;
use crate::products::json;
use crate::threads::detached;

#[derive(Serialize)]
struct StageEntry {
    stage: String,
    min: i128,
    max: i128,
    required_bits: u32,
    a2q_bits: u32,
    a2q_plus_bits: u32,
    fits: bool,
}

#[derive(Serialize)]
struct BoundsEntry {
    acc: String,
    required_bits: Vec<u32>,
    data_type_bits: u32,
    narrowest: Option<String>,
    rows: Vec<Vec<StageEntry>>,
}

/// The bounds as JSON, and where asked for an input per row that is the worst.
#[pyfunction]
#[allow(clippy::too_many_arguments, reason = "one argument per argument of the Python function")]
#[pyo3(signature = (weights, format, ranges, bias, bias_at, acc, witness, threads))]
pub(crate) fn bounds<'py>(
    py: Python<'py>,
    weights: PyReadonlyArray2<'py, i64>,
    format: Option<&str>,
    ranges: Option<PyReadonlyArray2<'py, i64>>,
    bias: Option<PyReadonlyArray1<'py, i64>>,
    bias_at: &str,
    acc: &str,
    witness: bool,
    threads: Option<usize>,
) -> PyResult<(String, Option<Bound<'py, PyArray2<i64>>>)> {
    let acc: Accumulator = named(acc)?;
    let ranges: Vec<InputRange> = match (format, &ranges) {
        (Some(format), None) => {
            vec![InputRange::try_from(named::<Format>(format)?).map_err(value_error)?]
        }
        (None, Some(ends)) => {
            ends.as_array().outer_iter().map(|ends| InputRange::new(ends[0], ends[1])).collect()
        }
        _ => return Err(value_error("expected either input, a format, or input_range")),
    };
    let inputs = match ranges[..] {
        [range] => Inputs::Same(range),
        _ => Inputs::PerChannel(&ranges),
    };
    let bias = bias.map(|bias| bias.as_array().to_vec());
    let bias = match (&bias, bias_at) {
        (None, "first" | "last") => RowBias::None,
        (Some(bias), "first") => RowBias::Initial(bias),
        (Some(bias), "last") => RowBias::Added(bias),
        _ => {
            return Err(value_error(format!("bias_at is '{bias_at}': expected 'first' or 'last'")));
        }
    };
    let weights = weights.as_array();
    let (found, witnesses) = detached(py, threads, || {
        let layer = Layer::new(weights, inputs)?.with_bias(bias)?;
        let bounds = layer.bounds(&acc)?;
        let guarantee = bounds.guarantees(&acc)?;
        let entry = |row: usize, stage: usize, found: &StageBounds| StageEntry {
            stage: acc.stages()[stage].to_string(),
            min: found.min,
            max: found.max,
            required_bits: found.required_bits,
            a2q_bits: bounds.a2q_bits(row, stage),
            a2q_plus_bits: bounds.a2q_plus_bits(row, stage),
            fits: guarantee.fits[row][stage],
        };
        let rows = bounds.rows().iter().enumerate().map(|(row, found)| {
            found.stages.iter().enumerate().map(|(stage, b)| entry(row, stage, b)).collect()
        });
        let entry = BoundsEntry {
            acc: acc.to_string(),
            required_bits: (0..acc.stages().len()).map(|s| bounds.required_bits(s)).collect(),
            data_type_bits: layer.data_type_bits(None),
            narrowest: bounds.narrowest().ok().map(|acc| acc.to_string()),
            rows: rows.collect(),
        };
        let witnesses = witness.then(|| {
            let mut witnesses = Array2::zeros(weights.dim());
            let rows = witnesses.outer_iter_mut().zip(bounds.rows()).enumerate();
            for (row, (mut witness, found)) in rows {
                let inputs = layer.witness(row, side(found, &acc));
                witness.iter_mut().zip(inputs).for_each(|(place, input)| *place = input);
            }
            witnesses
        });
        Ok::<_, fewbit::accumulate::bounds::BoundsError>((entry, witnesses))
    })?
    .map_err(value_error)?;
    Ok((json(&found)?, witnesses.map(|witnesses| witnesses.into_pyarray(py))))
}

/// The side that the first stage overflows on, else the worse side of the last stage.
fn side(row: &RowBounds, acc: &Accumulator) -> Side {
    let fits = |(stage, register): (&StageBounds, Register)| stage.fits(register);
    let registers = acc.stages().iter().map(|stage| stage.register);
    let first = row.stages.iter().zip(registers).find(|&pair| !fits(pair)).map(|(stage, _)| stage);
    first.or(row.stages.last()).map_or(Side::Upper, StageBounds::side)
}
