//! Truncated align-and-add.
//!
//! Exponents are powers of two, so that the exponent of a product is a product and the alignment a multiplication. In
//! units of the last place that is kept, every addend is a whole number of so few digits that their sum is exact.

use std::ops::Range;

use bytemuck::Pod;
use ndarray::ArrayView2;

use super::inner::{InnerStage, MR};
use super::operand::PackedOperand;
use super::pack::NumberPanels;
use super::round::Rounder;
use crate::simd::{Float, FloatLanes, Lanes};

/// Where an addend that is zero stands in the search for the largest exponent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Zeros {
    /// Nowhere.
    Ignored,
    /// At this power of two, not above that of any register that is not zero.
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

/// What holds the sum of a step's products, in units of the last place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sums {
    /// Numbers of the lanes.
    Numbers,
    /// In lanes of `f32` the bits of 32-bit integers, which hold more digits.
    Whole,
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
    pub(super) sums: Sums,
    /// Where the register, too, is stepped in `f32`.
    pub(super) short: Option<Short>,
}

/// How a register is stepped that is rounded toward zero to no more digits than `f32`, and stays well within its exponents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Short {
    /// The digits that the register has, of the bits of an `f32`.
    pub(super) keep: u32,
    /// What takes addends to units of the last place, as the bits that it adds to an exponent.
    pub(super) scale: u32,
    /// No product but zero has a smaller exponent: this one's bits.
    pub(super) least: u32,
}

/// Products are multiples of 2 to this power at least, in lanes of `f32`.
const LEAST_PRODUCT: f64 = 1.0 / (1u64 << 48) as f64;

impl Short {
    /// For addends that are cut to `aligned_bits`, and a register of `fraction_bits` and the exponents of `f32`, that starts
    /// from zero or from multiples of 2^-75 below 2^100. Of addends that are such multiples, every sum is one, cut or not; so no unit lies below 2^-102.
    ///
    /// `None` where a zero register would count for more than the least product.
    pub(super) fn new(plan: &AlignedPlan, aligned_bits: u32, fraction_bits: u32) -> Option<Self> {
        let cut = 23u32.checked_sub(fraction_bits)?;
        let near = match plan.zeros {
            Zeros::Ignored => true,
            Zeros::At(power) => power <= LEAST_PRODUCT,
        };
        let fits = near && aligned_bits <= 27 && plan.least >= LEAST_PRODUCT;
        fits.then(|| Self {
            keep: u32::MAX << cut,
            scale: aligned_bits << 23,
            least: (plan.least as f32).to_bits(),
        })
    }
}

/// The panels of one operand.
#[derive(Debug)]
pub(super) struct AlignedPanels<T> {
    pub(super) values: NumberPanels<T>,
    /// The exponents that addends are aligned by.
    pub(super) powers: NumberPanels<T>,
}

impl AlignedPlan {
    /// What the exponents of the addends come from.
    fn powers<'a>(&self, side: &'a PackedOperand<'_>) -> ArrayView2<'a, f64> {
        match (self.aligns, &side.scale_powers) {
            (Aligns::Groups(_), Some(scales)) => scales.view(),
            _ => side.powers.view(),
        }
    }
}

impl<T: Pod> AlignedPanels<T> {
    /// Packs the columns of `operand`, each number converted by `narrow`.
    pub(super) fn new(
        plan: &AlignedPlan,
        operand: &PackedOperand<'_>,
        width: usize,
        narrow: impl Fn(f64) -> T + Copy + Sync,
    ) -> Self
    where
        T: Send + Sync,
    {
        Self {
            values: NumberPanels::new(operand.values.view(), width, narrow),
            powers: NumberPanels::new(plan.powers(operand), width, narrow),
        }
    }
}

/// Vectors of a row of a tile: enough of them to hide how long each operation takes.
pub(super) const VECTORS: usize = 4;

/// A tile of [`MR`] by [`VECTORS`] vectors.
pub(super) struct AlignedTile<'a, L: FloatLanes> {
    pub(super) lanes: L,
    pub(super) plan: AlignedPlan,
    pub(super) a: &'a AlignedPanels<L::Element>,
    pub(super) b: &'a AlignedPanels<L::Element>,
    pub(super) block: usize,
    pub(super) panel: usize,
}

/// One number per output of a row.
pub(super) struct Row<T> {
    /// The largest exponent of a step, as a power of two.
    largest: Vec<T>,
    /// From a product to units of the last place.
    inverse: Vec<T>,
    /// The same for the register.
    inverse_register: Vec<f64>,
    /// The unit of the last place.
    unit: Vec<f64>,
    /// Products in units of the last place.
    sums: Vec<T>,
    /// What these are.
    kind: Sums,
}

/// Who looks at the steps of a tile.
pub(super) trait StepWatch<T> {
    /// A step of a row is about to be rounded, of registers that hold these.
    fn begin(&mut self, before: &[f64]);

    /// The step of a row, of the products of `k`, is done.
    fn step(&mut self, index: usize, k: Range<usize>, row: &Row<T>, after: &[f64]);
}

/// Nobody.
struct Unwatched;

impl<T> StepWatch<T> for Unwatched {
    #[inline(always)]
    fn begin(&mut self, _: &[f64]) {}

    #[inline(always)]
    fn step(&mut self, _: usize, _: Range<usize>, _: &Row<T>, _: &[f64]) {}
}

impl<T: Float> Row<T> {
    /// A sum as a number.
    #[inline(always)]
    fn number(&self, sum: T) -> f64 {
        match self.kind {
            Sums::Numbers => sum.into(),
            Sums::Whole => sum.whole(),
        }
    }

    /// What was rounded of the outputs from `from` on, whose registers held `before`; it means nothing where a register
    /// is not finite.
    #[inline(always)]
    pub(super) fn totals<const N: usize>(&self, from: usize, before: &[f64; N]) -> [f64; N] {
        let sums = &self.sums[from..from + N];
        let inverses = &self.inverse_register[from..from + N];
        let units = &self.unit[from..from + N];
        let mut totals = [0.0; N];
        for i in 0..N {
            let own = (before[i] * inverses[i]).trunc();
            totals[i] = (self.number(sums[i]) + own) * units[i];
        }
        totals
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

    pub(super) fn of(panels: &'a AlignedPanels<T>, index: usize, k: Range<usize>) -> Self
    where
        T: bytemuck::Pod,
    {
        Self {
            values: panels.values.panel(index, k.clone()),
            powers: panels.powers.panel(index, k),
            width: panels.values.width(),
        }
    }
}

impl<L: FloatLanes> InnerStage for AlignedTile<'_, L> {
    #[inline(always)]
    fn sum(&self, k: Range<usize>, registers: &mut [f64]) {
        match self.plan.short {
            Some(short) if const { size_of::<L::Element>() == size_of::<f32>() } => {
                self.sum_short(short, k, registers);
            }
            _ => self.watched(k, registers, &mut Unwatched),
        }
    }
}

impl<L: FloatLanes> AlignedTile<'_, L> {
    /// Sums the products of `k` into `registers`, and shows every step.
    #[inline(always)]
    pub(super) fn watched<W: StepWatch<L::Element>>(
        &self,
        k: Range<usize>,
        registers: &mut [f64],
        watch: &mut W,
    ) {
        let zero = L::Element::nearest(0.0);
        let width = VECTORS * L::N;
        let mut row = Row {
            largest: vec![zero; width],
            inverse: vec![zero; width],
            inverse_register: vec![0.0; width],
            unit: vec![0.0; width],
            sums: vec![zero; width],
            kind: self.plan.sums,
        };
        let a = Part::of(self.a, self.block, k.clone());
        let b = Part::of(self.b, self.panel, k.clone());
        let from = k.clone().step_by(self.plan.width);
        for (from, (a, b)) in from.zip(a.steps(self.plan.width).zip(b.steps(self.plan.width))) {
            for (index, registers) in registers.chunks_exact_mut(width).enumerate() {
                match self.plan.aligns {
                    Aligns::Products => self.products(index, a, b, &mut row, registers),
                    Aligns::Groups(size) => self.groups(index, size, a, b, &mut row, registers),
                }
                watch.begin(registers);
                self.finish(&row, registers);
                watch.step(index, from..k.end.min(from + self.plan.width), &row, registers);
            }
        }
    }
}

pub(super) type Vectors<L> = [<L as Lanes>::V; VECTORS];

impl<L: FloatLanes> AlignedTile<'_, L> {
    #[inline(always)]
    fn products(
        &self,
        row: usize,
        a: Part<'_, L::Element>,
        b: Part<'_, L::Element>,
        to: &mut Row<L::Element>,
        registers: &[f64],
    ) {
        let largest = self.largest(row, a, b);
        let inverse = self.inverses(&largest, to, registers);
        self.store(&self.whole_sums(row, a, b, &inverse), &mut to.sums);
    }

    /// The largest exponent of a step's products, as a power of two.
    #[inline(always)]
    pub(super) fn largest(
        &self,
        row: usize,
        a: Part<'_, L::Element>,
        b: Part<'_, L::Element>,
    ) -> Vectors<L> {
        let lanes = self.lanes;
        let mut largest = self.all(0.0);
        self.each(row, a.powers, b.powers, |vector, a, b| {
            largest[vector] = lanes.max(lanes.mul(a, b), largest[vector]);
        });
        largest
    }

    /// The sums of a step's products, each a whole number of what its output's `inverse` takes it to.
    #[inline(always)]
    pub(super) fn whole_sums(
        &self,
        row: usize,
        a: Part<'_, L::Element>,
        b: Part<'_, L::Element>,
        inverse: &Vectors<L>,
    ) -> Vectors<L> {
        let lanes = self.lanes;
        let mut sums = self.all(0.0);
        match self.plan.sums {
            Sums::Numbers => self.each(row, a.values, b.values, |vector, a, b| {
                let units = lanes.mul(lanes.mul(a, inverse[vector]), b);
                sums[vector] = lanes.add(sums[vector], lanes.trunc(units));
            }),
            Sums::Whole => self.each(row, a.values, b.values, |vector, a, b| {
                let units = lanes.mul(lanes.mul(a, inverse[vector]), b);
                sums[vector] = lanes.add_whole(sums[vector], units);
            }),
        }
        sums
    }

    #[inline(always)]
    fn groups(
        &self,
        row: usize,
        size: usize,
        a: Part<'_, L::Element>,
        b: Part<'_, L::Element>,
        to: &mut Row<L::Element>,
        registers: &[f64],
    ) {
        let lanes = self.lanes;
        let mut largest = self.all(0.0);
        let mut addends = Vec::with_capacity(a.values.len().div_ceil(size * a.width));
        for (a, b) in a.steps(size).zip(b.steps(size)) {
            let (mut sum, mut power) = (self.all(0.0), self.all(0.0));
            self.each(row, a.values, b.values, |vector, a, b| {
                sum[vector] = lanes.add(sum[vector], lanes.mul(a, b));
            });
            // One scale for all that are not zero.
            self.each(row, a.powers, b.powers, |vector, a, b| {
                power[vector] = lanes.max(lanes.mul(a, b), power[vector]);
            });
            for (largest, power) in largest.iter_mut().zip(power) {
                *largest = lanes.max(power, *largest);
            }
            addends.push(sum);
        }
        let inverse = self.inverses(&largest, to, registers);
        let mut sums = self.all(0.0);
        for addends in &addends {
            for ((sum, &addend), &inverse) in sums.iter_mut().zip(addends).zip(&inverse) {
                *sum = lanes.add(*sum, lanes.trunc(lanes.mul(addend, inverse)));
            }
        }
        self.store(&sums, &mut to.sums);
    }

    /// Shows every pair of numbers to `see`, k by k: the vector that it stands in, the left one, the right ones.
    #[inline(always)]
    fn each(
        &self,
        row: usize,
        a: &[L::Element],
        b: &[L::Element],
        mut see: impl FnMut(usize, L::V, L::V),
    ) {
        for (a, b) in a.as_chunks::<MR>().0.iter().zip(b.chunks_exact(VECTORS * L::N)) {
            let left = self.lanes.splat(a[row]);
            for vector in 0..VECTORS {
                see(vector, left, self.lanes.load(&b[vector * L::N..]));
            }
        }
    }

    #[inline(always)]
    fn all(&self, x: f64) -> Vectors<L> {
        [self.lanes.splat(L::Element::nearest(x)); VECTORS]
    }

    #[inline(always)]
    pub(super) fn load(&self, from: &[L::Element]) -> Vectors<L> {
        std::array::from_fn(|vector| self.lanes.load(&from[vector * L::N..]))
    }

    #[inline(always)]
    pub(super) fn store(&self, vectors: &Vectors<L>, to: &mut [L::Element]) {
        for (&vector, to) in vectors.iter().zip(to.chunks_exact_mut(L::N)) {
            self.lanes.store(vector, to);
        }
    }

    /// What takes the addends of every output to units of its last place.
    #[inline(always)]
    fn inverses(
        &self,
        largest: &Vectors<L>,
        row: &mut Row<L::Element>,
        registers: &[f64],
    ) -> Vectors<L> {
        self.store(largest, &mut row.largest);
        self.units(row, registers);
        self.load(&row.inverse)
    }

    /// The unit of the last place for every output.
    #[inline(always)]
    fn units(&self, row: &mut Row<L::Element>, registers: &[f64]) {
        const POWER: u64 = 0x7ff0_0000_0000_0000;
        /// The bits of two powers of two whose product is 1 add up to this.
        const ONE: u64 = 2046 << 52;
        let AlignedPlan { zeros, scale, least, least_register, .. } = self.plan;
        let fraction = 1.0 / scale;
        let zero = match zeros {
            Zeros::Ignored => 0.0,
            Zeros::At(zero) => zero,
        };
        let inverse = |power: f64| f64::from_bits(ONE.wrapping_sub(power.to_bits())) * scale;
        let outputs = row.inverse.iter_mut().zip(&mut row.inverse_register).zip(&mut row.unit);
        let found = row.largest.iter().zip(registers);
        for (((products, own), unit), (&largest, &register)) in outputs.zip(found) {
            let power = f64::from_bits(register.to_bits() & POWER);
            let power = greater(power, least_register);
            let power = if register == 0.0 { zero } else { power };
            let power = greater(largest.into(), power);
            // Where all addends are zero, any unit will do.
            let power = if power == 0.0 { 1.0 } else { power };
            *unit = power * fraction;
            *own = inverse(power);
            *products = L::Element::nearest(inverse(greater(power, least)));
        }
    }

    /// The registers after the step.
    #[inline(always)]
    fn finish(&self, row: &Row<L::Element>, registers: &mut [f64]) {
        let units = row.unit.iter().zip(&row.inverse_register);
        for ((register, &sum), (unit, inverse)) in registers.iter_mut().zip(&row.sums).zip(units) {
            let own = (*register * inverse).trunc();
            let sum = row.number(sum);
            let result = self.plan.rounder.round((sum + own) * unit);
            // Products are finite here: what is not stays as it is.
            *register = if register.is_finite() { result } else { *register };
        }
    }
}

#[inline(always)]
fn greater(a: f64, b: f64) -> f64 {
    if a > b { a } else { b }
}
