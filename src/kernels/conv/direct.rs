//! Convolutions without patches: lanes over positions, which every weight meets in one piece of the input's
//! [planes](super::planes).
//!
//! Exact sums of bytes take four products in a step: of four channels at the same place, or of four neighbours of a row. Since
//! nothing looks at the way, their order is free. Registers that are checked take one product in a step, in ascending k, and
//! only few: of many, blocks are cheaper to bound than to step, which is what the [general path](super::patches) does.

use ndarray::{ArrayViewMut3, ArrayViewMut4, Axis};
use rayon::prelude::*;

use super::planes::Planes;
use super::problem::Problem;
use super::steps::{FillWords, Form, Steps, Words};
use super::tile::{CountEvents, Four, One, Row, WordProduct};
use crate::convolution::Conv2d;
use crate::kernels::operand::element::Operand;
use crate::kernels::output::{Output, StoreMode};
use crate::kernels::plan::shortest::Plan;
use crate::kernels::plan::stage::{StagePlan, StageRegister};
use crate::kernels::product::ReportLevel;
use crate::kernels::stages::overflow::{AnyOverflow, Exact, OverflowOp};
use crate::kernels::stages::statistics::{Events, NoStatistics, StepStatistics};
use crate::simd::{ByteLanes, Detected, IsaKernel, Simd, Vectorized};

/// The most products of an output whose register is checked at every one.
const MOST_STEPS: usize = 32;
/// The most products of 16-bit codes that are summed one at a time.
const MOST_PRODUCTS: usize = 64;
/// Channels from which on four of them share a word; of fewer, four neighbours do.
const CHANNELS: usize = 3;

/// What a direct convolution is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Direct {
    form: Form,
    /// The register that is checked at every step.
    register: StageRegister,
    store: StoreMode,
    report: ReportLevel,
}

/// The events of the one stage that has any.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counted {
    pub(super) events: u64,
    pub(super) outputs: u64,
    /// The first output that has one, as reports name it.
    pub(super) first: Option<(usize, usize)>,
}

impl Counted {
    fn merged(self, other: Self) -> Self {
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

impl Direct {
    /// The one for `plan`, where there is one, of codes within the ranges `x` and `w`.
    pub(super) fn new<X>(
        plan: &Plan,
        depth: usize,
        [u, v]: [usize; 2],
        conv: &Conv2d<X>,
        x: (i64, i64),
        w: (i64, i64),
    ) -> Option<Self> {
        let k = depth * u * v;
        let within = |(low, high): (i64, i64), (least, greatest): (i64, i64)| {
            low >= least && high <= greatest
        };
        let (byte, signed) = ((0, i64::from(u8::MAX)), (i64::from(i8::MIN), i64::from(i8::MAX)));
        let word = (i64::from(i16::MIN), i64::from(i16::MAX));
        if k == 0 || plan.report == ReportLevel::Full {
            return None;
        }
        let none = Self {
            form: Form { words: Words::Codes, flip: 0 },
            register: StageRegister::Exact,
            store: StoreMode::Whole,
            report: ReportLevel::None,
        };
        if let Some(store) = plan.stored_sum() {
            let holds = match store {
                StoreMode::Whole => plan.word.is_some_and(|word| word.bytes() == 4),
                StoreMode::LowBits(bits) => bits <= 32,
            };
            if !holds {
                return None;
            }
            let is_narrow = depth < CHANNELS && v > 1 && conv.stride[1] == 1;
            let words = if is_narrow { Words::Neighbours } else { Words::Channels };
            return if within(w, signed) && within(x, byte) {
                Some(Self { form: Form { words, flip: 0 }, store, ..none })
            } else if within(w, signed) && within(x, signed) {
                Some(Self { form: Form { words, flip: 0x80 }, store, ..none })
            } else {
                let fits = within(w, word) && within(x, word) && k <= MOST_PRODUCTS;
                fits.then_some(Self { store, ..none })
            };
        }
        match plan.stages[..] {
            [StagePlan { register, width: 1, count }]
                if k <= MOST_STEPS
                    && count.is_none_or(|count| count >= k as u64)
                    && plan.word.is_some_and(|word| word.bytes() == 4)
                    && within(w, word)
                    && within(x, word) =>
            {
                Some(Self { register, report: plan.report, ..none })
            }
            _ => None,
        }
    }
}

/// Writes all outputs to `out`, `[N, O, rows, columns]`; gives the events of the register that is checked.
pub(super) fn convolve<X: Operand, T: Output>(
    direct: &Direct,
    problem: &Problem<'_, X>,
    planes: &Planes,
    isa: Detected,
    mut out: ArrayViewMut4<'_, T>,
) -> Counted {
    let groups = problem.conv.groups;
    let steps: Vec<_> =
        (0..groups).map(|group| Steps::new(direct.form, problem, planes, group)).collect();
    let jobs = 4 * rayon::current_num_threads();
    // Of few images, the channels of a group are divided too.
    let parts = jobs.div_ceil((problem.images() * groups).max(1));
    let part = problem.per_group().div_ceil(parts).next_multiple_of(MOST_ROWS);
    let mut pieces = Vec::new();
    for (image, out) in out.outer_iter_mut().enumerate() {
        let mut rest = out;
        for group in 0..groups {
            let (mut here, more) = rest.split_at(Axis(0), problem.per_group());
            rest = more;
            let mut first = 0;
            while here.dim().0 > part {
                let (out, more) = here.split_at(Axis(0), part);
                pieces.push(Piece { image, group, first, out });
                (here, first) = (more, first + part);
            }
            pieces.push(Piece { image, group, first, out: here });
        }
    }
    let shape = Shape {
        depth: problem.depth(),
        per_group: problem.per_group(),
        channels: problem.channels(),
    };
    let fill = |at, words: &mut [i32], codes: &mut Vec<u8>| {
        isa.vectorize(FillWords { form: direct.form, problem, planes, at, words, codes });
    };
    let length = pieces.len().div_ceil(jobs).max(1);
    pieces
        .par_chunks_mut(length)
        .map(|pieces| {
            let (fill, steps) = (&fill, &steps);
            isa.run(Job { direct, shape, planes, steps, fill, pieces })
        })
        .reduce(Counted::default, Counted::merged)
}

/// Output channels of an image and a group, from `first` of the group on.
struct Piece<'o, T> {
    image: usize,
    group: usize,
    first: usize,
    out: ArrayViewMut3<'o, T>,
}

/// Channels of a convolution.
#[derive(Clone, Copy)]
struct Shape {
    /// Input channels of a group.
    depth: usize,
    /// Output channels of a group.
    per_group: usize,
    /// Output channels.
    channels: usize,
}

/// Fills the words of an image and a group, with memory for bytes.
type FillOf<'a> = dyn Fn((usize, usize), &mut [i32], &mut Vec<u8>) + Sync + 'a;

/// Pieces that one thread computes.
struct Job<'a, 'o, T> {
    direct: &'a Direct,
    shape: Shape,
    planes: &'a Planes,
    fill: &'a FillOf<'a>,
    steps: &'a [Steps],
    pieces: &'a mut [Piece<'o, T>],
}

/// The most channels of a tile.
const MOST_ROWS: usize = 6;

impl<T: Output> IsaKernel for Job<'_, '_, T> {
    type Output = Counted;

    fn run<S: Simd>(self, simd: S) -> Counted {
        let lanes = simd.int32();
        let is_single = self.shape.per_group == 1;
        let events = self.direct.report != ReportLevel::None;
        match (self.direct.form.words, AnyOverflow::new(lanes, self.direct.register)) {
            (Words::Channels | Words::Neighbours, _) => self.exact(lanes, Four, is_single),
            (Words::Codes, AnyOverflow::Exact) => self.exact(lanes, One, is_single),
            (Words::Codes, AnyOverflow::Saturate(op)) => self.stepped(lanes, op, events, is_single),
            (Words::Codes, AnyOverflow::Wrap(op)) => self.stepped(lanes, op, events, is_single),
        }
    }
}

impl<T: Output> Job<'_, '_, T> {
    fn exact<L: ByteLanes, P: WordProduct<L>>(
        self,
        lanes: L,
        product: P,
        is_single: bool,
    ) -> Counted {
        if is_single {
            self.tiles::<L, P, Exact, NoStatistics, 1, 4>(lanes, product, Exact)
        } else if const { L::REGISTERS.are_many() } {
            self.tiles::<L, P, Exact, NoStatistics, 6, 4>(lanes, product, Exact)
        } else {
            self.tiles::<L, P, Exact, NoStatistics, 3, 2>(lanes, product, Exact)
        }
    }

    fn stepped<L: ByteLanes, S: OverflowOp<L>>(
        self,
        lanes: L,
        op: S,
        events: bool,
        is_single: bool,
    ) -> Counted {
        match (is_single, events) {
            (true, false) => self.tiles::<L, One, S, NoStatistics, 1, 4>(lanes, One, op),
            (true, true) => self.tiles::<L, One, S, Events<L::V>, 1, 4>(lanes, One, op),
            (false, false) => self.tiles::<L, One, S, NoStatistics, 2, 4>(lanes, One, op),
            (false, true) => self.tiles::<L, One, S, Events<L::V>, 2, 4>(lanes, One, op),
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
        const { assert!(R <= MOST_ROWS) };
        let Self { direct, shape, planes, steps, fill, pieces } = self;
        let stride = planes.span().next_multiple_of(L::N);
        let fours = match direct.form.words {
            Words::Channels => shape.depth.div_ceil(4),
            Words::Codes | Words::Neighbours => shape.depth,
        };
        let mut words = vec![0; fours * planes.len() + stride];
        let mut values = vec![0; R * stride + PIECE];
        let mut events = vec![0; if N::VECTORS > 0 { R * stride } else { 0 }];
        let (mut counted, mut codes) = (Counted::default(), Vec::new());
        let pitch = planes.pitch();
        let is_output: Vec<_> = (0..stride)
            .map(|at| i32::from(at < planes.span() && at % pitch < planes.outputs[1]))
            .collect();
        let mut filled = None;
        // Of every group, the weights from some channel on, block by block.
        let mut weights: Vec<Option<(usize, Vec<_>)>> = vec![None; steps.len()];
        for Piece { image, group, first, out } in pieces {
            if filled != Some((*image, *group)) {
                filled = Some((*image, *group));
                fill((*image, *group), &mut words, &mut codes);
            }
            let channels = out.dim().0;
            let known = &mut weights[*group];
            if known.as_ref().is_none_or(|&(from, _)| from != *first) {
                let blocks = (0..channels).step_by(R).map(|o| steps[*group].of::<R>(*first + o));
                *known = Some((*first, blocks.collect()));
            }
            let blocks = known.iter().flat_map(|(_, blocks)| blocks);
            for (o, (block, start)) in (0..channels).step_by(R).zip(blocks) {
                lanes.vectorize(RunRow::<L, P, S, N, R, V> {
                    row: Row {
                        lanes,
                        product,
                        op,
                        words: &words,
                        taps: &steps[*group].taps,
                        weights: block,
                        start,
                        stride,
                        values: &mut values,
                        events: &mut events,
                    },
                    statistics: std::marker::PhantomData,
                });
                for row in 0..R.min(channels - o) {
                    let values = &values[row * stride..];
                    let mut out = out.index_axis_mut(Axis(0), o + row);
                    if let Some(out) = out.as_slice_mut() {
                        lanes.vectorize(Store { planes, store: direct.store, values, out });
                    } else {
                        let values = values.chunks(planes.pitch());
                        for (mut out, values) in out.outer_iter_mut().zip(values) {
                            for (out, &value) in out.iter_mut().zip(values) {
                                *out = T::cut(value.into()).keep(direct.store);
                            }
                        }
                    }
                    if N::VECTORS == 0 {
                        continue;
                    }
                    let events = &events[row * stride..(row + 1) * stride];
                    let (all, with) = lanes.vectorize(CountEvents { events, outputs: &is_output });
                    counted.events += all;
                    counted.outputs += with;
                    if all > 0 && counted.first.is_none() {
                        // Pieces, and their channels, are in the order in which reports name them.
                        let mut places = (0..stride).filter(|&at| is_output[at] * events[at] > 0);
                        let at = places.next().unwrap_or(0);
                        let position = at / pitch * planes.outputs[1] + at % pitch;
                        let channel = *group * shape.per_group + *first + o + row;
                        counted.first = Some((*image * shape.channels + channel, position));
                    }
                }
            }
        }
        counted
    }
}

/// [`Row::run`], compiled for its lanes.
struct RunRow<'a, L, P, S, N, const R: usize, const V: usize> {
    row: Row<'a, L, P, S, R, V>,
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
        self.row.run::<N>();
    }
}

/// Outputs that are written at once.
const PIECE: usize = 16;

/// Writes the values of a channel, row by row.
struct Store<'a, T> {
    planes: &'a Planes,
    store: StoreMode,
    /// With some behind the last.
    values: &'a [i32],
    out: &'a mut [T],
}

impl<T: Output> Vectorized for Store<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { planes, store, values, out } = self;
        let keep = |value: i32| T::cut(value.into()).keep(store);
        // Rows without a gap are one.
        let columns =
            if planes.pitch() == planes.outputs[1] { out.len() } else { planes.outputs[1] };
        for (row, start) in (0..out.len()).step_by(columns).enumerate() {
            let values = &values[row * planes.pitch()..];
            for at in (0..columns).step_by(PIECE) {
                let (values, out) = (&values[at..], &mut out[start + at..]);
                // What is too much is overwritten by the next row.
                match (values.first_chunk::<PIECE>(), out.first_chunk_mut::<PIECE>()) {
                    (Some(values), Some(out)) => *out = values.map(keep),
                    _ => {
                        let count = PIECE.min(columns - at);
                        for (out, &value) in out[..count].iter_mut().zip(values) {
                            *out = keep(value);
                        }
                    }
                }
            }
        }
    }
}
