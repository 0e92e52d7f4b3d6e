//! What learned rounding minimises.

use ndarray::{Array2, ArrayView2};

use crate::algorithms::error::check_finite;
use crate::algorithms::linalg::product;
use crate::algorithms::{AlgorithmError, Statistics};

/// A loss and its gradient.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// The loss.
    pub loss: f64,
    /// Its derivative by each weight, one matrix per layer.
    pub gradients: Vec<Array2<f64>>,
}

/// A loss of the weights of some layers.
pub trait Objective {
    /// The shapes of the weights, one per layer.
    fn shapes(&self) -> Vec<(usize, usize)>;

    /// Loss and gradient at these weights, over the samples of a step, or over all of them for `None`.
    fn evaluate(&self, weights: &[Array2<f64>], step: Option<u64>) -> Evaluation;
}

/// One layer: `|X Wᵀ - X̃ W̃ᵀ|² / samples`, from Gram matrices.
///
/// ```text
/// loss = tr(W̃ H W̃ᵀ) - 2 tr(W̃ G Wᵀ) + c          gradient = 2 (W̃ H - W Gᵀ)
/// ```
///
/// with H and G divided by the number of samples. The constant c is that for which exact weights on equal inputs have no loss,
/// `tr(W H Wᵀ)`; with different inputs the loss is up to a constant.
#[derive(Clone, Debug)]
pub struct LayerObjective {
    h: Array2<f64>,
    /// `W Gᵀ`.
    target: Array2<f64>,
    constant: f64,
}

impl LayerObjective {
    /// The loss of a layer with one group of inputs.
    ///
    /// # Errors
    /// Statistics without samples, of several groups, or of another number of inputs; weights that are empty or not finite.
    pub fn new(
        weights: ArrayView2<'_, f32>,
        statistics: &Statistics,
    ) -> Result<Self, AlgorithmError> {
        let (rows, cols) = weights.dim();
        if rows == 0 || cols == 0 {
            return Err(AlgorithmError::Empty { what: "the weight matrix", rows, cols });
        }
        check_finite("the weight matrix", weights, 0)?;
        if statistics.samples == 0 {
            return Err(AlgorithmError::NoSamples);
        }
        let [gram] = statistics.grams.as_slice() else {
            return Err(AlgorithmError::Parameter {
                name: "the number of groups of a layer whose rounding is learned",
                value: statistics.grams.len() as f64,
                expected: "1; learn the groups one by one",
            });
        };
        AlgorithmError::check_shape("the Gram matrix", gram.h.dim(), (cols, cols))?;
        let scale = 1.0 / statistics.samples as f64;
        let h = &gram.h * scale;
        let wide = weights.mapv(f64::from);
        let target = product(wide.view(), gram.cross().t()) * scale;
        let constant = (&product(wide.view(), h.view()) * &wide).sum();
        Ok(Self { h, target, constant })
    }
}

impl Objective for LayerObjective {
    fn shapes(&self) -> Vec<(usize, usize)> {
        vec![self.target.dim()]
    }

    fn evaluate(&self, weights: &[Array2<f64>], _step: Option<u64>) -> Evaluation {
        let mut evaluation = Evaluation { loss: self.constant, gradients: Vec::new() };
        for w in weights.iter().take(1) {
            let image = product(w.view(), self.h.view());
            for ((w, i), t) in w.iter().zip(&image).zip(&self.target) {
                evaluation.loss += w * (i - 2.0 * t);
            }
            evaluation.gradients.push((image - &self.target) * 2.0);
        }
        evaluation
    }
}
