//! Statistics collected at each step.

use crate::simd::Lanes;

/// Statistics of the steps of one vector of registers.
pub(crate) trait StepStatistics<L: Lanes>: Copy {
    /// Vectors that they take.
    const VECTORS: usize;

    /// Before the first step.
    fn start(lanes: L) -> Self;

    /// One step: the exact sum, and what the register holds after it.
    fn record(&mut self, lanes: L, sum: L::V, kept: L::V);

    /// Adds the [totals](Self::totals) of other steps.
    fn add(&mut self, lanes: L, totals: [L::V; 3]);

    /// Least and greatest sum, and the events; zero where not collected.
    fn totals(self, lanes: L) -> [L::V; 3];
}

/// Nothing.
#[derive(Clone, Copy)]
pub(crate) struct NoStatistics;

/// The least and greatest sum.
#[derive(Clone, Copy)]
pub(crate) struct Extremes<V>([V; 2]);

/// How many sums the register did not hold.
#[derive(Clone, Copy)]
pub(crate) struct Events<V>(V);

/// Extremes and events.
#[derive(Clone, Copy)]
pub(crate) struct ExtremesAndEvents<V>([V; 3]);

impl<L: Lanes> StepStatistics<L> for NoStatistics {
    const VECTORS: usize = 0;

    #[inline(always)]
    fn start(_: L) -> Self {
        Self
    }

    #[inline(always)]
    fn record(&mut self, _: L, _: L::V, _: L::V) {}

    #[inline(always)]
    fn add(&mut self, _: L, _: [L::V; 3]) {}

    #[inline(always)]
    fn totals(self, lanes: L) -> [L::V; 3] {
        [zero(lanes); 3]
    }
}

impl<L: Lanes> StepStatistics<L> for Extremes<L::V> {
    const VECTORS: usize = 2;

    #[inline(always)]
    fn start(lanes: L) -> Self {
        Self([zero(lanes); 2])
    }

    #[inline(always)]
    fn record(&mut self, lanes: L, sum: L::V, _: L::V) {
        let [min, max] = self.0;
        self.0 = [lanes.min(min, sum), lanes.max(max, sum)];
    }

    #[inline(always)]
    fn add(&mut self, lanes: L, totals: [L::V; 3]) {
        let [min, max] = self.0;
        self.0 = [lanes.min(min, totals[0]), lanes.max(max, totals[1])];
    }

    #[inline(always)]
    fn totals(self, lanes: L) -> [L::V; 3] {
        let [min, max] = self.0;
        [min, max, zero(lanes)]
    }
}

impl<L: Lanes> StepStatistics<L> for Events<L::V> {
    const VECTORS: usize = 1;

    #[inline(always)]
    fn start(lanes: L) -> Self {
        Self(zero(lanes))
    }

    #[inline(always)]
    fn record(&mut self, lanes: L, sum: L::V, kept: L::V) {
        self.0 = lanes.count_changed(self.0, sum, kept);
    }

    #[inline(always)]
    fn add(&mut self, lanes: L, [.., events]: [L::V; 3]) {
        self.0 = lanes.add(self.0, events);
    }

    #[inline(always)]
    fn totals(self, lanes: L) -> [L::V; 3] {
        [zero(lanes), zero(lanes), self.0]
    }
}

impl<L: Lanes> StepStatistics<L> for ExtremesAndEvents<L::V> {
    const VECTORS: usize = 3;

    #[inline(always)]
    fn start(lanes: L) -> Self {
        Self([zero(lanes); 3])
    }

    #[inline(always)]
    fn record(&mut self, lanes: L, sum: L::V, kept: L::V) {
        let [min, max, events] = self.0;
        self.0 = [lanes.min(min, sum), lanes.max(max, sum), lanes.count_changed(events, sum, kept)];
    }

    #[inline(always)]
    fn add(&mut self, lanes: L, totals: [L::V; 3]) {
        let [min, max, events] = self.0;
        self.0 =
            [lanes.min(min, totals[0]), lanes.max(max, totals[1]), lanes.add(events, totals[2])];
    }

    #[inline(always)]
    fn totals(self, _: L) -> [L::V; 3] {
        self.0
    }
}

/// Zero in every lane.
#[inline(always)]
pub(crate) fn zero<L: Lanes>(lanes: L) -> L::V {
    lanes.splat(bytemuck::Zeroable::zeroed())
}
