//! Aligned steps whose register is rounded toward zero to no more digits than `f32`, and stays well within its exponents:
//! all of a step is then single precision, and powers of two are sums of bits.

use std::ops::Range;

use bytemuck::{cast_slice, cast_slice_mut};

use super::aligned::{AlignedTile, Part, Short, Sums, VECTORS, Vectors};
use super::inner::MR;
use crate::simd::FloatLanes;

/// The outputs of a row of a tile, at most.
const MOST: usize = VECTORS * 16;
/// The exponent of an `f32`.
const POWER: u32 = 0x7f80_0000;
/// The bits of two powers of two whose product is 1 add up to this.
const ONE: u32 = 254 << 23;

impl<L: FloatLanes> AlignedTile<'_, L> {
    /// Sums the products of `k` into `registers`.
    #[inline(always)]
    pub(super) fn sum_short(&self, short: Short, k: Range<usize>, registers: &mut [f64]) {
        const { assert!(VECTORS * L::N <= MOST) };
        let width = VECTORS * L::N;
        let mut own = [[0f32; MOST]; MR];
        for (own, registers) in own.iter_mut().zip(registers.chunks_exact(width)) {
            for (own, register) in own.iter_mut().zip(registers) {
                *own = *register as f32;
            }
        }
        let a = Part::of(self.a, self.block, k.clone());
        let b = Part::of(self.b, self.panel, k);
        let mut powers = [0u32; MOST];
        for (a, b) in a.steps(self.plan.width).zip(b.steps(self.plan.width)) {
            for (row, own) in own.iter_mut().enumerate() {
                let own = &mut own[..width];
                let powers = &mut powers[..width];
                let inverse = self.short_inverses(short, &self.largest(row, a, b), own, powers);
                let sums = self.whole_sums(row, a, b, &inverse);
                self.finish_short(short, &sums, own, powers);
            }
        }
        for (own, registers) in own.iter().zip(registers.chunks_exact_mut(width)) {
            for (own, register) in own.iter().zip(registers) {
                *register = f64::from(*own);
            }
        }
    }

    /// The bits of every output's largest exponent, and what takes its products to units of the last place.
    #[inline(always)]
    fn short_inverses(
        &self,
        short: Short,
        largest: &Vectors<L>,
        own: &[f32],
        powers: &mut [u32],
    ) -> Vectors<L> {
        self.store(largest, cast_slice_mut(powers));
        let mut inverse = [0u32; MOST];
        let inverse = &mut inverse[..own.len()];
        for ((power, own), inverse) in powers.iter_mut().zip(own).zip(&mut *inverse) {
            let largest = (own.to_bits() & POWER).max(*power);
            // Where all addends are zero, any unit will do.
            *power = if largest == 0 { ONE / 2 } else { largest };
            *inverse = (ONE + short.scale).wrapping_sub(short.least.max(*power));
        }
        self.load(cast_slice(inverse))
    }

    /// The registers after a step.
    #[inline(always)]
    fn finish_short(&self, short: Short, sums: &Vectors<L>, own: &mut [f32], powers: &[u32]) {
        let mut all = [0f32; MOST];
        let all = &mut all[..own.len()];
        self.store(sums, cast_slice_mut(all));
        let outputs = own.iter_mut().zip(&*all).zip(powers);
        // Outputs that infinities or NaN enter are not these: for them, any bits will do.
        let units = |own: f32, power: u32| {
            (own * f32::from_bits((ONE + short.scale).wrapping_sub(power))).trunc()
        };
        let kept = |total: u32, power: u32| {
            f32::from_bits(total & short.keep) * f32::from_bits(power.wrapping_sub(short.scale))
        };
        match self.plan.sums {
            Sums::Numbers => {
                for ((own, sum), &power) in outputs {
                    *own = kept((sum + units(*own, power)).to_bits(), power);
                }
            }
            Sums::Whole => {
                for ((own, sum), &power) in outputs {
                    let products = f64::from(sum.to_bits().cast_signed());
                    let total = products + f64::from(units(*own, power));
                    let nearest = total as f32;
                    let beyond = f64::from(nearest).abs() > total.abs();
                    *own = kept(nearest.to_bits() - u32::from(beyond), power);
                }
            }
        }
    }
}
