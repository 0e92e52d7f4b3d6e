//! Registers of 17 bits and more, stepped in lanes of 32: a product of a step is half of a dot product of pairs.
//!
//! Where the dot product saturates in one instruction (VNNI), registers stand in their lanes shifted up, so that they
//! [saturate or wrap where a lane does](super::step32). Elsewhere a register stands in its lane as it is, and each sum is cut to the
//! range.

use std::hint::black_box;

use super::block::{BLOCK_UNITS, Block};
use super::open::{BlockSteps, OpenBlocks, Spread};
use super::reach::{PART_UNITS, Registers, Seek, Shown};
use super::step32::{SaturateLane, Step32, Within, WrapLane};
use crate::accumulate::RegisterOverflow;
use crate::kernels::operand::int8::{K_TILE, MR, NR};
use crate::kernels::operand::panels::load_vectors;
use crate::kernels::plan::stage::Lanes32Plan;
use crate::kernels::stages::overflow::{Saturate, Wrap};
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
