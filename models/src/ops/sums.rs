//! Sums of numbers in rows: partial sums of every 32nd number, so that vector lanes can take them; added pairwise.

use fewbit::{Vectorized, vectorize};

/// Partial sums.
const LANES: usize = 32;
/// Numbers of which there are partial sums.
const BLOCK: usize = 1024;

/// The sum.
pub(crate) fn sum(x: &[f32]) -> f32 {
    sum_of(x, |x| x)
}

/// The sum of a function of each.
pub(crate) fn sum_of(x: &[f32], f: impl Fn(f32) -> f32) -> f32 {
    pairwise(x, &f)
}

fn pairwise(x: &[f32], f: &impl Fn(f32) -> f32) -> f32 {
    if x.len() > BLOCK {
        let (a, b) = x.split_at(x.len().div_ceil(2).next_multiple_of(LANES).min(x.len() - 1));
        return pairwise(a, f) + pairwise(b, f);
    }
    vectorize(Block { x, f })
}

/// A sum of a few numbers.
struct Block<'a, F> {
    x: &'a [f32],
    f: &'a F,
}

impl<F: Fn(f32) -> f32> Vectorized for Block<'_, F> {
    type Output = f32;

    #[inline(always)]
    fn call(self) -> f32 {
        let mut lanes = [0.0f32; LANES];
        let (chunks, rest) = self.x.as_chunks::<LANES>();
        for chunk in chunks {
            for lane in 0..LANES {
                lanes[lane] += (self.f)(chunk[lane]);
            }
        }
        for (lane, &x) in lanes.iter_mut().zip(rest) {
            *lane += (self.f)(x);
        }
        let mut width = LANES / 2;
        while width > 0 {
            for lane in 0..width {
                lanes[lane] += lanes[lane + width];
            }
            width /= 2;
        }
        lanes[0]
    }
}

/// The greatest number; NaN is passed over.
pub(crate) fn greatest(x: &[f32]) -> f32 {
    struct Greatest<'a>(&'a [f32]);
    impl Vectorized for Greatest<'_> {
        type Output = f32;

        #[inline(always)]
        fn call(self) -> f32 {
            let mut lanes = [f32::NEG_INFINITY; LANES];
            let (chunks, rest) = self.0.as_chunks::<LANES>();
            for chunk in chunks {
                for lane in 0..LANES {
                    lanes[lane] = if chunk[lane] > lanes[lane] { chunk[lane] } else { lanes[lane] };
                }
            }
            let most = lanes.into_iter().fold(f32::NEG_INFINITY, f32::max);
            rest.iter().copied().fold(most, f32::max)
        }
    }
    vectorize(Greatest(x))
}

/// The mean, and the mean square of the distances from it.
pub(crate) fn mean_and_variance(x: &[f32]) -> (f32, f32) {
    let n = x.len().max(1) as f32;
    let mean = sum(x) / n;
    (mean, sum_of(x, |x| (x - mean) * (x - mean)) / n)
}

/// The sum in f64, of every eighth number first.
pub(crate) fn wide_sum(x: &[f32]) -> f64 {
    struct Wide<'a>(&'a [f32]);
    impl Vectorized for Wide<'_> {
        type Output = f64;

        #[inline(always)]
        fn call(self) -> f64 {
            let (eights, rest) = self.0.as_chunks::<8>();
            let mut sums = [0f64; 8];
            for eight in eights {
                for lane in 0..8 {
                    sums[lane] += f64::from(eight[lane]);
                }
            }
            sums.iter().sum::<f64>() + rest.iter().map(|&x| f64::from(x)).sum::<f64>()
        }
    }
    vectorize(Wide(x))
}

/// `sum x²` and `sum (x - y)²` in f64, of every eighth number first.
pub(crate) fn squares(x: &[f32], y: &[f32]) -> (f64, f64) {
    struct Squares<'a>(&'a [f32], &'a [f32]);
    impl Vectorized for Squares<'_> {
        type Output = (f64, f64);

        #[inline(always)]
        fn call(self) -> (f64, f64) {
            let ((xs, x_rest), (ys, y_rest)) = (self.0.as_chunks::<8>(), self.1.as_chunks::<8>());
            let mut sums = [[0f64; 8]; 2];
            for (x, y) in xs.iter().zip(ys) {
                for lane in 0..8 {
                    let (x, y) = (f64::from(x[lane]), f64::from(y[lane]));
                    sums[0][lane] += x * x;
                    sums[1][lane] += (x - y) * (x - y);
                }
            }
            let mut all = sums.map(|sums| sums.iter().sum::<f64>());
            for (&x, &y) in x_rest.iter().zip(y_rest) {
                let (x, y) = (f64::from(x), f64::from(y));
                all[0] += x * x;
                all[1] += (x - y) * (x - y);
            }
            (all[0], all[1])
        }
    }
    vectorize(Squares(x, y))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squares_of_whole_numbers_are_exact() {
        for n in [0usize, 1, 7, 8, 9, 100] {
            let x: Vec<f32> = (0..n).map(|i| i as f32 - 3.0).collect();
            let y: Vec<f32> = (0..n).map(|i| (i % 5) as f32).collect();
            let whole = |i: usize| (i as i64 - 3, (i % 5) as i64);
            let signal: i64 = (0..n).map(whole).map(|(x, _)| x * x).sum();
            let noise: i64 = (0..n).map(whole).map(|(x, y)| (x - y) * (x - y)).sum();
            assert_eq!(squares(&x, &y), (signal as f64, noise as f64));
        }
    }
}
