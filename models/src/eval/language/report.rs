//! The report of the language flow.

use serde::Serialize;

use crate::eval::LayerResult;
use crate::flow::Phase;
use crate::passes::PassReport;

use super::sweep::LanguageSweepPoint;

/// What the language flow found; it is what `report.json` has.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct LanguageReport {
    /// Perplexity of the float model.
    pub float_perplexity: Option<f64>,
    /// Perplexity with quantizers, products in f32.
    pub perplexity: Option<f64>,
    /// Tokens that went through the quantized model in a second, products in f32.
    pub tokens_per_second: Option<f64>,
    /// What was scored.
    pub scored: Scored,
    /// Perplexity with products of codes through exact accumulators.
    pub exact_perplexity: Option<f64>,
    /// Perplexity with products of codes through the model's own accumulators.
    pub accumulator_perplexity: Option<f64>,
    /// Overflow events of all products on this text.
    pub events: Option<u64>,
    /// Tokens that went through the model's own accumulators in a second, events counted.
    pub accumulator_tokens_per_second: Option<f64>,
    /// What ran, and how long it took.
    pub phases: Vec<Phase>,
    /// The passes that ran, and what each changed.
    pub passes: Vec<PassReport>,
    /// One per product of codes: with quantized weights, or of two activations that quantizers round.
    pub layers: Vec<LayerResult>,
    /// Nodes between codes that the integer execution runs in floats.
    pub in_floats: Vec<String>,
    /// Perplexity against accumulator bits.
    pub sweep: Vec<LanguageSweepPoint>,
    /// The most memory that the process held at a time, where the system says.
    pub peak_memory_bytes: Option<u64>,
}

/// What perplexities are of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Scored {
    /// Windows of the text.
    pub windows: usize,
    /// Tokens of a window.
    pub seqlen: usize,
    /// Tokens that were scored.
    pub tokens: usize,
}
