//! The stages behind the innermost one, and what their steps lost.

use super::outputs::{Grid, StageTrace, WIDTH};
use crate::kernels::float::chain::OuterPlan;

/// A stage while a tile of outputs is summed.
struct TracedStage {
    plan: OuterPlan,
    registers: Vec<f64>,
    taken: u64,
    trace: StageTrace,
}

/// All outer stages of a tile; every output takes its steps at the same k.
pub(super) struct TracedChain(Vec<TracedStage>);

impl TracedChain {
    /// Registers at zero, the last ones at `start`.
    pub(super) fn new(plans: &[OuterPlan], start: Vec<f64>) -> Self {
        let zeros = vec![0.0; start.len()];
        let stage = |(index, &plan): (usize, &OuterPlan)| {
            let registers = if index + 1 == plans.len() { start.clone() } else { zeros.clone() };
            let trace = StageTrace::new(&registers, Grid::Double);
            TracedStage { plan, registers, taken: 0, trace }
        };
        Self(plans.iter().enumerate().map(stage).collect())
    }

    /// Hands `values` to the stage at `level`.
    #[inline(always)]
    pub(super) fn push(&mut self, mut level: usize, values: &[f64]) {
        let mut handed = None;
        while let Some(stage) = self.0.get_mut(level) {
            stage.step(handed.as_deref().unwrap_or(values));
            if stage.plan.count != Some(stage.taken) {
                return;
            }
            handed = Some(stage.restart());
            level += 1;
        }
    }

    /// The last registers, after tiles that came out shorter were handed on; and what every stage did.
    #[inline(always)]
    pub(super) fn finish(mut self) -> (Vec<f64>, Vec<StageTrace>) {
        for level in 0..self.0.len().saturating_sub(1) {
            if self.0[level].taken > 0 {
                let values = self.0[level].restart();
                self.push(level + 1, &values);
            }
        }
        let values = self.0.last().map_or(Vec::new(), |last| last.registers.clone());
        (values, self.0.into_iter().map(|stage| stage.trace).collect())
    }
}

impl TracedStage {
    #[inline(always)]
    fn step(&mut self, values: &[f64]) {
        let rounder = self.plan.rounder;
        let registers = self.registers.as_chunks_mut::<WIDTH>().0.iter_mut();
        let inputs = registers.zip(values.as_chunks::<WIDTH>().0);
        for (block, (registers, inputs)) in self.trace.blocks.iter_mut().zip(inputs) {
            block.step(&rounder, registers, inputs);
        }
        self.taken += 1;
    }

    fn restart(&mut self) -> Vec<f64> {
        self.taken = 0;
        let zeros = vec![0.0; self.registers.len()];
        std::mem::replace(&mut self.registers, zeros)
    }
}
