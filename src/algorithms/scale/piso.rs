//! The optimal scale under round-to-nearest, exactly (PiSO, arXiv 2606.10890).
//!
//! As s falls from infinity to 0, `q_j` goes through the values on the side of `w_j` and changes at
//! `s = w_j / m` for each midpoint m of neighbours with the sign of `w_j`. Between two such breakpoints q is constant and
//!
//! ```text
//! f(s) = s² b - 2 s a + c        a = qᵀ G w,  b = qᵀ H q        least at a / b, held to the interval
//! ```
//!
//! so one pass over the sorted breakpoints that keeps a and b finds the global minimum: `D |v| log(D |v|)` steps for D
//! weights and |v| values with a diagonal H, D times the number of breakpoints with a full one.

use ndarray::{Array2, ArrayView2};

use super::rows::{per_run, usable};
use super::{Codebook, Importance};
use crate::algorithms::AlgorithmError;

/// The scale that [`piso`] found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OptimalScale {
    /// The minimiser over the reals; 1 for weights that are all zero.
    pub exact: f64,
    /// `f` there, less the constant c: at most 0.
    pub loss: f64,
    /// The best f32, near `exact` or inside an interval that is almost as good.
    pub scale: f32,
}

/// The scale `s > 0` with the least `s² qᵀHq - 2 s qᵀGw` for q the values nearest to `w / s`.
///
/// ```
/// use fewbit::algorithms::scale::{Codebook, Importance, piso};
/// let ternary = Codebook::new(vec![-1.0, 0.0, 1.0])?;
/// // q = (1, 0, 1): s = (1 + 0.8) / 2, f = -1.8² / 2
/// let best = piso(&[1.0, 0.1, 0.8], &ternary, Importance::Equal)?;
/// assert_eq!((best.exact, best.scale), (0.9, 0.9));
/// assert!((best.loss + 1.62).abs() < 1e-15);
/// # Ok::<(), fewbit::algorithms::AlgorithmError>(())
/// ```
///
/// # Errors
/// Weights or an importance that are not finite or do not fit.
pub fn piso(
    w: &[f64],
    codebook: &Codebook,
    importance: Importance<'_>,
) -> Result<OptimalScale, AlgorithmError> {
    if let Some((col, &value)) = w.iter().enumerate().find(|(_, w)| !w.is_finite()) {
        return Err(AlgorithmError::NotFinite { what: "the weights", row: 0, col, value });
    }
    importance.check(w.len())?;
    Ok(sweep(w, codebook, importance))
}

/// [`piso`] for every run of `group` columns of every row; rows in parallel.
///
/// Up to rounding of s to f32, no other scale has a smaller error, the absmax scale included.
///
/// # Errors
/// As [`piso`]; weights that are empty, a group of 0.
pub fn piso_scales(
    weights: ArrayView2<'_, f32>,
    group: usize,
    codebook: &Codebook,
    importance: Importance<'_>,
) -> Result<Array2<f32>, AlgorithmError> {
    importance.check(weights.ncols())?;
    per_run(weights, group, |columns, w| sweep(w, codebook, importance.part(columns)).scale)
}

/// `q_j` moves by `step` once s falls below `at`.
struct Breakpoint {
    at: f64,
    j: usize,
    step: f64,
}

fn breakpoints(w: &[f64], codebook: &Codebook) -> Vec<Breakpoint> {
    let values = codebook.values();
    let mut all = Vec::new();
    for (j, &w) in w.iter().enumerate().filter(|(_, w)| **w != 0.0) {
        for (k, &m) in codebook.midpoints().iter().enumerate() {
            if m * w.signum() > 0.0 {
                let step = (values[k + 1] - values[k]) * w.signum();
                all.push(Breakpoint { at: w / m, j, step });
            }
        }
    }
    all.sort_unstable_by(|a, b| b.at.total_cmp(&a.at));
    all
}

/// The values for s beyond all breakpoints: those next to zero, on the side of the weight where there are two.
fn start(w: &[f64], codebook: &Codebook) -> Vec<f64> {
    let midpoints = codebook.midpoints();
    let above = midpoints.partition_point(|&m| m <= 0.0);
    let below = midpoints.partition_point(|&m| m < 0.0);
    w.iter().map(|&w| codebook.values()[if w > 0.0 { above } else { below }]).collect()
}

fn sweep(w: &[f64], codebook: &Codebook, importance: Importance<'_>) -> OptimalScale {
    let target = importance.target(w);
    let q = start(w, codebook);
    let mut image = importance.image(&q);
    let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
    let (mut a, mut b) = (dot(&q, &target), dot(&q, &image));
    let mut best = Best::default();
    let mut high = f64::INFINITY;
    let all = breakpoints(w, codebook);
    for Breakpoint { at, j, step } in all {
        best.offer(a, b, at, high);
        high = at;
        a += step * target[j];
        match importance {
            Importance::Full { h, .. } => {
                b += 2.0 * step * image[j] + step * step * h[[j, j]];
                image.iter_mut().zip(h.column(j)).for_each(|(i, h)| *i += step * h);
            }
            Importance::Diagonal(h) => {
                b += 2.0 * step * image[j] + step * step * h[j];
                image[j] += step * h[j];
            }
            Importance::Equal => {
                b += 2.0 * step * image[j] + step * step;
                image[j] += step;
            }
        }
    }
    best.offer(a, b, 0.0, high);
    best.result()
}

/// The best scale so far: over the reals, and over f32.
#[derive(Default)]
struct Best {
    exact: Option<(f64, f64)>,
    single: Option<(f64, f32)>,
}

impl Best {
    /// Considers `s² b - 2 s a` on `low..=high`.
    fn offer(&mut self, a: f64, b: f64, low: f64, high: f64) {
        // At the least `a <= 0` or an empty interval has nothing to gain: f would be 0 or more.
        if a.is_nan() || b.is_nan() || a <= 0.0 || b <= 0.0 || low >= high {
            return;
        }
        let loss = |s: f64| s * (s * b - 2.0 * a);
        let s = (a / b).clamp(low, high);
        if s > 0.0 && self.exact.is_none_or(|(least, _)| loss(s) < least) {
            self.exact = Some((loss(s), s));
        }
        // The f32 must lie inside, or rounding would choose other values.
        let mut single = usable(s);
        if f64::from(single) <= low {
            single = single.next_up();
        } else if f64::from(single) >= high {
            single = single.next_down();
        }
        let wide = f64::from(single);
        let inside = wide > low && wide < high && single.is_normal();
        if inside && self.single.is_none_or(|(least, _)| loss(wide) < least) {
            self.single = Some((loss(wide), single));
        }
    }

    fn result(self) -> OptimalScale {
        let (loss, exact) = self.exact.unwrap_or((0.0, 1.0));
        let scale = self.single.map_or(usable(exact), |(_, single)| single);
        OptimalScale { exact, loss, scale }
    }
}
