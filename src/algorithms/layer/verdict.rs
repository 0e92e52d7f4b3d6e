//! What is found about an algorithm's weights.

use serde::Serialize;

/// One stage of the accumulator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StageVerdict {
    /// The stage, as the accumulator's grammar writes it.
    pub stage: String,
    /// The width that no input whatever overflows.
    pub guaranteed_bits: u32,
    /// The width that these inputs, and the worst ones, need.
    pub observed_bits: u32,
    /// Steps that the register could not hold.
    pub events: u64,
    /// Whether the register is at least as wide as guaranteed.
    pub guaranteed: bool,
}

/// The error of the outputs, and what happened in the accumulator.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerVerdict {
    /// `|X Wᵀ - X̃ Qᵀ| / |X Wᵀ|`, the Frobenius norms over all samples.
    pub relative_error: f64,
    /// `-20 log10(relative_error)`; none where the error is 0.
    pub sqnr_db: Option<f64>,
    /// Whether the error is 0.
    pub exact: bool,
    /// [`StageVerdict::guaranteed_bits`] of the first stage.
    pub guaranteed_bits: Option<u32>,
    /// [`StageVerdict::observed_bits`] of the first stage.
    pub observed_bits: Option<u32>,
    /// Over all stages.
    pub events: Option<u64>,
    /// Whether every stage holds every value that any input can make.
    pub guaranteed: Option<bool>,
    /// One per stage; `None` without activations' codes, or without weights that are integers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stages: Option<Vec<StageVerdict>>,
}

impl LayerVerdict {
    pub(super) fn new(relative_error: f64, stages: Option<Vec<StageVerdict>>) -> Self {
        let first = stages.as_ref().and_then(|stages| stages.first());
        let is_ratio = relative_error > 0.0 && relative_error.is_finite();
        Self {
            relative_error,
            sqnr_db: is_ratio.then(|| -20.0 * relative_error.log10()),
            exact: relative_error == 0.0,
            guaranteed_bits: first.map(|stage| stage.guaranteed_bits),
            observed_bits: first.map(|stage| stage.observed_bits),
            events: stages.as_ref().map(|all| all.iter().map(|stage| stage.events).sum()),
            guaranteed: stages.as_ref().map(|all| all.iter().all(|stage| stage.guaranteed)),
            stages,
        }
    }

    /// Whether something overflowed, or could.
    #[must_use]
    pub fn can_overflow(&self) -> bool {
        self.events.is_some_and(|events| events > 0) || self.guaranteed == Some(false)
    }
}
