//! The report of a flow.

use serde::Serialize;

use crate::flow::Phase;
use crate::passes::PassReport;

use super::layers::LayerResult;
use super::least_bits::LeastBits;
use super::sweep::SweepPoint;

/// What a flow found; it is what `report.json` has.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The float network.
    pub float: Accuracy,
    /// With quantizers, in floats.
    pub quantized: Accuracy,
    /// In integers, through the accumulators.
    pub integer: Accuracy,
    /// What ran, and how long it took.
    pub phases: Vec<Phase>,
    /// The passes that ran, and what each changed.
    pub passes: Vec<PassReport>,
    /// One per product: with weights, or of two activations that quantizers round; those within loops too.
    pub layers: Vec<LayerResult>,
    /// Nodes between codes that the integer execution runs in floats.
    pub in_floats: Vec<String>,
    /// Accuracy against accumulator bits.
    pub sweep: Vec<SweepPoint>,
    /// The least widths under a budget, where one is given.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub least_bits: Vec<LeastBits>,
}

/// An accuracy, where there are labels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Accuracy {
    /// The share of right classes, from 0 to 1.
    pub accuracy: Option<f64>,
    /// On so many images.
    pub images: usize,
}
