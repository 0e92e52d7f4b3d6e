//! Registers that overflow, in blocks: what cannot overflow is summed exactly, and only the rest is stepped.

use super::bounded::{BlockSums, BroadcastCodes, Grid, columns, products, sum_block};
use super::narrow::{Narrow, NarrowBlocks, Sought, Spread};
use super::outer::{Outer, Settler};
use super::quads::{HEIGHT, TAKES, WIDTH};
use super::reach::{Reach, sum_ends};
use super::tile::{Finish, Inner, Keep, Settle, TileResult, Watch};
use crate::simd::{ByteLanes, Call};

/// Words of a block per output.
pub(super) const BLOCK_UNITS: usize = 16;
/// Blocks that are stepped without a look at their bounds, after one of which most was stepped.
const UNSEEN: usize = 7;
/// Blocks whose reach is not looked at after one that reached too far.
const FAR: usize = 3;
/// Products of a block.
pub(super) const BLOCK: usize = BLOCK_UNITS * TAKES;

/// The innermost stage as it is run.
#[derive(Clone, Copy)]
pub(super) struct InnerStage<V> {
    pub(super) settler: Settler<V>,
    /// The same in 16-bit lanes, where they hold it.
    pub(super) narrow: Option<Narrow<V>>,
    /// Of steps in 16-bit lanes.
    pub(super) sought: Sought,
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

impl<V: Copy> Limits<V> {
    /// Whether no output of a tile can leave them in a block.
    #[inline(always)]
    pub(super) fn hold<L: ByteLanes<V = V>, const R: usize, const C: usize>(
        &self,
        lanes: L,
        registers: &Grid<V, R, C>,
        sums: &BlockSums<V, R, C>,
    ) -> bool {
        let (mut least, mut greatest) = (lanes.splat(0), lanes.splat(0));
        let blocks = sums.ends.iter().flatten().zip(sums.spreads.iter().flatten());
        for (&register, (&end, &spread)) in registers.iter().flatten().zip(blocks) {
            let both = lanes.add(register, end);
            least = lanes.min(least, lanes.add(both, spread));
            greatest = lanes.max(greatest, lanes.sub(both, spread));
        }
        !lanes.any_greater(greatest, self.high) && !lanes.any_greater(self.low, least)
    }
}

/// One tile of `R` by `V` vectors of outputs through all of k.
pub(super) struct GuardedTile<'a, L: ByteLanes, S, W, const R: usize, const V: usize> {
    pub(super) lanes: L,
    pub(super) codes: S,
    pub(super) stage: InnerStage<L::V>,
    pub(super) limits: Limits<L::V>,
    pub(super) reach: Reach<'a>,
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
        let Self { lanes, codes, stage, limits, reach, a, b, outer, result } = self;
        let zero = lanes.splat(0);
        outer.restart(lanes);
        let mut watches = [[W::start(lanes); V]; R];
        let mut registers = [[zero; V]; R];
        let mut spread = Spread::ZERO;
        let units = stage.tile.div_ceil(TAKES);
        let mut products = stage.k;
        let (mut index, mut far) = (0, 0);
        // Where most of a block had to be stepped, the next ones most likely have to be, and are not summed first.
        let mut unseen = 0;
        let sums_cost_more = stage.narrow.is_some_and(|narrow| narrow.costs_less::<L, W>());
        for (a, b) in a.chunks(HEIGHT * units).zip(b.chunks(WIDTH * units)) {
            registers = [[zero; V]; R];
            let mut rest = Block { a, b, products: products.min(stage.tile) };
            products -= rest.products;
            while rest.products > 0 {
                let (block, next) = rest.split(1);
                let mut sums = None;
                if unseen == 0 && !sums_cost_more {
                    if far > 0 {
                        far -= 1;
                    } else if reach.holds(lanes, index, &registers, &limits) {
                        registers = sum_ends(lanes, codes, &registers, block.a, block.b);
                        rest = next;
                        index += 1;
                        continue;
                    } else {
                        far = FAR;
                    }
                    let known = sum_block(lanes, codes, &registers, block.a, block.b);
                    if limits.hold(lanes, &registers, &known) {
                        registers = known.ends;
                        rest = next;
                        index += 1;
                        continue;
                    }
                    sums = Some(known);
                }
                if let Some(narrow) = stage.narrow {
                    let stepped = lanes.vectorize(NarrowBlocks {
                        lanes,
                        codes,
                        narrow,
                        limits,
                        blocks: rest,
                        sums,
                        registers: &mut registers,
                        watches: &mut watches,
                        spread: &mut spread,
                        unseen: &mut unseen,
                        sought: stage.sought,
                    });
                    rest = rest.split(stepped).1;
                    index += stepped;
                    continue;
                }
                let was_seen = sums.is_some();
                let all = lanes.vectorize(Unsafe {
                    lanes,
                    codes,
                    stage,
                    limits,
                    block,
                    sums,
                    registers: &mut registers,
                    watches: &mut watches,
                });
                if !was_seen {
                    unseen -= 1;
                } else if all {
                    unseen = UNSEEN;
                }
                rest = next;
                index += 1;
            }
            outer.take(lanes, registers.as_flattened());
        }
        let inner = Inner { registers: registers.as_flattened(), watches: watches.as_flattened() };
        lanes.vectorize(Finish { lanes, inner, outer, result });
    }
}

/// The operands of a block, or of several.
#[derive(Clone, Copy)]
pub(super) struct Block<'a> {
    pub(super) a: &'a [i32],
    pub(super) b: &'a [i32],
    pub(super) products: usize,
}

impl Block<'_> {
    /// The first `blocks` blocks, and those behind them.
    #[inline(always)]
    pub(super) fn split(self, blocks: usize) -> (Self, Self) {
        let units = blocks * BLOCK_UNITS;
        let (a, next_a) = self.a.split_at(self.a.len().min(HEIGHT * units));
        let (b, next_b) = self.b.split_at(self.b.len().min(WIDTH * units));
        let products = self.products.min(blocks * BLOCK);
        let first = Self { a, b, products };
        (first, Self { a: next_a, b: next_b, products: self.products - products })
    }
}

/// A block in which some output may leave its register.
struct Unsafe<'a, L: ByteLanes, S, W, const R: usize, const V: usize> {
    lanes: L,
    codes: S,
    stage: InnerStage<L::V>,
    limits: Limits<L::V>,
    block: Block<'a>,
    /// What is known of it; nothing, where all of it is stepped.
    sums: Option<BlockSums<L::V, R, V>>,
    registers: &'a mut Grid<L::V, R, V>,
    watches: &'a mut Grid<W, R, V>,
}

impl<L, S, W, const R: usize, const V: usize> Call for Unsafe<'_, L, S, W, R, V>
where
    L: ByteLanes,
    S: BroadcastCodes<L>,
    W: Watch<L>,
{
    /// Whether all of the block was stepped.
    type Output = bool;

    #[inline(always)]
    fn call(self) -> bool {
        match self.stage.settler {
            Settler::Clamp(clamp) => self.settling(clamp),
            Settler::Wrap(wrap) => self.settling(wrap),
            // Registers that hold everything are not guarded.
            Settler::Keep => self.settling(Keep),
        }
    }
}

impl<L, S, W, const R: usize, const V: usize> Unsafe<'_, L, S, W, R, V>
where
    L: ByteLanes,
    S: BroadcastCodes<L>,
    W: Watch<L>,
{
    /// More vectors than this are stepped together with all others: several chains of additions keep the machine busy,
    /// one does not.
    const FEW: usize = 2;

    #[inline(always)]
    fn settling<T: Settle<L>>(self, settle: T) -> bool {
        let Self { lanes, codes, stage, limits, block, sums, registers, watches } = self;
        let step = Step { lanes, codes, settle, width: stage.width, block };
        if let Some(sums) = sums {
            let mut holds = [[true; V]; R];
            let mut count = 0;
            for row in 0..R {
                for col in 0..V {
                    let one = BlockSums {
                        ends: [[sums.ends[row][col]]],
                        spreads: [[sums.spreads[row][col]]],
                    };
                    holds[row][col] = limits.hold(lanes, &[[registers[row][col]]], &one);
                    count += usize::from(!holds[row][col]);
                }
            }
            if count <= Self::FEW {
                for row in 0..R {
                    for col in 0..V {
                        if holds[row][col] {
                            registers[row][col] = sums.ends[row][col];
                        } else {
                            step.part::<W, 1, R, V>((row, col), registers, watches);
                        }
                    }
                }
                return false;
            }
        }
        if W::VECTORS < 2 {
            step.run(registers, watches);
        } else {
            // All at once would not fit the vector registers.
            for col in 0..V {
                step.part::<W, R, R, V>((0, col), registers, watches);
            }
        }
        true
    }
}

/// Products one after the other, with a check after every `width` of them.
#[derive(Clone, Copy)]
struct Step<'a, L, S, T> {
    lanes: L,
    codes: S,
    settle: T,
    width: usize,
    block: Block<'a>,
}

impl<L, S, T> Step<'_, L, S, T>
where
    L: ByteLanes,
    S: BroadcastCodes<L>,
    T: Settle<L>,
{
    /// `P` vectors of a tile of `R` by `V`, from (`row`, `col`) down.
    #[inline(always)]
    fn part<W: Watch<L>, const P: usize, const R: usize, const V: usize>(
        self,
        (row, col): (usize, usize),
        registers: &mut Grid<L::V, R, V>,
        watches: &mut Grid<W, R, V>,
    ) {
        let block = Block {
            a: &self.block.a[row..],
            b: &self.block.b[col * L::N..],
            products: self.block.products,
        };
        let mut register = [[registers[row][col]]; P];
        let mut watch = [[watches[row][col]]; P];
        for part in 0..P {
            register[part] = [registers[row + part][col]];
            watch[part] = [watches[row + part][col]];
        }
        Step { block, ..self }.run(&mut register, &mut watch);
        for part in 0..P {
            [registers[row + part][col]] = register[part];
            [watches[row + part][col]] = watch[part];
        }
    }

    #[inline(always)]
    fn run<W: Watch<L>, const R: usize, const V: usize>(
        self,
        registers: &mut Grid<L::V, R, V>,
        watches: &mut Grid<W, R, V>,
    ) {
        let Self { lanes, block, .. } = self;
        let mut state = (*registers, *watches);
        let mut left = block.products;
        let mut waiting = 0;
        for (a, b) in block.a.chunks(HEIGHT).zip(block.b.chunks(WIDTH)) {
            let (a, b) = (&a[..R], columns::<L, V>(lanes, b));
            if left >= TAKES {
                // Written out, so that every place has its constants.
                let last = left == TAKES;
                self.product(a, &b, 0, false, &mut waiting, &mut state);
                self.product(a, &b, 1, false, &mut waiting, &mut state);
                self.product(a, &b, 2, false, &mut waiting, &mut state);
                self.product(a, &b, 3, last, &mut waiting, &mut state);
                left -= TAKES;
            } else {
                for place in 0..left {
                    self.product(a, &b, place, place + 1 == left, &mut waiting, &mut state);
                }
                left = 0;
            }
        }
        (*registers, *watches) = state;
    }

    #[inline(always)]
    fn product<W: Watch<L>, const R: usize, const V: usize>(
        self,
        a: &[i32],
        b: &[L::V; V],
        place: usize,
        last: bool,
        waiting: &mut usize,
        (registers, watches): &mut (Grid<L::V, R, V>, Grid<W, R, V>),
    ) {
        let Self { lanes, codes, settle, width, .. } = self;
        *registers = products(lanes, codes, registers, a, b, place);
        *waiting += 1;
        if *waiting == width || last {
            *waiting = 0;
            for (registers, watches) in registers.iter_mut().zip(watches) {
                for (register, watch) in registers.iter_mut().zip(watches) {
                    let kept = settle.settle(lanes, *register);
                    watch.see(lanes, *register, kept);
                    *register = kept;
                }
            }
        }
    }
}
