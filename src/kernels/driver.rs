//! A product in parallel jobs, and its report from their tallies.

use std::sync::Arc;
use std::time::Instant;

use ndarray::Array2;
use rayon::prelude::*;

use super::block::{Block, BlockOutput, Geometry, Orientation, Work};
use super::matmul::{MatmulError, MatmulOptions, Product, ReportLevel};
use super::operand::{Matrix, PackedMatrix};
use super::pack::{Layout, Panels, Role, WordKind};
use super::plan::{self, Bounds, Plan};
use super::scalar;
use super::steps::Steps;
use super::tally::StageTally;
use crate::accumulate::{Accumulator, FirstEvent, Report};
use crate::simd::{Isa, IsaError, run};

/// `a` times `b`, whose inner dimensions agree.
pub(super) fn multiply(
    a: &Matrix,
    b: &PackedMatrix,
    acc: &Accumulator,
    options: &MatmulOptions,
) -> Result<Product, MatmulError> {
    let isa = options.isa.unwrap_or_else(Isa::best);
    if !isa.is_available() {
        return Err(IsaError::Unavailable(isa).into());
    }
    let stages = plan::stages(acc).ok_or_else(|| MatmulError::NotInteger(acc.to_string()))?;
    let bounds = Bounds::new(a, &b.matrix);
    let (work, word) = match options.report {
        ReportLevel::None => {
            let Plan { stages, word } = Plan::values(&stages, bounds);
            (Work::Values(stages), word)
        }
        ReportLevel::Events => {
            let Plan { stages, word } = Plan::stepwise(&stages, bounds);
            (Work::Events(stages), word)
        }
        ReportLevel::Full => {
            let Plan { stages: exact, word } = Plan::exact(&stages, bounds);
            (Work::Full { exact, real: stages }, word)
        }
    };
    let (values, tallies, seconds) = match word {
        Some(word) => in_lanes(a, b, &work, word, isa)?,
        None => scalar_rows(a, &b.matrix, acc)?,
    };
    let first = |(stage, tally): (usize, &StageTally)| -> Option<FirstEvent> {
        let (row, col) = tally.first?;
        let (_, traces) = scalar::output(a, &b.matrix, acc, row, col);
        let (k, value) = traces[stage].first?;
        Some(FirstEvent { row: row as u64, col: col as u64, k, value })
    };
    let firsts: Vec<_> = match options.report {
        ReportLevel::None => Vec::new(),
        _ => tallies.iter().enumerate().map(first).collect(),
    };
    let stages = || tallies.iter().zip(firsts.iter().copied());
    let events = (options.report != ReportLevel::None)
        .then(|| stages().map(|(tally, first)| tally.events(first)).collect());
    let report = (options.report == ReportLevel::Full)
        .then(|| Report { stages: stages().map(|(tally, first)| tally.report(first)).collect() });
    Ok(Product { values, events, report, isa, seconds })
}

impl Bounds {
    fn new(a: &Matrix, b: &Matrix) -> Self {
        let operands = if a.fits_i16() && b.fits_i16() {
            Some(WordKind::Pair16)
        } else if a.fits_i32() && b.fits_i32() {
            Some(WordKind::One64)
        } else {
            None
        };
        Self { k: a.dim().1, product: a.magnitude() * b.magnitude(), operands }
    }
}

type Outputs = (Array2<i64>, Vec<StageTally>, f64);

/// Every output through the scalar reference, rows in parallel.
fn scalar_rows(a: &Matrix, b: &Matrix, acc: &Accumulator) -> Result<Outputs, MatmulError> {
    let start = Instant::now();
    let (m, n) = (a.dim().0, b.dim().1);
    let stages = acc.stages().len();
    let rows: Vec<Result<_, MatmulError>> = (0..m)
        .into_par_iter()
        .map(|row| {
            let mut tallies = vec![StageTally::default(); stages];
            let mut values = Vec::with_capacity(n);
            for col in 0..n {
                let (value, traces) = scalar::output(a, b, acc, row, col);
                let narrow = i64::try_from(value);
                values.push(narrow.map_err(|_| MatmulError::TooWide { row, col, value })?);
                for (tally, trace) in tallies.iter_mut().zip(&traces) {
                    tally.add_trace((row, col), trace);
                }
            }
            Ok((values, tallies))
        })
        .collect();
    let mut values = Array2::zeros((m, n));
    let mut tallies = vec![StageTally::default(); stages];
    for (mut to, row) in values.rows_mut().into_iter().zip(rows) {
        let (row, more) = row?;
        for (to, value) in to.iter_mut().zip(row) {
            *to = value;
        }
        merge(&mut tallies, &more);
    }
    Ok((values, tallies, start.elapsed().as_secs_f64()))
}

fn merge(tallies: &mut [StageTally], more: &[StageTally]) {
    for (tally, more) in tallies.iter_mut().zip(more) {
        tally.merge(more);
    }
}

/// Every output in lanes of `word`, blocks in parallel.
fn in_lanes(
    a: &Matrix,
    b: &PackedMatrix,
    work: &Work,
    word: WordKind,
    isa: Isa,
) -> Result<Outputs, MatmulError> {
    let ((m, k), n) = (a.dim(), b.dim().1);
    let geometry = Geometry::new(isa, word);
    let orientation = geometry.orientation(m, n);
    let inner = work.innermost();
    let steps = Steps::new(k, inner.count.unwrap_or(u64::MAX), inner.width);
    let layout = |role| {
        let width = match role {
            Role::Lanes => geometry.width,
            Role::Broadcast => geometry.height,
        };
        Layout { role, word, steps, width }
    };
    let (lanes, broadcast) = match orientation {
        Orientation::ColumnsInLanes => {
            (b.panels(layout(Role::Lanes)), Arc::new(Panels::rows(a, layout(Role::Broadcast))))
        }
        Orientation::RowsInLanes => {
            (Arc::new(Panels::rows(a, layout(Role::Lanes))), b.panels(layout(Role::Broadcast)))
        }
    };
    let start = Instant::now();
    let outputs = orientation.turn((m, n));
    let panels = outputs.1.div_ceil(geometry.width);
    let blocks = outputs.0.div_ceil(geometry.height);
    // A panel stays in the cache while the blocks of a job pass by; enough jobs to keep every thread busy.
    let jobs_per_panel = (4 * rayon::current_num_threads()).div_ceil(panels.max(1));
    let blocks_per_job = blocks.div_ceil(jobs_per_panel).max(1);
    let jobs: Vec<_> = (0..panels)
        .flat_map(|panel| (0..blocks).step_by(blocks_per_job).map(move |block| (panel, block)))
        .collect();
    let results: Vec<_> = jobs
        .into_par_iter()
        .map(|(panel, first)| {
            let block = Block {
                work,
                word,
                steps,
                geometry,
                orientation,
                outputs,
                lanes: &lanes,
                broadcast: &broadcast,
                panel,
                blocks: first..blocks.min(first + blocks_per_job),
            };
            run(isa, block)
        })
        .collect();
    let mut values = Array2::zeros(outputs);
    let mut tallies = vec![StageTally::default(); work.stages()];
    for result in results {
        let BlockOutput { row, col, width, values: part, tallies: more } = result?;
        let rows = part.chunks(width);
        for (row, from) in (row..).zip(rows) {
            let mut to = values.row_mut(row);
            for (to, from) in to.iter_mut().skip(col).zip(from) {
                *to = *from;
            }
        }
        merge(&mut tallies, &more);
    }
    let values = match orientation {
        Orientation::ColumnsInLanes => values,
        Orientation::RowsInLanes => values.t().as_standard_layout().into_owned(),
    };
    Ok((values, tallies, start.elapsed().as_secs_f64()))
}
