//! The hot loop: one tile of `R` rows by `V` vectors of outputs, through all of k.

use super::outer::{Outer, Settler};
use crate::simd::{Call, Lanes, Word};

/// What a register keeps of a sum.
pub(super) trait Settle<L: Lanes>: Copy {
    /// The register's value after the step.
    fn settle(self, lanes: L, sum: L::V) -> L::V;
}

/// Everything: the sum fits, or is cut elsewhere.
#[derive(Clone, Copy)]
pub(super) struct Keep;

/// The nearest end of the range.
#[derive(Clone, Copy)]
pub(super) struct Clamp<V> {
    pub(super) low: V,
    pub(super) high: V,
}

/// The low bits, as [`Lanes::wrap`].
#[derive(Clone, Copy)]
pub(super) struct Wrap<V> {
    pub(super) mask: V,
    pub(super) sign: V,
}

impl<L: Lanes> Settle<L> for Keep {
    #[inline(always)]
    fn settle(self, _: L, sum: L::V) -> L::V {
        sum
    }
}

impl<L: Lanes> Settle<L> for Clamp<L::V> {
    #[inline(always)]
    fn settle(self, lanes: L, sum: L::V) -> L::V {
        lanes.min(lanes.max(sum, self.low), self.high)
    }
}

impl<L: Lanes> Settle<L> for Wrap<L::V> {
    #[inline(always)]
    fn settle(self, lanes: L, sum: L::V) -> L::V {
        lanes.wrap(sum, self.mask, self.sign)
    }
}

/// What is noted of a step.
pub(super) trait Watch<L: Lanes>: Copy {
    /// Vectors that it keeps.
    const VECTORS: usize;

    /// Before the first step.
    fn start(lanes: L) -> Self;

    /// One step: the exact sum, and what the register kept of it.
    fn see(&mut self, lanes: L, sum: L::V, kept: L::V);

    /// What was [seen](Self::seen) elsewhere of other steps.
    fn add(&mut self, lanes: L, seen: [L::V; 3]);

    /// Least and greatest sum, and the events; zero where not noted.
    fn seen(self, lanes: L) -> [L::V; 3];
}

/// Nothing.
#[derive(Clone, Copy)]
pub(super) struct Blind;

/// The least and greatest sum.
#[derive(Clone, Copy)]
pub(super) struct Extremes<V>([V; 2]);

/// How many sums the register did not hold.
#[derive(Clone, Copy)]
pub(super) struct Events<V>(V);

/// Extremes and events.
#[derive(Clone, Copy)]
pub(super) struct Everything<V>([V; 3]);

impl<L: Lanes> Watch<L> for Blind {
    const VECTORS: usize = 0;

    #[inline(always)]
    fn start(_: L) -> Self {
        Self
    }

    #[inline(always)]
    fn see(&mut self, _: L, _: L::V, _: L::V) {}

    #[inline(always)]
    fn add(&mut self, _: L, _: [L::V; 3]) {}

    #[inline(always)]
    fn seen(self, lanes: L) -> [L::V; 3] {
        [zero(lanes); 3]
    }
}

impl<L: Lanes> Watch<L> for Extremes<L::V> {
    const VECTORS: usize = 2;

    #[inline(always)]
    fn start(lanes: L) -> Self {
        Self([zero(lanes); 2])
    }

    #[inline(always)]
    fn see(&mut self, lanes: L, sum: L::V, _: L::V) {
        let [min, max] = self.0;
        self.0 = [lanes.min(min, sum), lanes.max(max, sum)];
    }

    #[inline(always)]
    fn add(&mut self, lanes: L, seen: [L::V; 3]) {
        let [min, max] = self.0;
        self.0 = [lanes.min(min, seen[0]), lanes.max(max, seen[1])];
    }

    #[inline(always)]
    fn seen(self, lanes: L) -> [L::V; 3] {
        let [min, max] = self.0;
        [min, max, zero(lanes)]
    }
}

impl<L: Lanes> Watch<L> for Events<L::V> {
    const VECTORS: usize = 1;

    #[inline(always)]
    fn start(lanes: L) -> Self {
        Self(zero(lanes))
    }

    #[inline(always)]
    fn see(&mut self, lanes: L, sum: L::V, kept: L::V) {
        self.0 = lanes.count_changed(self.0, sum, kept);
    }

    #[inline(always)]
    fn add(&mut self, lanes: L, [.., events]: [L::V; 3]) {
        self.0 = lanes.add(self.0, events);
    }

    #[inline(always)]
    fn seen(self, lanes: L) -> [L::V; 3] {
        [zero(lanes), zero(lanes), self.0]
    }
}

impl<L: Lanes> Watch<L> for Everything<L::V> {
    const VECTORS: usize = 3;

    #[inline(always)]
    fn start(lanes: L) -> Self {
        Self([zero(lanes); 3])
    }

    #[inline(always)]
    fn see(&mut self, lanes: L, sum: L::V, kept: L::V) {
        let [min, max, events] = self.0;
        self.0 = [lanes.min(min, sum), lanes.max(max, sum), lanes.count_changed(events, sum, kept)];
    }

    #[inline(always)]
    fn add(&mut self, lanes: L, seen: [L::V; 3]) {
        let [min, max, events] = self.0;
        self.0 = [lanes.min(min, seen[0]), lanes.max(max, seen[1]), lanes.add(events, seen[2])];
    }

    #[inline(always)]
    fn seen(self, _: L) -> [L::V; 3] {
        self.0
    }
}

#[inline(always)]
pub(super) fn zero<L: Lanes>(lanes: L) -> L::V {
    lanes.splat(bytemuck::Zeroable::zeroed())
}

/// The packed operands of one tile, as [`pack`](super::pack) lays them out.
#[derive(Clone, Copy)]
pub(super) struct Operands<'a, W> {
    /// The row block from the tile's first row on.
    pub(super) a: &'a [W],
    /// Rows in the block.
    pub(super) a_stride: usize,
    /// The panel from the tile's first column on.
    pub(super) b: &'a [W],
    /// Columns in the panel.
    pub(super) b_stride: usize,
    pub(super) units_per_step: usize,
    pub(super) units_per_tile: usize,
    /// The length of the sums.
    pub(super) products: usize,
    pub(super) products_per_tile: usize,
}

impl<W: Word> TileResult<W> {
    /// Zeros for `outputs` outputs and `stages` stages.
    pub(super) fn new(outputs: usize, stages: usize) -> Self {
        let zeros = || vec![W::truncate(0); outputs];
        Self { values: zeros(), traces: (0..stages).map(|_| [zeros(), zeros(), zeros()]).collect() }
    }
}

/// What one tile of outputs gives: values, and per stage the least sum, the greatest sum and the events of each output,
/// all row by row.
#[derive(Debug)]
pub(super) struct TileResult<W> {
    pub(super) values: Vec<W>,
    pub(super) traces: Vec<[Vec<W>; 3]>,
}

/// One tile to run, compiled for its lanes.
pub(super) struct TileCall<'a, L: Lanes, W, const R: usize, const V: usize> {
    pub(super) lanes: L,
    pub(super) settler: Settler<L::V>,
    pub(super) operands: Operands<'a, L::Word>,
    pub(super) steps: StepKind,
    pub(super) outer: &'a mut Outer<L, W>,
    pub(super) result: &'a mut TileResult<L::Word>,
}

/// What a step of the innermost stage is.
#[derive(Clone, Copy)]
pub(super) enum StepKind {
    /// One product.
    Product,
    /// Whole units.
    Units,
}

impl<L: Lanes, W: Watch<L>, const R: usize, const V: usize> Call for TileCall<'_, L, W, R, V> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        match self.settler {
            Settler::Keep => self.settling(Keep),
            Settler::Clamp(clamp) => self.settling(clamp),
            Settler::Wrap(wrap) => self.settling(wrap),
        }
    }
}

impl<L: Lanes, W: Watch<L>, const R: usize, const V: usize> TileCall<'_, L, W, R, V> {
    #[inline(always)]
    fn settling<S: Settle<L>>(self, settle: S) {
        let Self { lanes, operands, steps, outer, result, .. } = self;
        outer.restart(lanes);
        match steps {
            StepKind::Units => tile::<L, S, W, R, V, 0>(lanes, settle, operands, outer, result),
            StepKind::Product if L::TAKES == 1 => {
                tile::<L, S, W, R, V, 1>(lanes, settle, operands, outer, result);
            }
            StepKind::Product => {
                const { assert!(L::TAKES <= 2) };
                tile::<L, S, W, R, V, 2>(lanes, settle, operands, outer, result);
            }
        }
    }
}

/// Runs the tile. `PARTS` is 0 where a step is `units_per_step` whole units, else the products of a unit, each of
/// which is a step.
#[inline(always)]
fn tile<L, S, W, const R: usize, const V: usize, const PARTS: usize>(
    lanes: L,
    settle: S,
    operands: Operands<'_, L::Word>,
    outer: &mut Outer<L, W>,
    result: &mut TileResult<L::Word>,
) where
    L: Lanes,
    S: Settle<L>,
    W: Watch<L>,
{
    let Operands { a, a_stride, b, b_stride, units_per_step, units_per_tile, .. } = operands;
    let Operands { products, products_per_tile, .. } = operands;
    let words_per_unit = a_stride * PARTS.max(1);
    let mut watch = [[W::start(lanes); V]; R];
    let mut register = [[zero(lanes); V]; R];
    let mut products_left = products;
    let tiles = a.chunks(words_per_unit * units_per_tile).zip(b.chunks(b_stride * units_per_tile));
    for (a, b) in tiles {
        register = [[zero(lanes); V]; R];
        let here = products_left.min(products_per_tile);
        products_left -= here;
        if let Some(whole_units) = here.checked_div(PARTS) {
            let mut units = a.chunks(words_per_unit).zip(b.chunks(b_stride));
            for (a, b) in units.by_ref().take(whole_units) {
                unit(lanes, settle, a, a_stride, b, PARTS, &mut register, &mut watch);
            }
            // Places that are filled with zeros are no steps: after a wrap they would see what no sum reached.
            if let Some((a, b)) = units.next() {
                let parts = here % PARTS;
                unit(lanes, settle, a, a_stride, b, parts, &mut register, &mut watch);
            }
        } else {
            let steps =
                a.chunks(a_stride * units_per_step).zip(b.chunks(b_stride * units_per_step));
            for (a, b) in steps {
                for (a, b) in a.chunks(a_stride).zip(b.chunks(b_stride)) {
                    let b = columns::<L, V>(lanes, b);
                    let a = &a[..R];
                    for row in 0..R {
                        let a = lanes.splat(a[row]);
                        for col in 0..V {
                            register[row][col] = lanes.dot(register[row][col], a, b[col]);
                        }
                    }
                }
                for (register, watch) in register.iter_mut().zip(&mut watch) {
                    for (register, watch) in register.iter_mut().zip(watch) {
                        let kept = settle.settle(lanes, *register);
                        watch.see(lanes, *register, kept);
                        *register = kept;
                    }
                }
            }
        }
        outer.take(lanes, register.as_flattened());
    }
    let inner = Inner { registers: register.as_flattened(), watches: watch.as_flattened() };
    lanes.vectorize(Finish { lanes, inner, outer, result });
}

/// The innermost stage after its last step.
pub(super) struct Inner<'a, V, W> {
    pub(super) registers: &'a [V],
    pub(super) watches: &'a [W],
}

/// The end of a tile, as a function of its own, which the many hot loops share.
pub(super) struct Finish<'a, L: Lanes, W> {
    pub(super) lanes: L,
    pub(super) inner: Inner<'a, L::V, W>,
    pub(super) outer: &'a mut Outer<L, W>,
    pub(super) result: &'a mut TileResult<L::Word>,
}

impl<L: Lanes, W: Watch<L>> Call for Finish<'_, L, W> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { lanes, inner, outer, result } = self;
        let values = outer.finish(lanes).unwrap_or(inner.registers);
        for (value, to) in values.iter().zip(result.values.chunks_mut(L::N)) {
            lanes.store(*value, to);
        }
        if W::VECTORS == 0 {
            return;
        }
        store_trace(lanes, inner.watches.iter().copied(), &mut result.traces[0]);
        for (stage, trace) in (0..).zip(&mut result.traces[1..]) {
            store_trace(lanes, outer.watches(stage), trace);
        }
    }
}

/// The first `parts` products of a unit, each a step. A function, not a closure: closures are not always inlined, and
/// what is not inlined is not compiled with vector instructions.
#[inline(always)]
#[expect(clippy::too_many_arguments, reason = "the state of the one loop that calls it")]
fn unit<L: Lanes, S: Settle<L>, W: Watch<L>, const R: usize, const V: usize>(
    lanes: L,
    settle: S,
    a: &[L::Word],
    a_stride: usize,
    b: &[L::Word],
    parts: usize,
    register: &mut [[L::V; V]; R],
    watch: &mut [[W; V]; R],
) {
    let b = columns::<L, V>(lanes, b);
    for part in 0..parts {
        let a = &a[part * a_stride..][..R];
        for row in 0..R {
            let a = lanes.splat(a[row]);
            for col in 0..V {
                let sum = lanes.dot(register[row][col], a, b[col]);
                let kept = settle.settle(lanes, sum);
                watch[row][col].see(lanes, sum, kept);
                register[row][col] = kept;
            }
        }
    }
}

#[inline(always)]
fn columns<L: Lanes, const V: usize>(lanes: L, b: &[L::Word]) -> [L::V; V] {
    let b = &b[..V * L::N];
    let mut columns = [zero(lanes); V];
    for col in 0..V {
        columns[col] = lanes.load(&b[col * L::N..]);
    }
    columns
}

#[inline(always)]
fn store_trace<L: Lanes, W: Watch<L>>(
    lanes: L,
    watches: impl Iterator<Item = W>,
    trace: &mut [Vec<L::Word>; 3],
) {
    for (index, watch) in watches.enumerate() {
        for (seen, to) in watch.seen(lanes).into_iter().zip(trace.iter_mut()) {
            lanes.store(seen, &mut to[index * L::N..]);
        }
    }
}
