//! What is minimised: the error of a row's outputs, from the Gram matrices alone.

use std::ops::Range;

use ndarray::{Array2, ArrayView2, s};

use crate::algorithms::linalg::{gather, gemm, product};
use crate::algorithms::problem::Part;
use crate::algorithms::{AlgorithmError, Order, Problem};
use crate::tasks;

/// The error of the outputs per row, up to what does not depend on the quantized weights v, with `e = w - v`:
///
/// ```text
/// |X w - X̃ v|² / samples = e H eᵀ + 2 e r + ...        r = w (G - H)ᵀ
/// gradient g = r + e H                                 the loss is e (g + r)
/// ```
///
/// in f32, with sums over a row in f64.
pub(super) struct Objective {
    pub(super) parts: Vec<PartObjective>,
    weights: Array2<f32>,
}

/// One group of the layer.
pub(super) struct PartObjective {
    /// Rows of the layer.
    pub(super) rows: Range<usize>,
    /// `H / samples`.
    h: Array2<f32>,
    /// r, a row per row; `None` where both inputs are the same.
    mismatch: Option<Array2<f32>>,
}

impl Objective {
    /// Of a layer.
    pub(super) fn new(problem: &Problem<'_>) -> Result<Self, AlgorithmError> {
        let parts = problem.parts::<f32>(Order::Natural)?;
        let parts = parts.iter().map(PartObjective::new).collect();
        Ok(Self { parts, weights: problem.weights.to_owned() })
    }

    /// g for these weights.
    pub(super) fn gradient(&self, values: ArrayView2<'_, f32>) -> Array2<f32> {
        let errors = &self.weights - &values;
        let mut gradient = Array2::zeros(errors.dim());
        for part in &self.parts {
            let rows = s![part.rows.clone(), ..];
            let mut of_part = gradient.slice_mut(rows);
            let beta = match &part.mismatch {
                None => 0.0,
                Some(mismatch) => {
                    of_part.assign(mismatch);
                    1.0
                }
            };
            gemm(1.0, errors.slice(rows), part.h.view(), beta, of_part);
        }
        gradient
    }

    /// What g would be for weights of 0: `w H + r`.
    pub(super) fn wanted(&self) -> Array2<f32> {
        self.gradient(Array2::zeros(self.weights.dim()).view())
    }

    /// The loss of every row.
    pub(super) fn losses(&self, values: ArrayView2<'_, f32>) -> Vec<f64> {
        let gradient = self.gradient(values);
        let of_part = |part: &PartObjective| -> Vec<f64> {
            tasks::map(part.rows.clone(), |row| {
                let errors = self.weights.row(row).into_iter().zip(values.row(row));
                let errors = errors.map(|(w, v)| f64::from(w - v));
                let slopes = gradient.row(row);
                match &part.mismatch {
                    None => errors.zip(slopes).map(|(e, g)| e * f64::from(*g)).sum(),
                    Some(mismatch) => {
                        let more = slopes.into_iter().zip(mismatch.row(row - part.rows.start));
                        errors
                            .zip(more)
                            .map(|(e, (g, r))| e * (f64::from(*g) + f64::from(*r)))
                            .sum()
                    }
                }
            })
        };
        self.parts.iter().flat_map(of_part).collect()
    }
}

impl PartObjective {
    fn new(part: &Part<'_, f32>) -> Self {
        let h =
            gather(part.gram.h.view(), &part.order, &part.order, |_, _, x| (x * part.scale) as f32);
        let mismatch = part.mismatch(|_, _, x| x);
        let mismatch = mismatch.map(|m| product(part.weights, m.t()));
        Self { rows: part.rows.clone(), h, mismatch }
    }

    /// H, row by row.
    pub(super) fn matrix(&self) -> &[f32] {
        // As `gather` makes it, in standard layout.
        self.h.as_slice().unwrap_or(&[])
    }

    /// The diagonal of H.
    pub(super) fn diagonal(&self) -> Vec<f32> {
        self.h.diag().to_vec()
    }

    /// How many times the diagonal H is at most: the greatest eigenvalue of `M^-1/2 H M^-1/2`, estimated.
    pub(super) fn curvature(&self, metric: &[f32]) -> f32 {
        /// Multiplications; a few more than needed for two digits.
        const STEPS: usize = 12;
        let mut x: Vec<f32> = metric.iter().map(|m| 1.0 / m.sqrt()).collect();
        let mut most = 1.0;
        for _ in 0..STEPS {
            let column = Array2::from_shape_fn((x.len(), 1), |(i, _)| x[i] / metric[i].sqrt());
            let image = product(self.h.view(), column.view());
            let image: Vec<f32> = image.iter().zip(metric).map(|(y, m)| y / m.sqrt()).collect();
            most = image.iter().map(|y| f64::from(*y).powi(2)).sum::<f64>().sqrt() as f32;
            if most <= 0.0 || most.is_nan() {
                return 1.0;
            }
            x = image.iter().map(|y| y / most).collect();
        }
        // The estimate comes from below.
        1.1 * most.max(1.0)
    }

    /// `diag H` with a share of its mean, so that inputs that are rarely seen do not move without bound.
    pub(super) fn metric(&self) -> Vec<f32> {
        /// The share.
        const DAMPING: f32 = 0.01;
        let diagonal = self.h.diag();
        let live = diagonal.iter().filter(|&&x| x > 0.0).count().max(1);
        let mean = diagonal.sum() / live as f32;
        let damping = if mean > 0.0 { DAMPING * mean } else { 1.0 };
        diagonal.iter().map(|x| x + damping).collect()
    }

    /// Inputs that are zero in every sample.
    pub(super) fn is_dead(&self, col: usize) -> bool {
        self.h[[col, col]] <= 0.0
    }
}
