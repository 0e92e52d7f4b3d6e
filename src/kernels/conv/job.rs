//! What one thread computes of a direct convolution.

use std::ops::Range;

use super::code_tiles::{CodeRows, RunCodes};
use super::codes::Plane;
use super::guarded::{Doubt, Guard, GuardedRow};
use super::prepared::WeightBlocks;
use super::run::Run;
use super::sink::Sink;
use super::source::Filler;
use super::tile::{CountEvents, Four, One, Operands, Row, StepProducts, Stored};
use super::walk::{Block, Channels, Walk};
use super::words::{Field, Words};
use crate::kernels::byte_dots::PairRun;
use crate::kernels::plan::stage::StageRegister;
use crate::kernels::product::ReportLevel;
use crate::kernels::stages::overflow::{AnyOverflow, Exact, OverflowOp};
use crate::kernels::stages::statistics::{Events, NoStatistics, StepStatistics};
use crate::simd::{ByteLanes, IsaKernel, Simd, Vectorized};

/// Words behind the last that is met, beside a tile's.
pub(super) const SLACK: usize = 64;
/// Sums of blocks that are computed at once, about.
const AT_ONCE: usize = 1 << 12;

/// The events of the one stage that has any.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counted {
    pub(super) events: u64,
    pub(super) outputs: u64,
    /// The first output that has one, as reports name it.
    pub(super) first: Option<(usize, usize)>,
}

impl Counted {
    pub(super) fn merged(self, other: Self) -> Self {
        Self {
            events: self.events + other.events,
            outputs: self.outputs + other.outputs,
            first: match (self.first, other.first) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            },
        }
    }
}

/// What a guarded job steps in doubt.
#[derive(Clone, Copy)]
pub(super) struct Guarded<'a> {
    pub(super) guard: &'a Guard,
    pub(super) field: &'a Field,
    pub(super) weights: &'a WeightBlocks,
    pub(super) filler: &'a Filler<'a>,
}

/// Units that one thread computes.
pub(super) struct Job<'a, 's> {
    pub(super) register: StageRegister,
    pub(super) report: ReportLevel,
    pub(super) words: Words,
    /// How long sums of pairs of products of bytes fit 16 bits.
    pub(super) run: PairRun,
    pub(super) channels: Channels,
    pub(super) field: &'a Field,
    pub(super) filler: &'a Filler<'a>,
    pub(super) weights: &'a WeightBlocks,
    /// What the sums of each output channel start from, and some behind the last.
    pub(super) start: &'a [i32],
    pub(super) guarded: Option<Guarded<'a>>,
    pub(super) units: Range<usize>,
    pub(super) sink: &'a mut Sink<'s>,
}

impl IsaKernel for Job<'_, '_> {
    type Output = Counted;

    fn run<S: Simd>(self, simd: S) -> Counted {
        let lanes = simd.int32();
        let is_single = self.channels.per_group == 1;
        let counts = self.report != ReportLevel::None;
        let op = AnyOverflow::new(lanes, self.register);
        if let Some(guarded) = self.guarded {
            return match op {
                AnyOverflow::Exact => self.guard(lanes, Exact, guarded),
                AnyOverflow::Saturate(op) => self.guard(lanes, op, guarded),
                AnyOverflow::Wrap(op) => self.guard(lanes, op, guarded),
            };
        }
        match (self.words, op) {
            (Words::Channels | Words::Neighbours, _) => {
                if is_single {
                    self.exact::<_, 1, 4>(lanes)
                } else if const { <S::Int32 as crate::simd::Lanes>::REGISTERS.are_many() } {
                    self.exact::<_, 8, 3>(lanes)
                } else {
                    self.exact::<_, 4, 2>(lanes)
                }
            }
            (Words::Codes, AnyOverflow::Exact) => self.stepped::<_, _, NoStatistics>(lanes, Exact),
            (Words::Codes, AnyOverflow::Saturate(op)) if counts => {
                self.stepped::<_, _, Events<_>>(lanes, op)
            }
            (Words::Codes, AnyOverflow::Saturate(op)) => {
                self.stepped::<_, _, NoStatistics>(lanes, op)
            }
            // Where nobody counts, that is an exact sum.
            (Words::Codes, AnyOverflow::Wrap(op)) => self.stepped::<_, _, Events<_>>(lanes, op),
        }
    }
}

impl<'a, 's> Job<'a, 's> {
    fn stepped<L: ByteLanes, S: OverflowOp<L>, N: StepStatistics<L>>(
        self,
        lanes: L,
        op: S,
    ) -> Counted {
        match self.channels.per_group {
            1 => self.tiles::<_, _, N, 1, 4>(lanes, One(op)),
            _ => self.tiles::<_, _, N, 2, 4>(lanes, One(op)),
        }
    }

    fn exact<L: ByteLanes, const R: usize, const V: usize>(self, lanes: L) -> Counted {
        match self.sink {
            Sink::Codes(_) => self.codes::<L, R, V>(lanes),
            Sink::Sums(_) => self.tiles::<L, _, NoStatistics, R, V>(lanes, Four),
        }
    }

    /// Codes of exact sums, which nobody counts.
    fn codes<L: ByteLanes, const R: usize, const V: usize>(self, lanes: L) -> Counted {
        let (field, start, width, run) = (self.field, self.start, self.weights.width, self.run);
        let stride = field.span().next_multiple_of(L::N);
        let most = (AT_ONCE / (R * stride)).max(1);
        let mut rows = CodeRows::new(most, R, stride);
        let (walk, sink) = self.walk(stride + SLACK);
        let Sink::Codes(sink) = sink else { return Counted::default() };
        walk.run::<R>(most, |words, _, blocks| {
            let run = Run { lanes, words, field, width, run, blocks, start };
            lanes.vectorize(RunCodes::<L, R, V> { run, rows: &mut rows, sink: &mut *sink });
            rows.settle(sink, blocks);
        });
        Counted::default()
    }

    fn tiles<L, P, N, const R: usize, const V: usize>(self, lanes: L, products: P) -> Counted
    where
        L: ByteLanes,
        P: StepProducts<L>,
        N: StepStatistics<L>,
    {
        let (field, start, run) = (self.field, self.start, self.run);
        let stride = field.span().next_multiple_of(L::N);
        let most = (AT_ONCE / (R * stride)).max(1);
        let mut values = vec![0; most * R * stride];
        let mut events = vec![0; if N::VECTORS > 0 { most * R * stride } else { 0 }];
        let mut counter = Counter::new(field, if N::VECTORS > 0 { stride } else { 0 });
        let width = self.weights.width;
        let (walk, sink) = self.walk(stride + SLACK);
        walk.run::<R>(most, |words, _, blocks| {
            lanes.vectorize(RunRows::<L, P, N, R, V> {
                run: Run { lanes, words, field, width, run, blocks, start },
                products,
                stride,
                values: &mut values,
                events: &mut events,
                statistics: std::marker::PhantomData,
            });
            sink.take(lanes, planes(blocks, &values, (R, stride)));
            if N::VECTORS > 0 {
                for plane in planes(blocks, &events, (R, stride)) {
                    counter.add(lanes, plane.number, plane.sums);
                }
            }
        });
        counter.counted
    }

    /// The walk over all units, and what takes their sums.
    fn walk(self, behind: usize) -> (Walk<'a>, &'a mut Sink<'s>) {
        let Self { channels, field, filler, weights, units, sink, .. } = self;
        (Walk { channels, len: field.len, filler, weights, units, behind }, sink)
    }

    fn guard<L: ByteLanes, S: OverflowOp<L>>(
        self,
        lanes: L,
        op: S,
        guarded: Guarded<'_>,
    ) -> Counted {
        if const { L::REGISTERS.are_many() } {
            self.guarded::<L, S, 4, 4>(lanes, op, guarded)
        } else {
            self.guarded::<L, S, 2, 2>(lanes, op, guarded)
        }
    }

    fn guarded<L: ByteLanes, S: OverflowOp<L>, const R: usize, const V: usize>(
        self,
        lanes: L,
        op: S,
        guarded: Guarded<'_>,
    ) -> Counted {
        let (field, run) = (self.field, self.run);
        let stride = field.span().next_multiple_of(L::N);
        let (mut values, mut events) = (vec![0; R * stride], vec![0; R * stride]);
        let mut counter = Counter::new(field, stride);
        // Filled where a channel is in doubt.
        let (mut codes, mut filled_codes) = (Vec::new(), None);
        let mut doubts: Vec<Doubt> = Vec::new();
        let width = self.weights.width;
        let (walk, sink) = self.walk(stride + SLACK);
        walk.run::<R>(1, |words, scratch, blocks| {
            let [block] = *blocks else { return };
            let Block { image, group, o, weights, .. } = block;
            let words = &words[block.words..];
            doubts.clear();
            lanes.vectorize(RunGuarded::<L, R, V>(GuardedRow {
                lanes,
                operands: Operands { words, taps: &field.taps, weights, width, run },
                guard: guarded.guard,
                first: block.channel,
                channels: block.here,
                stride,
                values: &mut values,
                doubts: &mut doubts,
            }));
            if !doubts.is_empty() {
                events.fill(0);
                if codes.is_empty() {
                    codes = guarded.filler.memory(stride + SLACK);
                }
                if filled_codes != Some((image, group)) {
                    filled_codes = Some((image, group));
                    guarded.filler.fill(image, group..group + 1, &mut codes, scratch);
                }
            }
            for (row, range) in doubts.drain(..) {
                let operands = Operands {
                    words: &codes,
                    taps: &guarded.field.taps,
                    weights: guarded.weights.from(group, o + row),
                    width: guarded.weights.width,
                    run,
                };
                let at = row * stride..(row + 1) * stride;
                lanes.vectorize(RunRow::<L, One<S>, Events<L::V>, 1, 4> {
                    row: Row {
                        lanes,
                        products: One(op),
                        operands,
                        start: &[0],
                        range,
                        end: Stored {
                            stride,
                            values: &mut values[at.clone()],
                            events: &mut events[at],
                        },
                    },
                    statistics: std::marker::PhantomData,
                });
                counter.is_open[row] = true;
            }
            sink.take(lanes, planes(blocks, &values, (R, stride)));
            for (row, plane) in planes(blocks, &events, (R, stride)).enumerate() {
                if std::mem::take(&mut counter.is_open[row]) {
                    counter.add(lanes, plane.number, plane.sums);
                }
            }
        });
        counter.counted
    }
}

/// The channels of some blocks, whose sums lie in rows of `stride`, `rows` to a block.
fn planes<'a>(
    blocks: &'a [Block<'_>],
    sums: &'a [i32],
    (rows, stride): (usize, usize),
) -> impl Iterator<Item = Plane<'a>> + Clone {
    blocks.iter().zip(sums.chunks_exact(rows * stride)).flat_map(move |(block, sums)| {
        let of_row = move |(row, sums): (usize, &'a [i32])| Plane {
            number: block.plane + row,
            channel: block.channel + row,
            sums,
        };
        sums.chunks_exact(stride).take(block.here).enumerate().map(of_row)
    })
}

/// Counts the events of outputs.
struct Counter<'a> {
    counted: Counted,
    /// 1 where an output is, 0 between rows.
    is_output: Vec<i32>,
    field: &'a Field,
    /// Channels of a row that have events that are not counted yet.
    is_open: [bool; super::prepared::BLOCK],
}

impl<'a> Counter<'a> {
    fn new(field: &'a Field, stride: usize) -> Self {
        let is_output = |at: usize| at < field.span() && at % field.pitch < field.outputs[1];
        let is_output = (0..stride).map(|at| i32::from(is_output(at))).collect();
        Self { counted: Counted::default(), is_output, field, is_open: Default::default() }
    }

    /// Those of a channel of an image, as it is counted among all.
    fn add<L: ByteLanes>(&mut self, lanes: L, plane: usize, events: &[i32]) {
        let outputs = &self.is_output;
        let (all, with) = lanes.vectorize(CountEvents { events, outputs });
        self.counted.events += all;
        self.counted.outputs += with;
        if all > 0 && self.counted.first.is_none() {
            // Units, and their channels, are in the order in which reports name them.
            let mut places = (0..events.len()).filter(|&at| outputs[at] * events[at] > 0);
            let at = places.next().unwrap_or(0);
            let position = at / self.field.pitch * self.field.outputs[1] + at % self.field.pitch;
            self.counted.first = Some((plane, position));
        }
    }
}

/// [`Row::run`] of some blocks, compiled for its lanes.
struct RunRows<'a, L, P, N, const R: usize, const V: usize> {
    run: Run<'a, L>,
    products: P,
    stride: usize,
    values: &'a mut [i32],
    events: &'a mut [i32],
    statistics: std::marker::PhantomData<N>,
}

impl<L, P, N, const R: usize, const V: usize> Vectorized for RunRows<'_, L, P, N, R, V>
where
    L: ByteLanes,
    P: StepProducts<L>,
    N: StepStatistics<L>,
{
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { run, products, stride, .. } = self;
        let values = self.values.chunks_exact_mut(R * stride);
        let mut events = self.events.chunks_exact_mut(R * stride);
        for (block, values) in run.blocks.iter().zip(values) {
            let events = events.next().unwrap_or_default();
            let mut row = Row {
                lanes: run.lanes,
                products,
                operands: run.operands(block),
                start: &run.start[block.channel..],
                range: 0..stride,
                end: Stored { stride, values, events },
            };
            row.run::<N, R, V>();
        }
    }
}

/// [`Row::run`], compiled for its lanes.
struct RunRow<'a, L, P, N, const R: usize, const V: usize> {
    row: Row<'a, L, P, Stored<'a>>,
    statistics: std::marker::PhantomData<N>,
}

impl<L, P, N, const R: usize, const V: usize> Vectorized for RunRow<'_, L, P, N, R, V>
where
    L: ByteLanes,
    P: StepProducts<L>,
    N: StepStatistics<L>,
{
    type Output = ();

    #[inline(always)]
    fn call(mut self) {
        self.row.run::<N, R, V>();
    }
}

/// [`GuardedRow::run`], compiled for its lanes.
struct RunGuarded<'a, L, const R: usize, const V: usize>(GuardedRow<'a, L>);

impl<L: ByteLanes, const R: usize, const V: usize> Vectorized for RunGuarded<'_, L, R, V> {
    type Output = ();

    #[inline(always)]
    fn call(mut self) {
        self.0.run::<R, V>();
    }
}
