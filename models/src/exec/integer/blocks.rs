//! Products of whole numbers through integer registers, block by block where scales are those of blocks along k.

use fewbit::accumulate::{FirstEvent, Register, Report};
use fewbit::{
    Accumulator, MatmulOptions, Operand, Output, PackedMatrix, StageEvents, Vectorized,
    matmul_into, vectorize,
};
use ndarray::{Array2, ArrayView2, Axis, Slice};
use rayon::prelude::*;

use super::ints::each;
use super::line_job::{LineDone, LineProduct};
use super::lines::{Elements, Lines};
use super::right::Block;

/// Elements of a task.
const TASK: usize = 1 << 15;

/// The product; see [`LineProduct::run`].
pub(super) fn run(job: &LineProduct<'_>) -> Result<LineDone, String> {
    let (x, w) = (job.x, &job.w.lines);
    let (m, n) = (x.dim().0, w.dim().0);
    let mut done = LineDone { values: vec![0.0; m * n], ..LineDone::default() };
    if m * n == 0 {
        return Ok(done);
    }
    let columns = job.w.blocks(size(x, w));
    let mut sums = if columns.len() != 1 { vec![0.0f64; m * n] } else { Vec::new() };
    for block in columns.iter() {
        let product = x.magnitude().saturating_mul(w.magnitude());
        let most = product.saturating_mul((block.end - block.first) as u64);
        let (events, report) = match fits_i32(job.accumulator, most) {
            true => job.block::<i32>(block, f64::from, (&mut sums, &mut done.values))?,
            false => job.block::<i64>(block, |sum| sum as f64, (&mut sums, &mut done.values))?,
        };
        add_events(&mut done.reported.events, events, block.first);
        add_report(&mut done.reported.report, report, block.first);
    }
    if columns.len() != 1 {
        let rows = done.values.par_chunks_mut(n).zip(sums.par_chunks(n));
        rows.for_each(|(out, sums)| match job.bias {
            None => out.iter_mut().zip(sums).for_each(|(y, sum)| *y = *sum as f32),
            Some(bias) => {
                let terms = sums.iter().zip(bias);
                out.iter_mut()
                    .zip(terms)
                    .for_each(|(y, (sum, &b))| *y = (sum + f64::from(b)) as f32);
            }
        });
    }
    Ok(done)
}

/// How many neighbours along k share the scales of both operands.
pub(super) fn size(x: &Lines, w: &Lines) -> usize {
    match (x.is_whole(), w.is_whole()) {
        (true, true) => x.dim().1,
        (true, false) => w.block,
        (false, true) => x.block,
        (false, false) => common_divisor(x.block, w.block),
    }
}

type Reports = (Option<Vec<StageEvents>>, Option<Report>);

impl LineProduct<'_> {
    /// One block: into the results where it is all there is, else added to the sums.
    fn block<T: Output>(
        &self,
        block: &Block,
        number: impl Fn(T) -> f64 + Copy + Send + Sync,
        (sums, values): (&mut [f64], &mut [f32]),
    ) -> Result<Reports, String> {
        let (x, w) = (self.x, &self.w.lines);
        let n = w.dim().0;
        let Elements::Ints(ints) = &x.elements else {
            return Err(format!("codes of {} are no whole numbers", x.format));
        };
        let (products, reports) = each!(ints, array => {
            let part = array.slice_axis(Axis(1), Slice::from(block.first..block.end));
            let part: ArrayView2<'_, _> =
                part.into_dimensionality().map_err(|error| error.to_string())?;
            self.multiply::<_, T>(part, &block.packed)
        })?;
        let products = products.as_slice().unwrap_or_default();
        let (at_x, at_w) = (block.first / x.block, block.first / w.block);
        let scales: Vec<f64> = (0..n).map(|column| w.scale(column, at_w)).collect();
        let zeros = w.zero_points.as_ref().map(|_| {
            let rows = x.sums(block.first, block.end);
            let zeros: Vec<f64> = (0..n).map(|column| w.zero_point(column, at_w)).collect();
            (rows, zeros)
        });
        let of_row = |row: usize| Row {
            scale: x.scale(row, at_x),
            zero: x.zero_point(row, at_x),
            shift: zeros.as_ref().map_or(0.0, |(sums, _)| {
                sums[row] - (block.end - block.first) as f64 * x.zero_point(row, at_x)
            }),
            scales: &scales,
            sums: &block.sums,
            zeros: zeros.as_ref().map(|(_, zeros)| zeros.as_slice()),
        };
        let together = (TASK / n).max(1);
        let products = products.par_chunks(n * together).enumerate();
        let rows = |(at, products): (usize, &[T]), to: To<'_>| {
            vectorize(Rows { n, first: at * together, products, of_row, number, to });
        };
        match sums.is_empty() {
            true => products
                .zip(values.par_chunks_mut(n * together))
                .for_each(|(some, out)| rows(some, To::Whole(out, self.bias))),
            false => products
                .zip(sums.par_chunks_mut(n * together))
                .for_each(|(some, sums)| rows(some, To::Added(sums))),
        }
        Ok(reports)
    }

    fn multiply<A: Operand, T: Output>(
        &self,
        x: ArrayView2<'_, A>,
        packed: &PackedMatrix,
    ) -> Result<(Array2<T>, Reports), String> {
        let mut out = Array2::from_elem((x.nrows(), packed.dim().1), T::default());
        let options = MatmulOptions { report: self.report, ..MatmulOptions::default() };
        let report = matmul_into(x, packed, self.accumulator, &options, out.view_mut());
        let report = report.map_err(|error| error.to_string())?;
        Ok((out, (report.events, report.report)))
    }
}

/// What turns the sums of one row into numbers.
#[derive(Clone, Copy)]
struct Row<'a> {
    scale: f64,
    zero: f64,
    /// `X - K z`
    shift: f64,
    /// Of the columns.
    scales: &'a [f64],
    sums: &'a [f64],
    zeros: Option<&'a [f64]>,
}

impl Row<'_> {
    /// `s t (A - z W - v (X - K z))` of every column.
    #[inline(always)]
    fn fill<T: Copy>(&self, products: &[T], number: impl Fn(T) -> f64, to: &mut [f64]) {
        let Self { scale, zero, shift, scales, sums, zeros } = *self;
        let columns = to.iter_mut().zip(products).zip(scales).zip(sums);
        match zeros {
            None => {
                for (((y, &a), t), w) in columns {
                    *y = (number(a) - zero * w) * (scale * t);
                }
            }
            Some(zeros) => {
                for ((((y, &a), t), w), v) in columns.zip(zeros) {
                    *y = (number(a) - zero * w - v * shift) * (scale * t);
                }
            }
        }
    }
}

/// Some rows of products, and where they go.
struct Rows<'a, T, R, F> {
    n: usize,
    first: usize,
    products: &'a [T],
    of_row: R,
    number: F,
    to: To<'a>,
}

/// Where rows go.
enum To<'a> {
    /// Rounded, with a bias.
    Whole(&'a mut [f32], Option<&'a [f32]>),
    /// Added to sums.
    Added(&'a mut [f64]),
}

impl<'r, T: Copy, R: Fn(usize) -> Row<'r>, F: Fn(T) -> f64 + Copy> Vectorized
    for Rows<'_, T, R, F>
{
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { n, first, products, of_row, number, to } = self;
        let mut row = vec![0.0f64; n];
        let products = products.chunks_exact(n).enumerate();
        match to {
            To::Whole(out, bias) => {
                for ((at, products), out) in products.zip(out.chunks_exact_mut(n)) {
                    of_row(first + at).fill(products, number, &mut row);
                    if let Some(bias) = bias {
                        row.iter_mut().zip(bias).for_each(|(y, &b)| *y += f64::from(b));
                    }
                    out.iter_mut().zip(&row).for_each(|(out, y)| *out = *y as f32);
                }
            }
            To::Added(sums) => {
                for ((at, products), sums) in products.zip(sums.chunks_exact_mut(n)) {
                    of_row(first + at).fill(products, number, &mut row);
                    sums.iter_mut().zip(&row).for_each(|(sum, y)| *sum += y);
                }
            }
        }
    }
}

/// Whether every sum whose products have magnitudes of so much together is one of 32 bits.
///
/// Neither wrapping nor saturating makes a magnitude greater, so that no register is beyond the sum of magnitudes.
fn fits_i32(accumulator: &Accumulator, most: u64) -> bool {
    let last = accumulator.stages().last().map(|stage| stage.register);
    matches!(last, Some(Register::Int { bits: ..=32, .. })) || most <= i32::MAX as u64
}

/// The greatest number that divides both.
fn common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { common_divisor(b, a % b) }
}

/// The earlier of two events: by output, then by k.
fn earlier(one: Option<FirstEvent>, other: Option<FirstEvent>) -> Option<FirstEvent> {
    one.into_iter().chain(other).min_by_key(|event| (event.row, event.col, event.k))
}

fn behind(event: Option<FirstEvent>, first: usize) -> Option<FirstEvent> {
    event.map(|event| FirstEvent { k: event.k + first as u64, ..event })
}

/// Adds the events of a block that begins with product `first`; every block of an output counts as one.
pub(super) fn add_events(
    all: &mut Option<Vec<StageEvents>>,
    more: Option<Vec<StageEvents>>,
    first: usize,
) {
    let Some(mut more) = more else { return };
    more.iter_mut().for_each(|stage| stage.first = behind(stage.first, first));
    match all {
        None => *all = Some(more),
        Some(all) => all.iter_mut().zip(more).for_each(|(all, more)| {
            all.events += more.events;
            all.outputs += more.outputs;
            all.first = earlier(all.first, more.first);
        }),
    }
}

/// The same for whole reports.
pub(super) fn add_report(all: &mut Option<Report>, more: Option<Report>, first: usize) {
    let Some(mut more) = more else { return };
    more.stages.iter_mut().for_each(|stage| stage.first = behind(stage.first, first));
    match all {
        None => *all = Some(more),
        Some(all) => {
            let firsts: Vec<_> = all
                .stages
                .iter()
                .zip(&more.stages)
                .map(|(all, more)| earlier(all.first, more.first))
                .collect();
            all.merge(&more);
            all.stages.iter_mut().zip(firsts).for_each(|(stage, first)| stage.first = first);
        }
    }
}
