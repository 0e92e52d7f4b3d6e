//! A register of any IEEE-like format that takes products whose sum is exact in `f64`, one or several per step.

use std::ops::Range;

use super::inner::{InnerStage, MR};
use super::lines::Lines;
use super::pack::NumberPanels;
use super::round::Rounder;
use crate::simd::odd_sum;

/// A register and the products of one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct GroupedPlan {
    pub(super) rounder: Rounder,
    pub(super) width: usize,
}

/// A tile of [`MR`] by as many outputs as a panel has.
pub(super) struct GroupedTile<'a> {
    pub(super) plan: GroupedPlan,
    pub(super) a: &'a NumberPanels<f64>,
    pub(super) b: &'a NumberPanels<f64>,
    pub(super) block: usize,
    pub(super) panel: usize,
}

impl InnerStage for GroupedTile<'_> {
    #[inline(always)]
    fn sum(&self, k: Range<usize>, registers: &mut [f64]) {
        let GroupedPlan { rounder, width: step } = self.plan;
        // Not a constant: loops over so many outputs are to stay loops.
        let width = self.b.width();
        let a = self.a.panel(self.block, k.clone()).as_chunks::<MR>().0;
        let b = self.b.panel(self.panel, k);
        let mut sums = Lines::zeros(width);
        let sums = &mut sums[..];
        for (a, b) in a.chunks(step).zip(b.chunks(step * width)) {
            for (row, registers) in registers.chunks_exact_mut(width).enumerate() {
                let mut products = a.iter().map(|a| a[row]).zip(b.chunks_exact(width));
                if let Some((a, b)) = products.next() {
                    // The first product as it is: zero added to it would take the sign of -0.
                    for (sum, b) in sums.iter_mut().zip(b) {
                        *sum = a * b;
                    }
                }
                for (a, b) in products {
                    for (sum, b) in sums.iter_mut().zip(b) {
                        *sum += a * b;
                    }
                }
                for (register, &sum) in registers.iter_mut().zip(&*sums) {
                    *register = rounder.round(odd_sum(*register, sum));
                }
            }
        }
    }
}
