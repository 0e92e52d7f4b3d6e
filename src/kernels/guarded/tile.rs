//! The micro-kernel of guarded registers: blocks of k that cannot overflow are summed, the others stepped.
//!
//! Block by block, for a whole tile of outputs:
//! 1. Where the [norm bound](super::norm_bound) keeps every register within its range, the block is one exact sum.
//! 2. Else the exact sum and the [block bound](super::block_bound) are computed together; where that holds, done.
//! 3. Else the outputs that may overflow are stepped, product by product: in [lanes of 16 bits](super::lanes16) where the
//!    register fits them, with a check per step. After a block of which most was stepped, the next few are stepped
//!    without a look at their bounds.

use super::block::{Block, BroadcastCodes, Grid, TilePanels, products, sum_block};
use super::block_bound::{BlockBound, Limits, bound_block};
use super::lanes16::{Blocks16, Lanes16, Look};
use super::lanes32::{Blocks32, Lanes32};
use super::norm_bound::NormBound;
use super::open::{OpenBlocks, Spread};
use super::reach::Seek;
use crate::kernels::operand::int8::{K_TILE, MR, NR};
use crate::kernels::operand::panels::load_vectors;
use crate::kernels::stages::outer::OuterStages;
use crate::kernels::stages::overflow::{AnyOverflow, Exact, OverflowOp};
use crate::kernels::stages::result::{FinishTile, InnermostStage, TileResult};
use crate::kernels::stages::statistics::StepStatistics;
use crate::simd::{ByteLanes, Vectorized};

/// Blocks that are stepped without a look at their bounds, after one of which most was stepped.
const STEPPED_RUN: usize = 7;
/// Where extremes are sought, too, lanes of 32 bits pay from this share of blocks on that are stepped: they step all rows at once.
const MOSTLY: (usize, usize) = (3, 4);
/// Blocks whose norm bound is not computed after one where it did not hold.
const FAR: usize = 3;

/// The innermost stage as it is run.
#[derive(Clone, Copy)]
pub(crate) struct GuardedStage<V> {
    pub(crate) overflow: AnyOverflow<V>,
    /// The same in 16-bit lanes, where they hold it.
    pub(crate) lanes16: Option<Lanes16<V>>,
    /// The same in 32-bit lanes that saturate, where they hold it.
    pub(crate) lanes32: Option<Lanes32<V>>,
    /// Products per step: a divisor of [`BLOCK`].
    pub(crate) width: usize,
    /// Products per tile.
    pub(crate) tile: usize,
    /// Products in all.
    pub(crate) k: usize,
}

/// One tile of `R` by `V` vectors of outputs through all of k.
pub(crate) struct GuardedTile<'a, L: ByteLanes, S, W, const R: usize, const V: usize> {
    pub(crate) lanes: L,
    pub(crate) codes: S,
    pub(crate) stage: GuardedStage<L::V>,
    pub(crate) limits: Limits<L::V>,
    pub(crate) norm_bound: NormBound<'a>,
    /// Of steps in 16-bit lanes, and of those in 32-bit lanes where lanes hold more than the register.
    pub(crate) seek: Seek<'a>,
    pub(crate) panels: TilePanels<'a>,
    pub(crate) outer: &'a mut OuterStages<L, W>,
    pub(crate) result: &'a mut TileResult<i32>,
}

impl<L, S, W, const R: usize, const V: usize> Vectorized for GuardedTile<'_, L, S, W, R, V>
where
    L: ByteLanes,
    S: BroadcastCodes<L>,
    W: StepStatistics<L>,
{
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { lanes, codes, stage, limits, norm_bound, seek, panels, outer, result } = self;
        let TilePanels { a, b, run } = panels;
        let zero = lanes.splat(0);
        outer.restart(lanes);
        let mut statistics = [[W::start(lanes); V]; R];
        let mut registers = [[zero; V]; R];
        let mut spread = Spread::ZERO;
        let units = stage.tile.div_ceil(K_TILE);
        let mut products = stage.k;
        let (mut index, mut far) = (0, 0);
        let mut all_stepped = 0;
        // Where most of a block had to be stepped, the next ones most likely have to be, and are not summed first.
        let mut to_step = 0;
        let look = stage.lanes16.map_or(Look::Bounds, |lanes16| lanes16.look::<L, W>(run));
        for (a, b) in a.chunks(MR * units).zip(b.chunks(NR * units)) {
            registers = [[zero; V]; R];
            let mut rest = Block { a, b, products: products.min(stage.tile) };
            products -= rest.products;
            while rest.products > 0 {
                let (block, next) = rest.split(1);
                let mut sums = None;
                if to_step == 0 && look != Look::Nowhere {
                    if far > 0 {
                        far -= 1;
                    } else if norm_bound.holds(lanes, index, &registers, &limits) {
                        registers = sum_block(lanes, codes, &registers, (block.a, block.b), run);
                        rest = next;
                        index += 1;
                        continue;
                    } else {
                        far = FAR;
                    }
                    if look == Look::Bounds {
                        let words = (block.a, block.b);
                        let known = bound_block(lanes, codes, &registers, words, run);
                        if limits.hold(lanes, &registers, &known) {
                            registers = known.ends;
                            rest = next;
                            index += 1;
                            continue;
                        }
                        sums = Some(known);
                    }
                }
                let sought = const { W::VECTORS > 1 } && seek.may_show();
                let mostly = MOSTLY.1 * all_stepped >= MOSTLY.0 * index;
                let fits = |lanes32: &Lanes32<_>| !sought || mostly && lanes32.finds_extremes();
                let lanes32 = stage.lanes32.filter(fits);
                if stage.lanes16.is_some() || lanes32.is_some() {
                    let open = OpenBlocks {
                        lanes,
                        offset: S::OFFSET,
                        limits,
                        blocks: rest,
                        index,
                        sums,
                        registers: &mut registers,
                        statistics: &mut statistics,
                        spread: &mut spread,
                        to_step: &mut to_step,
                        seek,
                    };
                    let stepped = match (stage.lanes16, lanes32) {
                        (Some(lanes16), _) => lanes.vectorize(Blocks16 { lanes16, open }),
                        (None, Some(lanes32)) => lanes.vectorize(Blocks32 { lanes32, open }),
                        (None, None) => 0,
                    };
                    rest = rest.split(stepped).1;
                    index += stepped;
                    all_stepped += stepped;
                    continue;
                }
                let was_bounded = sums.is_some();
                let all = lanes.vectorize(OpenBlock {
                    lanes,
                    codes,
                    stage,
                    limits,
                    block,
                    sums,
                    registers: &mut registers,
                    statistics: &mut statistics,
                });
                if !was_bounded {
                    to_step -= 1;
                } else if all {
                    to_step = STEPPED_RUN;
                }
                rest = next;
                index += 1;
                all_stepped += 1;
            }
            outer.take(lanes, registers.as_flattened());
        }
        let inner = InnermostStage {
            registers: registers.as_flattened(),
            statistics: statistics.as_flattened(),
        };
        lanes.vectorize(FinishTile { lanes, inner, outer, result });
    }
}

/// A block in which some output may leave its register.
struct OpenBlock<'a, L: ByteLanes, S, W, const R: usize, const V: usize> {
    lanes: L,
    codes: S,
    stage: GuardedStage<L::V>,
    limits: Limits<L::V>,
    block: Block<'a>,
    /// What is known of it; nothing, where all of it is stepped.
    sums: Option<BlockBound<L::V, R, V>>,
    registers: &'a mut Grid<L::V, R, V>,
    statistics: &'a mut Grid<W, R, V>,
}

impl<L, S, W, const R: usize, const V: usize> Vectorized for OpenBlock<'_, L, S, W, R, V>
where
    L: ByteLanes,
    S: BroadcastCodes<L>,
    W: StepStatistics<L>,
{
    /// Whether all of the block was stepped.
    type Output = bool;

    #[inline(always)]
    fn call(self) -> bool {
        match self.stage.overflow {
            AnyOverflow::Saturate(saturate) => self.with_op(saturate),
            AnyOverflow::Wrap(wrap) => self.with_op(wrap),
            AnyOverflow::Exact => self.with_op(Exact),
        }
    }
}

impl<L, S, W, const R: usize, const V: usize> OpenBlock<'_, L, S, W, R, V>
where
    L: ByteLanes,
    S: BroadcastCodes<L>,
    W: StepStatistics<L>,
{
    /// More vectors than this are stepped together with all others: several chains of additions keep the machine busy,
    /// one does not.
    const FEW: usize = 2;

    #[inline(always)]
    fn with_op<T: OverflowOp<L>>(self, op: T) -> bool {
        let Self { lanes, codes, stage, limits, block, sums, registers, statistics } = self;
        let step = Step { lanes, codes, op, width: stage.width, block };
        if let Some(sums) = sums {
            let mut holds = [[true; V]; R];
            let mut count = 0;
            for row in 0..R {
                for col in 0..V {
                    let one = BlockBound {
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
                            step.part::<W, 1, R, V>((row, col), registers, statistics);
                        }
                    }
                }
                return false;
            }
        }
        if const { W::VECTORS < 2 } {
            step.run(registers, statistics);
        } else {
            // All at once would not fit the vector registers.
            for col in 0..V {
                step.part::<W, R, R, V>((0, col), registers, statistics);
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
    op: T,
    width: usize,
    block: Block<'a>,
}

impl<L, S, T> Step<'_, L, S, T>
where
    L: ByteLanes,
    S: BroadcastCodes<L>,
    T: OverflowOp<L>,
{
    /// `P` vectors of a tile of `R` by `V`, from (`row`, `col`) down.
    #[inline(always)]
    fn part<W: StepStatistics<L>, const P: usize, const R: usize, const V: usize>(
        self,
        (row, col): (usize, usize),
        registers: &mut Grid<L::V, R, V>,
        statistics: &mut Grid<W, R, V>,
    ) {
        let block = Block {
            a: &self.block.a[row..],
            b: &self.block.b[col * L::N..],
            products: self.block.products,
        };
        let mut register = [[registers[row][col]]; P];
        let mut own = [[statistics[row][col]]; P];
        for part in 0..P {
            register[part] = [registers[row + part][col]];
            own[part] = [statistics[row + part][col]];
        }
        Step { block, ..self }.run(&mut register, &mut own);
        for part in 0..P {
            [registers[row + part][col]] = register[part];
            [statistics[row + part][col]] = own[part];
        }
    }

    #[inline(always)]
    fn run<W: StepStatistics<L>, const R: usize, const V: usize>(
        self,
        registers: &mut Grid<L::V, R, V>,
        statistics: &mut Grid<W, R, V>,
    ) {
        let Self { lanes, block, .. } = self;
        let mut state = (*registers, *statistics);
        let mut left = block.products;
        let mut waiting = 0;
        for (a, b) in block.a.chunks(MR).zip(block.b.chunks(NR)) {
            let (a, b) = (&a[..R], load_vectors::<L, V>(lanes, b));
            if left >= K_TILE {
                // Written out, so that every place has its constants.
                let last = left == K_TILE;
                self.product(a, &b, 0, false, &mut waiting, &mut state);
                self.product(a, &b, 1, false, &mut waiting, &mut state);
                self.product(a, &b, 2, false, &mut waiting, &mut state);
                self.product(a, &b, 3, last, &mut waiting, &mut state);
                left -= K_TILE;
            } else {
                for place in 0..left {
                    self.product(a, &b, place, place + 1 == left, &mut waiting, &mut state);
                }
                left = 0;
            }
        }
        (*registers, *statistics) = state;
    }

    #[inline(always)]
    fn product<W: StepStatistics<L>, const R: usize, const V: usize>(
        self,
        a: &[i32],
        b: &[L::V; V],
        place: usize,
        last: bool,
        waiting: &mut usize,
        (registers, statistics): &mut (Grid<L::V, R, V>, Grid<W, R, V>),
    ) {
        let Self { lanes, codes, op, width, .. } = self;
        *registers = products(lanes, codes, registers, a, b, place);
        *waiting += 1;
        if *waiting == width || last {
            *waiting = 0;
            for (registers, statistics) in registers.iter_mut().zip(statistics) {
                for (register, statistics) in registers.iter_mut().zip(statistics) {
                    let kept = op.apply(lanes, *register);
                    statistics.record(lanes, *register, kept);
                    *register = kept;
                }
            }
        }
    }
}
