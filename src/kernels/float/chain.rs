//! The stages behind the innermost one.

use super::round::Rounder;
use crate::simd::odd_sum;

/// A float register that takes one value per step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct OuterPlan {
    pub(super) rounder: Rounder,
    pub(super) count: Option<u64>,
}

/// A stage while a tile of outputs is summed.
struct OuterStage {
    plan: OuterPlan,
    registers: Vec<f64>,
    taken: u64,
}

/// All outer stages of a tile; every output takes its steps at the same k.
pub(super) struct Chain(Vec<OuterStage>);

impl Chain {
    /// Registers at zero, the last ones at `start`.
    pub(super) fn new(plans: &[OuterPlan], start: Vec<f64>) -> Self {
        let stage =
            |&plan: &OuterPlan| OuterStage { plan, registers: vec![0.0; start.len()], taken: 0 };
        let mut stages: Vec<OuterStage> = plans.iter().map(stage).collect();
        if let Some(last) = stages.last_mut() {
            last.registers = start;
        }
        Self(stages)
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

    /// The last registers, after tiles that came out shorter were handed on.
    #[inline(always)]
    pub(super) fn finish(mut self) -> Vec<f64> {
        for level in 0..self.0.len().saturating_sub(1) {
            if self.0[level].taken > 0 {
                let values = self.0[level].restart();
                self.push(level + 1, &values);
            }
        }
        self.0.pop().map_or(Vec::new(), |last| last.registers)
    }
}

impl OuterStage {
    #[inline(always)]
    fn step(&mut self, values: &[f64]) {
        let rounder = self.plan.rounder;
        for (register, &value) in self.registers.iter_mut().zip(values) {
            *register = rounder.round(odd_sum(*register, value));
        }
        self.taken += 1;
    }

    fn restart(&mut self) -> Vec<f64> {
        self.taken = 0;
        let zeros = vec![0.0; self.registers.len()];
        std::mem::replace(&mut self.registers, zeros)
    }
}
