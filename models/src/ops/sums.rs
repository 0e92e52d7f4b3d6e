//! Sums of numbers in rows: eight partial sums, so that vector lanes can take them; added pairwise.

/// The sum.
pub(crate) fn sum(x: &[f32]) -> f32 {
    sum_of(x, |x| x)
}

/// The sum of a function of each.
pub(crate) fn sum_of(x: &[f32], f: impl Fn(f32) -> f32) -> f32 {
    if x.len() > 1024 {
        let (a, b) = x.split_at(x.len() / 16 * 8);
        return sum_of(a, &f as &dyn Fn(f32) -> f32) + sum_of(b, &f as &dyn Fn(f32) -> f32);
    }
    let mut lanes = [0.0f32; 8];
    let chunks = x.chunks_exact(8);
    let rest = chunks.remainder().iter().fold(0.0, |sum, &x| sum + f(x));
    for chunk in chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane += f(x);
        }
    }
    let [a, b, c, d, e, f, g, h] = lanes;
    ((a + e) + (c + g)) + ((b + f) + (d + h)) + rest
}

/// The mean, and the mean square of the distances from it.
pub(crate) fn mean_and_variance(x: &[f32]) -> (f32, f32) {
    let n = x.len().max(1) as f32;
    let mean = sum(x) / n;
    (mean, sum_of(x, |x| (x - mean) * (x - mean)) / n)
}
