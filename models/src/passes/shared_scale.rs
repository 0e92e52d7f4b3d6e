//! One scale for several quantizers.

use std::collections::BTreeMap;

use fewbit::formats::Format;
use fewbit::{Vectorized, vectorize};
use ndarray::{ArcArray, IxDyn};
use rayon::prelude::*;

use super::place::Place;

/// Elements of a batch that are kept of each value.
const KEPT: usize = 4096;
/// Candidates between nothing and the greatest scale.
const CANDIDATES: usize = 100;

/// Elements of the values that share a scale: of every batch a few thousand, evenly spaced.
#[derive(Default)]
pub(super) struct Samples(BTreeMap<Place, Vec<f32>>);

impl Samples {
    /// Keeps some elements.
    pub(super) fn add(&mut self, id: Place, x: &ArcArray<f32, IxDyn>) {
        let step = x.len().div_ceil(KEPT).max(1);
        let kept = self.0.entry(id).or_default();
        match x.as_slice() {
            Some(x) => kept.extend(x.iter().step_by(step)),
            None => kept.extend(x.iter().step_by(step)),
        }
    }

    /// Of the hundredths of `greatest`, the scale with the least squared error of all these values together; the errors of
    /// summands add up in the sum.
    pub(super) fn best(&self, members: &[(Place, Format)], greatest: f32) -> f32 {
        let loss = |scale: f32| -> f64 {
            members.iter().map(|&(id, format)| self.loss(id, format, scale)).sum()
        };
        let candidate = |i: usize| greatest * i as f32 / CANDIDATES as f32;
        let losses: Vec<(f64, f32)> =
            (1..=CANDIDATES).into_par_iter().map(|i| (loss(candidate(i)), candidate(i))).collect();
        let best = losses.into_iter().min_by(|a, b| a.0.total_cmp(&b.0).then(b.1.total_cmp(&a.1)));
        best.map_or(greatest, |(_, scale)| scale)
    }

    fn loss(&self, id: Place, format: Format, scale: f32) -> f64 {
        let Format::Int(int) = format else { return 0.0 };
        let (low, high) = (int.min() as f32, int.max() as f32);
        let samples = self.0.get(&id).map(Vec::as_slice).unwrap_or_default();
        vectorize(Loss { samples, low, high, scale })
    }
}

/// The squared error of integers times a scale.
struct Loss<'a> {
    samples: &'a [f32],
    low: f32,
    high: f32,
    scale: f32,
}

impl Vectorized for Loss<'_> {
    type Output = f64;

    #[inline(always)]
    fn call(self) -> f64 {
        let Self { samples, low, high, scale } = self;
        let error = |x: f32| {
            // To a whole number, ties to even, of what is small enough: the last place of the sum is 1.
            let near = (x / scale).max(low - 1.0).min(high + 1.0);
            let code = ((near + 12_582_912.0) - 12_582_912.0).max(low).min(high);
            let error = f64::from(x - code * scale);
            error * error
        };
        let (eights, rest) = samples.as_chunks::<8>();
        let mut sums = [0f64; 8];
        for eight in eights {
            for lane in 0..8 {
                sums[lane] += error(eight[lane]);
            }
        }
        sums.iter().sum::<f64>() + rest.iter().map(|&x| error(x)).sum::<f64>()
    }
}
