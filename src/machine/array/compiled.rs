//! The loop over lanes, compiled for the running CPU.

#[cfg(feature = "kernels")]
use crate::simd::{Detected, Vectorized};

/// Lanes of a block: the columns of a row are cut into such, the last one padded.
pub(super) const BLOCK: usize = 16;

/// What a register does outside its range, as constants of a lane.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fit {
    /// To the nearest end.
    Clamp {
        /// The least value.
        low: i32,
        /// The greatest value.
        high: i32,
    },
    /// `((sum & mask) ^ sign) - sign`
    Wrap {
        /// The bits that stay.
        mask: i32,
        /// The top one of them.
        sign: i32,
    },
}

/// One step of every register, and where each register's product comes from.
pub(super) struct StepAll<'a> {
    pub(super) fit: Fit,
    pub(super) registers: &'a mut [[i32; BLOCK]],
    pub(super) events: &'a mut [[u32; BLOCK]],
    pub(super) products: Products<'a>,
}

/// The products of a step, in blocks.
#[derive(Clone, Copy)]
pub(super) enum Products<'a> {
    /// `a[i] b[j]`: a factor per row of registers, and the blocks of the factors of columns.
    Outer(&'a [i32], &'a [[i32; BLOCK]]),
    /// A product per register.
    Each(&'a [[i32; BLOCK]]),
}

impl StepAll<'_> {
    #[inline(always)]
    fn run(self) {
        match self.fit {
            Fit::Clamp { low, high } => self.with(|sum: i32| sum.clamp(low, high)),
            Fit::Wrap { mask, sign } => self.with(|sum: i32| ((sum & mask) ^ sign) - sign),
        }
    }

    #[inline(always)]
    fn with(self, fit: impl Fn(i32) -> i32 + Copy) {
        let Self { registers, events, products, .. } = self;
        match products {
            Products::Outer(a, b) => {
                let rows = registers.chunks_exact_mut(b.len().max(1));
                let events = events.chunks_exact_mut(b.len().max(1));
                for ((registers, events), &a) in rows.zip(events).zip(a) {
                    for ((registers, events), b) in registers.iter_mut().zip(events).zip(b) {
                        step(registers, events, |lane| a * b[lane], fit);
                    }
                }
            }
            Products::Each(products) => {
                for ((registers, events), products) in
                    registers.iter_mut().zip(events).zip(products)
                {
                    step(registers, events, |lane| products[lane], fit);
                }
            }
        }
    }
}

#[inline(always)]
fn step(
    registers: &mut [i32; BLOCK],
    events: &mut [u32; BLOCK],
    product: impl Fn(usize) -> i32,
    fit: impl Fn(i32) -> i32,
) {
    for lane in 0..BLOCK {
        // At most 2^29 and 2^30.
        let sum = registers[lane] + product(lane);
        let after = fit(sum);
        events[lane] += u32::from(after != sum);
        registers[lane] = after;
    }
}

/// The widest instructions that there are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Compiled {
    #[cfg(feature = "kernels")]
    isa: Detected,
}

impl Compiled {
    pub(super) fn best() -> Self {
        Self {
            #[cfg(feature = "kernels")]
            isa: Detected::best(),
        }
    }

    #[cfg(feature = "kernels")]
    pub(super) fn run(self, step: StepAll<'_>) {
        self.isa.vectorize(step);
    }

    #[cfg(not(feature = "kernels"))]
    pub(super) fn run(self, step: StepAll<'_>) {
        step.run();
    }
}

#[cfg(feature = "kernels")]
impl Vectorized for StepAll<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        self.run();
    }
}
