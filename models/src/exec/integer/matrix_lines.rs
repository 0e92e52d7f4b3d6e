//! Products of two values that are computed, whose scales are those of rows, columns or groups.

use fewbit::{Accumulator, ReportLevel};
use rayon::prelude::*;

use crate::ops::matmul::{Shapes, shapes};

use super::datum::Datum;
use super::line_job::{LineDone, LineProduct, Outcome};
use super::lines::Lines;
use super::right::Right;

/// `x w` with the shapes of ONNX's `MatMul`, and the result's shape; `None` where one of them holds no codes.
///
/// # Errors
/// Shapes that do not fit; what the product refuses.
pub(super) fn matmul_lines(
    x: &Datum,
    w: &Datum,
    accumulator: &Accumulator,
    report: ReportLevel,
) -> Result<Option<(Outcome, Vec<usize>)>, String> {
    let (x_shape, w_shape) = (x.shape(), w.shape());
    let Shapes { m, n, pairs, out, .. } =
        shapes(&x_shape, &w_shape).map_err(|error| error.to_string())?;
    let (x_along, w_along) = (x_shape.len() - 1, w_shape.len().saturating_sub(2));
    let (Some(x), Some(w)) = (Lines::of(x, x_along)?, Lines::of(w, w_along)?) else {
        return Ok(None);
    };
    let count = |lines: &Lines, size: usize| lines.dim().0.checked_div(size).unwrap_or(0);
    let rights: Vec<Right> = (0..count(&w, n)).map(|at| Right::new(w.part(at * n, n))).collect();
    let one = |&(i, j): &(usize, usize)| {
        let (x, w) = (x.part(i * m, m), &rights[j]);
        LineProduct { x: &x, w, accumulator, report, bias: None }.run()
    };
    let all: Result<Vec<Outcome>, String> = pairs.par_iter().map(one).collect();
    let mut done = LineDone::default();
    for (place, outcome) in all?.into_iter().enumerate() {
        match outcome {
            Outcome::InFloats(why) => return Ok(Some((Outcome::InFloats(why), out))),
            Outcome::Done(part) => {
                done.values.extend(part.values);
                done.reported.merge(part.reported, (place * m) as u64);
            }
        }
    }
    Ok(Some((Outcome::Done(done), out)))
}
