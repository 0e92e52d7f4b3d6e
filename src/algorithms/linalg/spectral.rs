//! The largest eigenvalue of a Gram matrix, and the best approximation of a given rank.

use ndarray::{Array1, Array2, ArrayView2, Axis, s};

use super::{orthonormalize, product};
use crate::algorithms::{AlgorithmError, random::Normal};
use crate::simd::{Vectorized, vectorize};
use crate::tasks;

/// `sigma_max(H)` of a symmetric positive semidefinite matrix by at most `iterations` power iterations from a fixed start,
/// fewer once the value grows by less than a thousandth.
///
/// The Rayleigh quotient, so never above the true value but by rounding; 0 for a zero matrix. Of H what is on and above the diagonal
/// is read: it comes from memory at every step, which takes longer than its products.
pub fn largest_eigenvalue(h: ArrayView2<'_, f64>, iterations: usize) -> f64 {
    let h = h.as_standard_layout();
    // No eigenvector of a structured matrix is orthogonal to these incommensurate entries.
    let mut v: Vec<f64> =
        (0..h.nrows()).map(|i| 1.0 + (i as f64 * 0.618_033_988_749_895).fract()).collect();
    let mut parts: Vec<Vec<f64>> =
        (0..v.len()).step_by(ROWS).map(|first| vec![0.0; v.len() - first]).collect();
    let mut value = 0.0;
    for _ in 0..iterations {
        let norm = v.iter().map(|x| x * x).sum::<f64>().sqrt();
        if norm == 0.0 {
            return 0.0;
        }
        v.iter_mut().for_each(|x| *x /= norm);
        let next = image(h.view(), &v, &mut parts);
        let before = value;
        value = v.iter().zip(&next).map(|(a, b)| a * b).sum();
        if value - before <= 1e-3 * value {
            break;
        }
        v = next;
    }
    value
}

/// Rows of a parallel task.
const ROWS: usize = 64;

/// `H v`: what each task's rows of the upper triangle add to it, one task after the other.
fn image(h: ArrayView2<'_, f64>, v: &[f64], parts: &mut [Vec<f64>]) -> Vec<f64> {
    let rows = h.axis_chunks_iter(Axis(0), ROWS);
    tasks::for_each(parts.iter_mut().zip(rows).enumerate(), |(task, (to, rows))| {
        vectorize(Upper { rows, first: task * ROWS, v, to });
    });
    let mut sum = vec![0.0; v.len()];
    for (task, part) in parts.iter().enumerate() {
        sum[task * ROWS..].iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
    }
    sum
}

/// What some rows of the upper triangle of a symmetric matrix, and the columns that are the same, add to its product with a vector.
struct Upper<'a> {
    /// The first of them is row `first`.
    rows: ArrayView2<'a, f64>,
    first: usize,
    v: &'a [f64],
    /// From element `first` on.
    to: &'a mut [f64],
}

impl Vectorized for Upper<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { rows, first, v, to } = self;
        to.fill(0.0);
        let v = &v[first..];
        for (index, rows) in rows.axis_chunks_iter(Axis(0), SIDE).enumerate() {
            let (start, end) = (index * SIDE, index * SIDE + rows.nrows());
            let mut behind: [&[f64]; SIDE] = [&[]; SIDE];
            for (row, (behind, x)) in (start..).zip(behind.iter_mut().zip(rows.rows())) {
                let x = &x.to_slice().unwrap_or_default()[first..];
                to[row] += x[row] * v[row];
                for other in row + 1..end {
                    to[row] += x[other] * v[other];
                    to[other] += x[other] * v[row];
                }
                *behind = &x[end..];
            }
            // Fewer rows than these are the last ones: nothing is behind them.
            if end - start == SIDE {
                let of = std::array::from_fn(|row| v[start + row]);
                let sums = both(behind, &v[end..], of, &mut to[end..]);
                to[start..end].iter_mut().zip(sums).for_each(|(to, sum)| *to += sum);
            }
        }
    }
}

/// Rows whose products are summed side by side, so that more of them are on their way from memory.
const SIDE: usize = 4;

/// The products of rows with a vector, while their products with a number each, `of`, are added to `to`.
#[inline(always)]
fn both(a: [&[f64]; SIDE], b: &[f64], of: [f64; SIDE], to: &mut [f64]) -> [f64; SIDE] {
    let ((b, rest_b), (to, rest_to)) = (b.as_chunks::<8>(), to.as_chunks_mut::<8>());
    let mut chunks: [&[[f64; 8]]; SIDE] = [&[]; SIDE];
    for (chunks, a) in chunks.iter_mut().zip(a) {
        *chunks = &a.as_chunks::<8>().0[..b.len()];
    }
    let mut sums = [[0f64; 8]; SIDE];
    for (i, (b, to)) in b.iter().zip(to).enumerate() {
        // In registers: through `to` itself a compiler stores every sum by itself.
        let mut all = *to;
        for row in 0..SIDE {
            let x = &chunks[row][i];
            for lane in 0..8 {
                sums[row][lane] += x[lane] * b[lane];
            }
            for lane in 0..8 {
                all[lane] += x[lane] * of[row];
            }
        }
        *to = all;
    }
    let mut results = [0f64; SIDE];
    for row in 0..SIDE {
        let rest = &a[row][b.len() * 8..];
        results[row] = sums[row].iter().sum();
        for ((x, b), to) in rest.iter().zip(rest_b).zip(&mut *rest_to) {
            results[row] += x * b;
            *to += x * of[row];
        }
    }
    results
}

/// `A ≈ L R`, the truncated singular value decomposition with the singular values on the left factor.
#[derive(Clone, Debug)]
pub struct LowRank {
    /// `U S`, `[m, rank]`.
    pub left: Array2<f64>,
    /// `Vᵀ`, `[rank, n]`, orthonormal rows.
    pub right: Array2<f64>,
    /// Singular values, descending.
    pub singular: Array1<f64>,
}

/// The approximation of A `[m, n]` of rank `min(rank, m, n)` that is best in the Frobenius norm.
///
/// Subspace iteration on `AᵀA` with 8 extra directions from a seeded start until the captured energy grows by less than
/// 10⁻¹² of itself, at most 200 times; then Jacobi rotations of the small factor. Where neighbouring singular values at the
/// cut are nearly equal the subspace is any of the equally good ones.
///
/// # Errors
/// None for finite A; [`AlgorithmError::NotPositiveDefinite`] cannot occur because directions that A does not reach are
/// refilled.
pub fn low_rank(a: ArrayView2<'_, f64>, rank: usize, seed: u64) -> Result<LowRank, AlgorithmError> {
    let (m, n) = a.dim();
    let rank = rank.min(m).min(n);
    let width = (rank + 8).min(m).min(n);
    let norm = a.iter().map(|x| x * x).sum::<f64>();
    if norm == 0.0 || rank == 0 {
        return Ok(LowRank {
            left: Array2::zeros((m, rank)),
            right: Array2::eye(n).slice(s![..rank, ..]).to_owned(),
            singular: Array1::zeros(rank),
        });
    }
    let normal = Normal::new(seed, 0x5d);
    let mut q = orthonormalize(
        Array2::from_shape_fn((n, width), |(i, j)| normal.at((i * width + j) as u64)).view(),
    )?;
    // A share of the identity keeps directions outside the range of A independent.
    let shift = norm / n as f64 * 1e-9;
    let mut captured = 0.0;
    for _ in 0..200 {
        let image = product(a, q.view());
        let energy = image.iter().map(|x| x * x).sum::<f64>();
        let next = product(a.t(), image.view()) + &(&q * shift);
        q = orthonormalize(normalize_columns(next).view())?;
        if energy <= captured * (1.0 + 1e-12) {
            break;
        }
        captured = energy;
    }
    // Rows of B = (A Q)ᵀ made orthogonal by rotations J: A Q J has orthogonal columns, the left factor with its values.
    let mut b = product(a, q.view()).reversed_axes().as_standard_layout().into_owned();
    let mut basis = q.reversed_axes().as_standard_layout().into_owned();
    rotate_rows(&mut b, &mut basis);
    let mut order: Vec<(usize, f64)> =
        b.axis_iter(Axis(0)).map(|r| r.dot(&r).sqrt()).enumerate().collect();
    order.sort_by(|x, y| y.1.total_cmp(&x.1));
    let pick: Vec<usize> = order.iter().take(rank).map(|x| x.0).collect();
    Ok(LowRank {
        left: b.select(Axis(0), &pick).reversed_axes(),
        right: basis.select(Axis(0), &pick),
        singular: order.iter().take(rank).map(|x| x.1).collect(),
    })
}

fn normalize_columns(mut a: Array2<f64>) -> Array2<f64> {
    for mut column in a.columns_mut() {
        let norm = column.dot(&column).sqrt();
        if norm > 0.0 {
            column /= norm;
        }
    }
    a
}

/// One-sided Jacobi: rotates pairs of rows of `b`, and of `basis` alike, until all rows of `b` are orthogonal.
fn rotate_rows(b: &mut Array2<f64>, basis: &mut Array2<f64>) {
    for _ in 0..60 {
        let mut worst = 0f64;
        for p in 0..b.nrows() {
            for q in p + 1..b.nrows() {
                let (x, y) = (b.row(p), b.row(q));
                let (alpha, beta, gamma) = (x.dot(&x), y.dot(&y), x.dot(&y));
                let scale = (alpha * beta).sqrt();
                if gamma == 0.0 || scale == 0.0 || gamma.abs() <= 1e-15 * scale {
                    continue;
                }
                worst = worst.max(gamma.abs() / scale);
                let zeta = (beta - alpha) / (2.0 * gamma);
                let t = zeta.signum() / (zeta.abs() + zeta.hypot(1.0));
                let c = 1.0 / t.hypot(1.0);
                for matrix in [&mut *b, &mut *basis] {
                    let (mut x, mut y) = matrix.multi_slice_mut((s![p, ..], s![q, ..]));
                    ndarray::Zip::from(&mut x).and(&mut y).for_each(|x, y| {
                        (*x, *y) = (c * (*x - t * *y), c * (t * *x + *y));
                    });
                }
            }
        }
        if worst < 1e-14 {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ROWS, image, largest_eigenvalue};
    use fewbit_testkit::Random;
    use ndarray::{Array2, aview1};

    #[test]
    fn the_upper_triangle_multiplies_as_the_whole_matrix() {
        let mut random = Random(3);
        for n in (1..23).chain([61, 64, 65, 127, 200, 331]) {
            // Of integers every order of the sums gives the same.
            let mut integer = || (random.next() >> 52) as f64 - 2048.0;
            let mut h = Array2::from_shape_simple_fn((n, n), &mut integer);
            let v: Vec<f64> = (0..n).map(|_| integer()).collect();
            let symmetric = Array2::from_shape_fn((n, n), |(i, j)| h[[i.min(j), i.max(j)]]);
            h.indexed_iter_mut().filter(|((i, j), _)| j < i).for_each(|(_, x)| *x = f64::NAN);
            let mut parts: Vec<_> =
                (0..n).step_by(ROWS).map(|first| vec![7.0; n - first]).collect();
            assert_eq!(image(h.view(), &v, &mut parts), symmetric.dot(&aview1(&v)).to_vec(), "{n}");
        }
    }

    #[test]
    fn a_matrix_lies_in_memory_as_it_likes() {
        let h = Array2::from_shape_fn((70, 70), |(i, j)| 1.0 / (i + j + 1) as f64);
        let wide = Array2::from_shape_fn((70, 140), |(i, j)| h[[i, j / 2]]);
        let value = largest_eigenvalue(h.view(), 30);
        assert_eq!(largest_eigenvalue(wide.slice(ndarray::s![.., ..;2]), 30), value);
        assert_eq!(largest_eigenvalue(h.t(), 30), value);
    }
}
