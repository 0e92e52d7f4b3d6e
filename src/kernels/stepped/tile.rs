//! The micro-kernel of stepped registers: one tile of `R` rows by `V` vectors of outputs, through all of k.

use crate::kernels::operand::panels::load_vectors;
use crate::kernels::stages::outer::OuterStages;
use crate::kernels::stages::overflow::{AnyOverflow, Exact, OverflowOp};
use crate::kernels::stages::result::{FinishTile, InnermostStage, TileResult};
use crate::kernels::stages::statistics::{StepStatistics, zero};
use crate::simd::{IntLanes, Vectorized};

/// The packed operands of one tile, as [`step_words`](crate::kernels::operand::step_words) lays them out.
#[derive(Clone, Copy)]
pub(crate) struct TileOperands<'a, W> {
    /// The row block from the tile's first row on.
    pub(crate) a: &'a [W],
    /// Rows in the block.
    pub(crate) a_stride: usize,
    /// The panel from the tile's first column on.
    pub(crate) b: &'a [W],
    /// Columns in the panel.
    pub(crate) b_stride: usize,
    pub(crate) units_per_step: usize,
    pub(crate) units_per_tile: usize,
    /// The length of the sums.
    pub(crate) products: usize,
    pub(crate) products_per_tile: usize,
}

/// One tile to run, compiled for its lanes.
pub(crate) struct TileCall<'a, L: IntLanes, W, const R: usize, const V: usize> {
    pub(crate) lanes: L,
    pub(crate) overflow: AnyOverflow<L::V>,
    pub(crate) operands: TileOperands<'a, L::Element>,
    pub(crate) steps: StepKind,
    pub(crate) outer: &'a mut OuterStages<L, W>,
    pub(crate) result: &'a mut TileResult<L::Element>,
}

/// What a step of the innermost stage is.
#[derive(Clone, Copy)]
pub(crate) enum StepKind {
    /// One product.
    Product,
    /// Whole units.
    Units,
}

impl<L: IntLanes, W: StepStatistics<L>, const R: usize, const V: usize> Vectorized
    for TileCall<'_, L, W, R, V>
{
    type Output = ();

    #[inline(always)]
    fn call(self) {
        match self.overflow {
            AnyOverflow::Exact => self.with_op(Exact),
            AnyOverflow::Saturate(saturate) => self.with_op(saturate),
            AnyOverflow::Wrap(wrap) => self.with_op(wrap),
        }
    }
}

impl<L: IntLanes, W: StepStatistics<L>, const R: usize, const V: usize> TileCall<'_, L, W, R, V> {
    #[inline(always)]
    fn with_op<S: OverflowOp<L>>(self, op: S) {
        let Self { lanes, operands, steps, outer, result, .. } = self;
        outer.restart(lanes);
        match steps {
            StepKind::Units => tile::<L, S, W, R, V, 0>(lanes, op, operands, outer, result),
            StepKind::Product => {
                const { assert!(L::K_TILE <= 2) };
                if const { L::K_TILE == 1 } {
                    tile::<L, S, W, R, V, 1>(lanes, op, operands, outer, result);
                } else {
                    tile::<L, S, W, R, V, 2>(lanes, op, operands, outer, result);
                }
            }
        }
    }
}

/// Runs the tile. `PARTS` is 0 where a step is `units_per_step` whole units, else the products of a unit, each of
/// which is a step.
#[inline(always)]
fn tile<L, S, W, const R: usize, const V: usize, const PARTS: usize>(
    lanes: L,
    op: S,
    operands: TileOperands<'_, L::Element>,
    outer: &mut OuterStages<L, W>,
    result: &mut TileResult<L::Element>,
) where
    L: IntLanes,
    S: OverflowOp<L>,
    W: StepStatistics<L>,
{
    let TileOperands { a, a_stride, b, b_stride, units_per_step, units_per_tile, .. } = operands;
    let TileOperands { products, products_per_tile, .. } = operands;
    let words_per_unit = a_stride * PARTS.max(1);
    let mut statistics = [[W::start(lanes); V]; R];
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
                unit(lanes, op, a, a_stride, b, PARTS, &mut register, &mut statistics);
            }
            // Padding is no step: after a wrap its statistics would show what no sum reached.
            if let Some((a, b)) = units.next() {
                let parts = here % PARTS;
                unit(lanes, op, a, a_stride, b, parts, &mut register, &mut statistics);
            }
        } else {
            let steps =
                a.chunks(a_stride * units_per_step).zip(b.chunks(b_stride * units_per_step));
            for (a, b) in steps {
                for (a, b) in a.chunks(a_stride).zip(b.chunks(b_stride)) {
                    let b = load_vectors::<L, V>(lanes, b);
                    let a = &a[..R];
                    for row in 0..R {
                        let a = lanes.splat(a[row]);
                        for col in 0..V {
                            register[row][col] = lanes.dot(register[row][col], a, b[col]);
                        }
                    }
                }
                for (register, statistics) in register.iter_mut().zip(&mut statistics) {
                    for (register, statistics) in register.iter_mut().zip(statistics) {
                        let kept = op.apply(lanes, *register);
                        statistics.record(lanes, *register, kept);
                        *register = kept;
                    }
                }
            }
        }
        outer.take(lanes, register.as_flattened());
    }
    let inner = InnermostStage {
        registers: register.as_flattened(),
        statistics: statistics.as_flattened(),
    };
    lanes.vectorize(FinishTile { lanes, inner, outer, result });
}

/// The first `parts` products of a unit, each a step. A function, not a closure: closures are not always inlined, and
/// what is not inlined is not compiled with vector instructions.
#[inline(always)]
#[expect(clippy::too_many_arguments, reason = "the state of the one loop that calls it")]
fn unit<L: IntLanes, S: OverflowOp<L>, W: StepStatistics<L>, const R: usize, const V: usize>(
    lanes: L,
    op: S,
    a: &[L::Element],
    a_stride: usize,
    b: &[L::Element],
    parts: usize,
    register: &mut [[L::V; V]; R],
    statistics: &mut [[W; V]; R],
) {
    let b = load_vectors::<L, V>(lanes, b);
    for part in 0..parts {
        let a = &a[part * a_stride..][..R];
        for row in 0..R {
            let a = lanes.splat(a[row]);
            for col in 0..V {
                let sum = lanes.dot(register[row][col], a, b[col]);
                let kept = op.apply(lanes, sum);
                statistics[row][col].record(lanes, sum, kept);
                register[row][col] = kept;
            }
        }
    }
}
