//! A product in parallel jobs, and its report from their tallies.

use std::sync::Arc;
use std::time::Instant;

use ndarray::{Array2, ArrayViewMut2};
use rayon::prelude::*;

use super::block::{Block, BlockOutput, Geometry, Orientation, Work};
use super::bytes::{self, Detail};
use super::certificate::Parts;
use super::matmul::{MatmulError, MatmulOptions, Product, ProductReport, ReportLevel};
use super::operand::{Matrix, PackedMatrix, magnitude};
use super::pack::{Layout, Panels, Role, WordKind};
use super::plan::{self, Bounds, Plan, StagePlan, StageRegister};
use super::quads::Order;
use super::scalar;
use super::sides::Sides;
use super::steps::Steps;
use super::sums::{self, Kept, Output};
use super::tally::{StageTally, merge};
use super::widths::StageWidths;
use crate::accumulate::{Accumulator, FirstEvent, Report};
use crate::room;
use crate::simd::{Isa, IsaError, advise_large_pages, run};

/// `a` times `b`, whose inner dimensions agree.
pub(super) fn multiply(
    a: &Matrix<'_>,
    b: &PackedMatrix,
    acc: &Accumulator,
    options: &MatmulOptions,
) -> Result<Product, MatmulError> {
    room::check::<i64>(&[a.dim().0, b.dim().1])?;
    let mut values = Array2::zeros((a.dim().0, b.dim().1));
    if let Some(room) = values.as_slice_mut() {
        advise_large_pages(room);
    }
    let ProductReport { events, report, isa, seconds } =
        multiply_into(a, b, acc, options, values.view_mut())?;
    Ok(Product { values, events, report, isa, seconds })
}

/// [`multiply`] into room of the product's shape.
pub(super) fn multiply_into<T: Output>(
    a: &Matrix<'_>,
    b: &PackedMatrix,
    acc: &Accumulator,
    options: &MatmulOptions,
    mut out: ArrayViewMut2<'_, T>,
) -> Result<ProductReport, MatmulError> {
    let isa = options.isa.unwrap_or_else(Isa::best);
    if !isa.is_available() {
        return Err(IsaError::Unavailable(isa).into());
    }
    let stages = plan::stages(acc).ok_or_else(|| MatmulError::NotInteger(acc.to_string()))?;
    if out.is_empty() {
        return Ok(nothing(stages.len(), options.report, isa));
    }
    let bounds = match (options.report, Bounds::known(a, &b.matrix)) {
        (ReportLevel::None, Some(bounds)) if is_exact(&stages, bounds, T::BITS) => bounds,
        _ => Bounds::new(a, &b.matrix),
    };
    if !plan::fits(&stages, bounds, T::BITS) {
        // Some output may be wider; whether one is can only be told of the outputs themselves.
        let Product { values, events, report, isa, seconds } = multiply(a, b, acc, options)?;
        for ((at, &value), out) in values.indexed_iter().zip(&mut out) {
            *out = T::cut(value);
            if out.to_i64() != value {
                return Err(MatmulError::Wider { row: at.0, col: at.1, value, bits: T::BITS });
            }
        }
        return Ok(ProductReport { events, report, isa, seconds });
    }
    let mut places = Vec::new();
    let (work, word) = match options.report {
        ReportLevel::None => {
            let Plan { stages, word } = Plan::values(&stages, bounds);
            (Work::Values(stages), word)
        }
        ReportLevel::Events => {
            let (Plan { stages, word }, of) = Plan::events(&stages, bounds);
            places = of;
            (Work::Events(stages), word)
        }
        ReportLevel::Full => {
            let Plan { stages: exact, word } = Plan::exact(&stages, bounds);
            (Work::Full { exact, real: stages.clone() }, word)
        }
    };
    let (mut tallies, seconds) = match (exact_work(&work), byte_work(&work, word, bounds), word) {
        (Some(kept), ..) if sums::takes(a, &b.matrix) => {
            (Vec::new(), sums::multiply(a, b, kept, isa, out)?)
        }
        (_, Some(job), _) if job.takes(a, &b.matrix) => in_bytes(a, b, job, isa, out)?,
        (.., Some(word)) => in_lanes(a, b, &work, word, isa, out)?,
        (.., None) => scalar_rows(a, &b.matrix, acc, out)?,
    };
    if options.report == ReportLevel::Events && tallies.len() < stages.len() {
        // Stages that were joined to others have no events.
        let seen = std::mem::replace(&mut tallies, vec![StageTally::default(); stages.len()]);
        for (place, tally) in places.into_iter().zip(seen) {
            tallies[place] = tally;
        }
    }
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
    Ok(ProductReport { events, report, isa, seconds })
}

/// What is told of no output at all, however many rows or columns there are.
fn nothing(stages: usize, report: ReportLevel, isa: Isa) -> ProductReport {
    let tallies = vec![StageTally::default(); stages];
    let events = || tallies.iter().map(|tally| tally.events(None)).collect();
    let whole = || Report { stages: tallies.iter().map(|tally| tally.report(None)).collect() };
    ProductReport {
        events: (report != ReportLevel::None).then(events),
        report: (report == ReportLevel::Full).then(whole),
        isa,
        seconds: 0.0,
    }
}

/// The widths that `a` times `b` needs in every stage of `acc`, and the seconds that took.
pub(super) fn widths(
    a: &Matrix<'_>,
    b: &PackedMatrix,
    acc: &Accumulator,
    isa: Option<Isa>,
) -> Result<(Vec<StageWidths>, f64), MatmulError> {
    let isa = isa.unwrap_or_else(Isa::best);
    let stages = plan::stages(acc).ok_or_else(|| MatmulError::NotInteger(acc.to_string()))?;
    let bounds = Bounds::new(a, &b.matrix);
    let Plan { stages, word } = Plan::exact(&stages, bounds);
    let job = ByteWork(&stages, Detail::Widths);
    let in_one_pass = bytes::is_profiled(&stages, bounds.k, bounds.product);
    room::check::<i64>(&[a.dim().0, b.dim().1])?;
    let mut values = Array2::<i64>::zeros((a.dim().0, b.dim().1));
    let out = values.view_mut();
    let (tallies, seconds) = match word {
        Some(_) if in_one_pass && job.takes(a, &b.matrix) => in_bytes(a, b, job, isa, out),
        Some(word) => {
            let work = Work::Full { exact: stages.clone(), real: stages };
            in_lanes(a, b, &work, word, isa, out)
        }
        None => scalar_rows(a, &b.matrix, acc, out),
    }?;
    Ok((tallies.iter().map(StageTally::widths).collect(), seconds))
}

/// What is done with products of bytes: one stage or several, with checks.
struct ByteWork<'a>(&'a [StagePlan], Detail);

impl ByteWork<'_> {
    /// Whether the operands are bytes, and one of them signed, as a block's spread needs it.
    fn takes(&self, a: &Matrix<'_>, b: &Matrix<'_>) -> bool {
        a.is_bytes() && b.is_bytes() && (a.fits_i8() || b.fits_i8())
    }
}

/// What is kept of exact sums, if they are all that `work` needs.
fn exact_work(work: &Work) -> Option<Kept> {
    match work {
        Work::Values(stages) => match stages[..] {
            [StagePlan { register: StageRegister::Keep, .. }] => Some(Kept::Everything),
            [StagePlan { register: StageRegister::Wrap { bits }, .. }] => Some(Kept::LowBits(bits)),
            _ => None,
        },
        Work::Events(stages) => match stages[..] {
            [StagePlan { register: StageRegister::Keep, .. }] => Some(Kept::Everything),
            _ => None,
        },
        Work::Full { .. } => None,
    }
}

/// Whether exact sums are all that the values take, and outputs of `bits` bits hold them.
fn is_exact(stages: &[StagePlan], bounds: Bounds, bits: u32) -> bool {
    let plan = Plan::values(stages, bounds);
    plan::fits(stages, bounds, bits) && exact_work(&Work::Values(plan.stages)).is_some()
}

/// How the kernels for bytes do `work`, if they can.
fn byte_work(work: &Work, word: Option<WordKind>, bounds: Bounds) -> Option<ByteWork<'_>> {
    let (stages, detail) = match work {
        Work::Values(stages) => (stages, Detail::Values),
        Work::Events(stages) => (stages, Detail::Events),
        Work::Full { real, .. } => (real, Detail::Full),
    };
    let fits = word == Some(WordKind::Pair16);
    let runs = match detail {
        Detail::Full | Detail::Widths => bytes::is_profiled(stages, bounds.k, bounds.product),
        Detail::Values | Detail::Events => bytes::is_guarded(stages, bounds.k),
    };
    (fits && runs).then_some(ByteWork(stages, detail))
}

/// Every output by the kernels for bytes.
fn in_bytes<T: Output>(
    a: &Matrix<'_>,
    b: &PackedMatrix,
    ByteWork(stages, detail): ByteWork<'_>,
    isa: Isa,
    mut out: ArrayViewMut2<'_, T>,
) -> Result<Done, MatmulError> {
    let k = a.dim().1;
    let tile = stages.first().and_then(|inner| inner.count);
    let tile = tile.map_or(k, |tile| usize::try_from(tile).unwrap_or(k).min(k)).max(1);
    let (ranges, tallies) = ((a.range(), b.matrix.range()), stages.len());
    let certify =
        matches!(detail, Detail::Values | Detail::Events) && bytes::is_certified_in_one(k, tile);
    let of = |parts: &[Parts], range| -> Vec<bool> {
        parts.iter().map(|parts| certify && parts.fit(range, stages)).collect()
    };
    let columns = if certify { of(&b.parts(tile), ranges.0) } else { Vec::new() };
    let whole = |holds: &[bool]| certify && holds.iter().all(|&holds| holds);
    let rows = if certify && !whole(&columns) {
        of(&Parts::of_rows(a, tile), ranges.1)
    } else {
        Vec::new()
    };
    if whole(&columns) || !rows.is_empty() && whole(&rows) {
        let seconds = sums::multiply(a, b, Kept::Everything, isa, out)?;
        return Ok((vec![StageTally::default(); tallies], seconds));
    }
    // Columns that are certified are brought together, so that they fill panels.
    let order = if columns.contains(&true) {
        Order::Reach { low: ranges.0.0, high: ranges.0.1 }
    } else {
        Order::Given
    };
    let sides = Sides::new(a, b, tile, order);
    let operands = sides.operands(k);
    let (broadcast, lanes) = match sides.orientation {
        Orientation::ColumnsInLanes => (&rows, &columns),
        Orientation::RowsInLanes => (&columns, &rows),
    };
    let certificate = bytes::Certificate {
        blocks: sides.broadcast.panels_where(broadcast),
        panels: sides.lanes.panels_where(lanes),
    };
    let job = bytes::Guarded {
        operands,
        stages,
        detail,
        products: products(a, &b.matrix),
        narrow: stages[0].narrow(Bounds::new(a, &b.matrix).product),
        orientation: sides.orientation,
        certificate: &certificate,
    };
    let start = Instant::now();
    let tallies = bytes::multiply(sides.orientation.view(out.view_mut()), job, isa)?;
    let order = &sides.lanes.order;
    if !order.is_empty() {
        let rows: Vec<_> = out.rows_mut().into_iter().collect();
        rows.into_par_iter().for_each(|mut row| {
            for (value, &column) in row.to_vec().into_iter().zip(order) {
                row[column] = value;
            }
        });
    }
    Ok((tallies, start.elapsed().as_secs_f64()))
}

/// The least and the greatest product of codes of bytes, or zero.
fn products(a: &Matrix<'_>, b: &Matrix<'_>) -> (i64, i64) {
    let (a, b) = (a.range(), b.range());
    let corners = [a.0 * b.0, a.0 * b.1, a.1 * b.0, a.1 * b.1];
    corners.into_iter().fold((0, 0), |(least, most), x| (x.min(least), x.max(most)))
}

impl Bounds {
    pub(super) fn new(a: &Matrix<'_>, b: &Matrix<'_>) -> Self {
        let operands = if a.fits_i16() && b.fits_i16() {
            Some(WordKind::Pair16)
        } else if a.fits_i32() && b.fits_i32() {
            Some(WordKind::One64)
        } else {
            None
        };
        Self { k: a.dim().1, product: a.magnitude() * b.magnitude(), operands }
    }

    /// What is known without a look at the values.
    fn known(a: &Matrix<'_>, b: &Matrix<'_>) -> Option<Self> {
        let product = magnitude(a.known_range()) * magnitude(b.known_range());
        (a.is_bytes() && b.is_bytes()).then_some(Self {
            k: a.dim().1,
            product,
            operands: Some(WordKind::Pair16),
        })
    }
}

/// What was seen of every stage, and the seconds that it took.
type Done = (Vec<StageTally>, f64);

/// Every output through the scalar reference, rows in parallel.
fn scalar_rows<T: Output>(
    a: &Matrix<'_>,
    b: &Matrix<'_>,
    acc: &Accumulator,
    mut out: ArrayViewMut2<'_, T>,
) -> Result<Done, MatmulError> {
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
    let mut tallies = vec![StageTally::default(); stages];
    for (mut to, row) in out.rows_mut().into_iter().zip(rows) {
        let (row, more) = row?;
        for (to, value) in to.iter_mut().zip(row) {
            *to = T::cut(value);
        }
        merge(&mut tallies, &more);
    }
    Ok((tallies, start.elapsed().as_secs_f64()))
}

/// Every output in lanes of `word`, blocks in parallel.
fn in_lanes<T: Output>(
    a: &Matrix<'_>,
    b: &PackedMatrix,
    work: &Work,
    word: WordKind,
    isa: Isa,
    out: ArrayViewMut2<'_, T>,
) -> Result<Done, MatmulError> {
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
    let mut values = orientation.view(out);
    let mut tallies = vec![StageTally::default(); work.stages()];
    for result in results {
        let BlockOutput { row, col, width, values: part, tallies: more } = result?;
        let rows = part.chunks(width);
        for (row, from) in (row..).zip(rows) {
            let mut to = values.row_mut(row);
            for (to, from) in to.iter_mut().skip(col).zip(from) {
                *to = T::cut(*from);
            }
        }
        merge(&mut tallies, &more);
    }
    Ok((tallies, start.elapsed().as_secs_f64()))
}
