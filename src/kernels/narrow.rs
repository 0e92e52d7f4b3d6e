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

use super::bounded::{BlockSums, BroadcastCodes, Grid, columns};
use super::guarded::{BLOCK, BLOCK_UNITS, Block, Limits};
use super::plan::{NarrowForm, StageRegister};
use super::quads::{HEIGHT, TAKES, WIDTH};
use super::tile::{Clamp, Events, Watch, Wrap};
use crate::simd::{ByteLanes, Call, both};

/// A register of at most 16 bits, as vectors.
#[derive(Clone, Copy)]
pub(super) struct Narrow<V> {
    register: NarrowRegister<V>,
    /// The places that values are shifted up by.
    shift: u32,
    /// What they are multiplied by for that.
    scale: V,
    /// 1, which the compiler does not know: of a known one it makes an addition under a mask into two instructions.
    one: V,
}

#[derive(Clone, Copy)]
enum NarrowRegister<V> {
    /// Saturates where a lane does.
    Saturate,
    /// Wraps where a lane does.
    Wrap,
    /// Saturates within a lane.
    SaturateWithin(Clamp<V>),
    /// Wraps within a lane.
    WrapWithin(Wrap<V>),
}

impl<V: Copy> Narrow<V> {
    /// `None` for a register that holds every sum.
    #[inline(always)]
    pub(super) fn new<L: ByteLanes<V = V>>(
        lanes: L,
        register: StageRegister,
        form: NarrowForm,
    ) -> Option<Self> {
        let splat = |x: i32| lanes.splat(both(x as i16));
        let (register, shift) = match (register, form) {
            (StageRegister::Keep, _) => return None,
            (StageRegister::Saturate { bits }, NarrowForm::Scaled) => {
                (NarrowRegister::Saturate, 16 - bits)
            }
            (StageRegister::Wrap { bits }, NarrowForm::Scaled) => (NarrowRegister::Wrap, 16 - bits),
            (StageRegister::Saturate { bits }, NarrowForm::Within) => {
                let half = 1 << (bits - 1);
                let clamp = Clamp { low: splat(-half), high: splat(half - 1) };
                (NarrowRegister::SaturateWithin(clamp), 0)
            }
            (StageRegister::Wrap { bits }, NarrowForm::Within) => {
                let (mask, sign) = (splat((1 << bits) - 1), splat(1 << (bits - 1)));
                (NarrowRegister::WrapWithin(Wrap { mask, sign }), 0)
            }
        };
        Some(Self { register, shift, scale: splat(1 << shift), one: splat(black_box(1)) })
    }

    /// Whether a block is stepped in less time than it takes to find out whether it has to be.
    #[inline(always)]
    pub(super) fn costs_less<L: ByteLanes<V = V>, W: Watch<L>>(&self) -> bool {
        let in_one = matches!(self.register, NarrowRegister::Saturate | NarrowRegister::Wrap);
        !L::DOTS_BYTES && W::VECTORS == 0 && in_one
    }
}

/// A step in lanes of 16 bits.
trait NarrowStep<L: ByteLanes>: Copy {
    /// What the register keeps of `register + product`, and something that differs from it exactly where it does not hold
    /// the sum.
    fn step(self, lanes: L, register: L::V, product: L::V) -> [L::V; 2];
}

/// [`NarrowRegister::Saturate`]
#[derive(Clone, Copy)]
struct Saturate;

/// [`NarrowRegister::Wrap`]
#[derive(Clone, Copy)]
struct WrapAround;

impl<L: ByteLanes> NarrowStep<L> for Saturate {
    #[inline(always)]
    fn step(self, lanes: L, register: L::V, product: L::V) -> [L::V; 2] {
        [lanes.add_saturating16(register, product), lanes.add16(register, product)]
    }
}

impl<L: ByteLanes> NarrowStep<L> for WrapAround {
    #[inline(always)]
    fn step(self, lanes: L, register: L::V, product: L::V) -> [L::V; 2] {
        [lanes.add16(register, product), lanes.add_saturating16(register, product)]
    }
}

impl<L: ByteLanes> NarrowStep<L> for Clamp<L::V> {
    #[inline(always)]
    fn step(self, lanes: L, register: L::V, product: L::V) -> [L::V; 2] {
        let sum = lanes.add_saturating16(register, product);
        [lanes.min16(lanes.max16(sum, self.low), self.high), sum]
    }
}

impl<L: ByteLanes> NarrowStep<L> for Wrap<L::V> {
    #[inline(always)]
    fn step(self, lanes: L, register: L::V, product: L::V) -> [L::V; 2] {
        // A sum beyond 16 bits is less than 2^14 + 2^15 from zero: 2^16 away, it is still outside of 15 bits.
        let sum = lanes.add16(register, product);
        [lanes.wrap16(sum, self.mask, self.sign), sum]
    }
}

/// The broadcast codes of a block: by place of a word, each in both halves of a word of its own.
pub(super) struct Spread([[i32; BLOCK_UNITS * HEIGHT]; TAKES]);

impl Spread {
    /// Codes of no block yet.
    pub(super) const ZERO: Self = Self([[0; BLOCK_UNITS * HEIGHT]; TAKES]);

    /// Those of `words`, times `scale`.
    #[inline(always)]
    fn fill<L: ByteLanes, S: BroadcastCodes<L>>(
        &mut self,
        lanes: L,
        _: S,
        words: &[i32],
        scale: L::V,
    ) {
        const { assert!((BLOCK_UNITS * HEIGHT).is_multiple_of(L::N) && L::N <= 16) };
        let offset = lanes.splat(both(S::OFFSET as i16));
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
                let codes = if S::OFFSET == 0 { bytes } else { lanes.add16(bytes, offset) };
                lanes.store(lanes.mul16(codes, scale), &mut to[at..]);
            }
        }
    }
}

/// What the steps of a register may show that is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sought {
    /// Events: no sum can lie beyond the extremes so far.
    Events,
    /// Whatever is noted at all.
    Everything,
}

/// Blocks of which the first may overflow.
pub(super) struct NarrowBlocks<'a, L: ByteLanes, S, W, const R: usize, const V: usize> {
    pub(super) lanes: L,
    pub(super) codes: S,
    pub(super) narrow: Narrow<L::V>,
    pub(super) limits: Limits<L::V>,
    pub(super) blocks: Block<'a>,
    /// What is known of the first; nothing, where all of it is stepped.
    pub(super) sums: Option<BlockSums<L::V, R, V>>,
    pub(super) registers: &'a mut Grid<L::V, R, V>,
    pub(super) watches: &'a mut Grid<W, R, V>,
    pub(super) spread: &'a mut Spread,
    /// Blocks that are stepped without a look at their bounds.
    pub(super) unseen: &'a mut usize,
    pub(super) sought: Sought,
}

impl<L, S, W, const R: usize, const V: usize> Call for NarrowBlocks<'_, L, S, W, R, V>
where
    L: ByteLanes,
    S: BroadcastCodes<L>,
    W: Watch<L>,
{
    /// How many blocks were stepped.
    type Output = usize;

    #[inline(always)]
    fn call(self) -> usize {
        match self.narrow.register {
            NarrowRegister::Saturate => self.stepping(Saturate),
            NarrowRegister::Wrap => self.stepping(WrapAround),
            NarrowRegister::SaturateWithin(clamp) => self.stepping(clamp),
            NarrowRegister::WrapWithin(wrap) => self.stepping(wrap),
        }
    }
}

impl<L, S, W, const R: usize, const V: usize> NarrowBlocks<'_, L, S, W, R, V>
where
    L: ByteLanes,
    S: BroadcastCodes<L>,
    W: Watch<L>,
{
    /// More rows than this are stepped together with all others, which costs little more.
    const FEW: usize = 2;
    /// Blocks that are stepped in a row where most of the first has to be. A step costs little more than a sum, so they are
    /// many.
    const UNSEEN: usize = 16;

    #[inline(always)]
    fn stepping<T: NarrowStep<L>>(mut self, step: T) -> usize {
        // A vector of 16-bit lanes is two of 32-bit ones. Counts are emptied in time.
        const { assert!(V == 2 && Self::UNSEEN * BLOCK <= i16::MAX as usize) };
        if let Some(sums) = self.sums {
            let mut open = [true; R];
            for (row, open) in open.iter_mut().enumerate() {
                let one = BlockSums { ends: [sums.ends[row]], spreads: [sums.spreads[row]] };
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
        if *self.unseen == 0 {
            *self.unseen = Self::UNSEEN;
        }
        let blocks = self.blocks.products.div_ceil(BLOCK).min(*self.unseen);
        *self.unseen -= blocks;
        match self.sought {
            Sought::Events if W::VECTORS > 1 => self.run::<T, Events<L::V>, R>(step, 0, blocks),
            _ => self.run::<T, W, R>(step, 0, blocks),
        }
        blocks
    }

    /// `P` rows from `first` on through so many blocks, of which is noted what `N` notes.
    #[inline(always)]
    fn run<T: NarrowStep<L>, N: Watch<L>, const P: usize>(
        &mut self,
        step: T,
        first: usize,
        blocks: usize,
    ) {
        let Self { lanes, codes, narrow: Narrow { scale, shift, one, .. }, .. } = *self;
        let zero = lanes.splat(0);
        let mut register = [zero; P];
        let mut same = [zero; P];
        let mut extremes = NarrowExtremes::<L> { near: [zero; 2], beyond: [zero; 2] };
        for (register, pair) in register.iter_mut().zip(&self.registers[first..]) {
            *register = lanes.mul16(lanes.join_low(pair[0], pair[1]), scale);
        }
        let mut steps = 0;
        let mut rest = self.blocks.split(blocks).0;
        while rest.products > 0 {
            let (block, next) = rest.split(1);
            rest = next;
            self.spread.fill(lanes, codes, block.a, scale);
            let mut left = block.products;
            for (unit, b) in (0..BLOCK_UNITS).zip(block.b.chunks(WIDTH)) {
                let [even, odd] = columns::<L, 2>(lanes, b);
                let [low, high] = [lanes.join_low(even, odd), lanes.join_high(even, odd)];
                let ([b0, b1], [b2, b3]) = (lanes.low_and_high(low), lanes.low_and_high(high));
                for (a, b) in self.spread.0.iter().zip([b0, b1, b2, b3]) {
                    // Places that are filled up are products of zero, which change nothing. But extremes would see what
                    // a register wrapped to.
                    if N::VECTORS > 1 {
                        if left == 0 {
                            break;
                        }
                        left -= 1;
                    }
                    steps += 1;
                    let a = &a[unit * HEIGHT + first..][..P];
                    for row in 0..P {
                        let product = lanes.mul16(lanes.splat(a[row]), b);
                        let [kept, other] = step.step(lanes, register[row], product);
                        if N::VECTORS > 0 {
                            same[row] = lanes.add_same16(same[row], one, kept, other);
                        }
                        if N::VECTORS > 1 {
                            extremes.see(lanes, register[row], product);
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
                let seen = [least[half], greatest[half], events[half]];
                self.watches[first + row][half].add(lanes, seen);
            }
        }
    }
}

/// The least and greatest sums of all rows, in two parts that fit a lane: the nearest value that it can have, and how far
/// beyond that the sum lies, which is no more than the product. Where a sum lies beyond, the nearest value is an end of the
/// lane's range; so the greatest sum is the greatest nearest value and the greatest distance. A report tells the extremes of
/// all outputs together, so rows may share theirs.
struct NarrowExtremes<L: ByteLanes> {
    near: [L::V; 2],
    beyond: [L::V; 2],
}

impl<L: ByteLanes> NarrowExtremes<L> {
    #[inline(always)]
    fn see(&mut self, lanes: L, register: L::V, product: L::V) {
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
