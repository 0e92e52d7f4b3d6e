//! Products whose last register starts elsewhere than at zero.

use std::time::Instant;

use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

use super::driver;
use super::matmul::{MatmulError, MatmulOptions, Product, ReportLevel, check};
use super::operand::{Matrix, Operand, PackedMatrix};
use super::plan::{self, Bounds, Plan, StagePlan, StageRegister};
use super::scalar;
use super::tally::StageEvents;
use crate::accumulate::{Accumulator, Report};
use crate::reference::check_init;

/// [`matmul`](crate::matmul) whose last register starts at `init`, `[M, N]`, instead of 0.
///
/// Equal to [`crate::reference::matmul_from`] in every value and every field of the report. Where no report is asked for
/// and the last register wraps or holds every sum, it is the product of [`matmul`](crate::matmul) and one addition;
/// else the reference steps, rows in parallel.
///
/// # Errors
/// As [`matmul`](crate::matmul); starting values of another shape, or outside the last register's range.
///
/// ```
/// use fewbit::{MatmulOptions, matmul_from};
/// use ndarray::array;
/// let (a, b, init) = (array![[5i8, 5]], array![[1i8], [1]], array![[-3i64]]);
/// let options = MatmulOptions::default();
/// let product = matmul_from(a.view(), b.view(), &"int4-wrap".parse()?, init.view(), &options)?;
/// assert_eq!(product.values[[0, 0]], 7);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn matmul_from<A: Operand, B: Operand>(
    a: ArrayView2<'_, A>,
    b: ArrayView2<'_, B>,
    acc: &Accumulator,
    init: ArrayView2<'_, i64>,
    options: &MatmulOptions,
) -> Result<Product, MatmulError> {
    check(a.dim(), b.dim())?;
    let ((m, _), (_, n)) = (a.dim(), b.dim());
    let stages = plan::stages(acc).ok_or_else(|| MatmulError::NotInteger(acc.to_string()))?;
    check_init(init, acc, (m, n))?;
    let (a, b) = (Matrix::new(a), PackedMatrix::new(b));
    let Some(register) = added(&stages, Bounds::new(&a, &b.matrix), init, options.report) else {
        return stepped(&a, &b.matrix, acc, init, options);
    };
    let mut product = driver::multiply(&a, &b, acc, options)?;
    let start = Instant::now();
    for ((at, value), &init) in product.values.indexed_iter_mut().zip(init) {
        let sum = i128::from(*value) + i128::from(init);
        *value = match register {
            StageRegister::Wrap { bits } if bits < 64 => (sum as i64) << (64 - bits) >> (64 - bits),
            StageRegister::Wrap { .. } => sum as i64,
            _ => i64::try_from(sum).map_err(|_| MatmulError::TooWide {
                row: at.0,
                col: at.1,
                value: sum,
            })?,
        };
    }
    product.seconds += start.elapsed().as_secs_f64();
    Ok(product)
}

/// The register that the starting value may be added to at the end, if there is one.
fn added(
    stages: &[StagePlan],
    bounds: Bounds,
    init: ArrayView2<'_, i64>,
    report: ReportLevel,
) -> Option<StageRegister> {
    if report != ReportLevel::None {
        return None;
    }
    let last = stages.last()?.register;
    if let StageRegister::Saturate { bits } = last {
        let greatest = init.iter().map(|x| u128::from(x.unsigned_abs())).max().unwrap_or(0);
        // With the starting value nothing saturates, or else the steps are needed.
        let reach = plan::greatest(stages, bounds).saturating_add(greatest);
        if reach >= 1 << (bits - 1) {
            return None;
        }
    }
    match Plan::values(stages, bounds).stages[..] {
        [StagePlan { register: StageRegister::Keep | StageRegister::Wrap { .. }, .. }] => {
            Some(last)
        }
        _ => None,
    }
}

/// Rows in parallel through the scalar reference.
fn stepped(
    a: &Matrix<'_>,
    b: &Matrix<'_>,
    acc: &Accumulator,
    init: ArrayView2<'_, i64>,
    options: &MatmulOptions,
) -> Result<Product, MatmulError> {
    let isa = options.isa.unwrap_or_else(crate::Isa::best);
    let start = Instant::now();
    let (m, n) = init.dim();
    // The starting values are as many; where there are none there are no rows to step.
    let m = if n == 0 { 0 } else { m };
    let rows: Vec<Result<_, MatmulError>> = (0..m)
        .into_par_iter()
        .map(|row| {
            let mut report = Report::new(acc.stages().len());
            let mut values = Vec::with_capacity(n);
            for col in 0..n {
                let from = init[[row, col]].into();
                let (value, traces) = scalar::output_from(a, b, acc, from, row, col);
                let narrow = i64::try_from(value);
                values.push(narrow.map_err(|_| MatmulError::TooWide { row, col, value })?);
                report.add(row as u64, col as u64, &traces);
            }
            Ok((values, report))
        })
        .collect();
    let mut values = Array2::zeros(init.dim());
    let mut report = Report::new(acc.stages().len());
    for (mut to, row) in values.rows_mut().into_iter().zip(rows) {
        let (row, more) = row?;
        to.assign(&ndarray::Array1::from(row));
        report.merge(&more);
    }
    let seconds = start.elapsed().as_secs_f64();
    let events = report.stages.iter().map(|stage| StageEvents {
        events: stage.events,
        outputs: stage.outputs,
        first: stage.first,
    });
    let events = (options.report != ReportLevel::None).then(|| events.collect());
    let report = (options.report == ReportLevel::Full).then_some(report);
    Ok(Product { values, events, report, isa, seconds })
}
