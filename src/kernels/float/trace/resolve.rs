//! From what lanes saw to the report: the reference steps the few outputs that they leave open.

use std::collections::{BTreeMap, BTreeSet};

use ndarray::Array2;

use super::super::operand::PackedOperand;
use super::tally::{Extreme, Output, Tally};
use crate::accumulate::{Accumulator, Stage};
use crate::reference::{Addend, Dyadic, FloatError, FloatMatmul, FloatReport, FloatStageReport};
use crate::tasks;

/// The report, and the values of the outputs that lanes could not compute.
///
/// # Errors
/// A step of those that cannot be made.
pub(in crate::kernels::float) fn report(
    problem: &FloatMatmul<'_>,
    acc: &Accumulator,
    tally: Tally,
    (left, right): (&PackedOperand<'_>, &PackedOperand<'_>),
    values: &mut Array2<f64>,
) -> Result<FloatReport, FloatError> {
    let special = outputs_of(left, right, values.dim());
    let mut open: BTreeSet<Output> = special.iter().copied().collect();
    open.extend(&tally.undecided);
    let alone: Vec<Output> = open.iter().copied().collect();
    for stage in &tally.stages {
        open.extend(stage.first);
        open.extend(&stage.least.open);
        open.extend(&stage.greatest.open);
    }
    let stepped = step_all(problem, &open)?;
    let steps = steps(acc.stages(), left.dim().0 as u64);
    let mut report = FloatReport::new(acc.stages().len());
    for (index, (to, stage)) in report.stages.iter_mut().zip(tally.stages).enumerate() {
        let of = |output: &Output| stepped.get(output).map(|(_, stages)| &stages[index]);
        let first = stage.first.as_ref().and_then(of).and_then(|stage| stage.first.clone());
        let extreme = |extreme: Extreme, exact: fn(&FloatStageReport) -> &Dyadic| {
            let open = extreme.open.iter().filter_map(of).map(|stage| exact(stage).clone());
            let closed = extreme.open.is_empty().then(|| Dyadic::from_f64(extreme.value)).flatten();
            open.chain(closed).collect::<Vec<Dyadic>>()
        };
        let (least, greatest) =
            (extreme(stage.least, |stage| &stage.min), extreme(stage.greatest, |stage| &stage.max));
        to.merge(FloatStageReport {
            events: stage.events,
            outputs: stage.outputs,
            first,
            min: least.into_iter().min().unwrap_or(Dyadic::ZERO),
            max: greatest.into_iter().max().unwrap_or(Dyadic::ZERO),
            steps: steps[index] * tally.outputs,
            inexact: stage.inexact,
            underflows: stage.underflows,
            absorbed: stage.absorbed,
            invalid: stage.invalid,
        });
    }
    for output in alone {
        if let Some((value, stages)) = stepped.get(&output) {
            values[output] = *value;
            report.merge(FloatReport { stages: stages.clone() });
        }
    }
    Ok(report)
}

/// The outputs that infinities or NaN of an operand enter.
fn outputs_of(left: &PackedOperand<'_>, right: &PackedOperand<'_>, (m, n): Output) -> Vec<Output> {
    let (rows, cols) = (left.not_finite(), right.not_finite());
    let whole_rows = rows.iter().flat_map(|&row| (0..n).map(move |col| (row, col)));
    let whole_cols = cols.iter().flat_map(|&col| (0..m).map(move |row| (row, col)));
    whole_rows.chain(whole_cols).collect()
}

/// An output's value and the reports of its stages.
type Stepped = (f64, Vec<FloatStageReport>);

fn step_all(
    problem: &FloatMatmul<'_>,
    outputs: &BTreeSet<Output>,
) -> Result<BTreeMap<Output, Stepped>, FloatError> {
    let columns: BTreeSet<usize> = outputs.iter().map(|&(_, col)| col).collect();
    let columns: BTreeMap<usize, Vec<Addend>> =
        tasks::map(columns, |col| (col, problem.column(col))).into_iter().collect();
    let mut rows: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for &(row, col) in outputs {
        rows.entry(row).or_default().push(col);
    }
    // Of several errors the first in row-major order.
    let stepped = tasks::try_map(rows, |(row, cols)| {
        let left = problem.left(row);
        let step = |col: usize| {
            let output = (row, col);
            Ok((output, problem.reported(output, &left, &columns[&col])?))
        };
        cols.into_iter().map(step).collect::<Result<Vec<_>, FloatError>>()
    })?;
    Ok(stepped.into_iter().flatten().collect())
}

/// The steps that each stage takes for `k` products.
fn steps(stages: &[Stage], k: u64) -> Vec<u64> {
    let mut inputs = k;
    let stage = |stage: &Stage| {
        let width = u64::from(stage.width.get());
        let Some(count) = stage.count else {
            return inputs.div_ceil(width);
        };
        let (whole, rest) = (inputs / count.get(), inputs % count.get());
        inputs = inputs.div_ceil(count.get());
        whole * count.get().div_ceil(width) + rest.div_ceil(width)
    };
    stages.iter().map(stage).collect()
}
