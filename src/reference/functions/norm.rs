//! Layer norm and RMS norm on integers.

use super::root::isqrt;
use crate::functions::{FunctionError, IbertNorm};

/// I-BERT's layer norm of a row of integers (`IntLayerNorm`), in units of `sqrt(n) / 2^30`; with a bias in these units, one
/// per element, or none where it is empty.
///
/// ```text
/// mean = sum of x_i / n, to the nearest, ties to even
/// y_i  = x_i - mean
/// root = isqrt(sum of floor(y_i / 2^shift)^2) 2^shift, at least 1
/// out  = floor(y_i floor(2^31 / root) / 2) + bias_i
/// ```
///
/// The authors' code adds 0.0001 to the root instead of the lower limit, so that a row of equal elements is not divided by
/// 0: in float32 that leaves roots from 2^11 on as they are, and the quotient of a smaller power of two would be one less.
///
/// # Errors
/// A row without elements; a bias of another length.
///
/// ```
/// use fewbit::functions::IbertNorm;
/// use fewbit::reference::functions::layer_norm;
/// let out = layer_norm(IbertNorm::default(), &[1, 3, 5, 7], &[])?; // mean 4, root isqrt(20) = 4
/// assert_eq!(out, [-3 << 28, -1 << 28, 1 << 28, 3 << 28]);
/// # Ok::<(), fewbit::functions::FunctionError>(())
/// ```
pub fn layer_norm(norm: IbertNorm, row: &[i32], bias: &[i64]) -> Result<Vec<i64>, FunctionError> {
    let sum: i64 = row.iter().map(|&x| i64::from(x)).sum();
    let mean = if row.is_empty() { 0 } else { quotient_ties_even(sum, row.len() as i64) };
    normalized(norm, row, mean, bias)
}

/// RMS norm of a row of integers: [`layer_norm`] about 0 instead of the mean.
///
/// # Errors
/// A row without elements; a bias of another length.
///
/// ```
/// use fewbit::functions::IbertNorm;
/// use fewbit::reference::functions::rms_norm;
/// assert_eq!(rms_norm(IbertNorm::default(), &[3, -4], &[])?, [644245093, -858993458]); // 3/5 and -4/5 of 2^30
/// # Ok::<(), fewbit::functions::FunctionError>(())
/// ```
pub fn rms_norm(norm: IbertNorm, row: &[i32], bias: &[i64]) -> Result<Vec<i64>, FunctionError> {
    normalized(norm, row, 0, bias)
}

fn normalized(
    norm: IbertNorm,
    row: &[i32],
    center: i64,
    bias: &[i64],
) -> Result<Vec<i64>, FunctionError> {
    if row.is_empty() {
        return Err(FunctionError::Empty { what: "norm" });
    }
    if !bias.is_empty() && bias.len() != row.len() {
        let (found, expected) = (bias.len(), row.len());
        return Err(FunctionError::Lengths { what: "biases", found, expected });
    }
    let deviations = row.iter().map(|&x| i64::from(x) - center);
    let square = |y: i64| {
        let shifted = u128::from((y >> norm.shift()).unsigned_abs());
        shifted * shifted
    };
    let squares: u128 = deviations.clone().map(square).sum();
    let root = (u128::from(isqrt(squares)) << norm.shift()).max(1);
    // At most 2^31.
    let factor = ((1u128 << 31) / root) as i64;
    let bias = bias.iter().copied().chain(std::iter::repeat(0));
    // At most 33 bits times 32, and a bias that may be anything.
    Ok(deviations.zip(bias).map(|(y, bias)| ((y * factor) >> 1).saturating_add(bias)).collect())
}

/// `a / b` to the nearest, ties to even, for `b > 0`.
fn quotient_ties_even(a: i64, b: i64) -> i64 {
    let (below, rest) = (a.div_euclid(b), a.rem_euclid(b));
    let up = 2 * rest > b || 2 * rest == b && below % 2 != 0;
    below + i64::from(up)
}
