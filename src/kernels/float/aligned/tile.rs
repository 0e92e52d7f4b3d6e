//! An aligned register of any format: each step's unit, sums and rounding of all outputs of a row.

use std::ops::Range;

use super::panels::{AlignedPanels, Part};
use super::{AlignedPlan, Aligns, Sums, VECTORS, Zeros};
use crate::kernels::float::inner::{InnerStage, MR};
use crate::simd::{Float, FloatLanes, Lanes};

/// A tile of [`MR`] by [`VECTORS`] vectors.
pub(in crate::kernels::float) struct AlignedTile<'a, L: FloatLanes> {
    pub(in crate::kernels::float) lanes: L,
    pub(in crate::kernels::float) plan: AlignedPlan,
    pub(in crate::kernels::float) a: &'a AlignedPanels<L::Element>,
    pub(in crate::kernels::float) b: &'a AlignedPanels<L::Element>,
    pub(in crate::kernels::float) block: usize,
    pub(in crate::kernels::float) panel: usize,
}

/// One number per output of a row.
pub(in crate::kernels::float) struct Row<T> {
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
pub(in crate::kernels::float) trait StepWatch<T> {
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
    pub(in crate::kernels::float) fn totals<const N: usize>(
        &self,
        from: usize,
        before: &[f64; N],
    ) -> [f64; N] {
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

impl<L: FloatLanes> InnerStage for AlignedTile<'_, L> {
    #[inline(always)]
    fn sum(&self, k: Range<usize>, registers: &mut [f64]) {
        self.watched(k, registers, &mut Unwatched);
    }
}

impl<L: FloatLanes> AlignedTile<'_, L> {
    /// Sums the products of `k` into `registers`, and shows every step.
    #[inline(always)]
    pub(in crate::kernels::float) fn watched<W: StepWatch<L::Element>>(
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

type Vectors<L> = [<L as Lanes>::V; VECTORS];

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
    fn largest(&self, row: usize, a: Part<'_, L::Element>, b: Part<'_, L::Element>) -> Vectors<L> {
        let lanes = self.lanes;
        let mut largest = self.all(0.0);
        self.each(row, a.powers, b.powers, |vector, a, b| {
            largest[vector] = lanes.max(lanes.mul(a, b), largest[vector]);
        });
        largest
    }

    /// The sums of a step's products, each a whole number of what its output's `inverse` takes it to.
    #[inline(always)]
    fn whole_sums(
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
        let mut addends = Vec::with_capacity(a.groups(size));
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
    fn load(&self, from: &[L::Element]) -> Vectors<L> {
        std::array::from_fn(|vector| self.lanes.load(&from[vector * L::N..]))
    }

    #[inline(always)]
    fn store(&self, vectors: &Vectors<L>, to: &mut [L::Element]) {
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
