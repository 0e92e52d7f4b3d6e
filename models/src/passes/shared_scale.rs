//! One scale for several quantizers.

use std::collections::BTreeMap;

use fewbit::formats::Format;
use ndarray::{ArcArray, IxDyn};

use crate::graph::NodeId;

/// Elements of a batch that are kept of each value.
const KEPT: usize = 4096;
/// Candidates between nothing and the greatest scale.
const CANDIDATES: usize = 100;

/// Elements of the values that share a scale: of every batch a few thousand, evenly spaced.
#[derive(Default)]
pub(super) struct Samples(BTreeMap<NodeId, Vec<f32>>);

impl Samples {
    /// Keeps some elements.
    pub(super) fn add(&mut self, id: NodeId, x: &ArcArray<f32, IxDyn>) {
        let step = x.len().div_ceil(KEPT).max(1);
        self.0.entry(id).or_default().extend(x.iter().step_by(step));
    }

    /// Of the hundredths of `greatest`, the scale with the least squared error of all these values together; the errors of
    /// summands add up in the sum.
    pub(super) fn best(&self, members: &[(NodeId, Format)], greatest: f32) -> f32 {
        let loss = |scale: f32| -> f64 {
            members.iter().map(|&(id, format)| self.loss(id, format, scale)).sum()
        };
        let candidates = (1..=CANDIDATES).map(|i| greatest * i as f32 / CANDIDATES as f32);
        let losses = candidates.map(|scale| (loss(scale), scale));
        let best = losses.min_by(|a, b| a.0.total_cmp(&b.0).then(b.1.total_cmp(&a.1)));
        best.map_or(greatest, |(_, scale)| scale)
    }

    fn loss(&self, id: NodeId, format: Format, scale: f32) -> f64 {
        let Format::Int(int) = format else { return 0.0 };
        let (low, high) = (int.min() as f32, int.max() as f32);
        let error = |x: &f32| {
            let value = (x / scale).round_ties_even().clamp(low, high) * scale;
            f64::from(x - value).powi(2)
        };
        self.0.get(&id).into_iter().flatten().map(error).sum()
    }
}
