//! Operands as aligned registers read them: numbers, and the exponents that addends are aligned by.

use std::marker::PhantomData;
use std::ops::Range;

use bytemuck::{Pod, cast_slice, cast_slice_mut};
use ndarray::ArrayView2;

use super::{AlignedPlan, Aligns};
use crate::kernels::float::operand::PackedOperand;
use crate::kernels::float::pack::{Fill, NumberPanels, by_rows, rows_at_once, rows_of};
use crate::kernels::float::power::{exponent_of, power_of};
use crate::kernels::operand::panels::Panels;
use crate::simd::Detected;
use crate::tasks;

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

impl<E: Pod + Send> ShortPanels<E> {
    fn new(
        operand: &PackedOperand<'_>,
        width: usize,
        isa: Detected,
        spread: impl Fn(i8) -> E + Copy + Sync,
    ) -> Self {
        let (depth, outputs) = operand.dim();
        let (numbers, least) = operand.powers();
        let bytes = depth * width * (size_of::<f32>() + size_of::<E>());
        let mut panels = Panels::zeros(outputs.div_ceil(width), bytes);
        let (values, exponents): (Vec<_>, Vec<_>) = panels
            .iter_mut()
            .map(|bytes| bytes.split_at_mut(depth * width * size_of::<f32>()))
            .map(|(values, exponents)| (cast_slice_mut(values), cast_slice_mut(exponents)))
            .unzip();
        let rows = rows_at_once(outputs);
        let values = by_rows(values.into_iter(), rows * width);
        let exponents = by_rows(exponents.into_iter(), rows * width);
        let parts = values.into_iter().zip(exponents).enumerate();
        tasks::for_each(parts, |(index, (to, exponents))| {
            // They are still in the cache when they are read for the second time.
            let rows = rows_of(index, rows, depth);
            let part = operand.values.slice(rows);
            isa.vectorize(Fill { part, to, width, narrow: |x| x as f32 });
            let part = numbers.slice(rows);
            let narrow = move |x| spread(exponent_of(x, least));
            isa.vectorize(Fill { part, to: exponents, width, narrow });
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
