//! A register of any IEEE-like format that takes products whose sum is exact in `f64`, one or several per step.

use std::ops::Range;

use super::inner::{InnerStage, MR};
use super::lines::Lines;
use super::pack::NumberPanels;
use super::round::{Mode, Rounder};
use crate::simd::{FloatLanes, NarrowFloat, odd_sum};

/// A register and the products of one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct GroupedPlan {
    pub(super) rounder: Rounder,
    pub(super) width: usize,
    /// Where sums with the register are exact, too.
    pub(super) held: Option<Held>,
}

/// A register such that `f64` holds whatever it and the products of a step can sum to: the step is these sums, and one
/// rounding. A sum of zeros has the sign that it has in any order: negative where all of them are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Held {
    pub(super) format: NarrowFloat<f64>,
    pub(super) mode: Mode,
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
        let GroupedPlan { rounder, width: step, .. } = self.plan;
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

/// The outputs of a panel.
pub(super) const OUTPUTS: usize = 32;

/// The same tile where sums with the register are exact; `V` vectors of the outputs of a panel at a time.
pub(super) struct HeldTile<'a, L, const V: usize> {
    pub(super) lanes: L,
    pub(super) held: Held,
    /// Products of a step.
    pub(super) width: usize,
    pub(super) a: &'a NumberPanels<f64>,
    pub(super) b: &'a NumberPanels<f64>,
    pub(super) block: usize,
    pub(super) panel: usize,
}

impl<L: FloatLanes<Element = f64>, const V: usize> InnerStage for HeldTile<'_, L, V> {
    #[inline(always)]
    fn sum(&self, k: Range<usize>, registers: &mut [f64]) {
        let (lanes, format) = (self.lanes, self.held.format);
        match self.held.mode {
            Mode::Even => self.stepped(k, registers, |v| lanes.narrow_even(v, format)),
            Mode::Zero => self.stepped(k, registers, |v| lanes.narrow_zero(v, format)),
        }
    }
}

impl<L: FloatLanes<Element = f64>, const V: usize> HeldTile<'_, L, V> {
    #[inline(always)]
    fn stepped(&self, k: Range<usize>, registers: &mut [f64], round: impl Fn(L::V) -> L::V) {
        const { assert!(OUTPUTS.is_multiple_of(V * L::N)) };
        let lanes = self.lanes;
        let a = self.a.panel(self.block, k.clone()).as_chunks::<MR>().0;
        let b = self.b.panel(self.panel, k);
        for first in (0..OUTPUTS).step_by(V * L::N) {
            let place = |row: usize, vector: usize| row * OUTPUTS + first + vector * L::N;
            let mut sums = [[lanes.splat(0.0); V]; MR];
            for (row, sums) in sums.iter_mut().enumerate() {
                for (vector, sum) in sums.iter_mut().enumerate() {
                    *sum = lanes.load(&registers[place(row, vector)..]);
                }
            }
            for (a, b) in a.chunks(self.width).zip(b.chunks(self.width * OUTPUTS)) {
                for (a, b) in a.iter().zip(b.as_chunks::<OUTPUTS>().0) {
                    let mut right = [lanes.splat(0.0); V];
                    for (vector, right) in right.iter_mut().enumerate() {
                        *right = lanes.load(&b[first + vector * L::N..]);
                    }
                    for (&a, sums) in a.iter().zip(&mut sums) {
                        let left = lanes.splat(a);
                        for (sum, right) in sums.iter_mut().zip(right) {
                            *sum = lanes.mul_add_exact(left, right, *sum);
                        }
                    }
                }
                for sum in sums.as_flattened_mut() {
                    *sum = round(*sum);
                }
            }
            for (row, sums) in sums.iter().enumerate() {
                for (vector, sum) in sums.iter().enumerate() {
                    lanes.store(*sum, &mut registers[place(row, vector)..]);
                }
            }
        }
    }
}
