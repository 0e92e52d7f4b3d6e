//! A register of `f32` or narrower that takes one product per step: a fused multiply-add, then a rounding.

use std::ops::Range;

use super::inner::InnerStage;
use super::pack::NumberPanels;
use crate::simd::{FmaLanes, NarrowFloat, StepLanes};

/// How product and register are summed in `f32`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sum {
    /// [`FmaLanes::fma_even`]
    Even,
    /// [`FmaLanes::fma_zero`]
    Zero,
    /// [`FmaLanes::fma_odd`]
    Odd,
}

/// What the register keeps of the sum.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Keep {
    /// All: it is an `f32`.
    All,
    /// Half precision.
    Half,
    /// All but so many fraction bits.
    Cut(u32),
    /// What a float with fewer digits and exponents does.
    Narrow(NarrowFloat<f32>),
}

/// What the exact product of two operands is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ProductSize {
    /// An `f32`, of any two.
    Single,
    /// A number of at most 48 digits.
    Double,
}

/// A register and its rounding.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct FmaPlan {
    pub(super) sum: Sum,
    pub(super) keep: Keep,
    pub(super) product: ProductSize,
}

/// A [`ProductSize`] as code of its own: sums that are not rounded to nearest.
pub(super) trait RoundedSums<L: StepLanes>: Copy {
    /// [`FmaLanes::fma_zero`]
    fn zero(self, lanes: L, a: L::V, b: L::V, register: L::V) -> L::V;

    /// [`FmaLanes::fma_odd`]
    fn odd(self, lanes: L, a: L::V, b: L::V, register: L::V) -> L::V;

    /// [`StepLanes::fma_around`]
    fn around(self, lanes: L, a: L::V, b: L::V, register: L::V) -> [L::V; 2];
}

/// [`ProductSize::Single`]
#[derive(Clone, Copy)]
pub(super) struct SingleProduct;

/// [`ProductSize::Double`]
#[derive(Clone, Copy)]
pub(super) struct AnyProduct;

impl<L: StepLanes> RoundedSums<L> for SingleProduct {
    #[inline(always)]
    fn zero(self, lanes: L, a: L::V, b: L::V, register: L::V) -> L::V {
        lanes.fma_zero_of_single(a, b, register)
    }

    #[inline(always)]
    fn odd(self, lanes: L, a: L::V, b: L::V, register: L::V) -> L::V {
        lanes.fma_odd_of_single(a, b, register)
    }

    #[inline(always)]
    fn around(self, lanes: L, a: L::V, b: L::V, register: L::V) -> [L::V; 2] {
        lanes.fma_around_of_single(a, b, register)
    }
}

impl<L: StepLanes> RoundedSums<L> for AnyProduct {
    #[inline(always)]
    fn zero(self, lanes: L, a: L::V, b: L::V, register: L::V) -> L::V {
        lanes.fma_zero(a, b, register)
    }

    #[inline(always)]
    fn odd(self, lanes: L, a: L::V, b: L::V, register: L::V) -> L::V {
        lanes.fma_odd(a, b, register)
    }

    #[inline(always)]
    fn around(self, lanes: L, a: L::V, b: L::V, register: L::V) -> [L::V; 2] {
        lanes.fma_around(a, b, register)
    }
}

/// One step of a vector of outputs.
pub(super) trait FmaStep<L: FmaLanes>: Copy {
    /// The registers after the step.
    fn step(self, lanes: L, a: L::V, b: L::V, register: L::V) -> L::V;
}

/// A [`Keep`] as code of its own.
pub(super) trait Keeps<L: FmaLanes>: Copy {
    /// After a sum to nearest or to odd.
    fn even(self, lanes: L, sum: L::V) -> L::V;

    /// After a truncated sum.
    fn zero(self, lanes: L, sum: L::V) -> L::V;
}

/// [`Keep::All`]
#[derive(Clone, Copy)]
pub(super) struct All;

/// [`Keep::Half`]
#[derive(Clone, Copy)]
pub(super) struct Half;

/// [`Keep::Cut`]
#[derive(Clone, Copy)]
pub(super) struct Cut(pub(super) u32);

/// [`Keep::Narrow`]
#[derive(Clone, Copy)]
pub(super) struct Narrow(pub(super) NarrowFloat<f32>);

impl<L: FmaLanes> Keeps<L> for Narrow {
    #[inline(always)]
    fn even(self, lanes: L, sum: L::V) -> L::V {
        lanes.narrow_even(sum, self.0)
    }

    #[inline(always)]
    fn zero(self, lanes: L, sum: L::V) -> L::V {
        lanes.narrow_zero(sum, self.0)
    }
}

impl<L: FmaLanes> Keeps<L> for All {
    #[inline(always)]
    fn even(self, _: L, sum: L::V) -> L::V {
        sum
    }

    #[inline(always)]
    fn zero(self, _: L, sum: L::V) -> L::V {
        sum
    }
}

impl<L: FmaLanes> Keeps<L> for Half {
    #[inline(always)]
    fn even(self, lanes: L, sum: L::V) -> L::V {
        lanes.half_even(sum)
    }

    #[inline(always)]
    fn zero(self, lanes: L, sum: L::V) -> L::V {
        lanes.half_zero(sum)
    }
}

impl<L: FmaLanes> Keeps<L> for Cut {
    #[inline(always)]
    fn even(self, lanes: L, sum: L::V) -> L::V {
        lanes.cut_even(sum, self.0)
    }

    #[inline(always)]
    fn zero(self, lanes: L, sum: L::V) -> L::V {
        lanes.cut_zero(sum, self.0)
    }
}

/// [`Sum::Even`], then what is kept.
#[derive(Clone, Copy)]
pub(super) struct Even<K>(pub(super) K);

/// [`Sum::Zero`], then what is kept.
#[derive(Clone, Copy)]
pub(super) struct Zero<K, P>(pub(super) K, pub(super) P);

/// [`Sum::Odd`], then what is kept.
#[derive(Clone, Copy)]
pub(super) struct Odd<K, P>(pub(super) K, pub(super) P);

impl<L: FmaLanes, K: Keeps<L>> FmaStep<L> for Even<K> {
    #[inline(always)]
    fn step(self, lanes: L, a: L::V, b: L::V, register: L::V) -> L::V {
        self.0.even(lanes, lanes.fma_even(a, b, register))
    }
}

impl<L: StepLanes, K: Keeps<L>, P: RoundedSums<L>> FmaStep<L> for Zero<K, P> {
    #[inline(always)]
    fn step(self, lanes: L, a: L::V, b: L::V, register: L::V) -> L::V {
        self.0.zero(lanes, self.1.zero(lanes, a, b, register))
    }
}

impl<L: StepLanes, K: Keeps<L>, P: RoundedSums<L>> FmaStep<L> for Odd<K, P> {
    #[inline(always)]
    fn step(self, lanes: L, a: L::V, b: L::V, register: L::V) -> L::V {
        self.0.even(lanes, self.1.odd(lanes, a, b, register))
    }
}

/// A tile of `R` rows by `V` vectors.
pub(super) struct FmaTile<'a, L, F, const R: usize, const V: usize> {
    pub(super) lanes: L,
    pub(super) step: F,
    pub(super) a: &'a NumberPanels<f32>,
    pub(super) b: &'a NumberPanels<f32>,
    pub(super) block: usize,
    pub(super) panel: usize,
}

impl<L: FmaLanes, F: FmaStep<L>, const R: usize, const V: usize> InnerStage
    for FmaTile<'_, L, F, R, V>
{
    #[inline(always)]
    fn sum(&self, k: Range<usize>, registers: &mut [f64]) {
        let (lanes, step) = (self.lanes, self.step);
        let mut numbers: Vec<f32> = registers.iter().map(|&x| x as f32).collect();
        let at = |row: usize, vector: usize| (row * V + vector) * L::N;
        let mut sums = [[lanes.splat(0.0); V]; R];
        for (row, sums) in sums.iter_mut().enumerate() {
            for (vector, sum) in sums.iter_mut().enumerate() {
                *sum = lanes.load(&numbers[at(row, vector)..]);
            }
        }
        let a = self.a.panel(self.block, k.clone());
        let b = self.b.panel(self.panel, k);
        for (a, b) in a.as_chunks::<R>().0.iter().zip(b.chunks_exact(V * L::N)) {
            let mut right = [lanes.splat(0.0); V];
            for (vector, right) in right.iter_mut().enumerate() {
                *right = lanes.load(&b[vector * L::N..]);
            }
            for (&a, sums) in a.iter().zip(&mut sums) {
                let left = lanes.splat(a);
                for (sum, right) in sums.iter_mut().zip(right) {
                    *sum = step.step(lanes, left, right, *sum);
                }
            }
        }
        for (row, sums) in sums.iter().enumerate() {
            for (vector, sum) in sums.iter().enumerate() {
                lanes.store(*sum, &mut numbers[at(row, vector)..]);
            }
        }
        for (register, number) in registers.iter_mut().zip(numbers) {
            *register = number.into();
        }
    }
}
