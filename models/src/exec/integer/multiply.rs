//! One product of matrices through an accumulator, and reports of several put together.

use fewbit::accumulate::{FirstEvent, Report};
use fewbit::{
    Accumulator, MatmulOptions, Operand, PackedMatrix, ReportLevel, StageEvents, matmul_packed,
};
use ndarray::{Array2, ArrayView2};

/// One product of matrices, with what the accumulator did.
pub(super) struct Multiplied {
    pub(super) values: Array2<i64>,
    pub(super) events: Option<Vec<StageEvents>>,
    pub(super) report: Option<Report>,
}

/// `x w` through an accumulator: `[m, k]` times `[k, n]`.
pub(super) fn multiply<X: Operand, W: Operand>(
    x: ArrayView2<'_, X>,
    w: ArrayView2<'_, W>,
    accumulator: &Accumulator,
    report: ReportLevel,
) -> Result<Multiplied, String> {
    let packed = PackedMatrix::new(w);
    let options = MatmulOptions { report, ..MatmulOptions::default() };
    let product = matmul_packed(x, &packed, accumulator, &options);
    let product = product.map_err(|error| error.to_string())?;
    Ok(Multiplied { values: product.values, events: product.events, report: product.report })
}

/// An event with its row so far below.
fn lowered(first: Option<FirstEvent>, below: u64) -> Option<FirstEvent> {
    first.map(|first| FirstEvent { row: first.row + below, ..first })
}

/// Adds the events of outputs whose rows lie below those before them.
pub(super) fn merge(
    all: &mut Option<Vec<StageEvents>>,
    more: Option<Vec<StageEvents>>,
    below: u64,
) {
    match (all, more) {
        (Some(all), Some(more)) => {
            for (all, more) in all.iter_mut().zip(more) {
                all.events += more.events;
                all.outputs += more.outputs;
                all.first = all.first.or(lowered(more.first, below));
            }
        }
        (none @ None, more) => *none = more,
        _ => {}
    }
}

/// The same for whole reports.
pub(super) fn merge_reports(all: &mut Option<Report>, more: Option<Report>, below: u64) {
    match (all, more) {
        (Some(all), Some(mut more)) => {
            for stage in &mut more.stages {
                stage.first = lowered(stage.first, below);
            }
            all.merge(&more);
        }
        (none @ None, more) => *none = more,
        _ => {}
    }
}
