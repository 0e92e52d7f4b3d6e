//! What a sweep found.

use serde::Serialize;

/// The network with accumulators that never overflow.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Exact {
    /// Share of the samples classified rightly; `None` where there are no labels.
    pub(crate) accuracy: Option<f64>,
    /// [`sqnr_db`] of its outputs against the float network's: the quantization error alone; `None` where they are
    /// equal.
    pub(crate) sqnr_float_db: Option<f64>,
    /// Whether its outputs are those of the float network.
    pub(crate) equals_float: bool,
}

/// The network before it was quantized.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Float {
    /// Share of the samples classified rightly; `None` where there are no labels.
    pub(crate) accuracy: Option<f64>,
}

/// The network with one accumulator.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Point {
    /// `wrap`, `saturate`, `two-stage`, or how many stages.
    pub(crate) policy: &'static str,
    /// `P`.
    pub(crate) bits: u32,
    /// The accumulator.
    pub(crate) acc: String,
    /// Share of the samples classified rightly; `None` where there are no labels.
    pub(crate) accuracy: Option<f64>,
    /// Share of all layers' outputs with at least one overflow in any stage.
    pub(crate) overflow_share: f64,
    /// [`sqnr_db`] of the last layer's outputs against those with an exact accumulator: what the accumulator does, and
    /// nothing of quantization; `None` where they are equal.
    pub(crate) sqnr_db: Option<f64>,
    /// Whether the outputs are those with an exact accumulator.
    pub(crate) exact: bool,
    /// The same against the float network's outputs: accumulator and quantization together; `None` where they are equal.
    pub(crate) sqnr_float_db: Option<f64>,
    /// Whether the outputs are those of the float network.
    pub(crate) equals_float: bool,
}

/// A whole sweep; the content of `sweep.json`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Sweep {
    /// Format of the weights.
    pub(crate) weights: String,
    /// Format of the activations.
    pub(crate) acts: String,
    /// Samples that every point was measured on.
    pub(crate) samples: usize,
    /// The network before it was quantized.
    pub(crate) float: Float,
    /// The reference.
    pub(crate) exact: Exact,
    /// The least width at which no register that sums a whole row can overflow for any input of the format.
    pub(crate) guaranteed_bits: u32,
    /// Point by point: template by template, `P` rising.
    pub(crate) points: Vec<Point>,
}

impl Sweep {
    /// The points of each template, `P` rising.
    pub(crate) fn curves(&self) -> Vec<&[Point]> {
        let first = self.points.first().map_or(0, |point| point.bits);
        let starts = self.points.iter().enumerate().filter(|(_, point)| point.bits == first);
        let starts: Vec<usize> = starts.map(|(index, _)| index).collect();
        let ends = starts.iter().skip(1).copied().chain([self.points.len()]);
        starts.iter().zip(ends).map(|(&start, end)| &self.points[start..end]).collect()
    }

    /// The least `P` of those measured from which on no accumulator differs from an exact one, or overflows at all.
    pub(crate) fn settled(&self) -> Option<u32> {
        let settled = |p: &Point| p.exact && p.overflow_share == 0.0;
        let unsettled = self.points.iter().filter(|point| !settled(point)).map(|p| p.bits).max();
        let bits = self.points.iter().map(|point| point.bits);
        bits.filter(|&bits| unsettled.is_none_or(|last| bits > last)).min()
    }

    /// The greatest `P` measured.
    pub(crate) fn last(&self) -> Option<u32> {
        self.points.iter().map(|point| point.bits).max()
    }
}
