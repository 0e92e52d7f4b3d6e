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

use super::block::{BLOCK, BLOCK_UNITS, Block, Grid};
use super::block_bound::{BlockBound, Limits};
use crate::accumulate::RegisterOverflow;
use crate::kernels::operand::int8::{K_TILE, MR, NR};
use crate::kernels::operand::panels::load_vectors;
use crate::kernels::plan::stage::{Lanes16Form, Lanes16Plan};
use crate::kernels::stages::overflow::{Saturate, Wrap};
use crate::kernels::stages::statistics::{Events, StepStatistics};
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

    /// Whether a block is stepped in less time than it takes to find out whether it has to be.
    #[inline(always)]
    pub(crate) fn costs_less<L: ByteLanes<V = V>, W: StepStatistics<L>>(&self) -> bool {
        let in_one = matches!(self.register, Register16::Saturate | Register16::Wrap);
        !L::DOTS_BYTES && W::VECTORS == 0 && in_one
    }
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

/// The broadcast codes of a block: by place in a word, each in both halves of a word of its own.
pub(crate) struct Spread([[i32; BLOCK_UNITS * MR]; K_TILE]);

impl Spread {
    /// Codes of no block yet.
    pub(crate) const ZERO: Self = Self([[0; BLOCK_UNITS * MR]; K_TILE]);

    /// Those of `words`, times `scale`.
    #[inline(always)]
    fn fill<L: ByteLanes>(&mut self, lanes: L, offset: i32, words: &[i32], scale: L::V) {
        const { assert!((BLOCK_UNITS * MR).is_multiple_of(L::N) && L::N <= 16) };
        let offsets = lanes.splat(both(offset as i16));
        for (at, words) in (0..).step_by(L::N).zip(words.chunks(L::N)) {
            let words = if words.len() == L::N {
                lanes.load(words)
            } else {
                let mut filled = [0; 16];
                filled[..words.len()].copy_from_slice(words);
                lanes.load(&filled)
            };
            for (place, to) in self.0.iter_mut().enumerate() {
                let bytes = lanes.spread(words, place);
                let codes = if offset == 0 { bytes } else { lanes.add16(bytes, offsets) };
                lanes.store(lanes.mul16(codes, scale), &mut to[at..]);
            }
        }
    }
}

/// What the steps of a register may show that is not known yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sought {
    /// Events: no sum can lie beyond the extremes so far.
    Events,
    /// All statistics that are collected.
    ExtremesAndEvents,
}

/// Blocks of which the first may overflow.
pub(crate) struct Blocks16<'a, L: ByteLanes, W, const R: usize, const V: usize> {
    pub(crate) lanes: L,
    /// What a broadcast code exceeds its byte by. Not a constant: its place is outside of the loop over steps.
    pub(crate) offset: i32,
    pub(crate) lanes16: Lanes16<L::V>,
    pub(crate) limits: Limits<L::V>,
    pub(crate) blocks: Block<'a>,
    /// What is known of the first; nothing, where all of it is stepped.
    pub(crate) sums: Option<BlockBound<L::V, R, V>>,
    pub(crate) registers: &'a mut Grid<L::V, R, V>,
    pub(crate) statistics: &'a mut Grid<W, R, V>,
    pub(crate) spread: &'a mut Spread,
    /// Blocks that are still stepped without a look at their bounds.
    pub(crate) to_step: &'a mut usize,
    pub(crate) sought: Sought,
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
        match self.lanes16.register {
            Register16::Saturate => self.stepping(SaturateLane),
            Register16::Wrap => self.stepping(WrapLane),
            Register16::SaturateWithin(saturate) => self.stepping(saturate),
            Register16::WrapWithin(wrap) => self.stepping(wrap),
        }
    }
}

impl<L, W, const R: usize, const V: usize> Blocks16<'_, L, W, R, V>
where
    L: ByteLanes,
    W: StepStatistics<L>,
{
    /// More rows than this are stepped together with all others, which costs little more.
    const FEW: usize = 2;
    /// Blocks that are stepped in a row where most of the first has to be. A step costs little more than a sum, so they are
    /// many.
    const STEPPED_RUN: usize = 16;

    #[inline(always)]
    fn stepping<T: Step16<L>>(mut self, step: T) -> usize {
        // A vector of 16-bit lanes is two of 32-bit ones. Counts are emptied in time.
        const { assert!(V == 2 && Self::STEPPED_RUN * BLOCK <= i16::MAX as usize) };
        if let Some(sums) = self.sums {
            let mut open = [true; R];
            for (row, open) in open.iter_mut().enumerate() {
                let one = BlockBound { ends: [sums.ends[row]], spreads: [sums.spreads[row]] };
                *open = !self.limits.hold(self.lanes, &[self.registers[row]], &one);
            }
            if open.iter().filter(|&&open| open).count() <= Self::FEW {
                for (row, open) in open.into_iter().enumerate() {
                    if open {
                        self.run::<T, W, 1>(step, row, 1);
                    } else {
                        self.registers[row] = sums.ends[row];
                    }
                }
                return 1;
            }
        }
        if *self.to_step == 0 {
            *self.to_step = Self::STEPPED_RUN;
        }
        let blocks = self.blocks.products.div_ceil(BLOCK).min(*self.to_step);
        *self.to_step -= blocks;
        if const { W::VECTORS > 1 } && self.sought == Sought::Events {
            self.run::<T, Events<L::V>, R>(step, 0, blocks);
        } else {
            self.run::<T, W, R>(step, 0, blocks);
        }
        blocks
    }

    /// `P` rows from `first` on through so many blocks, with the statistics `N`.
    #[inline(always)]
    fn run<T: Step16<L>, N: StepStatistics<L>, const P: usize>(
        &mut self,
        step: T,
        first: usize,
        blocks: usize,
    ) {
        let Self { lanes, offset, lanes16: Lanes16 { scale, shift, one, .. }, .. } = *self;
        let zero = lanes.splat(0);
        let mut register = [zero; P];
        let mut same = [zero; P];
        let mut extremes = Extremes16::<L> { near: [zero; 2], beyond: [zero; 2] };
        for (register, pair) in register.iter_mut().zip(&self.registers[first..]) {
            *register = lanes.mul16(lanes.join_low(pair[0], pair[1]), scale);
        }
        let mut steps = 0;
        let mut rest = self.blocks.split(blocks).0;
        while rest.products > 0 {
            let (block, next) = rest.split(1);
            rest = next;
            self.spread.fill(lanes, offset, block.a, scale);
            let mut left = block.products;
            for (unit, b) in (0..BLOCK_UNITS).zip(block.b.chunks(NR)) {
                let [even, odd] = load_vectors::<L, 2>(lanes, b);
                let [low, high] = [lanes.join_low(even, odd), lanes.join_high(even, odd)];
                let ([b0, b1], [b2, b3]) = (lanes.low_and_high(low), lanes.low_and_high(high));
                for (a, b) in self.spread.0.iter().zip([b0, b1, b2, b3]) {
                    // Padding is products of zero, which change nothing. But extremes would take up what a register
                    // wrapped to.
                    if N::VECTORS > 1 {
                        if left == 0 {
                            break;
                        }
                        left -= 1;
                    }
                    steps += 1;
                    let a = &a[unit * MR + first..][..P];
                    for row in 0..P {
                        let product = lanes.mul16(lanes.splat(a[row]), b);
                        let [kept, other] = step.step(lanes, register[row], product);
                        if N::VECTORS > 0 {
                            same[row] = lanes.add_same16(same[row], one, kept, other);
                        }
                        if N::VECTORS > 1 {
                            extremes.record(lanes, register[row], product);
                        }
                        register[row] = kept;
                    }
                }
            }
        }
        let steps = lanes.splat(both(steps as i16));
        let [least, greatest] =
            if N::VECTORS > 1 { extremes.sums(lanes, shift) } else { [[zero; 2]; 2] };
        for row in 0..P {
            let kept = lanes.split(lanes.shift_right16(register[row], shift));
            let events = lanes.split(lanes.sub16(steps, same[row]));
            for half in 0..2 {
                self.registers[first + row][half] = kept[half];
                let totals = [least[half], greatest[half], events[half]];
                self.statistics[first + row][half].add(lanes, totals);
            }
        }
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
