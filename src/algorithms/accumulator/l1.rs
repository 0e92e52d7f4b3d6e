//! Projection onto the L1 ball.

/// The θ >= 0 with `sum_j max(|v_j| - θ, 0) = radius`, or 0 where `|v|_1 <= radius` already: soft-thresholding by θ is the
/// Euclidean projection onto the L1 ball (Duchi et al., 2008).
///
/// By Michelot's method: θ over the values that are left, drop those below it, until none drops.
///
/// ```
/// use fewbit::algorithms::l1_threshold;
/// assert_eq!(l1_threshold([3.0, -1.0, 0.5], 2.0), 1.0); // 3 - 1 = 2, the others vanish
/// ```
pub fn l1_threshold(values: impl IntoIterator<Item = f64>, radius: f64) -> f64 {
    let mut left: Vec<f64> = values.into_iter().map(f64::abs).collect();
    let mut sum: f64 = left.iter().sum();
    if sum <= radius {
        return 0.0;
    }
    loop {
        let theta = (sum - radius) / left.len() as f64;
        let before = left.len();
        left.retain(|&v| v > theta);
        if left.len() == before || left.is_empty() {
            return theta.max(0.0);
        }
        sum = left.iter().sum();
    }
}

/// The nearest point of the L1 ball of `radius`.
pub fn project_l1(values: &mut [f64], radius: f64) {
    let theta = l1_threshold(values.iter().copied(), radius);
    if theta > 0.0 {
        values.iter_mut().for_each(|v| *v = v.signum() * (v.abs() - theta).max(0.0));
    }
}
