//! What one algorithm chose.

use ndarray::Array2;
use serde::Serialize;

use super::solve::Solved;
use super::solver::LayerSolver;
use super::verdict::LayerVerdict;
use crate::algorithms::Info;

/// The codes that one algorithm chose, and what they do.
///
/// Serialized without its matrices.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerCandidate {
    /// The algorithm.
    #[serde(rename = "algorithm")]
    pub solver: LayerSolver,
    /// Codes of the grid's format, `[out, in]`.
    #[serde(skip)]
    pub codes: Array2<u32>,
    /// Their values, `[out, in]`, which the transformed inputs are multiplied with.
    #[serde(skip)]
    pub values: Array2<f32>,
    /// The scales, `[out, groups]`, where they were chosen with the codes; else they are those of the grid.
    #[serde(skip)]
    pub scale: Option<Array2<f32>>,
    /// What they do.
    #[serde(flatten)]
    pub verdict: LayerVerdict,
    /// Of the algorithm alone.
    pub seconds: f64,
    /// What the algorithm did.
    #[serde(flatten)]
    pub info: Info,
    /// The share of weights whose value is 0.
    pub zero_weights: f64,
}

impl LayerCandidate {
    pub(super) fn new(solver: LayerSolver, solved: Solved, verdict: LayerVerdict) -> Self {
        let Solved { codes, values, scale, info, seconds } = solved;
        let zeros = values.iter().filter(|&&value| value == 0.0).count();
        let zero_weights = zeros as f64 / values.len() as f64;
        Self { solver, codes, values, scale, verdict, seconds, info, zero_weights }
    }

    /// The same without codes and values, for reports of many.
    pub(super) fn without_matrices(self) -> Self {
        Self { codes: Default::default(), values: Default::default(), scale: None, ..self }
    }
}
