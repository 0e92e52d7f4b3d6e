//! Products of matrices of codes that are both computed, as in attention.

use fewbit::accumulate::Report;
use fewbit::{Accumulator, Operand, ReportLevel, StageEvents};
use ndarray::{Array2, ArrayD, ArrayView2, ArrayViewD, Axis, IxDyn, s};
use rayon::prelude::*;

use crate::ops::matmul::{Shapes, shapes};

use super::datum::{Codes, Scales, Sums};
use super::ints::Ints;
use super::multiply::{Multiplied, multiply};
use super::product::Done;
use super::report::{merge_events, merge_reports};

/// Whether the left operand has one scale, and the right one no others than one per column.
pub(super) fn has_one_scale(x: &Codes, w: &Codes) -> bool {
    let columns = w.ints.shape().len().saturating_sub(1);
    let of_columns = w.scales.single().is_some() || w.scales.axis == columns && columns > 0;
    x.scales.single().is_some() && of_columns
}

/// `x w` of codes, with the shapes of ONNX's `MatMul`: matrices, or batches of them that broadcast.
///
/// Each entry is the sum of its products in ascending k through the accumulator; what zero points ask for is added outside. Rows
/// of the reports are those of all matrices, one after the other.
///
/// # Errors
/// Shapes that do not fit; several scales on the left, or on the right others than one per column.
pub(crate) fn matmul(
    x: &Codes,
    w: &Codes,
    accumulator: &Accumulator,
    report: ReportLevel,
) -> Result<Done, String> {
    let shapes = shapes(x.ints.shape(), w.ints.shape()).map_err(|error| error.to_string())?;
    let left =
        x.scales.single().ok_or("the left operand has several scales: a product needs one")?;
    let columns = w.ints.shape().len() - 1;
    let scales = match w.scales.single() {
        Some(right) => Scales::one(left * right),
        None if w.scales.axis == columns && columns > 0 => Scales {
            values: w.scales.values.iter().map(|right| left * right).collect(),
            axis: shapes.out.len().saturating_sub(1),
        },
        None => {
            let (n, axis) = (w.scales.values.len(), w.scales.axis);
            return Err(format!(
                "{n} scales along axis {axis} of the right operand: a product needs one per column"
            ));
        }
    };
    let zeros = (x.zero_point, w.zero_point);
    let job = Job { shapes, zeros, accumulator, report };
    let (sums, events, report) = match (&x.ints, &w.ints) {
        (Ints::U8(x), Ints::I8(w)) => job.run(&x.view(), &w.view()),
        (Ints::I8(x), Ints::I8(w)) => job.run(&x.view(), &w.view()),
        (Ints::U8(x), Ints::U8(w)) => job.run(&x.view(), &w.view()),
        (Ints::I8(x), Ints::U8(w)) => job.run(&x.view(), &w.view()),
        (x, w) => {
            let wide = |ints: &Ints| ints.to_i64().mapv(|x| x as i32);
            job.run(&wide(x).view(), &wide(w).view())
        }
    }?;
    let mut values = sums;
    // A row on the left or a column on the right is no axis of the result.
    values = values.into_shape_with_order(IxDyn(&job.shapes.out)).map_err(|e| e.to_string())?;
    Ok(Done { sums: Sums { values, scales }, events, report })
}

/// The product of two batches.
struct Job<'a> {
    shapes: Shapes,
    zeros: (i64, i64),
    accumulator: &'a Accumulator,
    report: ReportLevel,
}

type Parts = (ArrayD<i64>, Option<Vec<StageEvents>>, Option<Report>);

impl Job<'_> {
    fn run<X: Operand, W: Operand>(
        &self,
        x: &ArrayViewD<'_, X>,
        w: &ArrayViewD<'_, W>,
    ) -> Result<Parts, String> {
        let Shapes { m, k, n, pairs, .. } = &self.shapes;
        let (x, w) = (x.as_standard_layout(), w.as_standard_layout());
        let of = |error: ndarray::ShapeError| error.to_string();
        let count = |len: usize, size: usize| len.checked_div(size).unwrap_or(0);
        let x = x.view().into_shape_with_order((count(x.len(), m * k), *m, *k)).map_err(of)?;
        let w = w.view().into_shape_with_order((count(w.len(), k * n), *k, *n)).map_err(of)?;
        if m * k * n == 0 || pairs.is_empty() {
            return Ok((ArrayD::zeros(vec![pairs.len() * m * n]), None, None));
        }
        let one = |&(i, j): &(usize, usize)| {
            let (x, w) = (x.slice(s![i, .., ..]), w.slice(s![j, .., ..]));
            let mut product = multiply(x, w, self.accumulator, self.report)?;
            self.subtract_zero_points(x, w, &mut product.values);
            Ok(product)
        };
        let all: Result<Vec<Multiplied>, String> = pairs.par_iter().map(one).collect();
        let mut values = Vec::with_capacity(pairs.len() * m * n);
        let (mut events, mut report): (Option<Vec<StageEvents>>, Option<Report>) = (None, None);
        for (place, product) in all?.into_iter().enumerate() {
            values.extend(product.values);
            let below = (place * m) as u64;
            merge_events(&mut events, product.events, below);
            merge_reports(&mut report, product.report, below);
        }
        Ok((ArrayD::from_shape_vec(vec![values.len()], values).map_err(of)?, events, report))
    }

    /// `sum (a - za)(w - zw) = sum a w - za sum w - zw sum a + K za zw`.
    fn subtract_zero_points<X: Operand, W: Operand>(
        &self,
        x: ArrayView2<'_, X>,
        w: ArrayView2<'_, W>,
        values: &mut Array2<i64>,
    ) {
        let (zx, zw) = self.zeros;
        if zx != 0 {
            let columns: Vec<i64> =
                w.axis_iter(Axis(1)).map(|c| c.iter().map(|&w| w.to_i64()).sum()).collect();
            for mut row in values.rows_mut() {
                row.iter_mut().zip(&columns).for_each(|(value, sum)| *value -= zx * sum);
            }
        }
        if zw != 0 {
            let rows = x.rows().into_iter().map(|row| row.iter().map(|&x| x.to_i64()).sum::<i64>());
            let both = x.ncols() as i64 * zx * zw;
            for (mut row, sum) in values.rows_mut().into_iter().zip(rows) {
                row.mapv_inplace(|value| value - zw * sum + both);
            }
        }
    }
}
