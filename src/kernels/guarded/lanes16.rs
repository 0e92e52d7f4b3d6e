//! Registers of few bits, stepped in lanes of 16: twice as many outputs in a vector, and an addition that saturates.
//!
//! A register of `P` bits, and every product, stand in their lanes times `2^s` with `s = 16 - P`. So the ends of the
//! lane are the ends of the register: an addition of the machine that saturates, or wraps, is a step of a register that
//! does, and the two differ exactly where the sum leaves the range. Where a lane saturates at its upper end, its `s`
//! lowest bits become ones, and stay: products have zeros there. They never reach the register's bits,
//!
//! ```text
//! v 2^s + 2^s - 1 <= 2^15 - 1   exactly where   v <= 2^(P-1) - 1
//! v 2^s + 2^s - 1 >= -2^15      exactly where   v >= -2^(P-1)
//! ```
//! and are cut off at the end. Products must fit `P` bits for this. If they fit 16 bits at least, the register stands as it
//! is: the machine's addition saturates at 16 bits, and what it gives is then cut to the range. That is a step, since a
//! range of fewer bits lies within that of 16. With all `P` bits of 16 there is nothing to cut, and products that fit 16
//! bits fit `P`.

use std::hint::black_box;

use super::block::{BLOCK, BLOCK_UNITS};
use super::open::{BlockSteps, OpenBlocks};
use super::reach::{PART_UNITS, Registers, Shown};
use crate::accumulate::RegisterOverflow;
use crate::kernels::byte_dots::PairRun;
use crate::kernels::operand::int8::{K_TILE, MR, NR};
use crate::kernels::operand::panels::load_vectors;
use crate::kernels::plan::stage::{Lanes16Form, Lanes16Plan};
use crate::kernels::stages::overflow::{Saturate, Wrap};
use crate::kernels::stages::statistics::StepStatistics;
use crate::simd::{ByteLanes, Vectorized, both};

/// A register of at most 16 bits, as vectors.
#[derive(Clone, Copy)]
pub(crate) struct Lanes16<V> {
    register: Register16<V>,
    /// The places that values are shifted up by.
    shift: u32,
    /// What they are multiplied by for that.
    scale: V,
    /// 1, which the compiler does not know: of a known one it makes an addition under a mask into two instructions.
    one: V,
}

#[derive(Clone, Copy)]
enum Register16<V> {
    /// Saturates where a lane does.
    Saturate,
    /// Wraps where a lane does.
    Wrap,
    /// Saturates within a lane.
    SaturateWithin(Saturate<V>),
    /// Wraps within a lane.
    WrapWithin(Wrap<V>),
}

impl<V: Copy> Lanes16<V> {
    /// The register of `plan`.
    #[inline(always)]
    pub(crate) fn new<L: ByteLanes<V = V>>(lanes: L, plan: Lanes16Plan) -> Self {
        let splat = |x: i32| lanes.splat(both(x as i16));
        let Lanes16Plan { overflow, bits, form } = plan;
        let (register, shift) = match (overflow, form) {
            (RegisterOverflow::Saturate, Lanes16Form::Scaled) => (Register16::Saturate, 16 - bits),
            (RegisterOverflow::Wrap, Lanes16Form::Scaled) => (Register16::Wrap, 16 - bits),
            (RegisterOverflow::Saturate, Lanes16Form::Within) => {
                let half = 1 << (bits - 1);
                let saturate = Saturate { low: splat(-half), high: splat(half - 1) };
                (Register16::SaturateWithin(saturate), 0)
            }
            (RegisterOverflow::Wrap, Lanes16Form::Within) => {
                let (mask, sign) = (splat((1 << bits) - 1), splat(1 << (bits - 1)));
                (Register16::WrapWithin(Wrap { mask, sign }), 0)
            }
        };
        Self { register, shift, scale: splat(1 << shift), one: splat(black_box(1)) }
    }

    /// What is worth a look before a block is stepped.
    #[inline(always)]
    pub(crate) fn look<L: ByteLanes<V = V>, W: StepStatistics<L>>(&self, run: PairRun) -> Look {
        let in_one = matches!(self.register, Register16::Saturate | Register16::Wrap);
        if L::DOTS_BYTES || W::VECTORS > 0 || !in_one {
            Look::Bounds
        } else if run.steps::<L>().is_some() {
            Look::Norms
        } else {
            Look::Nowhere
        }
    }
}

/// Which bounds of a block take less time than its steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// None: not even its sum does.
    Nowhere,
    /// The [norm bound](super::norm_bound), and the sum where that holds.
    Norms,
    /// The [block bound](super::block_bound) too.
    Bounds,
}

/// A step in lanes of 16 bits.
trait Step16<L: ByteLanes>: Copy {
    /// What the register keeps of `register + product`, and something that differs from it exactly where it does not hold
    /// the sum.
    fn step(self, lanes: L, register: L::V, product: L::V) -> [L::V; 2];
}

/// [`Register16::Saturate`]
#[derive(Clone, Copy)]
struct SaturateLane;

/// [`Register16::Wrap`]
#[derive(Clone, Copy)]
struct WrapLane;

impl<L: ByteLanes> Step16<L> for SaturateLane {
    #[inline(always)]
    fn step(self, lanes: L, register: L::V, product: L::V) -> [L::V; 2] {
        [lanes.add_saturating16(register, product), lanes.add16(register, product)]
    }
}

impl<L: ByteLanes> Step16<L> for WrapLane {
    #[inline(always)]
    fn step(self, lanes: L, register: L::V, product: L::V) -> [L::V; 2] {
        [lanes.add16(register, product), lanes.add_saturating16(register, product)]
    }
}

impl<L: ByteLanes> Step16<L> for Saturate<L::V> {
    #[inline(always)]
    fn step(self, lanes: L, register: L::V, product: L::V) -> [L::V; 2] {
        let sum = lanes.add_saturating16(register, product);
        [lanes.min16(lanes.max16(sum, self.low), self.high), sum]
    }
}

impl<L: ByteLanes> Step16<L> for Wrap<L::V> {
    #[inline(always)]
    fn step(self, lanes: L, register: L::V, product: L::V) -> [L::V; 2] {
        // A sum beyond 16 bits is less than 2^14 + 2^15 from zero: 2^16 away, it is still outside of 15 bits.
        let sum = lanes.add16(register, product);
        [lanes.wrap16(sum, self.mask, self.sign), sum]
    }
}

/// [`OpenBlocks`] that are stepped in lanes of 16 bits.
pub(crate) struct Blocks16<'a, L: ByteLanes, W, const R: usize, const V: usize> {
    pub(crate) lanes16: Lanes16<L::V>,
    pub(crate) open: OpenBlocks<'a, L, W, R, V>,
}

impl<L, W, const R: usize, const V: usize> Vectorized for Blocks16<'_, L, W, R, V>
where
    L: ByteLanes,
    W: StepStatistics<L>,
{
    /// How many blocks were stepped.
    type Output = usize;

    #[inline(always)]
    fn call(self) -> usize {
        // A vector of 16-bit lanes is two of 32-bit ones.
        const { assert!(V == 2) };
        let Self { lanes16, open } = self;
        match lanes16.register {
            Register16::Saturate => open.stepping(Steps16 { lanes16, step: SaturateLane }),
            Register16::Wrap => open.stepping(Steps16 { lanes16, step: WrapLane }),
            Register16::SaturateWithin(step) => open.stepping(Steps16 { lanes16, step }),
            Register16::WrapWithin(step) => open.stepping(Steps16 { lanes16, step }),
        }
    }
}

/// How they are stepped.
#[derive(Clone, Copy)]
struct Steps16<V, T> {
    lanes16: Lanes16<V>,
    step: T,
}

impl<L: ByteLanes, T: Step16<L>> BlockSteps<L> for Steps16<L::V, T> {
    const FEW: usize = 2;
    // A step costs little more than a sum, so they are many. Counts are emptied in time.
    const RUN: usize = 16;

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
        const { assert!(<Self as BlockSteps<L>>::RUN * BLOCK <= i16::MAX as usize) };
        let Lanes16 { scale, shift, one, .. } = self.lanes16;
        let lanes = open.lanes;
        let zero = lanes.splat(0);
        let mut register = [zero; P];
        let mut same = [zero; P];
        let mut extremes = Extremes16::<L> { near: [zero; 2], beyond: [zero; 2] };
        for (register, pair) in register.iter_mut().zip(&open.registers[first..]) {
            *register = lanes.mul16(lanes.join_low(pair[0], pair[1]), scale);
        }
        let mut steps = 0;
        let mut rest = open.blocks.split(blocks).0;
        let mut index = open.index;
        while rest.products > 0 {
            let (block, next) = rest.split(1);
            rest = next;
            open.spread.fill(lanes, open.offset, block.a, scale, [-1; K_TILE]);
            let (reach, mut shown) = (open.seek.block(lanes.token(), index), Shown::ALL);
            for (unit, b) in (0..BLOCK_UNITS).zip(block.b.chunks(NR)) {
                if N::VECTORS > 1 && unit % PART_UNITS == 0 {
                    let rows = Rows { lanes, shift, registers: &register };
                    // What fills up a block is products of zero, which change nothing and look as if the sum were held;
                    // but extremes would take up what a register wrapped to.
                    let left = block.products.saturating_sub(unit * K_TILE);
                    shown = open.seek.shown(reach, unit / PART_UNITS, &rows).first(left);
                }
                let [even, odd] = load_vectors::<L, 2>(lanes, b);
                let [low, high] = [lanes.join_low(even, odd), lanes.join_high(even, odd)];
                let ([b0, b1], [b2, b3]) = (lanes.low_and_high(low), lanes.low_and_high(high));
                let columns = [b0, b1, b2, b3];
                steps += K_TILE;
                let codes = &open.spread.0;
                // Written out, so that every place has its constants.
                macro_rules! step {
                    ($place:literal) => {
                        Rows16 {
                            lanes,
                            a: &codes[$place][unit * MR + first..][..P],
                            b: columns[$place],
                            one,
                            shows: N::VECTORS > 1 && shown.at(unit % PART_UNITS * K_TILE + $place),
                            register: &mut register,
                            same: &mut same,
                            extremes: &mut extremes,
                        }
                        .step::<N, T>(self.step)
                    };
                }
                step!(0);
                step!(1);
                step!(2);
                step!(3);
            }
            index += 1;
        }
        let steps = lanes.splat(both(steps as i16));
        let [least, greatest] =
            if N::VECTORS > 1 { extremes.sums(lanes, shift) } else { [[zero; 2]; 2] };
        for row in 0..P {
            let kept = lanes.split(lanes.shift_right16(register[row], shift));
            let events = lanes.split(lanes.sub16(steps, same[row]));
            for half in 0..2 {
                open.registers[first + row][half] = kept[half];
                let totals = [least[half], greatest[half], events[half]];
                open.statistics[first + row][half].add(lanes, totals);
            }
        }
    }
}

/// One step of all rows.
struct Rows16<'a, L: ByteLanes, const P: usize> {
    lanes: L,
    a: &'a [i32],
    b: L::V,
    one: L::V,
    shows: bool,
    register: &'a mut [L::V; P],
    same: &'a mut [L::V; P],
    extremes: &'a mut Extremes16<L>,
}

impl<L: ByteLanes, const P: usize> Rows16<'_, L, P> {
    #[inline(always)]
    fn step<N: StepStatistics<L>, T: Step16<L>>(self, step: T) {
        if N::VECTORS > 1 && self.shows {
            self.all::<N, T, true>(step);
        } else {
            self.all::<N, T, false>(step);
        }
    }

    #[inline(always)]
    fn all<N: StepStatistics<L>, T: Step16<L>, const SHOWS: bool>(self, step: T) {
        let Self { lanes, a, b, one, register, same, extremes, .. } = self;
        for row in 0..P {
            let product = lanes.mul16(lanes.splat(a[row]), b);
            let [kept, other] = step.step(lanes, register[row], product);
            if N::VECTORS > 0 {
                same[row] = lanes.add_same16(same[row], one, kept, other);
            }
            if SHOWS {
                extremes.record(lanes, register[row], product);
            }
            register[row] = kept;
        }
    }
}

/// The rows' registers, times `2^shift`.
struct Rows<'a, L: ByteLanes> {
    lanes: L,
    shift: u32,
    registers: &'a [L::V],
}

impl<L: ByteLanes> Rows<'_, L> {
    /// What the lane holds, as values.
    #[inline(always)]
    fn range(&self) -> (i32, i32) {
        (i32::from(i16::MIN) >> self.shift, i32::from(i16::MAX) >> self.shift)
    }
}

impl<L: ByteLanes> Registers for Rows<'_, L> {
    #[inline(always)]
    fn above(&self, value: i32) -> bool {
        let Self { lanes, shift, registers } = *self;
        let (low, high) = self.range();
        let mut greatest = registers[0];
        for &register in registers {
            greatest = lanes.max16(greatest, register);
        }
        let limit = (value.clamp(low, high) << shift) + (1 << shift) - 1;
        value < low || lanes.any_greater16(greatest, lanes.splat(both(limit as i16)))
    }

    #[inline(always)]
    fn below(&self, value: i32) -> bool {
        let Self { lanes, shift, registers } = *self;
        let (low, high) = self.range();
        let mut least = registers[0];
        for &register in registers {
            least = lanes.min16(least, register);
        }
        let limit = value.clamp(low, high) << shift;
        value > high || lanes.any_greater16(lanes.splat(both(limit as i16)), least)
    }
}

/// The least and greatest sums of all rows, in two parts that fit a lane: the nearest value that it can have, and how far
/// beyond that the sum lies, which is no more than the product. Where a sum lies beyond, the nearest value is an end of the
/// lane's range; so the greatest sum is the greatest nearest value and the greatest distance. A report tells the extremes of
/// all outputs together, so rows may share theirs.
struct Extremes16<L: ByteLanes> {
    near: [L::V; 2],
    beyond: [L::V; 2],
}

impl<L: ByteLanes> Extremes16<L> {
    #[inline(always)]
    fn record(&mut self, lanes: L, register: L::V, product: L::V) {
        let near = lanes.add_saturating16(register, product);
        let beyond = lanes.sub16(lanes.add16(register, product), near);
        self.near = [lanes.min16(self.near[0], near), lanes.max16(self.near[1], near)];
        self.beyond = [lanes.min16(self.beyond[0], beyond), lanes.max16(self.beyond[1], beyond)];
    }

    /// The least and greatest sums of the even and the odd lanes, which stand there times `2^shift`.
    #[inline(always)]
    fn sums(self, lanes: L, shift: u32) -> [[L::V; 2]; 2] {
        // A distance above the range begins at the lane's end, which is `2^shift - 1` above a multiple of `2^shift`; the sum
        // may or may not lie as far above one. Rounded up, it is the same.
        let ones = lanes.splat(both((1i32 << shift) as i16 - 1));
        let beyond = [self.beyond[0], lanes.add16(self.beyond[1], ones)];
        let mut sums = [[lanes.splat(0); 2]; 2];
        for end in 0..2 {
            let near = lanes.split(lanes.shift_right16(self.near[end], shift));
            let beyond = lanes.split(lanes.shift_right16(beyond[end], shift));
            sums[end] = [lanes.add(near[0], beyond[0]), lanes.add(near[1], beyond[1])];
        }
        sums
    }
}
