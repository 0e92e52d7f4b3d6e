//! The transform, number by number: the specification of its order of operations.

use super::order::{HadamardOrder, hadamard_matrix};
use crate::algorithms::AlgorithmError;
use crate::algorithms::linalg::Scalar;

/// Which of the two transforms a Hadamard matrix H gives a row x.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// `x H`.
    Forward,
    /// `x Hᵀ`: the inverse of the other one, up to the factor n.
    Backward,
}

/// Replaces `x` by `x H` or `x Hᵀ`, H being [`hadamard_matrix`] of order `x.len() = v * 2^k`, with these operations:
///
/// ```text
/// for h = 1, 2, 4, .. 2^(k-1):   (x[i], x[i + h]) <- (x[i] + x[i + h], x[i] - x[i + h])   for every i with bit h clear
/// for every c < 2^k:             y[j] = ((±x[0] ± x[1]) ± x[2]) .. ± x[v - 1]             over x[i] = x[i * 2^k + c]
/// ```
///
/// each rounded to T, the signs of y\[j\] being those of column (forward) or row (backward) j of the base matrix; the second
/// step only if `v > 1`. [`Hadamard`](super::Hadamard) gives the same bits.
///
/// ```
/// use fewbit::algorithms::rotate::{Direction, transform_reference};
/// let mut x = [1.0, 2.0, 3.0, 4.0];
/// transform_reference(&mut x, Direction::Forward)?;
/// assert_eq!(x, [10.0, -2.0, -4.0, 0.0]);
/// # Ok::<(), fewbit::algorithms::AlgorithmError>(())
/// ```
///
/// # Errors
/// [`AlgorithmError::HadamardOrder`] where there is no matrix of this order.
pub fn transform_reference<T: Scalar>(
    x: &mut [T],
    direction: Direction,
) -> Result<(), AlgorithmError> {
    let order = HadamardOrder::new(x.len())?;
    let run = 1 << order.log2();
    for chunk in x.chunks_exact_mut(run) {
        for h in (0..order.log2()).map(|bit| 1 << bit) {
            for i in (0..run).filter(|i| i & h == 0) {
                (chunk[i], chunk[i + h]) = (chunk[i] + chunk[i + h], chunk[i] - chunk[i + h]);
            }
        }
    }
    if order.base() == 1 {
        return Ok(());
    }
    let base = hadamard_matrix(order.base())?;
    for c in 0..run {
        let old: Vec<T> = x.iter().skip(c).step_by(run).copied().collect();
        for (j, y) in x.iter_mut().skip(c).step_by(run).enumerate() {
            let signs = match direction {
                Direction::Forward => base.column(j),
                Direction::Backward => base.row(j),
            };
            let signed = old.iter().zip(signs).map(|(&x, &sign)| if sign > 0 { x } else { -x });
            *y = signed.reduce(|sum, x| sum + x).unwrap_or(*y);
        }
    }
    Ok(())
}
