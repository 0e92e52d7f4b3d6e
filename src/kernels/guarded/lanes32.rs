//! Registers of 17 bits and more, stepped in lanes of 32: a product of a step is half of a dot product of pairs.
//!
//! Where the dot product saturates in one instruction (VNNI), a register of `P` bits stands in its lane times `2^s` with
//! `s = 32 - P`, as [in lanes of 16](super::lanes16), and so does every product: codes and bytes are 16-bit integers times
//! powers of two, and the other integer of their pair is zero. Where a lane saturates at its upper end its `s` lowest bits
//! become ones, which never reach the register's bits. A sum beyond the range is none of the lane's values: where extremes are
//! sought, half of the register and half of the product are added, whose sum every lane holds.
//!
//! Elsewhere the register stands in its lane as it is, and each sum is cut to the range.

use std::hint::black_box;

use super::block::{BLOCK_UNITS, Block};
use super::open::{BlockSteps, OpenBlocks, Spread};
use super::reach::{PART_UNITS, Registers, Seek, Shown};
use crate::accumulate::RegisterOverflow;
use crate::kernels::operand::int8::{K_TILE, MR, NR};
use crate::kernels::operand::panels::load_vectors;
use crate::kernels::plan::stage::Lanes32Plan;
use crate::kernels::stages::overflow::{OverflowOp, Saturate, Wrap};
use crate::kernels::stages::statistics::StepStatistics;
use crate::simd::{ByteLanes, Vectorized, both};

/// A register of 17 bits or more, as vectors.
#[derive(Clone, Copy)]
pub(crate) struct Lanes32<V> {
    register: Register32<V>,
    /// Places that values are shifted up by, and of these bytes in lanes.
    shift: u32,
    bytes: u32,
    /// What codes are multiplied by.
    scale: V,
    /// 1, which the compiler does not know where it would make an addition under a mask into two instructions.
    one: V,
    /// As [`finds_extremes`] says.
    finds_extremes: bool,
}

#[derive(Clone, Copy)]
enum Register32<V> {
    /// At the lane's ends.
    Lane(RegisterOverflow),
    /// Saturates within a lane.
    SaturateWithin(Saturate<V>),
    /// Wraps within a lane.
    WrapWithin(Wrap<V>),
}

impl<V: Copy> Lanes32<V> {
    /// The register of `plan`.
    #[inline(always)]
    pub(crate) fn new<L: ByteLanes<V = V>>(lanes: L, plan: Lanes32Plan) -> Self {
        let Lanes32Plan { overflow, shift, broadcast, lanes: bytes } = plan;
        let finds_extremes = finds_extremes::<L>(plan);
        if const { L::DOTS_SATURATING } {
            let (scale, one) = (lanes.splat(both(1 << broadcast)), lanes.splat(black_box(1)));
            let register = Register32::Lane(overflow);
            return Self { register, shift, bytes, scale, one, finds_extremes };
        }
        let register = match overflow {
            RegisterOverflow::Saturate => Register32::SaturateWithin(Saturate {
                low: lanes.splat(i32::MIN >> shift),
                high: lanes.splat(i32::MAX >> shift),
            }),
            RegisterOverflow::Wrap => Register32::WrapWithin(Wrap {
                mask: lanes.splat((u32::MAX >> shift).cast_signed()),
                sign: lanes.splat((!(u32::MAX >> 1) >> shift).cast_signed()),
            }),
        };
        let (scale, one) = (lanes.splat(both(1)), lanes.splat(1));
        Self { register, shift: 0, bytes: 0, scale, one, finds_extremes }
    }

    /// Whether steps find extremes, too.
    #[inline(always)]
    pub(crate) fn finds_extremes(&self) -> bool {
        self.finds_extremes
    }
}

/// Whether steps of a register find extremes, too: not at the ends of a lane where there is no place that halves may lose, nor
/// where it wraps there. Then most steps may show something, and general ones take less time.
#[inline(always)]
pub(crate) fn finds_extremes<L: ByteLanes>(plan: Lanes32Plan) -> bool {
    let saturates = matches!(plan.overflow, RegisterOverflow::Saturate);
    !L::DOTS_SATURATING || saturates && plan.shift > 0
}

/// A step in lanes of 32 bits.
trait Step32<L: ByteLanes>: Copy {
    /// By how many places fewer than registers the sums are shifted up that [`Self::sum`] tells.
    const HALVED: u32;

    /// What the register keeps of its sum with the products of `a` and `b`, and something that differs from it exactly where it
    /// does not hold the sum.
    fn step(self, lanes: L, register: L::V, a: L::V, b: L::V) -> [L::V; 2];

    /// The sum, where [`Self::step`] says `other`; `halved` is `b`, shifted up by [`Self::HALVED`] places fewer.
    fn sum(self, lanes: L, other: L::V, register: L::V, a: L::V, halved: L::V) -> L::V;
}

/// `register / 2 + a * b / 2`, of which `halved` is `b / 2`: both are shifted up, so that nothing but what saturation left below
/// their last place is lost.
#[inline(always)]
fn half_sum<L: ByteLanes>(lanes: L, register: L::V, a: L::V, halved: L::V) -> L::V {
    lanes.dot(lanes.shift_right(register, 1), a, halved)
}

/// Saturates where a lane does.
#[derive(Clone, Copy)]
struct SaturateLane;

/// Wraps where a lane does.
#[derive(Clone, Copy)]
struct WrapLane;

/// Within a lane.
#[derive(Clone, Copy)]
struct Within<T>(T);

impl<L: ByteLanes> Step32<L> for SaturateLane {
    const HALVED: u32 = 1;

    #[inline(always)]
    fn step(self, lanes: L, register: L::V, a: L::V, b: L::V) -> [L::V; 2] {
        [lanes.dot_saturating(register, a, b), lanes.dot(register, a, b)]
    }

    #[inline(always)]
    fn sum(self, lanes: L, _: L::V, register: L::V, a: L::V, halved: L::V) -> L::V {
        half_sum(lanes, register, a, halved)
    }
}

impl<L: ByteLanes> Step32<L> for WrapLane {
    const HALVED: u32 = 1;

    #[inline(always)]
    fn step(self, lanes: L, register: L::V, a: L::V, b: L::V) -> [L::V; 2] {
        [lanes.dot(register, a, b), lanes.dot_saturating(register, a, b)]
    }

    #[inline(always)]
    fn sum(self, lanes: L, _: L::V, register: L::V, a: L::V, halved: L::V) -> L::V {
        half_sum(lanes, register, a, halved)
    }
}

impl<L: ByteLanes, T: OverflowOp<L>> Step32<L> for Within<T> {
    const HALVED: u32 = 0;

    #[inline(always)]
    fn step(self, lanes: L, register: L::V, a: L::V, b: L::V) -> [L::V; 2] {
        let sum = lanes.dot(register, a, b);
        [self.0.apply(lanes, sum), sum]
    }

    #[inline(always)]
    fn sum(self, _: L, other: L::V, _: L::V, _: L::V, _: L::V) -> L::V {
        other
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
        if const { L::DOTS_SATURATING } {
            match lanes32.register {
                Register32::Lane(RegisterOverflow::Wrap) => {
                    open.stepping(Steps32 { lanes32, step: WrapLane })
                }
                _ => open.stepping(Steps32 { lanes32, step: SaturateLane }),
            }
        } else {
            match lanes32.register {
                Register32::SaturateWithin(op) => {
                    open.stepping(Steps32 { lanes32, step: Within(op) })
                }
                Register32::WrapWithin(op) => open.stepping(Steps32 { lanes32, step: Within(op) }),
                Register32::Lane(_) => 0,
            }
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
        let Lanes32 { shift, scale, .. } = self.lanes32;
        let (lanes, zero) = (open.lanes, open.lanes.splat(0));
        let mut state =
            State { register: [[zero; V]; P], same: [[zero; V]; P], extremes: [zero; 2] };
        for (to, from) in state.register.iter_mut().zip(&open.registers[first..]) {
            for (to, &from) in to.iter_mut().zip(from) {
                *to = lanes.shift_left(from, shift);
            }
        }
        let mut steps = 0;
        let mut rest = open.blocks.split(blocks).0;
        let mut index = open.index;
        while rest.products > 0 {
            let (block, next) = rest.split(1);
            rest = next;
            open.spread.fill(lanes, open.offset, block.a, scale, [LOW, LOW, HIGH, HIGH]);
            let at = BlockAt { spread: &*open.spread, seek: open.seek, block, index, row: first };
            if const { L::REGISTERS.are_many() } {
                self.block::<L, N, P, V>(lanes, at, 0, &mut state);
            } else {
                // With those of all columns, there would be more registers than vectors.
                for col in 0..V {
                    let mut some = state.column(col);
                    self.block::<L, N, P, 1>(lanes, at, col, &mut some);
                    state.set_column(col, some);
                }
            }
            steps += K_TILE as i32 * block.b.chunks(NR).len().min(BLOCK_UNITS) as i32;
            index += 1;
        }
        for row in 0..P {
            for col in 0..V {
                open.registers[first + row][col] =
                    lanes.shift_right(state.register[row][col], shift);
                let events = lanes.sub(lanes.splat(steps), state.same[row][col]);
                let places = shift.saturating_sub(T::HALVED);
                let [least, greatest] = state.extremes.map(|sum| lanes.shift_right(sum, places));
                open.statistics[first + row][col].add(lanes, [least, greatest, events]);
            }
        }
    }
}

/// Rows of registers while they are stepped.
struct State<V, const P: usize, const C: usize> {
    register: [[V; C]; P],
    /// Steps whose sums they held.
    same: [[V; C]; P],
    /// The least and greatest sum of all of them, as [`Step32::sum`] tells it: a report has those of all outputs together.
    extremes: [V; 2],
}

impl<V: Copy, const P: usize, const C: usize> State<V, P, C> {
    #[inline(always)]
    fn column(&self, col: usize) -> State<V, P, 1> {
        State {
            register: self.register.map(|row| [row[col]]),
            same: self.same.map(|row| [row[col]]),
            extremes: self.extremes,
        }
    }

    #[inline(always)]
    fn set_column(&mut self, col: usize, from: State<V, P, 1>) {
        for row in 0..P {
            [self.register[row][col]] = from.register[row];
            [self.same[row][col]] = from.same[row];
        }
        self.extremes = from.extremes;
    }
}

/// A block, and from which row on it is stepped.
#[derive(Clone, Copy)]
struct BlockAt<'a> {
    spread: &'a Spread,
    seek: Seek<'a>,
    block: Block<'a>,
    index: usize,
    row: usize,
}

impl<V: Copy, T> Steps32<V, T> {
    /// `P` rows of `C` columns from `col` on.
    #[inline(always)]
    fn block<L, N, const P: usize, const C: usize>(
        self,
        lanes: L,
        BlockAt { spread, seek, block, index, row: first }: BlockAt<'_>,
        col: usize,
        state: &mut State<V, P, C>,
    ) where
        L: ByteLanes<V = V>,
        T: Step32<L>,
        N: StepStatistics<L>,
    {
        let Lanes32 { shift, bytes, one, .. } = self.lanes32;
        let (reach, mut shown) = (seek.block(lanes.token(), index), Shown::ALL);
        for (unit, b) in (0..BLOCK_UNITS).zip(block.b.chunks(NR)) {
            if N::VECTORS > 1 && unit % PART_UNITS == 0 {
                // What fills up a block is products of zero; extremes would take up what a register wrapped to.
                let left = block.products.saturating_sub(unit * K_TILE);
                let rows = Rows { lanes, shift, registers: state.register.as_flattened() };
                shown = seek.shown(reach, unit / PART_UNITS, &rows).first(left);
            }
            // Bytes 0 and 2, and bytes 1 and 3, at the top of the halves.
            let words = load_vectors::<L, C>(lanes, &b[col * L::N..]);
            let mut columns = [words; 2];
            for (col, &words) in words.iter().enumerate() {
                columns[0][col] = lanes.mul16(words, lanes.splat(both(1 << 8)));
                columns[1][col] = lanes.and(words, lanes.splat(UPPER));
                if bytes < 8 {
                    for columns in &mut columns {
                        columns[col] = lanes.shift_right16(columns[col], 8 - bytes);
                    }
                }
            }
            // What fills up a block changes nothing, and looks as if the sum were held.
            for place in 0..K_TILE {
                let operands = (&spread.0[place][unit * MR + first..][..P], &columns[place % 2]);
                // A loop of its own for each.
                if N::VECTORS > 1 && shown.at(unit % PART_UNITS * K_TILE + place) {
                    self.step_rows::<L, N, P, C, true>(lanes, operands, one, state);
                } else {
                    self.step_rows::<L, N, P, C, false>(lanes, operands, one, state);
                }
            }
        }
    }

    /// One step of all rows.
    #[inline(always)]
    fn step_rows<L, N, const P: usize, const C: usize, const SHOWS: bool>(
        self,
        lanes: L,
        (a, b): (&[i32], &[V; C]),
        one: V,
        state: &mut State<V, P, C>,
    ) where
        L: ByteLanes<V = V>,
        T: Step32<L>,
        N: StepStatistics<L>,
    {
        let halved = if SHOWS && T::HALVED > 0 { b.map(|b| lanes.shift_right16(b, 1)) } else { *b };
        for row in 0..P {
            let a = lanes.splat(a[row]);
            for (col, &b) in b.iter().enumerate() {
                let register = state.register[row][col];
                let [kept, other] = self.step.step(lanes, register, a, b);
                if N::VECTORS > 0 {
                    let same = &mut state.same[row][col];
                    *same = lanes.add_same(*same, one, kept, other);
                }
                if SHOWS {
                    let sum = self.step.sum(lanes, other, register, a, halved[col]);
                    let [least, greatest] = state.extremes;
                    state.extremes = [lanes.min(least, sum), lanes.max(greatest, sum)];
                }
                state.register[row][col] = kept;
            }
        }
    }
}

/// Registers that stand in their lanes, shifted up.
struct Rows<'a, L: ByteLanes> {
    lanes: L,
    shift: u32,
    registers: &'a [L::V],
}

impl<L: ByteLanes> Rows<'_, L> {
    /// A value as a register has it.
    ///
    /// # Errors
    /// The value, beyond what a register holds.
    #[inline(always)]
    fn shifted(&self, value: i32) -> Result<L::V, i32> {
        let shifted = value << self.shift;
        if shifted >> self.shift == value { Ok(self.lanes.splat(shifted)) } else { Err(value) }
    }
}

impl<L: ByteLanes> Registers for Rows<'_, L> {
    #[inline(always)]
    fn above(&self, value: i32) -> bool {
        let Self { lanes, registers, .. } = *self;
        let mut greatest = registers[0];
        for &register in registers {
            greatest = lanes.max(greatest, register);
        }
        match self.shifted(value) {
            Ok(value) => lanes.any_greater(greatest, value),
            Err(value) => value < 0,
        }
    }

    #[inline(always)]
    fn below(&self, value: i32) -> bool {
        let Self { lanes, registers, .. } = *self;
        let mut least = registers[0];
        for &register in registers {
            least = lanes.min(least, register);
        }
        match self.shifted(value) {
            Ok(value) => lanes.any_greater(value, least),
            Err(value) => value > 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::{Isa, IsaKernel, Simd};

    /// A register of so many bits through steps of every size of product, beside `i64`.
    #[derive(Clone, Copy)]
    struct Steps(u32);

    impl IsaKernel for Steps {
        type Output = ();

        fn run<S: Simd>(self, simd: S) {
            let lanes = simd.int32();
            through(lanes, SaturateLane, self.0, |sum, end| sum.clamp(-end, end - 1));
            through(lanes, WrapLane, self.0, |sum, end| {
                if (-end..end).contains(&sum) { sum } else { sum - sum.signum() * 2 * end }
            });
        }
    }

    fn through<L: ByteLanes, T: Step32<L>>(
        lanes: L,
        step: T,
        bits: u32,
        keep: impl Fn(i64, i64) -> i64,
    ) {
        let (shift, end) = (32 - bits, 1i64 << (bits - 1));
        let bytes = shift.min(8);
        let (mut register, mut value) = (lanes.splat(0), 0i64);
        let mut left = 0;
        // Up to the upper end, with its smallest product, then down to the lower one and back.
        let runs =
            [(255, 127, 2), (1, 1, 1), (255, -128, 4), (-1, 1, 1), (77, -1, 1), (255, 127, 4)];
        let repeat = usize::try_from(end >> 15).unwrap();
        for (code, byte, times) in runs {
            for _ in 0..times * repeat {
                let a = lanes.splat(0xffff & (code << (shift - bytes)));
                let b = lanes.splat(0xffff & (byte << bytes));
                let halved = lanes.splat(0xffff & (byte << (bytes - 1)));
                let sum = value + i64::from(code * byte);
                let [kept, other] = step.step(lanes, register, a, b);
                let told = step.sum(lanes, other, register, a, halved);
                value = keep(sum, end);
                let first = |v| lanes.any_greater(v, lanes.splat(0));
                // A vector of equal lanes is a number where nothing is greater or less.
                let is = |v: L::V, x: i64| {
                    let x = lanes.splat(i32::try_from(x).unwrap());
                    !first(lanes.sub(v, x)) && !first(lanes.sub(x, v))
                };
                assert!(is(lanes.shift_right(kept, shift), value), "{bits} bits: {sum}");
                assert!(is(lanes.shift_right(told, shift - 1), sum), "{bits} bits: {sum}");
                let held = lanes.add_same(lanes.splat(0), lanes.splat(1), kept, other);
                assert!(is(held, i64::from(sum == value)), "{bits} bits: {sum}");
                left += u32::from(sum != value);
                register = kept;
            }
        }
        assert!(left > 4, "{bits} bits: {left} steps left the range");
    }

    #[test]
    fn a_register_at_the_ends_of_its_lane_and_the_sums_beyond_them() {
        for isa in Isa::available() {
            for bits in 17..32 {
                isa.detect().unwrap().run(Steps(bits));
            }
        }
    }
}
