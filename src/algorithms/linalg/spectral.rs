//! The largest eigenvalue of a Gram matrix, and the best approximation of a given rank.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, s};

use super::{orthonormalize, product};
use crate::algorithms::{AlgorithmError, random::Normal};
use crate::simd::{Vectorized, vectorize};
use crate::tasks;

/// `sigma_max(H)` of a symmetric positive semidefinite matrix by at most `iterations` power iterations from a fixed start,
/// fewer once the value grows by less than a thousandth.
///
/// The Rayleigh quotient, so never above the true value; 0 for a zero matrix.
pub fn largest_eigenvalue(h: ArrayView2<'_, f64>, iterations: usize) -> f64 {
    // No eigenvector of a structured matrix is orthogonal to these incommensurate entries.
    let mut v: Vec<f64> =
        (0..h.nrows()).map(|i| 1.0 + (i as f64 * 0.618_033_988_749_895).fract()).collect();
    let mut value = 0.0;
    for _ in 0..iterations {
        let norm = v.iter().map(|x| x * x).sum::<f64>().sqrt();
        if norm == 0.0 {
            return 0.0;
        }
        v.iter_mut().for_each(|x| *x /= norm);
        let mut next = vec![0.0; v.len()];
        let parts = next.chunks_mut(ROWS).zip(h.axis_chunks_iter(Axis(0), ROWS));
        tasks::for_each(parts, |(to, rows)| vectorize(Images { rows, of: &v, to }));
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
const ROWS: usize = 16;

/// The products of some rows with a vector.
struct Images<'a> {
    rows: ArrayView2<'a, f64>,
    of: &'a [f64],
    to: &'a mut [f64],
}

impl Vectorized for Images<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let rows = self.rows.axis_chunks_iter(Axis(0), SIDE);
        for (to, rows) in self.to.chunks_mut(SIDE).zip(rows) {
            let mut slices: [&[f64]; SIDE] = [&[]; SIDE];
            for (slice, row) in slices.iter_mut().zip(rows.rows()) {
                *slice = row.to_slice().unwrap_or(&[]);
            }
            if slices.iter().all(|slice| slice.len() == self.of.len()) {
                to.copy_from_slice(&dots(slices, self.of));
            } else {
                for (to, row) in to.iter_mut().zip(rows.rows()) {
                    *to = row.dot(&ArrayView1::from(self.of));
                }
            }
        }
    }
}

/// Rows whose products are summed side by side, so that more of them are on their way from memory.
const SIDE: usize = 4;

/// Of each: every eighth product in a sum of its own, these sums in pairs, and what is left one by one: as `ndarray` has it.
#[inline(always)]
fn dots(a: [&[f64]; SIDE], b: &[f64]) -> [f64; SIDE] {
    let (b, rest_b) = b.as_chunks::<8>();
    let mut chunks: [&[[f64; 8]]; SIDE] = [&[]; SIDE];
    for (chunks, a) in chunks.iter_mut().zip(a) {
        *chunks = &a.as_chunks::<8>().0[..b.len()];
    }
    let mut sums = [[0f64; 8]; SIDE];
    for (i, b) in b.iter().enumerate() {
        for row in 0..SIDE {
            for lane in 0..8 {
                sums[row][lane] += chunks[row][i][lane] * b[lane];
            }
        }
    }
    let mut results = [0f64; SIDE];
    for row in 0..SIDE {
        let sums = sums[row];
        let pairs = (0..4).fold(0.0, |sum, lane| sum + (sums[lane] + sums[lane + 4]));
        let rest_a = &a[row][b.len() * 8..];
        results[row] = rest_a.iter().zip(rest_b).fold(pairs, |sum, (a, b)| sum + a * b);
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
    use super::dots;
    use fewbit_testkit::Random;
    use ndarray::ArrayView1;

    #[test]
    fn products_of_vectors_are_those_of_ndarray() {
        let mut random = Random(3);
        for length in (0..40).chain([1000]) {
            let mut vector = || (0..length).map(|_| random.normal()).collect::<Vec<f64>>();
            let (a, b) = (vector(), vector());
            let others = [(); 3].map(|()| vector());
            let rows = [&a[..], &others[0], &others[1], &others[2]];
            let expected = rows.map(|row| ArrayView1::from(row).dot(&ArrayView1::from(&b)));
            assert_eq!(dots(rows, &b), expected, "{length}");
        }
    }
}
