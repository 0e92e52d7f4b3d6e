//! Values and events of products of bytes through guarded registers, in parallel jobs.

use std::time::Instant;

use ndarray::{ArrayViewMut2, Axis};

use super::block::{BLOCK, BroadcastCodes, Shifted, Unsigned};
use super::job::{Job, Pass, Problem};
use super::norm_bound::NormBounds;
use super::reach::Sought;
use super::worst_case::WorstCase;
use crate::kernels::exact::blocking::{MicroKernel, PackedOperands, TileIndex};
use crate::kernels::exact::int8::{Int8Kernel, Int8Operands};
use crate::kernels::operand::int8::{MR, NR, OutputOrder};
use crate::kernels::operand::packed::ByteOperands;
use crate::kernels::output::Output;
use crate::kernels::parallel::{Grain, Part, TilePlace, split};
use crate::kernels::plan::shortest::Plan;
use crate::kernels::plan::stage::{StagePlan, StageRegister};
use crate::kernels::product::ReportLevel;
use crate::kernels::report::tally::{StageTally, merged};
use crate::kernels::stages::statistics::{Events, NoStatistics, StepStatistics};
use crate::simd::{ByteLanes, Detected, IsaKernel, Simd, Vectorized};
use crate::tasks;

/// Registers wider than this are not guarded: twice their range, and a block more, must fit a lane.
const MOST_BITS: u32 = 30;
/// Rows of outputs that one task puts in order.
const ROWS: usize = 16;

/// Whether the stages can run in guarded blocks, given that 32-bit lanes hold all their values.
pub(crate) fn takes(stages: &[StagePlan], k: usize) -> bool {
    let inner = &stages[0];
    match inner.register {
        StageRegister::Exact => false,
        StageRegister::Saturate { bits } | StageRegister::Wrap { bits } => {
            let single_step = inner.width >= k as u64;
            bits <= MOST_BITS && !single_step && (BLOCK as u64).is_multiple_of(inner.width)
        }
    }
}

/// Writes the product to `out`; gives the tallies of all stages, and the seconds without packing.
pub(crate) fn multiply<T: Output>(
    operands: ByteOperands<'_>,
    plan: &Plan,
    worst_case: &WorstCase,
    isa: Detected,
    mut out: ArrayViewMut2<'_, T>,
) -> (Vec<StageTally>, f64) {
    let stages = &plan.stages;
    let (a, b) = (operands.a.range(), operands.b.range());
    // Columns that cannot overflow are brought together, so that they fill panels.
    let order = if worst_case.columns.contains(&true) {
        OutputOrder::WorstCase { low: a.0, high: a.1 }
    } else {
        OutputOrder::Given
    };
    let pair = operands.int8(stages[0].tile(operands.dim().1), order);
    let (broadcast, lanes) = pair.orientation.turn((&worst_case.rows, &worst_case.columns));
    let blocks = pair.broadcast.panels_where(broadcast);
    let panels = pair.lanes.panels_where(lanes);
    let problem = Problem::new(&pair, stages, a, b);
    let start = Instant::now();
    let grain = Grain::new((MR, NR), out.len(), (1 << 17) / pair.k.max(1));
    let job = |part: Part<'_, T>| {
        let (job, report) = (Job { part, problem }, plan.report);
        isa.run(GuardedJob { job, report, blocks: &blocks, panels: &panels })
    };
    let all = Part::whole(pair.orientation.view(out.view_mut()));
    let tallies = split(all, grain, &job, &merged);
    let order = &pair.lanes.order;
    if !order.is_empty() {
        // They are columns of B, as packed.
        tasks::for_each(out.axis_chunks_iter_mut(Axis(0), ROWS), |mut rows| {
            for mut row in rows.rows_mut() {
                for (value, &column) in row.to_vec().into_iter().zip(order) {
                    row[column] = value;
                }
            }
        });
    }
    (tallies, start.elapsed().as_secs_f64())
}

/// One part of the outputs.
struct GuardedJob<'a, 'o, T> {
    job: Job<'a, 'o, T>,
    report: ReportLevel,
    /// Blocks of the broadcast operand none of whose outputs can overflow.
    blocks: &'a [bool],
    /// Panels of lanes likewise.
    panels: &'a [bool],
}

impl<T: Output> IsaKernel for GuardedJob<'_, '_, T> {
    type Output = Vec<StageTally>;

    fn run<S: Simd>(self, simd: S) -> Vec<StageTally> {
        let lanes = simd.int32();
        if self.job.problem.pair.broadcast.offset == 0 {
            self.of_codes(lanes, Unsigned)
        } else {
            self.of_codes(lanes, Shifted)
        }
    }
}

impl<T: Output> GuardedJob<'_, '_, T> {
    fn of_codes<L: ByteLanes, S: BroadcastCodes<L>>(self, lanes: L, codes: S) -> Vec<StageTally> {
        match self.report {
            ReportLevel::None => self.tiles::<L, S, NoStatistics>(lanes, codes),
            ReportLevel::Events | ReportLevel::Full => {
                self.tiles::<L, S, Events<L::V>>(lanes, codes)
            }
        }
    }

    /// All tiles, those that cannot overflow as exact sums.
    fn tiles<L: ByteLanes, S: BroadcastCodes<L>, W: StepStatistics<L>>(
        self,
        lanes: L,
        codes: S,
    ) -> Vec<StageTally> {
        let Self { mut job, blocks, panels, .. } = self;
        let Problem { pair, stages, .. } = job.problem;
        let mut tallies = vec![StageTally::default(); stages.len()];
        let mut pass = Pass::<L, W>::new(lanes, stages);
        let range = job.range();
        let exact = Int8Operands::whole(pair);
        let mut exact = exact.micro_kernel(lanes);
        let mut sums = [0; MR * NR];
        let mut norm_bounds = NormBounds::new(stages[0].tile(pair.k));
        let first = job.part.row / MR;
        let end = (job.part.row + job.part.out.nrows()).div_ceil(MR);
        for place in job.tiles::<L>() {
            if blocks[place.block] || panels[place.panel] {
                if place.within.1 == 0 {
                    write_exact(&mut job, &mut exact, place, &mut sums);
                }
                continue;
            }
            norm_bounds.of_rows(lanes, codes, (first..end).map(|row| pair.broadcast.panel(row)));
            norm_bounds.of_columns(lanes, place.panel, pair.lanes.panel(place.panel));
            let norm_bound = norm_bounds.of(place.block - first, place.within.1);
            job.run_tile((lanes, codes), range, place, (norm_bound, Sought::Nowhere), &mut pass);
            job.write(lanes, place, &pass.result.values);
            if W::VECTORS == 0 {
                continue;
            }
            for (tally, [_, _, events]) in tallies.iter_mut().zip(&pass.result.traces) {
                // Padding has no events.
                if lanes.vectorize(AnyOf(events)) {
                    job.add_events::<L>(place, tally, events);
                }
            }
        }
        tallies
    }
}

/// Writes a panel's width of exact sums, from the first column of the panel on.
fn write_exact<L: ByteLanes, T: Output>(
    job: &mut Job<'_, '_, T>,
    exact: &mut Int8Kernel<'_, L>,
    place: TilePlace,
    sums: &mut [i32; MR * NR],
) {
    let (rows, cols) = job.part.out.dim();
    let (TilePlace { block, panel, .. }, (top, left)) = (place, place.at);
    let (height, width) = (MR.min(rows - top), NR.min(cols - left));
    exact.start(block, height, 0);
    exact.sum(TileIndex { block, panel, height, width, chunk: 0 }, sums);
    for (row, sums) in sums.chunks(NR).take(height).enumerate() {
        for (col, &sum) in sums.iter().take(width).enumerate() {
            job.part.out[(top + row, left + col)] = T::cut(sum.into());
        }
    }
}

/// Whether any word is not zero.
struct AnyOf<'a>(&'a [i32]);

impl Vectorized for AnyOf<'_> {
    type Output = bool;

    #[inline(always)]
    fn call(self) -> bool {
        self.0.iter().fold(0, |any, word| any | word) != 0
    }
}
