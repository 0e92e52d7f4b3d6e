//! A register of any IEEE-like format that takes products whose sum is exact in `f64`, one or several per step.

use std::ops::Range;

use super::driver::{Inner, ROWS, WIDTH};
use super::pack::Panels;
use super::round::Rounder;
use crate::simd::fused::odd_sum;

/// A register and the products of one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct GroupedPlan {
    pub(super) rounder: Rounder,
    pub(super) width: usize,
}

/// A tile of [`ROWS`] by [`WIDTH`] outputs.
pub(super) struct GroupedTile<'a> {
    pub(super) plan: GroupedPlan,
    pub(super) a: &'a Panels<f64>,
    pub(super) b: &'a Panels<f64>,
    pub(super) block: usize,
    pub(super) panel: usize,
}

impl Inner for GroupedTile<'_> {
    #[inline(always)]
    fn sum(&self, k: Range<usize>, registers: &mut [f64]) {
        let GroupedPlan { rounder, width } = self.plan;
        let a = self.a.panel(self.block, k.clone()).as_chunks::<ROWS>().0;
        let b = self.b.panel(self.panel, k).as_chunks::<WIDTH>().0;
        for (a, b) in a.chunks(width).zip(b.chunks(width)) {
            for (row, registers) in registers.as_chunks_mut::<WIDTH>().0.iter_mut().enumerate() {
                // The first product as it is: zero added to it would take the sign of -0.
                let mut sums = [0.0; WIDTH];
                for (index, (a, b)) in a.iter().zip(b).enumerate() {
                    for (sum, b) in sums.iter_mut().zip(b) {
                        let product = a[row] * b;
                        *sum = if index == 0 { product } else { *sum + product };
                    }
                }
                for (register, sum) in registers.iter_mut().zip(sums) {
                    *register = rounder.round(odd_sum(*register, sum));
                }
            }
        }
    }
}
