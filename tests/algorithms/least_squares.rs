//! An independent least-squares solver.

use ndarray::{Array1, Array2};

/// `argmin_v |b - A v|` by Gram-Schmidt with reorthogonalisation.
pub(crate) fn least_squares(a: &Array2<f64>, b: &Array1<f64>) -> Array1<f64> {
    let n = a.ncols();
    let mut q = a.clone();
    let mut r = Array2::<f64>::zeros((n, n));
    for j in 0..n {
        let mut v = q.column(j).to_owned();
        for _ in 0..2 {
            for i in 0..j {
                let share = q.column(i).dot(&v);
                r[[i, j]] += share;
                v.scaled_add(-share, &q.column(i));
            }
        }
        r[[j, j]] = v.dot(&v).sqrt();
        q.column_mut(j).assign(&(v / r[[j, j]]));
    }
    let mut x = q.t().dot(b);
    for i in (0..n).rev() {
        for j in i + 1..n {
            x[i] -= r[[i, j]] * x[j];
        }
        x[i] /= r[[i, i]];
    }
    x
}
