//! Operands as aligned registers read them: numbers, and the exponents that addends are aligned by.

use std::ops::Range;

use bytemuck::Pod;
use ndarray::ArrayView2;

use super::{AlignedPlan, Aligns};
use crate::kernels::float::operand::{PackedOperand, exponent_of, power_of};
use crate::kernels::float::pack::NumberPanels;
use crate::simd::Detected;

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

/// The same for registers that are stepped in lanes of `f32`.
#[derive(Debug)]
pub(in crate::kernels::float) struct ShortPanels<E> {
    pub(super) values: NumberPanels<f32>,
    /// The exponents of elements, integers of 8 bits.
    pub(super) exponents: NumberPanels<E>,
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

impl<E: Pod + Send + Sync> ShortPanels<E> {
    fn new(
        operand: &PackedOperand<'_>,
        width: usize,
        isa: Detected,
        spread: impl Fn(i8) -> E + Copy + Sync,
    ) -> Self {
        let (numbers, least) = operand.powers();
        Self {
            values: NumberPanels::new(operand.values.view(), width, isa, |x| x as f32),
            exponents: NumberPanels::new(numbers, width, isa, move |x| {
                spread(exponent_of(x, least))
            }),
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
