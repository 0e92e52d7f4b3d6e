//! Truncated align-and-add.
//!
//! Exponents are powers of two, so that the exponent of a product is a product and the alignment a multiplication. In
//! units of the last place that is kept, every addend is a whole number of so few digits that their sum is exact.

use std::ops::{Add, Mul, Range};

use bytemuck::Pod;

use super::driver::{Inner, ROWS, WIDTH};
use super::pack::Panels;
use super::round::Rounder;

/// Where an addend that is zero stands in the search for the largest exponent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Zeros {
    /// Nowhere.
    Ignored,
    /// At this power of two, below which no other addend can lie.
    Floor(f64),
    /// At this power of two.
    At(f64),
}

/// What is cut when addends are aligned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Aligns {
    /// Every product.
    Products,
    /// The exact sum of so many products.
    Groups(usize),
}

/// A unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct AlignedPlan {
    pub(super) rounder: Rounder,
    pub(super) width: usize,
    pub(super) aligns: Aligns,
    pub(super) zeros: Zeros,
    /// `2^fraction_bits`
    pub(super) scale: f64,
    /// No addend but zero has a smaller exponent, as a power of two: what is cut by more is zero.
    pub(super) least: f64,
    /// The smallest normal value of the register's format.
    pub(super) least_register: f64,
}

/// `f32` or `f64`.
pub(super) trait Number:
    Pod + PartialOrd + Mul<Output = Self> + Add<Output = Self> + Send + Sync
{
    const ZERO: Self;

    fn narrow(x: f64) -> Self;

    fn wide(self) -> f64;

    fn truncated(self) -> Self;
}

impl Number for f32 {
    const ZERO: Self = 0.0;

    #[inline(always)]
    fn narrow(x: f64) -> Self {
        x as Self
    }

    #[inline(always)]
    fn wide(self) -> f64 {
        self.into()
    }

    #[inline(always)]
    fn truncated(self) -> Self {
        self.trunc()
    }
}

impl Number for f64 {
    const ZERO: Self = 0.0;

    #[inline(always)]
    fn narrow(x: f64) -> Self {
        x
    }

    #[inline(always)]
    fn wide(self) -> f64 {
        self
    }

    #[inline(always)]
    fn truncated(self) -> Self {
        self.trunc()
    }
}

/// The panels of one operand.
#[derive(Debug)]
pub(super) struct AlignedPanels<T> {
    pub(super) values: Panels<T>,
    /// The exponents that addends are aligned by.
    pub(super) powers: Panels<T>,
}

/// A tile of [`ROWS`] by [`WIDTH`] outputs.
pub(super) struct AlignedTile<'a, T> {
    pub(super) plan: AlignedPlan,
    pub(super) a: &'a AlignedPanels<T>,
    pub(super) b: &'a AlignedPanels<T>,
    pub(super) block: usize,
    pub(super) panel: usize,
}

/// One operand's part in a step.
#[derive(Clone, Copy)]
struct Part<'a, T, const W: usize> {
    values: &'a [[T; W]],
    powers: &'a [[T; W]],
}

impl<T: Number, const W: usize> Part<'_, T, W> {
    #[inline(always)]
    fn slice(&self, from: usize, length: usize) -> Self {
        let (from, to) = (from.min(self.values.len()), (from + length).min(self.values.len()));
        Self { values: &self.values[from..to], powers: &self.powers[from..to] }
    }
}

impl<T: Number> AlignedPanels<T> {
    #[inline(always)]
    fn part<const W: usize>(&self, panel: usize, k: Range<usize>) -> Part<'_, T, W> {
        Part {
            values: self.values.panel(panel, k.clone()).as_chunks().0,
            powers: self.powers.panel(panel, k).as_chunks().0,
        }
    }
}

impl<T: Number> Inner for AlignedTile<'_, T> {
    #[inline(always)]
    fn sum(&self, k: Range<usize>, registers: &mut [f64]) {
        let a = self.a.part::<ROWS>(self.block, k.clone());
        let b = self.b.part::<WIDTH>(self.panel, k.clone());
        for from in (0..k.len()).step_by(self.plan.width) {
            let (a, b) = (a.slice(from, self.plan.width), b.slice(from, self.plan.width));
            for (row, registers) in registers.as_chunks_mut::<WIDTH>().0.iter_mut().enumerate() {
                match self.plan.aligns {
                    Aligns::Products => self.products(row, a, b, registers),
                    Aligns::Groups(size) => self.groups(row, size, a, b, registers),
                }
            }
        }
    }
}

impl<T: Number> AlignedTile<'_, T> {
    #[inline(always)]
    fn products(
        &self,
        row: usize,
        a: Part<'_, T, ROWS>,
        b: Part<'_, T, WIDTH>,
        registers: &mut [f64; WIDTH],
    ) {
        let mut largest = [T::ZERO; WIDTH];
        for (a, b) in a.powers.iter().zip(b.powers) {
            for (largest, b) in largest.iter_mut().zip(b) {
                self.see(largest, a[row] * *b);
            }
        }
        let unit = self.units(&largest, registers);
        let mut sums = [T::ZERO; WIDTH];
        for (a, b) in a.values.iter().zip(b.values) {
            for ((sum, b), inverse) in sums.iter_mut().zip(b).zip(&unit.inverse) {
                *sum = *sum + (a[row] * *inverse * *b).truncated();
            }
        }
        self.finish(&unit, &sums, registers);
    }

    #[inline(always)]
    fn groups(
        &self,
        row: usize,
        size: usize,
        a: Part<'_, T, ROWS>,
        b: Part<'_, T, WIDTH>,
        registers: &mut [f64; WIDTH],
    ) {
        let mut largest = [T::ZERO; WIDTH];
        let mut addends = Vec::with_capacity(a.values.len().div_ceil(size));
        for from in (0..a.values.len()).step_by(size) {
            let (a, b) = (a.slice(from, size), b.slice(from, size));
            let (mut sum, mut power) = ([T::ZERO; WIDTH], [T::ZERO; WIDTH]);
            for (a, b) in a.values.iter().zip(b.values) {
                for (sum, b) in sum.iter_mut().zip(b) {
                    *sum = *sum + a[row] * *b;
                }
            }
            // One scale for all that are not zero.
            for (a, b) in a.powers.iter().zip(b.powers) {
                for (power, b) in power.iter_mut().zip(b) {
                    *power = greater(*power, a[row] * *b);
                }
            }
            for (largest, power) in largest.iter_mut().zip(power) {
                self.see(largest, power);
            }
            addends.push(sum);
        }
        let unit = self.units(&largest, registers);
        let mut sums = [T::ZERO; WIDTH];
        for addends in &addends {
            for ((sum, &addend), &inverse) in sums.iter_mut().zip(addends).zip(&unit.inverse) {
                *sum = *sum + (addend * inverse).truncated();
            }
        }
        self.finish(&unit, &sums, registers);
    }

    /// An addend's exponent, in the search for the largest.
    #[inline(always)]
    fn see(&self, largest: &mut T, power: T) {
        let power = match self.plan.zeros {
            Zeros::At(zero) if power == T::ZERO => T::narrow(zero),
            _ => power,
        };
        *largest = greater(power, *largest);
    }

    /// The unit of the last place for every output.
    #[inline(always)]
    fn units(&self, largest: &[T; WIDTH], registers: &[f64; WIDTH]) -> Units<T> {
        const POWER: u64 = 0x7ff0_0000_0000_0000;
        /// The bits of two powers of two whose product is 1 add up to this.
        const ONE: u64 = 2046 << 52;
        let AlignedPlan { zeros, scale, least, least_register, .. } = self.plan;
        let fraction = 1.0 / scale;
        let (floor, zero) = match zeros {
            Zeros::Ignored => (0.0, 0.0),
            Zeros::Floor(zero) => (zero, zero),
            Zeros::At(zero) => (0.0, zero),
        };
        let mut unit =
            Units { unit: [0.0; WIDTH], inverse: [T::ZERO; WIDTH], inverse_register: [0.0; WIDTH] };
        for (index, (&largest, &register)) in largest.iter().zip(registers).enumerate() {
            let own = f64::from_bits(register.to_bits() & POWER);
            let own = if own < least_register { least_register } else { own };
            let own = if register == 0.0 { zero } else { own };
            let power = greater(greater(largest.wide(), own), floor);
            // Where all addends are zero, any unit will do.
            let power = if power == 0.0 { 1.0 } else { power };
            let inverse = |power: f64| f64::from_bits(ONE.wrapping_sub(power.to_bits())) * scale;
            unit.unit[index] = power * fraction;
            unit.inverse[index] = T::narrow(inverse(greater(power, least)));
            unit.inverse_register[index] = inverse(power);
        }
        unit
    }

    /// The registers after the step.
    #[inline(always)]
    fn finish(&self, unit: &Units<T>, sums: &[T; WIDTH], registers: &mut [f64; WIDTH]) {
        for (index, (register, sum)) in registers.iter_mut().zip(sums).enumerate() {
            let own = (*register * unit.inverse_register[index]).truncated();
            let result = self.plan.rounder.round((sum.wide() + own) * unit.unit[index]);
            // Products are finite here: what is not stays as it is.
            *register = if register.is_finite() { result } else { *register };
        }
    }
}

#[inline(always)]
fn greater<T: PartialOrd>(a: T, b: T) -> T {
    if a > b { a } else { b }
}

/// Units of the last place, their inverses for products, and for the register.
struct Units<T> {
    unit: [f64; WIDTH],
    inverse: [T; WIDTH],
    inverse_register: [f64; WIDTH],
}
