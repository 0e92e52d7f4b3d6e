//! f32 arithmetic in the order and to the precision of PyTorch's CPU kernels.
//!
//! Sums of f32 depend on their order, so a quantizer that is to give another library's bits must add as it does. What
//! stands here is what PyTorch 2.8 computes on one thread on x86 with AVX2 or AVX-512 (both take vectors of 8 for
//! sums), found by experiment and compared bit for bit; more threads cut a sum of 32,768 elements or more into parts.
//!
//! [`sum`] is a cascade: four interleaved sums per lane, each of them added up in levels of 16 (more for long slices)
//! so that errors grow with the logarithm of the length.

mod power;

pub(crate) use power::near_one;
pub use power::{exp2, pow};

/// Lanes of the vectors that PyTorch adds with.
const LANES: usize = 8;
/// Interleaved sums.
const WAYS: usize = 4;
/// Levels of a cascade.
const LEVELS: usize = 4;

/// A vector, or a single number where `N` is 1.
type Lanes<const N: usize> = [f32; N];

fn add<const N: usize>(into: &mut Lanes<N>, x: &Lanes<N>) {
    for (into, x) in into.iter_mut().zip(x) {
        *into += x;
    }
}

/// Adds `rows` rows of `WIDTH` vectors each, every column by itself, in levels.
fn cascade<const N: usize, const WIDTH: usize>(
    rows: usize,
    at: impl Fn(usize, usize) -> Lanes<N>,
) -> [Lanes<N>; WIDTH] {
    let log = if rows > 1 { usize::BITS - (rows - 1).leading_zeros() } else { 0 };
    let power = (log as usize / LEVELS).max(4);
    let step = 1usize << power;
    let mut levels = [[[0.0; N]; WIDTH]; LEVELS];
    let mut row = 0;
    while row + step <= rows {
        for row in row..row + step {
            for (way, sum) in levels[0].iter_mut().enumerate() {
                add(sum, &at(row, way));
            }
        }
        row += step;
        for level in 1..LEVELS {
            let below = std::mem::replace(&mut levels[level - 1], [[0.0; N]; WIDTH]);
            for (sum, below) in levels[level].iter_mut().zip(&below) {
                add(sum, below);
            }
            if row & ((step - 1) << (level * power)) != 0 {
                break;
            }
        }
    }
    for row in row..rows {
        for (way, sum) in levels[0].iter_mut().enumerate() {
            add(sum, &at(row, way));
        }
    }
    let [mut total, rest @ ..] = levels;
    for level in &rest {
        for (sum, level) in total.iter_mut().zip(level) {
            add(sum, level);
        }
    }
    total
}

/// Adds `count` vectors: four interleaved cascades, what is left over to the first.
fn interleaved<const N: usize>(count: usize, at: impl Fn(usize) -> Lanes<N>) -> Lanes<N> {
    let rows = count / WAYS;
    let [mut total, rest @ ..] = cascade::<N, WAYS>(rows, |row, way| at(row * WAYS + way));
    for i in rows * WAYS..count {
        add(&mut total, &at(i));
    }
    for way in &rest {
        add(&mut total, way);
    }
    total
}

/// The sum of neighbours in memory.
///
/// ```
/// use fewbit::reference::torch::sum;
/// assert_eq!(sum(&[1.0, 2.0, 3.0]), 6.0);
/// // 2^24 and two ones: each 1 is lost where it meets 2^24 alone, and counts where it meets the other one first.
/// let mut x = [0.0f32; 32];
/// (x[0], x[1], x[9]) = (16_777_216.0, 1.0, 1.0); // both ones in lane 1
/// assert_eq!(sum(&x), 16_777_218.0);
/// (x[0], x[1], x[9], x[2]) = (16_777_216.0, 1.0, 0.0, 1.0); // lanes 1 and 2
/// assert_eq!(sum(&x), 16_777_216.0);
/// ```
#[must_use]
pub fn sum(x: &[f32]) -> f32 {
    if x.len() < LANES {
        return interleaved::<1>(x.len(), |i| [x[i]])[0];
    }
    let (vectors, tail) = x.as_chunks::<LANES>();
    let lanes = interleaved::<LANES>(vectors.len(), |i| vectors[i]);
    // From +0, which takes the sign of a sum of negative zeros.
    tail.iter().chain(&lanes).fold(0.0, |total, x| total + x)
}

/// The sum of a column of a row-major matrix of `columns` columns, `column` being its index: the order depends on how
/// many columns there are beside it.
#[must_use]
pub fn column_sum(x: &[f32], column: usize, columns: usize) -> f32 {
    // Whole blocks of columns side by side take the place of the interleaved sums.
    let block = if columns < LANES { WAYS } else { WAYS * LANES };
    let sum = if column < columns / block * block {
        cascade::<1, 1>(x.len(), |row, _| [x[row]])[0]
    } else {
        interleaved::<1>(x.len(), |row| [x[row]])
    };
    0.0 + sum[0]
}

/// `sum(x) / n`.
#[must_use]
pub fn mean(x: &[f32]) -> f32 {
    sum(x) / x.len() as f32
}

/// `sum |x|`, one element after the other.
#[must_use]
pub fn l1_norm(x: &[f32]) -> f32 {
    x.iter().fold(0.0, |sum, x| sum + x.abs())
}

/// `sqrt(sum x^2)`: squares added in 8 lanes, the lanes from the first to the last, then the tail, whose last one to
/// three squares are fused into the sum.
#[must_use]
pub fn l2_norm(x: &[f32]) -> f32 {
    let (vectors, tail) = x.as_chunks::<LANES>();
    let mut lanes = [0.0; LANES];
    for vector in vectors {
        add(&mut lanes, &vector.map(|x| x * x));
    }
    let total = lanes.iter().copied().reduce(|a, b| a + b).unwrap_or(0.0);
    let (fours, rest) = tail.as_chunks::<4>();
    let total = fours.iter().flatten().fold(total, |sum, x| sum + x * x);
    rest.iter().fold(total, |sum, x| x.mul_add(*x, sum)).sqrt()
}

/// The lower of the two middle elements that are not NaN; NaN if there are none.
#[must_use]
pub fn nan_median(mut x: Vec<f32>) -> f32 {
    x.retain(|x| !x.is_nan());
    if x.is_empty() {
        return f32::NAN;
    }
    let middle = (x.len() - 1) / 2;
    *x.select_nth_unstable_by(middle, f32::total_cmp).1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_small_integers_are_exact_in_any_order() {
        for n in [0, 1, 7, 8, 9, 31, 32, 33, 127, 1000, 4096, 70_001] {
            let x: Vec<f32> = (0..n).map(|i| ((i * 37) % 17) as f32 - 8.0).collect();
            let exact: f32 = x.iter().map(|v| f64::from(*v)).sum::<f64>() as f32;
            assert_eq!(sum(&x), exact, "{n}");
            for (column, columns) in [(0, 1), (2, 3), (4, 7), (33, 40)] {
                assert_eq!(column_sum(&x, column, columns), exact, "{n} in {columns} columns");
            }
        }
    }

    #[test]
    fn the_median_is_the_lower_one() {
        assert_eq!(nan_median(vec![3.0, f32::NAN, 1.0, 2.0, 4.0]), 2.0);
        assert!(nan_median(vec![f32::NAN]).is_nan());
    }
}
