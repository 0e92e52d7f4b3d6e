//! SVDQuant (Li et al. 2024, "SVDQuant: absorbing outliers by low-rank components for 4-bit diffusion models").
//!
//! ```text
//! W ≈ L₂ L₁ + Q(W - L₂ L₁)
//! ```
//!
//! with `L₂ L₁` the best approximation of rank r of W; then of `W - Q(W - L₂ L₁)`, and so on, while the best is kept.

use ndarray::{Array2, ArrayView2};

use crate::algorithms::AlgorithmError;
use crate::algorithms::error::check_finite;
use crate::algorithms::linalg::{low_rank, product};

/// Parameters of [`svd_quant`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SvdQuantParams {
    /// Rank of the part in floating point; held to the sides of W.
    pub rank: usize,
    /// Decompositions, at least 1.
    pub iterations: usize,
    /// Of the start of the decomposition.
    pub seed: u64,
}

impl Default for SvdQuantParams {
    fn default() -> Self {
        Self { rank: 32, iterations: 1, seed: 0 }
    }
}

/// The result of [`svd_quant`].
#[derive(Clone, Debug, PartialEq)]
pub struct SvdQuant {
    /// `L₂` `[out, rank]`, with the singular values.
    pub left: Array2<f32>,
    /// `L₁` `[rank, in]`, orthonormal rows.
    pub right: Array2<f32>,
    /// `W - L₂ L₁`, what was quantized.
    pub residual: Array2<f32>,
    /// `Q(W - L₂ L₁)`.
    pub quantized: Array2<f32>,
    /// `|W - L₂ L₁ - Q|_F / |W|_F` of each iteration; 0 for W of zero.
    pub errors: Vec<f64>,
    /// The index in `errors` of the result.
    pub best: usize,
}

impl SvdQuant {
    /// `L₂ L₁ + Q(W - L₂ L₁)`.
    pub fn values(&self) -> Array2<f32> {
        product(self.left.view(), self.right.view()) + &self.quantized
    }
}

/// Splits W into a part of low rank and a quantized rest; of the iterations the one with the least error is kept.
///
/// `quantize` gives the values of quantized weights, of any format and granularity.
///
/// # Errors
/// Those of `quantize`; weights that are empty or not finite, no iteration.
pub fn svd_quant<E: From<AlgorithmError>>(
    weights: ArrayView2<'_, f32>,
    params: &SvdQuantParams,
    mut quantize: impl FnMut(ArrayView2<'_, f32>) -> Result<Array2<f32>, E>,
) -> Result<SvdQuant, E> {
    let (rows, cols) = weights.dim();
    if rows == 0 || cols == 0 {
        return Err(AlgorithmError::Empty { what: "the weight matrix", rows, cols }.into());
    }
    check_finite("the weight matrix", weights, 0)?;
    let wide = weights.mapv(f64::from);
    let norm = wide.iter().map(|w| w * w).sum::<f64>().sqrt();
    let mut rest = wide.clone();
    let mut errors = Vec::with_capacity(params.iterations);
    let mut best: Option<SvdQuant> = None;
    for index in 0..params.iterations {
        let part = low_rank(rest.view(), params.rank, params.seed)?;
        let (left, right) = (part.left.mapv(|x| x as f32), part.right.mapv(|x| x as f32));
        // The product of the f32 factors, as it will be computed.
        let product = product(left.view(), right.view());
        let residual = &weights - &product;
        let quantized = quantize(residual.view())?;
        AlgorithmError::check_shape("the quantized weights", quantized.dim(), (rows, cols))?;
        check_finite("the quantized weights", quantized.view(), 0)?;
        let error: f64 = wide
            .iter()
            .zip(&product)
            .zip(&quantized)
            .map(|((w, &p), &q)| (w - f64::from(p) - f64::from(q)).powi(2))
            .sum();
        let error = if norm > 0.0 { error.sqrt() / norm } else { 0.0 };
        rest = &wide - &quantized.mapv(f64::from);
        if best.as_ref().is_none_or(|b| b.errors.first().is_some_and(|least| error < *least)) {
            best = Some(SvdQuant {
                left,
                right,
                residual,
                quantized,
                errors: vec![error],
                best: index,
            });
        }
        errors.push(error);
    }
    let best = best.ok_or(AlgorithmError::Parameter {
        name: "the number of iterations",
        value: 0.0,
        expected: "at least 1",
    })?;
    Ok(SvdQuant { errors, ..best })
}
