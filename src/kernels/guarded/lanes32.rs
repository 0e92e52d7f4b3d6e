//! Registers of 17 bits and more, stepped in lanes of 32 whose ends are theirs: a step is one dot product that saturates.
//!
//! A register of `P` bits stands in its lane times `2^s` with `s = 32 - P`, as [in lanes of 16](super::lanes16), and so does
//! every product: codes and bytes are 16-bit integers times powers of two, and the other integer of their pair is zero.
//! Where a lane saturates at its upper end its `s` lowest bits become ones, which never reach the register's bits.

use std::hint::black_box;

use super::block::BLOCK_UNITS;
use super::open::{BlockSteps, OpenBlocks};
use crate::accumulate::RegisterOverflow;
use crate::kernels::operand::int8::{K_TILE, MR, NR};
use crate::kernels::operand::panels::load_vectors;
use crate::kernels::plan::stage::Lanes32Plan;
use crate::kernels::stages::statistics::StepStatistics;
use crate::simd::{ByteLanes, Vectorized, both};

/// A register of 17 bits or more, as vectors.
#[derive(Clone, Copy)]
pub(crate) struct Lanes32<V> {
    plan: Lanes32Plan,
    /// What codes are multiplied by.
    scale: V,
    /// 1, which the compiler does not know.
    one: V,
}

impl<V: Copy> Lanes32<V> {
    /// The register of `plan`.
    #[inline(always)]
    pub(crate) fn new<L: ByteLanes<V = V>>(lanes: L, plan: Lanes32Plan) -> Self {
        let scale = lanes.splat(both(1 << plan.broadcast));
        Self { plan, scale, one: lanes.splat(black_box(1)) }
    }
}

/// A step in lanes of 32 bits.
trait Step32<L: ByteLanes>: Copy {
    /// What the register keeps, of the sum that saturates and the one that wraps.
    fn kept(self, saturated: L::V, wrapped: L::V) -> L::V;
}

#[derive(Clone, Copy)]
struct SaturateLane;

#[derive(Clone, Copy)]
struct WrapLane;

impl<L: ByteLanes> Step32<L> for SaturateLane {
    #[inline(always)]
    fn kept(self, saturated: L::V, _: L::V) -> L::V {
        saturated
    }
}

impl<L: ByteLanes> Step32<L> for WrapLane {
    #[inline(always)]
    fn kept(self, _: L::V, wrapped: L::V) -> L::V {
        wrapped
    }
}

/// [`OpenBlocks`] that are stepped in lanes of 32 bits.
pub(crate) struct Blocks32<'a, L: ByteLanes, W, const R: usize, const V: usize> {
    pub(crate) lanes32: Lanes32<L::V>,
    pub(crate) open: OpenBlocks<'a, L, W, R, V>,
}

impl<L, W, const R: usize, const V: usize> Vectorized for Blocks32<'_, L, W, R, V>
where
    L: ByteLanes,
    W: StepStatistics<L>,
{
    /// How many blocks were stepped.
    type Output = usize;

    #[inline(always)]
    fn call(self) -> usize {
        let Self { lanes32, open } = self;
        match lanes32.plan.overflow {
            RegisterOverflow::Saturate => open.stepping(Steps32 { lanes32, step: SaturateLane }),
            RegisterOverflow::Wrap => open.stepping(Steps32 { lanes32, step: WrapLane }),
        }
    }
}

/// How they are stepped.
#[derive(Clone, Copy)]
struct Steps32<V, T> {
    lanes32: Lanes32<V>,
    step: T,
}

/// The low half of a word, and the high one.
const LOW: i32 = 0xffff;
const HIGH: i32 = !LOW;
/// The upper bytes of both.
const UPPER: i32 = both(0xff00u16.cast_signed());

impl<L: ByteLanes, T: Step32<L>> BlockSteps<L> for Steps32<L::V, T> {
    const EXTREMES: bool = false;
    // One row alone waits for its own sums.
    const FEW: usize = 1;
    const RUN: usize = 8;

    #[inline(always)]
    fn run<W, N, const P: usize, const R: usize, const V: usize>(
        self,
        open: &mut OpenBlocks<'_, L, W, R, V>,
        first: usize,
        blocks: usize,
    ) where
        W: StepStatistics<L>,
        N: StepStatistics<L>,
    {
        let Lanes32 { plan, scale, one } = self.lanes32;
        let (lanes, zero) = (open.lanes, open.lanes.splat(0));
        let (mut register, mut same) = ([[zero; V]; P], [[zero; V]; P]);
        for (to, from) in register.iter_mut().zip(&open.registers[first..]) {
            for (to, &from) in to.iter_mut().zip(from) {
                *to = lanes.shift_left(from, plan.shift);
            }
        }
        let mut steps = 0;
        let mut rest = open.blocks.split(blocks).0;
        while rest.products > 0 {
            let (block, next) = rest.split(1);
            rest = next;
            open.spread.fill(lanes, open.offset, block.a, scale, [LOW, LOW, HIGH, HIGH]);
            for (unit, b) in (0..BLOCK_UNITS).zip(block.b.chunks(NR)) {
                // Bytes 0 and 2, and bytes 1 and 3, at the top of the halves.
                let words = load_vectors::<L, V>(lanes, b);
                let mut columns = [words; 2];
                for (col, &words) in words.iter().enumerate() {
                    columns[0][col] = lanes.mul16(words, lanes.splat(both(1 << 8)));
                    columns[1][col] = lanes.and(words, lanes.splat(UPPER));
                    if plan.lanes < 8 {
                        for columns in &mut columns {
                            columns[col] = lanes.shift_right16(columns[col], 8 - plan.lanes);
                        }
                    }
                }
                // What fills up a block is products of zero, which change nothing and look as if the sum were held.
                for place in 0..K_TILE {
                    let a = &open.spread.0[place][unit * MR + first..][..P];
                    let b = columns[place % 2];
                    steps += 1;
                    for row in 0..P {
                        let a = lanes.splat(a[row]);
                        for col in 0..V {
                            let before = register[row][col];
                            let saturated = lanes.dot_saturating(before, a, b[col]);
                            let wrapped = lanes.dot(before, a, b[col]);
                            if N::VECTORS > 0 {
                                same[row][col] =
                                    lanes.add_same(same[row][col], one, saturated, wrapped);
                            }
                            register[row][col] = self.step.kept(saturated, wrapped);
                        }
                    }
                }
            }
        }
        for row in 0..P {
            for col in 0..V {
                open.registers[first + row][col] =
                    lanes.shift_right(register[row][col], plan.shift);
                let events = lanes.sub(lanes.splat(steps), same[row][col]);
                open.statistics[first + row][col].add(lanes, [zero, zero, events]);
            }
        }
    }
}
