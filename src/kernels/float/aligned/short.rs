//! Aligned steps whose register is rounded toward zero to no more digits than `f32`, and stays well within its exponents:
//! all of a step is then lanes of single precision, and powers of two are sums of bits.
//!
//! A step, for each vector of outputs:
//!
//! 1. The largest exponent of the products: sums of 8-bit integers, four vectors of outputs in one.
//! 2. As a power of two, and not below the register's own: its inverse takes addends to units of the last place.
//! 3. Products and register, each cut to whole units, are summed as 32-bit integers.
//! 4. The sum, cut toward zero to an `f32` and to the register's digits, times the unit.

use std::ops::Range;

use bytemuck::cast_slice;

use super::panels::ShortPanels;
use super::{AlignedPlan, VECTORS, Zeros};
use crate::kernels::float::inner::{InnerStage, MR};
use crate::simd::AlignLanes;

/// A unit, and how its register is stepped.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::kernels::float) struct ShortPlan {
    pub(in crate::kernels::float) aligned: AlignedPlan,
    /// The digits that the register has, of the bits of an `f32`.
    keep: u32,
    /// The bits of a power of two and of what takes addends with that exponent to units of the last place add up to this.
    inverse: u32,
    total: Total,
}

/// How far products and register together reach, in units of the last place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Total {
    /// Within integers of 32 bits.
    Single,
    /// The products are.
    Wider,
}

/// Products are multiples of 2 to this power at least, in lanes of `f32`.
const LEAST_PRODUCT: f64 = 1.0 / (1u64 << 48) as f64;
/// The least exponent of a register that is not zero; where all addends are zero, any will do.
const LEAST: i8 = -75;
/// The exponent of an `f32`.
const POWER: u32 = 0x7f80_0000;
/// The bits of two powers of two whose product is 1 add up to this.
const ONE: u32 = 254 << 23;

impl ShortPlan {
    /// For addends that are cut to `aligned_bits`, of sums that are 32-bit integers, and a register of `fraction_bits` and the
    /// exponents of `f32`, that starts from zero or from multiples of 2^-75 below 2^100. Of addends that are such
    /// multiples, every sum is one, cut or not; so no unit lies below 2^-102.
    ///
    /// `None` where a zero register would count for more than the least product.
    pub(in crate::kernels::float) fn new(
        aligned: AlignedPlan,
        aligned_bits: u32,
        fraction_bits: u32,
    ) -> Option<Self> {
        let cut = 23u32.checked_sub(fraction_bits)?;
        let near = match aligned.zeros {
            Zeros::Ignored => true,
            Zeros::At(power) => power <= LEAST_PRODUCT,
        };
        let fits = near && aligned_bits <= 27 && aligned.least >= LEAST_PRODUCT;
        // A product lies below 4 of the largest power of two, the register below 2.
        let single = 4 * aligned.width + 2 <= 1 << (31 - aligned_bits.min(27));
        fits.then(|| Self {
            aligned,
            keep: u32::MAX << cut,
            inverse: ONE + (aligned_bits << 23),
            total: if single { Total::Single } else { Total::Wider },
        })
    }
}

/// A tile of [`MR`] by [`VECTORS`] vectors.
pub(in crate::kernels::float) struct ShortTile<'a, L> {
    pub(in crate::kernels::float) lanes: L,
    pub(in crate::kernels::float) plan: ShortPlan,
    pub(in crate::kernels::float) a: &'a ShortPanels<u32>,
    pub(in crate::kernels::float) b: &'a ShortPanels<i8>,
    pub(in crate::kernels::float) block: usize,
    pub(in crate::kernels::float) panel: usize,
}

/// A vector of each row.
type Column<V> = [V; MR];

impl<L: AlignLanes> InnerStage for ShortTile<'_, L> {
    #[inline(always)]
    fn sum(&self, k: Range<usize>, registers: &mut [f64]) {
        let lanes = self.lanes;
        match self.plan.total {
            Total::Single => self.stepped(k, registers, |sum, own| lanes.whole_zero(sum, own)),
            Total::Wider => self.stepped(k, registers, |sum, own| lanes.wider_zero(sum, own)),
        }
    }
}

impl<L: AlignLanes> ShortTile<'_, L> {
    /// `total` is what [`AlignLanes::whole_zero`] is.
    #[inline(always)]
    fn stepped(
        &self,
        k: Range<usize>,
        registers: &mut [f64],
        total: impl Fn(L::V, L::V) -> L::V + Copy,
    ) {
        // As many vectors at a time as there are registers for, with their sums.
        if const { L::REGISTERS.are_many() } {
            self.columns::<2>(k, registers, total);
        } else {
            self.columns::<1>(k, registers, total);
        }
    }

    #[inline(always)]
    fn columns<const V: usize>(
        &self,
        k: Range<usize>,
        registers: &mut [f64],
        total: impl Fn(L::V, L::V) -> L::V + Copy,
    ) {
        const { assert!(VECTORS.is_multiple_of(V)) };
        let mut own = self.load(registers);
        let step = self.plan.aligned.width;
        let width = VECTORS * L::N;
        let a = self.a.values(self.block, k.clone()).as_chunks::<MR>().0;
        let b = self.b.values(self.panel, k.clone());
        let a_exponents = self.a.exponents(self.block, k.clone()).as_chunks::<MR>().0;
        let b_exponents = cast_slice(self.b.exponents(self.panel, k));
        let values = a.chunks(step).zip(b.chunks(step * width));
        let exponents = a_exponents.chunks(step).zip(b_exponents.chunks(step * L::N));
        for ((a, b), (a_exponents, b_exponents)) in values.zip(exponents) {
            let mut inverse = self.inverses(&own, a_exponents, b_exponents);
            let columns = own.as_chunks_mut::<V>().0.iter_mut();
            for (index, (own, inverse)) in columns.zip(inverse.as_chunks_mut::<V>().0).enumerate() {
                let sums = self.sums(a, &b[index * V * L::N..], inverse);
                self.finish(own, &sums, inverse, total);
            }
        }
        self.store(&own, registers);
    }

    /// What takes the addends of a step to units of the last place.
    #[inline(always)]
    fn inverses(
        &self,
        own: &[Column<L::V>; VECTORS],
        a: &[[u32; MR]],
        b: &[f32],
    ) -> [Column<L::V>; VECTORS] {
        let lanes = self.lanes;
        let mut greatest = [self.bits(u32::from_ne_bytes([LEAST.cast_unsigned(); 4])); MR];
        for (a, b) in a.iter().zip(b.chunks_exact(L::N)) {
            let right = lanes.load(b);
            for (greatest, &a) in greatest.iter_mut().zip(a) {
                *greatest = lanes.greatest_sums(*greatest, self.bits(a), right);
            }
        }
        let (power, inverse) = (self.bits(POWER), self.bits(self.plan.inverse));
        let mut inverses = [[power; MR]; VECTORS];
        for row in 0..MR {
            let largest = lanes.powers(greatest[row]);
            for v in 0..VECTORS {
                let power = lanes.max(largest[v], lanes.and(own[v][row], power));
                inverses[v][row] = lanes.sub_bits(inverse, power);
            }
        }
        inverses
    }

    /// The sums of a step's products in units of the last place, as the bits of integers.
    #[inline(always)]
    fn sums<const V: usize>(
        &self,
        a: &[[f32; MR]],
        b: &[f32],
        inverse: &[Column<L::V>; V],
    ) -> [Column<L::V>; V] {
        let lanes = self.lanes;
        let mut sums = [[lanes.splat(0.0); MR]; V];
        for (a, b) in a.iter().zip(b.chunks(VECTORS * L::N)) {
            let b = &b[..V * L::N];
            for v in 0..V {
                let right = lanes.load(&b[v * L::N..]);
                for row in 0..MR {
                    // Products are exact, and zero wherever the inverse is more than they bear.
                    let product = lanes.mul(lanes.splat(a[row]), right);
                    let units = lanes.mul(product, inverse[v][row]);
                    sums[v][row] = lanes.add_whole(sums[v][row], units);
                }
            }
        }
        sums
    }

    /// The registers after a step.
    #[inline(always)]
    fn finish<const V: usize>(
        &self,
        own: &mut [Column<L::V>; V],
        sums: &[Column<L::V>; V],
        inverse: &[Column<L::V>; V],
        total: impl Fn(L::V, L::V) -> L::V,
    ) {
        let lanes = self.lanes;
        let (keep, one) = (self.bits(self.plan.keep), self.bits(ONE));
        for v in 0..V {
            for row in 0..MR {
                // Outputs that infinities or NaN enter are not these: for them, any bits will do.
                let units = lanes.mul(own[v][row], inverse[v][row]);
                let kept = lanes.and(total(sums[v][row], units), keep);
                own[v][row] = lanes.mul(kept, lanes.sub_bits(one, inverse[v][row]));
            }
        }
    }

    #[inline(always)]
    fn bits(&self, bits: u32) -> L::V {
        self.lanes.splat(f32::from_bits(bits))
    }

    #[inline(always)]
    fn load(&self, registers: &[f64]) -> [Column<L::V>; VECTORS] {
        let mut own = [[self.lanes.splat(0.0); MR]; VECTORS];
        let mut numbers = [0.0; MOST];
        for (index, registers) in registers.chunks_exact(L::N).enumerate() {
            for (number, register) in numbers.iter_mut().zip(registers) {
                *number = *register as f32;
            }
            own[index % VECTORS][index / VECTORS] = self.lanes.load(&numbers);
        }
        own
    }

    #[inline(always)]
    fn store(&self, own: &[Column<L::V>; VECTORS], registers: &mut [f64]) {
        let mut numbers = [0.0; MOST];
        for (index, registers) in registers.chunks_exact_mut(L::N).enumerate() {
            self.lanes.store(own[index % VECTORS][index / VECTORS], &mut numbers);
            for (number, register) in numbers.iter().zip(registers) {
                *register = f64::from(*number);
            }
        }
    }
}

/// Lanes of a vector, at most.
const MOST: usize = 16;
