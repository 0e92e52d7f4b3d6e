//! Two-dimensional convolution through an integer accumulator.

use ndarray::{Array4, ArrayView4};

use super::{ReferenceError, sum_products};
use crate::accumulate::{Accumulator, Report};
use crate::convolution::Conv2d;
use crate::room;

/// `y[n, o, i, j] = acc(x[n, c, ...] * w[o, c', u, v] over c', u, v in this order)`, and the full report.
///
/// `input` is `[N, C, H, W]`, `weights` `[O, C / groups, U, V]`. Output channel `o` sees the input channels of its group;
/// the product of `(c', u, v)` takes the input at row `i * stride + u * dilation - padding`, and likewise its column, or
/// the padding code outside. The report names an output as row `n * O + o`, column `i * width + j`.
///
/// # Errors
/// As [`conv2d`](crate::conv2d); of the accumulator, only what is not an integer one and what int64 cannot hold.
pub fn conv2d(
    input: ArrayView4<'_, i64>,
    weights: ArrayView4<'_, i64>,
    conv: &Conv2d<i64>,
    acc: &Accumulator,
) -> Result<(Array4<i64>, Report), ReferenceError> {
    let [height, width] = conv.output(input.dim(), weights.dim())?;
    if !acc.is_integer() {
        return Err(ReferenceError::NotInteger(acc.to_string()));
    }
    let (images, _, rows, cols) = input.dim();
    let (outputs, depth, u, v) = weights.dim();
    let per_group = outputs / conv.groups;
    room::check::<i64>(&[images, outputs, height, width])?;
    let mut y = Array4::zeros((images, outputs, height, width));
    let mut report = Report::new(acc.stages().len());
    for ((n, o, i, j), y) in y.indexed_iter_mut() {
        let mut products = Vec::with_capacity(depth * u * v);
        for c in 0..depth {
            for du in 0..u {
                for dv in 0..v {
                    let row = conv.source(0, i, du).filter(|&row| row < rows);
                    let col = conv.source(1, j, dv).filter(|&col| col < cols);
                    let x = match (row, col) {
                        (Some(row), Some(col)) => input[[n, o / per_group * depth + c, row, col]],
                        _ => conv.padding_code,
                    };
                    products.push(i128::from(x) * i128::from(weights[[o, c, du, dv]]));
                }
            }
        }
        let (value, traces) = sum_products(acc, products);
        let (row, col) = (n * outputs + o, i * width + j);
        *y = i64::try_from(value).map_err(|_| ReferenceError::TooWide { row, col, value })?;
        report.add(row as u64, col as u64, &traces);
    }
    Ok((y, report))
}
