//! Products of codes through float registers and datapaths.

use fewbit::reference::{FloatError, FloatFirstEvent, FloatOperand, FloatReport};
use fewbit::{
    FloatMatmulError, FloatOptions, FloatProduct, ReportLevel, StageEvents, matmul_float,
};
use ndarray::Array2;

use super::blocks;
use super::exact_sums;
use super::line_job::{LineDone, LineProduct, Outcome, is_exact};
use super::lines::{Lines, Side};
use super::report::Reported;

/// The product; see [`LineProduct::run`].
pub(super) fn run(job: &LineProduct<'_>) -> Result<Outcome, String> {
    let (x, w) = (job.x, &job.w.lines);
    let is_exact = is_exact(job.accumulator);
    if is_exact && let Some(sums) = exact_sums::product(job) {
        return Ok(Outcome::Done(finish(job, sums, no_events(job))));
    }
    let (sums, report) = match multiply(job, &x.operand(Side::Left)?, job.w.operand()?)? {
        Ok(product) => (product.values, product.report),
        // A machine that takes no scales: its dot products are those of blocks.
        Err(why) if x.is_whole() && w.is_whole() => return Ok(Outcome::InFloats(why)),
        Err(_) => match by_blocks(job)? {
            Ok((sums, report)) => {
                let reported = Reported { float: report, ..Reported::default() };
                return Ok(Outcome::Done(rounded(job, sums, reported)));
            }
            Err(why) => return Ok(Outcome::InFloats(why)),
        },
    };
    let reported = match is_exact {
        true => no_events(job),
        false => Reported { float: report, ..Reported::default() },
    };
    Ok(Outcome::Done(finish(job, sums, reported)))
}

/// An exact register has no range that something could lie outside of.
fn no_events(job: &LineProduct<'_>) -> Reported {
    let none = || StageEvents { events: 0, outputs: 0, first: None };
    let stages = job.accumulator.stages().iter().map(|_| none()).collect();
    let events = (job.report != ReportLevel::None).then_some(stages);
    Reported { events, ..Reported::default() }
}

/// The outputs from sums that lack scales of whole lines and what multiplies all.
pub(super) fn finish(job: &LineProduct<'_>, mut sums: Array2<f64>, reported: Reported) -> LineDone {
    outside(job.x, &job.w.lines, &mut sums);
    rounded(job, sums, reported)
}

/// The outputs from sums under all scales: zero points, bias, one rounding.
fn rounded(job: &LineProduct<'_>, mut sums: Array2<f64>, reported: Reported) -> LineDone {
    let (x, w) = (job.x, &job.w.lines);
    if x.zero_points.is_some() || w.zero_points.is_some() {
        subtract_zero_points(job, x.dim().1, &mut sums);
    }
    let bias = |column: usize| job.bias.map_or(0.0, |bias| f64::from(bias[column]));
    let values = sums.indexed_iter().map(|((_, column), sum)| (sum + bias(column)) as f32);
    LineDone { values: values.collect(), reported }
}

/// One product; why the accumulator takes no operands of these formats, if it does not.
fn multiply(
    job: &LineProduct<'_>,
    left: &FloatOperand,
    right: &FloatOperand,
) -> Result<Result<FloatProduct, String>, String> {
    let report = if is_exact(job.accumulator) { ReportLevel::None } else { job.report };
    let options = FloatOptions { report, ..FloatOptions::default() };
    match matmul_float(left, right, job.accumulator, &options) {
        Ok(product) => Ok(Ok(product)),
        Err(FloatMatmulError::Float(error @ FloatError::Operands { .. })) => {
            Ok(Err(error.to_string()))
        }
        Err(error) => Err(error.to_string()),
    }
}

/// Scales of whole lines, and what multiplies all of an operand.
fn outside(x: &Lines, w: &Lines, sums: &mut Array2<f64>) {
    let scale = |lines: &Lines, line| match lines.is_whole() {
        true => lines.scale(line, 0),
        false => lines.outer,
    };
    let columns: Vec<f64> = (0..sums.ncols()).map(|column| scale(w, column)).collect();
    for (row, mut sums) in sums.rows_mut().into_iter().enumerate() {
        let of_row = scale(x, row);
        sums.iter_mut().zip(&columns).for_each(|(sum, t)| *sum *= of_row * t);
    }
}

type Found = (Array2<f64>, Option<FloatReport>);

/// The accumulator from zero over the codes of each block that shares both scales; the blocks' results times these, added in
/// f64 in ascending k. Each block counts as an output in the report.
fn by_blocks(job: &LineProduct<'_>) -> Result<Result<Found, String>, String> {
    let (x, w) = (job.x, &job.w.lines);
    let size = blocks::size(x, w);
    let mut sums = Array2::zeros((x.dim().0, w.dim().0));
    let mut all: Option<FloatReport> = None;
    let rights = job.w.float_blocks(size);
    let rights = rights.as_ref().as_ref().map_err(Clone::clone)?;
    for ((first, end), right) in x.places(size).zip(rights) {
        let product = match multiply(job, &x.bare(first, end).operand(Side::Left)?, right)? {
            Ok(product) => product,
            Err(why) => return Ok(Err(why)),
        };
        let (at_x, at_w) = (first / x.block, first / w.block);
        let scales: Vec<f64> = (0..sums.ncols()).map(|column| w.scale(column, at_w)).collect();
        for (row, (mut sums, values)) in
            sums.rows_mut().into_iter().zip(product.values.rows()).enumerate()
        {
            let scale = x.scale(row, at_x);
            let terms = values.into_iter().zip(&scales);
            sums.iter_mut().zip(terms).for_each(|(sum, (value, t))| *sum += value * (scale * t));
        }
        let Some(mut report) = product.report else { continue };
        for stage in &mut report.stages {
            let behind =
                |event: FloatFirstEvent| FloatFirstEvent { k: event.k + first as u64, ..event };
            stage.first = stage.first.take().map(behind);
        }
        match &mut all {
            None => all = Some(report),
            // Of one output, the first block is merged first and stays.
            Some(all) => all.merge(report),
        }
    }
    Ok(Ok((sums, all)))
}

/// `s t (z W + v X - n z v)` of every block of n products, in f64, in ascending k.
fn subtract_zero_points(job: &LineProduct<'_>, k: usize, sums: &mut Array2<f64>) {
    let (x, w) = (job.x, &job.w.lines);
    let size = blocks::size(x, w).max(1);
    for first in (0..k).step_by(size) {
        let end = (first + size).min(k);
        let (of_rows, of_columns) = (x.sums(first, end), w.sums(first, end));
        let (at_x, at_w) = (first / x.block, first / w.block);
        for ((row, column), sum) in sums.indexed_iter_mut() {
            let (z, v) = (x.zero_point(row, at_x), w.zero_point(column, at_w));
            let shift = z * of_columns[column] + v * (of_rows[row] - (end - first) as f64 * z);
            *sum -= x.scale(row, at_x) * w.scale(column, at_w) * shift;
        }
    }
}
