//! What one thread computes of a direct convolution.

use std::ops::Range;

use super::fill::Scratch;
use super::guarded::{Doubt, Guard, GuardedRow};
use super::prepared::WeightBlocks;
use super::source::Filler;
use super::tile::{CountEvents, Four, One, Operands, Row, WordProduct};
use super::words::{Field, Words};
use crate::kernels::plan::stage::StageRegister;
use crate::kernels::product::ReportLevel;
use crate::kernels::stages::overflow::{AnyOverflow, Exact, OverflowOp};
use crate::kernels::stages::statistics::{Events, NoStatistics, StepStatistics};
use crate::simd::{ByteLanes, IsaKernel, Simd, Vectorized};

/// Words behind the last that is met, beside a tile's.
const SLACK: usize = 64;

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

/// Output channels, and the units of work that they are: some of a group's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Channels {
    pub(super) per_group: usize,
    pub(super) groups: usize,
    /// Channels of a unit at most.
    pub(super) part: usize,
}

impl Channels {
    /// Units of a group.
    fn parts(&self) -> usize {
        self.per_group.div_ceil(self.part.max(1)).max(1)
    }

    /// Units of an image.
    pub(super) fn units(&self) -> usize {
        self.groups * self.parts()
    }

    /// Image, group, and first channel in the group, of a unit.
    fn unit(&self, unit: usize) -> (usize, usize, usize) {
        let (group, part) = (unit / self.parts(), unit % self.parts());
        (group / self.groups, group % self.groups, part * self.part)
    }

    /// How many channels of all images lie before a unit.
    pub(super) fn plane(&self, unit: usize) -> usize {
        let (image, group, first) = self.unit(unit);
        (image * self.groups + group) * self.per_group + first
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
pub(super) struct Job<'a> {
    pub(super) register: StageRegister,
    pub(super) report: ReportLevel,
    pub(super) words: Words,
    pub(super) channels: Channels,
    pub(super) field: &'a Field,
    pub(super) filler: &'a Filler<'a>,
    pub(super) weights: &'a WeightBlocks,
    /// What the sums of each output channel start from, and some behind the last.
    pub(super) start: &'a [i32],
    pub(super) guarded: Option<Guarded<'a>>,
    pub(super) units: Range<usize>,
    /// Takes the sums of a channel of an image: their number among all of all images, that of the channel, and the sums, in the
    /// rows of the field.
    pub(super) sink: &'a mut dyn FnMut(usize, usize, &[i32]),
}

impl IsaKernel for Job<'_> {
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
                    self.tiles::<_, _, _, NoStatistics, 1, 4>(lanes, Four, Exact)
                } else if const { <S::Int32 as crate::simd::Lanes>::REGISTERS.are_many() } {
                    self.tiles::<_, _, _, NoStatistics, 8, 3>(lanes, Four, Exact)
                } else {
                    self.tiles::<_, _, _, NoStatistics, 4, 2>(lanes, Four, Exact)
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

impl Job<'_> {
    fn stepped<L: ByteLanes, S: OverflowOp<L>, N: StepStatistics<L>>(
        self,
        lanes: L,
        op: S,
    ) -> Counted {
        match self.channels.per_group {
            1 => self.tiles::<_, _, _, N, 1, 4>(lanes, One, op),
            _ => self.tiles::<_, _, _, N, 2, 4>(lanes, One, op),
        }
    }

    fn tiles<L, P, S, N, const R: usize, const V: usize>(
        self,
        lanes: L,
        product: P,
        op: S,
    ) -> Counted
    where
        L: ByteLanes,
        P: WordProduct<L>,
        S: OverflowOp<L>,
        N: StepStatistics<L>,
    {
        let Self { channels, field, filler, weights, start, units, sink, .. } = self;
        let stride = field.span().next_multiple_of(L::N);
        let mut words = filler.memory(stride + SLACK);
        let mut values = vec![0; R * stride];
        let mut events = vec![0; if N::VECTORS > 0 { R * stride } else { 0 }];
        let mut counter = Counter::new(field, if N::VECTORS > 0 { stride } else { 0 });
        let (mut scratch, mut filled) = (Scratch::default(), None);
        for unit in units {
            let (image, group, first) = channels.unit(unit);
            if filled != Some((image, group)) {
                filled = Some((image, group));
                filler.fill((image, group), &mut words, &mut scratch);
            }
            let end = (first + channels.part).min(channels.per_group);
            for o in (first..end).step_by(R) {
                let channel = group * channels.per_group + o;
                let here = R.min(end - o);
                let operands = Operands {
                    words: &words,
                    taps: &field.taps,
                    weights: weights.from(group, o),
                    width: weights.width,
                };
                lanes.vectorize(RunRow::<L, P, S, N, R, V> {
                    row: Row {
                        lanes,
                        product,
                        op,
                        operands,
                        start: &start[channel..],
                        range: 0..stride,
                        stride,
                        values: &mut values,
                        events: &mut events,
                    },
                    statistics: std::marker::PhantomData,
                });
                for row in 0..here {
                    let plane = (image * channels.groups) * channels.per_group + channel + row;
                    sink(plane, channel + row, &values[row * stride..][..stride]);
                    if N::VECTORS > 0 {
                        counter.add(lanes, plane, &events[row * stride..][..stride]);
                    }
                }
            }
        }
        counter.counted
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
        let Self { channels, field, filler, weights, units, sink, .. } = self;
        let stride = field.span().next_multiple_of(L::N);
        let mut words = filler.memory(stride + SLACK);
        let (mut values, mut events) = (vec![0; R * stride], vec![0; R * stride]);
        let mut counter = Counter::new(field, stride);
        let (mut scratch, mut filled) = (Scratch::default(), None);
        // Filled where a channel is in doubt.
        let (mut codes, mut filled_codes) = (Vec::new(), None);
        let mut doubts: Vec<Doubt> = Vec::new();
        for unit in units {
            let (image, group, first) = channels.unit(unit);
            if filled != Some((image, group)) {
                filled = Some((image, group));
                filler.fill((image, group), &mut words, &mut scratch);
            }
            let end = (first + channels.part).min(channels.per_group);
            for o in (first..end).step_by(R) {
                let channel = group * channels.per_group + o;
                let here = R.min(end - o);
                let operands = Operands {
                    words: &words,
                    taps: &field.taps,
                    weights: weights.from(group, o),
                    width: weights.width,
                };
                doubts.clear();
                lanes.vectorize(RunGuarded::<L, R, V>(GuardedRow {
                    lanes,
                    operands,
                    guard: guarded.guard,
                    first: channel,
                    channels: here,
                    stride,
                    values: &mut values,
                    doubts: &mut doubts,
                }));
                if !doubts.is_empty() {
                    events.fill(0);
                    if codes.is_empty() {
                        codes = guarded.filler.memory(stride + SLACK);
                    }
                    if filled_codes != filled {
                        filled_codes = filled;
                        guarded.filler.fill((image, group), &mut codes, &mut scratch);
                    }
                }
                for (row, range) in doubts.drain(..) {
                    let operands = Operands {
                        words: &codes,
                        taps: &guarded.field.taps,
                        weights: guarded.weights.from(group, o + row),
                        width: guarded.weights.width,
                    };
                    let at = row * stride..(row + 1) * stride;
                    lanes.vectorize(RunRow::<L, One, S, Events<L::V>, 1, 4> {
                        row: Row {
                            lanes,
                            product: One,
                            op,
                            operands,
                            start: &[0],
                            range,
                            stride,
                            values: &mut values[at.clone()],
                            events: &mut events[at],
                        },
                        statistics: std::marker::PhantomData,
                    });
                    counter.is_open[row] = true;
                }
                for row in 0..here {
                    let plane = (image * channels.groups) * channels.per_group + channel + row;
                    sink(plane, channel + row, &values[row * stride..][..stride]);
                    if std::mem::take(&mut counter.is_open[row]) {
                        counter.add(lanes, plane, &events[row * stride..][..stride]);
                    }
                }
            }
        }
        counter.counted
    }
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

/// [`Row::run`], compiled for its lanes.
struct RunRow<'a, L, P, S, N, const R: usize, const V: usize> {
    row: Row<'a, L, P, S>,
    statistics: std::marker::PhantomData<N>,
}

impl<L, P, S, N, const R: usize, const V: usize> Vectorized for RunRow<'_, L, P, S, N, R, V>
where
    L: ByteLanes,
    P: WordProduct<L>,
    S: OverflowOp<L>,
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
