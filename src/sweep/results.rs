//! What a sweep found.

use serde::Serialize;

use super::template::TemplateKind;
#[cfg(feature = "algorithms")]
use crate::algorithms::layer::AccumulatorConstraint;

/// A network before it was quantized.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FloatResult {
    /// Share of the samples classified rightly; `None` where there are no labels.
    pub accuracy: Option<f64>,
}

/// A quantized network with accumulators that never overflow.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExactResult {
    /// Share of the samples classified rightly; `None` where there are no labels.
    pub accuracy: Option<f64>,
    /// `10 log10(sum y² / sum (y - y')²)` of its outputs y' against the float network's y: the quantization error alone;
    /// `None` where they are equal.
    pub sqnr_float_db: Option<f64>,
    /// Whether its outputs are those of the float network.
    pub equals_float: bool,
}

/// A quantized network with one accumulator.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SweepPoint {
    /// What kind of accumulator it is.
    #[serde(rename = "policy")]
    pub kind: TemplateKind,
    /// `P`.
    pub bits: u32,
    /// The accumulator.
    pub acc: String,
    /// Share of the samples classified rightly; `None` where there are no labels.
    pub accuracy: Option<f64>,
    /// Share of all layers' outputs with at least one overflow in any stage.
    pub overflow_share: f64,
    /// `10 log10(sum y² / sum (y - y')²)` of the last layer's outputs y' against the y of an exact accumulator: what the
    /// accumulator does, and nothing of quantization; `None` where they are equal.
    pub sqnr_db: Option<f64>,
    /// Whether the outputs are those with an exact accumulator.
    pub exact: bool,
    /// The same against the float network's outputs: accumulator and quantization together; `None` where they are equal.
    pub sqnr_float_db: Option<f64>,
    /// Whether the outputs are those of the float network.
    pub equals_float: bool,
}

/// A network that was quantized for one accumulator, so that no input overflows it.
#[cfg(feature = "algorithms")]
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GuaranteedPoint {
    /// What keeps the accumulator from overflowing.
    #[serde(serialize_with = "name")]
    pub constraint: AccumulatorConstraint,
    /// What kind of accumulator it is.
    #[serde(rename = "policy")]
    pub kind: TemplateKind,
    /// `P`.
    pub bits: u32,
    /// The accumulator.
    pub acc: String,
    /// Share of the samples classified rightly; `None` where there are no labels.
    pub accuracy: Option<f64>,
    /// `10 log10(sum y² / sum (y - y')²)` of the last layer's outputs y' against the float network's y; `None` where they are
    /// equal.
    pub sqnr_float_db: Option<f64>,
    /// Share of all layers' outputs with at least one overflow in any stage: 0.
    pub overflow_share: f64,
    /// Whether no input whatever makes a stage overflow, by the bounds of the weights that were chosen: true.
    pub guaranteed: bool,
}

#[cfg(feature = "algorithms")]
fn name<S: serde::Serializer>(of: &AccumulatorConstraint, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(of.name())
}

/// A whole sweep.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sweep {
    /// Format of the weights.
    pub weights: String,
    /// Format of the activations.
    pub acts: String,
    /// Samples that every point was measured on.
    pub samples: usize,
    /// The network before it was quantized.
    pub float: FloatResult,
    /// The reference.
    pub exact: ExactResult,
    /// The least width at which no register that sums a whole row can overflow for any input of the format.
    pub guaranteed_bits: u32,
    /// Point by point: template by template, `P` rising.
    pub points: Vec<SweepPoint>,
    /// What [`guaranteed_points`](super::guaranteed_points) finds; empty from [`sweep()`](super::sweep()).
    #[cfg(feature = "algorithms")]
    pub guaranteed: Vec<GuaranteedPoint>,
}

impl Sweep {
    /// The points of each template, `P` rising.
    #[must_use]
    pub fn curves(&self) -> Vec<&[SweepPoint]> {
        rising(&self.points, |point| point.bits)
    }

    /// The guaranteed points of each constraint and template, `P` rising: constraint by constraint, template by template.
    #[cfg(feature = "algorithms")]
    #[must_use]
    pub fn guaranteed_curves(&self) -> Vec<&[GuaranteedPoint]> {
        rising(&self.guaranteed, |point| point.bits)
    }

    /// The least `P` of those measured from which on no accumulator differs from an exact one, or overflows at all.
    #[must_use]
    pub fn settled(&self) -> Option<u32> {
        let settled = |p: &SweepPoint| p.exact && p.overflow_share == 0.0;
        let unsettled = self.points.iter().filter(|point| !settled(point)).map(|p| p.bits).max();
        let bits = self.points.iter().map(|point| point.bits);
        bits.filter(|&bits| unsettled.is_none_or(|last| bits > last)).min()
    }

    /// The greatest `P` measured.
    #[must_use]
    pub fn last(&self) -> Option<u32> {
        self.points.iter().map(|point| point.bits).max()
    }
}

/// Cut where `P` starts again.
fn rising<T>(points: &[T], bits: impl Fn(&T) -> u32) -> Vec<&[T]> {
    points.chunk_by(|a, b| bits(a) < bits(b)).collect()
}
