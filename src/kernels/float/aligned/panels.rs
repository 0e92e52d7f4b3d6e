//! Operands as aligned registers read them: numbers, and the exponents that addends are aligned by.

use std::marker::PhantomData;
use std::ops::Range;

use bytemuck::{Pod, cast_slice, cast_slice_mut};
use ndarray::{ArrayView2, s};

use super::{AlignedPlan, Aligns};
use crate::kernels::float::operand::{PackedOperand, exponent_of, power_of};
use crate::kernels::float::pack::{Fill, NumberPanels};
use crate::kernels::operand::panels::Panels;
use crate::simd::{Detected, Vectorized};

/// The panels of one operand.
#[derive(Debug)]
pub(in crate::kernels::float) struct AlignedPanels<T> {
    pub(super) values: NumberPanels<T>,
    /// The exponents that addends are aligned by, as powers of two.
    pub(super) powers: NumberPanels<T>,
}

impl AlignedPlan {
    /// The numbers whose exponents are those of the addends, and the least one, as a power of two.
    fn powers<'a>(&self, side: &'a PackedOperand<'_>) -> (ArrayView2<'a, f64>, f64) {
        match (self.aligns, &side.scale_powers) {
            (Aligns::Groups(_), Some(scales)) => (scales.view(), 0.0),
            _ => side.powers(),
        }
    }
}

impl<T: Pod + Send + Sync> AlignedPanels<T> {
    /// Packs the columns of `operand`, each number converted by `narrow`.
    pub(in crate::kernels::float) fn new(
        plan: &AlignedPlan,
        operand: &PackedOperand<'_>,
        width: usize,
        isa: Detected,
        narrow: impl Fn(f64) -> T + Copy + Sync,
    ) -> Self {
        let (powers, least) = plan.powers(operand);
        Self {
            values: NumberPanels::new(operand.values.view(), width, isa, narrow),
            powers: NumberPanels::new(powers, width, isa, move |x| narrow(power_of(x, least))),
        }
    }
}

/// The same for registers that are stepped in lanes of `f32`: in each panel all values, then all exponents, integers of 8
/// bits.
#[derive(Debug)]
pub(in crate::kernels::float) struct ShortPanels<E> {
    panels: Panels,
    width: usize,
    /// Numbers of a panel.
    numbers: usize,
    exponent: PhantomData<E>,
}

impl ShortPanels<i8> {
    /// The operand that runs over lanes.
    pub(in crate::kernels::float) fn lanes(
        operand: &PackedOperand<'_>,
        width: usize,
        isa: Detected,
    ) -> Self {
        Self::new(operand, width, isa, |exponent| exponent)
    }
}

impl ShortPanels<u32> {
    /// The operand that is broadcast: exponents four times each, as lanes of `f32` take them.
    pub(in crate::kernels::float) fn broadcast(
        operand: &PackedOperand<'_>,
        width: usize,
        isa: Detected,
    ) -> Self {
        Self::new(operand, width, isa, |exponent| {
            u32::from(exponent.cast_unsigned()).wrapping_mul(0x0101_0101)
        })
    }
}

impl<E: Pod> ShortPanels<E> {
    fn new(
        operand: &PackedOperand<'_>,
        width: usize,
        isa: Detected,
        spread: impl Fn(i8) -> E + Copy + Sync,
    ) -> Self {
        let (depth, outputs) = operand.dim();
        let (numbers, least) = operand.powers();
        let bytes = depth * width * (size_of::<f32>() + size_of::<E>());
        let panels = Panels::filled(outputs.div_ceil(width), bytes, |panel, bytes| {
            let columns = panel * width..outputs.min((panel + 1) * width);
            let part = s![.., columns];
            let (values, exponents) = bytes.split_at_mut(depth * width * size_of::<f32>());
            isa.vectorize(FillShort {
                values: (operand.values.slice(part), cast_slice_mut(values)),
                exponents: (numbers.slice(part), cast_slice_mut(exponents)),
                width,
                exponent: move |x| spread(exponent_of(x, least)),
            });
        });
        Self { panels, width, numbers: depth * width, exponent: PhantomData }
    }

    /// The values of one panel from `k.start` to `k.end`.
    #[inline(always)]
    pub(super) fn values(&self, index: usize, k: Range<usize>) -> &[f32] {
        let values = &self.panels.panel::<u8>(index)[..self.numbers * size_of::<f32>()];
        &cast_slice(values)[k.start * self.width..k.end * self.width]
    }

    /// The exponents that belong to them.
    #[inline(always)]
    pub(super) fn exponents(&self, index: usize, k: Range<usize>) -> &[E] {
        let exponents = &self.panels.panel::<u8>(index)[self.numbers * size_of::<f32>()..];
        &cast_slice(exponents)[k.start * self.width..k.end * self.width]
    }
}

/// Converts a panel's numbers to values and exponents.
struct FillShort<'a, E, F> {
    values: (ArrayView2<'a, f64>, &'a mut [f32]),
    exponents: (ArrayView2<'a, f64>, &'a mut [E]),
    width: usize,
    exponent: F,
}

impl<E, F: Fn(f64) -> E> Vectorized for FillShort<'_, E, F> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        /// So many k at a time, whose numbers are still in the cache when they are read for the second time.
        const DEPTH: usize = 64;
        let Self { values, exponents, width, exponent } = self;
        let depth = values.0.dim().0;
        for from in (0..depth).step_by(DEPTH) {
            let k = from..depth.min(from + DEPTH);
            let (at, rows) = (k.start * width..k.end * width, s![k, ..]);
            let part = values.0.slice(rows);
            let to = &mut values.1[at.clone()];
            Fill { part, to, width, narrow: &|x| x as f32 }.call();
            let part = exponents.0.slice(rows);
            Fill { part, to: &mut exponents.1[at], width, narrow: &exponent }.call();
        }
    }
}

/// A step's part of a panel, `[k][output]`.
#[derive(Clone, Copy)]
pub(super) struct Part<'a, T> {
    pub(super) values: &'a [T],
    pub(super) powers: &'a [T],
    width: usize,
}

impl<'a, T> Part<'a, T> {
    /// Parts of so many k.
    #[inline(always)]
    pub(super) fn steps(self, k: usize) -> impl Iterator<Item = Self> {
        let Self { values, powers, width } = self;
        let parts = values.chunks(k * width).zip(powers.chunks(k * width));
        parts.map(move |(values, powers)| Self { values, powers, width })
    }

    /// How many parts of so many k there are.
    #[inline(always)]
    pub(super) fn groups(&self, k: usize) -> usize {
        self.values.len().div_ceil(k * self.width)
    }

    /// The part of a panel.
    pub(super) fn of(panels: &'a AlignedPanels<T>, index: usize, k: Range<usize>) -> Self
    where
        T: Pod,
    {
        Self {
            values: panels.values.panel(index, k.clone()),
            powers: panels.powers.panel(index, k),
            width: panels.values.width(),
        }
    }
}
