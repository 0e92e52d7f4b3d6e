//! Registers that overflow, in blocks: what cannot overflow is summed exactly, and only the rest is stepped.

use super::bounded::{BlockSums, BroadcastCodes, Grid, columns, products, sum_block};
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
                        codes,
                        stage,
                        limits,
                        block: Block { a, b, products: here },
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
    products: usize,
}

/// A block in which some output may leave its register.
struct Unsafe<'a, L: ByteLanes, S, W, const R: usize, const V: usize> {
    lanes: L,
    codes: S,
    stage: InnerStage<L::V>,
    limits: Limits<L::V>,
    block: Block<'a>,
    sums: &'a BlockSums<L::V, R, V>,
    registers: &'a mut Grid<L::V, R, V>,
    watches: &'a mut Grid<W, R, V>,
}

impl<L, S, W, const R: usize, const V: usize> Call for Unsafe<'_, L, S, W, R, V>
where
    L: ByteLanes,
    S: BroadcastCodes<L>,
    W: Watch<L>,
{
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
    fn settling<T: Settle<L>>(self, settle: T) {
        let Self { lanes, codes, stage, limits, block, sums, registers, watches } = self;
        let step = Step { lanes, codes, settle, width: stage.width, block };
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
        if count <= Self::FEW {
            for row in 0..R {
                for col in 0..V {
                    if unsafe_vectors[row][col] {
                        step.part::<W, 1, R, V>((row, col), registers, watches);
                    } else {
                        registers[row][col] = sums.ends[row][col];
                    }
                }
            }
        } else if W::VECTORS < 2 {
            step.run(registers, watches);
        } else {
            // All at once would not fit the vector registers.
            for col in 0..V {
                step.part::<W, R, R, V>((0, col), registers, watches);
            }
        }
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
