//! Registers that overflow, in blocks: what cannot overflow is summed exactly, and only the rest is stepped.

use super::bounded::{BlockSums, BroadcastCodes, Grid, sum_block};
use super::outer::{Outer, Settler};
use super::quads::{HEIGHT, TAKES, WIDTH};
use super::tile::{Finish, Inner, Settle, TileResult, Watch};
use crate::simd::{ByteLanes, Call};

/// Words of a block per output.
pub(super) const BLOCK_UNITS: usize = 16;
/// Products of a block.
pub(super) const BLOCK: usize = BLOCK_UNITS * TAKES;

/// The innermost stage as it is run.
#[derive(Clone, Copy)]
pub(super) struct InnerStage<V> {
    pub(super) settler: Settler<V>,
    /// Products per step: a divisor of [`BLOCK`].
    pub(super) width: usize,
    /// Products per tile.
    pub(super) tile: usize,
    /// Products in all.
    pub(super) k: usize,
}

/// Twice the least and the greatest value that need no stepping.
#[derive(Clone, Copy)]
pub(super) struct Limits<V> {
    pub(super) low: V,
    pub(super) high: V,
}

/// One tile of `R` by `V` vectors of outputs through all of k.
pub(super) struct GuardedTile<'a, L: ByteLanes, S, W, const R: usize, const V: usize> {
    pub(super) lanes: L,
    pub(super) codes: S,
    pub(super) stage: InnerStage<L::V>,
    pub(super) limits: Limits<L::V>,
    /// The broadcast panel.
    pub(super) a: &'a [i32],
    /// The panel of lanes from the tile's first column on.
    pub(super) b: &'a [i32],
    pub(super) outer: &'a mut Outer<L, W>,
    pub(super) result: &'a mut TileResult<i32>,
}

impl<L, S, W, const R: usize, const V: usize> Call for GuardedTile<'_, L, S, W, R, V>
where
    L: ByteLanes,
    S: BroadcastCodes<L>,
    W: Watch<L>,
{
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { lanes, codes, stage, limits, a, b, outer, result } = self;
        let zero = lanes.splat(0);
        outer.restart(lanes);
        let mut watches = [[W::start(lanes); V]; R];
        let mut registers = [[zero; V]; R];
        let units = stage.tile.div_ceil(TAKES);
        let mut products = stage.k;
        for (a, b) in a.chunks(HEIGHT * units).zip(b.chunks(WIDTH * units)) {
            registers = [[zero; V]; R];
            let mut left = products.min(stage.tile);
            products -= left;
            let blocks = a.chunks(HEIGHT * BLOCK_UNITS).zip(b.chunks(WIDTH * BLOCK_UNITS));
            for (a, b) in blocks {
                let here = left.min(BLOCK);
                left -= here;
                let sums = sum_block(lanes, codes, &registers, a, b);
                let (mut least, mut greatest) = (zero, zero);
                for row in 0..R {
                    for col in 0..V {
                        let both = lanes.add(registers[row][col], sums.ends[row][col]);
                        let spread = sums.spreads[row][col];
                        least = lanes.min(least, lanes.add(both, spread));
                        greatest = lanes.max(greatest, lanes.sub(both, spread));
                    }
                }
                if lanes.any_greater(greatest, limits.high) || lanes.any_greater(limits.low, least)
                {
                    lanes.vectorize(Unsafe {
                        lanes,
                        stage,
                        limits,
                        block: Block { a, b, offset: S::OFFSET, products: here },
                        sums: &sums,
                        registers: &mut registers,
                        watches: &mut watches,
                    });
                } else {
                    registers = sums.ends;
                }
            }
            outer.take(lanes, registers.as_flattened());
        }
        let inner = Inner { registers: registers.as_flattened(), watches: watches.as_flattened() };
        lanes.vectorize(Finish { lanes, inner, outer, result });
    }
}

/// The operands of a block.
#[derive(Clone, Copy)]
struct Block<'a> {
    a: &'a [i32],
    b: &'a [i32],
    /// What a code of `a` exceeds its byte by.
    offset: i32,
    products: usize,
}

/// A block in which some output may leave its register.
struct Unsafe<'a, L: ByteLanes, W, const R: usize, const V: usize> {
    lanes: L,
    stage: InnerStage<L::V>,
    limits: Limits<L::V>,
    block: Block<'a>,
    sums: &'a BlockSums<L::V, R, V>,
    registers: &'a mut Grid<L::V, R, V>,
    watches: &'a mut Grid<W, R, V>,
}

impl<L: ByteLanes, W: Watch<L>, const R: usize, const V: usize> Call for Unsafe<'_, L, W, R, V> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        match self.stage.settler {
            Settler::Clamp(clamp) => self.settling(clamp),
            Settler::Wrap(wrap) => self.settling(wrap),
            // Nothing leaves a register that holds everything.
            Settler::Keep => *self.registers = self.sums.ends,
        }
    }
}

impl<L: ByteLanes, W: Watch<L>, const R: usize, const V: usize> Unsafe<'_, L, W, R, V> {
    /// More vectors than this are stepped together with all others: several chains of additions keep the machine busy,
    /// one does not.
    const FEW: usize = 2;

    #[inline(always)]
    fn settling<T: Settle<L>>(self, settle: T) {
        let Self { lanes, stage, limits, block, sums, registers, watches, .. } = self;
        let mut unsafe_vectors = [[false; V]; R];
        let mut count = 0;
        for row in 0..R {
            for col in 0..V {
                let both = lanes.add(registers[row][col], sums.ends[row][col]);
                let spread = sums.spreads[row][col];
                let out = lanes.any_greater(lanes.sub(both, spread), limits.high)
                    || lanes.any_greater(limits.low, lanes.add(both, spread));
                unsafe_vectors[row][col] = out;
                count += usize::from(out);
            }
        }
        if count > Self::FEW {
            step(lanes, settle, stage.width, block, registers, watches);
            return;
        }
        for row in 0..R {
            for col in 0..V {
                if unsafe_vectors[row][col] {
                    let part = Block { a: &block.a[row..], b: &block.b[col * L::N..], ..block };
                    let mut register = [[registers[row][col]]];
                    let mut watch = [[watches[row][col]]];
                    step(lanes, settle, stage.width, part, &mut register, &mut watch);
                    registers[row][col] = register[0][0];
                    watches[row][col] = watch[0][0];
                } else {
                    registers[row][col] = sums.ends[row][col];
                }
            }
        }
    }
}

/// One product after the other, a check after every `width` of them.
#[inline(always)]
fn step<L, T, W, const R: usize, const V: usize>(
    lanes: L,
    settle: T,
    width: usize,
    block: Block<'_>,
    registers: &mut Grid<L::V, R, V>,
    watches: &mut Grid<W, R, V>,
) where
    L: ByteLanes,
    T: Settle<L>,
    W: Watch<L>,
{
    // A lane's word is one code here; as a pair of 16-bit factors the other one meets a zero.
    const { assert!(L::TAKES == 2) };
    let (mut register, mut watch) = (*registers, *watches);
    let mut left = block.products;
    let mut waiting = 0;
    for (a, b) in block.a.chunks(HEIGHT).zip(block.b.chunks(WIDTH)) {
        let (a, b) = (&a[..R], &b[..V * L::N]);
        for place in 0..TAKES.min(left) {
            let mut columns = [lanes.splat(0); V];
            for col in 0..V {
                columns[col] = lanes.byte(lanes.load(&b[col * L::N..]), place);
            }
            waiting += 1;
            let checked = waiting == width || place + 1 == left;
            for row in 0..R {
                let code = i32::from(a[row].to_le_bytes()[place]) + block.offset;
                let code = lanes.splat(code & 0xffff);
                for col in 0..V {
                    let sum = lanes.dot(register[row][col], code, columns[col]);
                    register[row][col] = sum;
                    if checked {
                        let kept = settle.settle(lanes, sum);
                        watch[row][col].see(lanes, sum, kept);
                        register[row][col] = kept;
                    }
                }
            }
            if checked {
                waiting = 0;
            }
        }
        left -= TAKES.min(left);
    }
    (*registers, *watches) = (register, watch);
}
