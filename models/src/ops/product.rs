//! Products of matrices in `f32`.

use ndarray::linalg::general_mat_mul;
use ndarray::parallel::prelude::*;
use ndarray::{ArrayView2, ArrayViewMut2, Axis};

/// Parts that a large product is cut into, whatever the number of threads.
const PARTS: usize = 8;

/// `out = scale a b + keep out`. What is cut are rows or columns of the result, so an output's sum stays in one piece.
pub(crate) fn product(
    scale: f32,
    a: ArrayView2<'_, f32>,
    b: ArrayView2<'_, f32>,
    keep: f32,
    mut out: ArrayViewMut2<'_, f32>,
) {
    let ((m, k), n) = (a.dim(), b.ncols());
    if k == 0 {
        out.mapv_inplace(|x| if keep == 0.0 { 0.0 } else { keep * x });
        return;
    }
    if m == 1 {
        let row = b.t().dot(&a.row(0));
        out.row_mut(0).zip_mut_with(&row, |out, &sum| {
            *out = scale * sum + if keep == 0.0 { 0.0 } else { keep * *out };
        });
        return;
    }
    if m * n * k < 1 << 18 {
        general_mat_mul(scale, &a, &b, keep, &mut out);
    } else if m >= n {
        let rows = m.div_ceil(PARTS).max(32);
        let a = a.axis_chunks_iter(Axis(0), rows).into_par_iter();
        let out = out.axis_chunks_iter_mut(Axis(0), rows).into_par_iter();
        out.zip(a).for_each(|(mut out, a)| general_mat_mul(scale, &a, &b, keep, &mut out));
    } else {
        let columns = n.div_ceil(PARTS).max(32);
        let b = b.axis_chunks_iter(Axis(1), columns).into_par_iter();
        let out = out.axis_chunks_iter_mut(Axis(1), columns).into_par_iter();
        out.zip(b).for_each(|(mut out, b)| general_mat_mul(scale, &a, &b, keep, &mut out));
    }
}
