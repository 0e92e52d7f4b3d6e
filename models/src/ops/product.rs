//! Products of matrices in `f32`.
//!
//! ```text
//! sum = 0; for k, ascending: sum = fma(a[i, k], b[k, j], sum); out[i, j] = scale sum + keep out[i, j]
//! ```
//! Every output is that chain, whatever the shapes: a row gives the same alone and in a batch, on every instruction set (without
//! AVX2, fused products are computed one by one, which is slow) and any number of threads.

use ndarray::parallel::prelude::*;
use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis, s};

use super::chains::add_products;
use super::panels::Right;

/// Parts that a large product is cut into, whatever the number of threads.
const PARTS: usize = 8;
/// Products (`m n k`) from which on parts are worth it.
const LARGE: usize = 1 << 18;

/// `out = scale a b + keep out`.
pub(crate) fn product(
    scale: f32,
    a: ArrayView2<'_, f32>,
    b: Right<'_>,
    keep: f32,
    mut out: ArrayViewMut2<'_, f32>,
) {
    let (m, n) = out.dim();
    if m == 0 || n == 0 {
        return;
    }
    let mut copy = None;
    let b = b.in_pieces(&mut copy);
    if scale == 1.0 && keep == 0.0 && (n == 1 || out.strides()[1] == 1) {
        out.fill(0.0);
        return sums(a, b, out);
    }
    let mut found = Array2::zeros((m, n));
    sums(a, b, found.view_mut());
    out.zip_mut_with(&found, |out, &sum| {
        *out = scale * sum + if keep == 0.0 { 0.0 } else { keep * *out };
    });
}

/// `out += a b`, where the rows of `out` are in one piece each.
fn sums(a: ArrayView2<'_, f32>, b: Right<'_>, mut out: ArrayViewMut2<'_, f32>) {
    let ((m, k), n) = (a.dim(), out.ncols());
    let copy;
    let mut a = a;
    if k > 1 && a.strides()[1] != 1 {
        copy = a.as_standard_layout().into_owned();
        a = copy.view();
    }
    let width = b.width();
    if m * n * k < LARGE {
        part(a, b, 0, out);
    } else if m >= 4 * PARTS {
        let rows = m.div_ceil(PARTS).max(32).next_multiple_of(4);
        let a = a.axis_chunks_iter(Axis(0), rows).into_par_iter();
        let out = out.axis_chunks_iter_mut(Axis(0), rows).into_par_iter();
        out.zip(a).for_each(|(out, a)| part(a, b, 0, out));
    } else {
        let panels = n.div_ceil(width).div_ceil(PARTS);
        let out = out.axis_chunks_iter_mut(Axis(1), panels * width).into_par_iter();
        out.enumerate().for_each(|(at, out)| part(a, b, at * panels, out));
    }
}

/// Some rows of the result, and the columns of the panels from `first` on.
fn part(a: ArrayView2<'_, f32>, b: Right<'_>, first: usize, mut out: ArrayViewMut2<'_, f32>) {
    let a: Vec<&[f32]> = a.outer_iter().filter_map(|row| row.to_slice()).collect();
    let mut from = 0;
    for index in first.. {
        let Some(panel) = b.panel(index).filter(|_| from < out.ncols()) else { break };
        let mut columns = out.slice_mut(s![.., from..from + panel.width]);
        let rows = columns.outer_iter_mut().filter_map(|row| row.into_slice());
        add_products(&a, panel, &mut rows.collect::<Vec<_>>());
        from += panel.width;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::panels::Panels;

    fn numbers(rows: usize, columns: usize, seed: u32) -> Array2<f32> {
        let mut state = seed;
        Array2::from_shape_simple_fn((rows, columns), || {
            state = state.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
            (state >> 8) as f32 / 8_388_608.0 - 1.0
        })
    }

    /// One output after the other, in plain loops.
    fn expected(
        scale: f32,
        a: ArrayView2<'_, f32>,
        b: ArrayView2<'_, f32>,
        keep: f32,
        out: ArrayView2<'_, f32>,
    ) -> Array2<f32> {
        Array2::from_shape_fn(out.dim(), |(i, j)| {
            let sum = (0..a.ncols()).fold(0.0f32, |sum, k| a[[i, k]].mul_add(b[[k, j]], sum));
            scale * sum + if keep == 0.0 { 0.0 } else { keep * out[[i, j]] }
        })
    }

    fn on<T: Send>(threads: usize, f: impl FnOnce() -> T + Send) -> T {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(f)
    }

    /// Rows and columns that fill tiles, panels and blocks of steps, and that do not.
    const SHAPES: [(usize, usize, usize); 10] = [
        (1, 1, 1),
        (1, 70, 600),
        (2, 0, 3),
        (3, 33, 17),
        (5, 97, 1),
        (4, 64, 256),
        (9, 300, 530),
        (70, 40, 130),
        (131, 36, 257),
        (64, 128, 16),
    ];

    #[test]
    fn every_output_is_a_chain_of_fused_products() {
        for (m, k, n) in SHAPES {
            let (a, b, start) = (numbers(m, k, 1), numbers(k, n, 2), numbers(m, n, 3));
            let (transposed, wide) =
                (b.t().as_standard_layout().into_owned(), numbers(k, 2 * n, 4));
            let every_second = wide.slice(s![.., ..;2]);
            let columns = a.t().as_standard_layout().into_owned();
            let panels = Panels::of(transposed.t());
            let rows =
                Right::Rows { data: wide.as_slice().unwrap(), stride: 2 * n, depth: k, columns: n };
            for (scale, keep) in [(1.0, 0.0), (1.0, 1.0), (0.3, 0.0), (2.0, -0.7)] {
                for (b, same) in [
                    (Right::Matrix(b.view()), b.view()),
                    (Right::Matrix(transposed.t()), b.view()),
                    (Right::Matrix(every_second), every_second),
                    (rows, wide.slice(s![.., ..n])),
                    (Right::Panels(&panels), b.view()),
                ] {
                    let expected = expected(scale, a.view(), same, keep, start.view());
                    for (threads, a) in [(1, a.view()), (4, a.view()), (1, columns.t())] {
                        let mut out = start.clone();
                        on(threads, || product(scale, a, b, keep, out.view_mut()));
                        assert_eq!(out, expected, "{m} {k} {n}, {scale} {keep}, {threads}: {b:?}");
                    }
                    let mut sideways = start.t().as_standard_layout().into_owned();
                    product(scale, a.view(), b, keep, sideways.view_mut().reversed_axes());
                    assert_eq!(sideways.t(), expected, "{m} {k} {n}, sideways");
                }
            }
        }
    }

    #[test]
    fn a_row_gives_alone_what_it_gives_in_a_batch() {
        let (a, b) = (numbers(100, 70, 5), numbers(300, 70, 6));
        let mut all = Array2::zeros((100, 300));
        product(1.0, a.view(), Right::Matrix(b.t()), 0.0, all.view_mut());
        for (row, expected) in a.axis_chunks_iter(Axis(0), 1).zip(all.outer_iter()) {
            let mut one = Array2::zeros((1, 300));
            product(1.0, row, Right::Matrix(b.t()), 0.0, one.view_mut());
            assert_eq!(one.row(0), expected);
        }
    }
}
