//! Convolutions without patches: lanes over positions, which every weight meets in one piece of the input's
//! [words](super::words).
//!
//! Exact sums of bytes take four products in a step: of four channels at the same place, or of four neighbours of a row. Since
//! nothing looks at the way, their order is free. Registers that are checked take one product in a step, in ascending k, and
//! only few; of more, [exact sums](super::guarded) that are looked at now and then prove for most that nothing overflows.
//! What is left to the [general path](super::patches) is where they would not.

use super::guarded::Guard;
use super::job::{Counted, Guarded, Job};
use super::planes::Planes;
use super::prepared::PreparedConv;
use super::problem::Problem;
use super::sink::Sinks;
use super::source::Source;
use super::walk::Channels;
use super::words::{Field, Form, Line, Words};
use crate::convolution::Conv2d;
use crate::kernels::byte_dots::PairRun;
use crate::kernels::operand::element::Operand;
use crate::kernels::output::StoreMode;
use crate::kernels::plan::shortest::Plan;
use crate::kernels::plan::stage::{StagePlan, StageRegister};
use crate::kernels::product::ReportLevel;
use crate::simd::Detected;
use crate::tasks;

/// The most products of an output whose register is checked at every one.
const MOST_STEPS: usize = 32;
/// The most products of 16-bit codes that are summed one at a time.
const MOST_PRODUCTS: usize = 64;
/// Channels from which on four of them share a word; of fewer, four neighbours do.
const CHANNELS: usize = 3;

/// What a direct convolution is.
#[derive(Debug)]
pub(super) struct Direct {
    form: Form,
    /// How long sums of pairs of products of bytes fit 16 bits.
    run: PairRun,
    /// The register that is checked at every step.
    register: StageRegister,
    /// Where exact sums tell for most outputs that it holds them.
    guard: Option<Guard>,
    pub(super) store: StoreMode,
    report: ReportLevel,
}

/// What is known of the operands.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) weights: &'a PreparedConv,
    pub(super) kernel: [usize; 2],
    pub(super) depth: usize,
    /// The range of the input's codes and of its padding.
    pub(super) codes: (i64, i64),
    /// Bits of a code in its storage.
    pub(super) storage: u32,
}

impl Direct {
    /// The one for `plan`, where there is one.
    pub(super) fn new<X>(
        plan: &Plan,
        known: Known<'_>,
        conv: &Conv2d<X>,
        columns: usize,
    ) -> Option<Self> {
        let Known { weights, kernel: [u, v], depth, codes: x, storage } = known;
        let (k, w) = (depth * u * v, weights.range());
        let within = |(low, high): (i64, i64), (least, greatest): (i64, i64)| {
            low >= least && high <= greatest
        };
        let (byte, signed) = ((0, i64::from(u8::MAX)), (i64::from(i8::MIN), i64::from(i8::MAX)));
        let word = (i64::from(i16::MIN), i64::from(i16::MAX));
        if k == 0 || plan.report == ReportLevel::Full || storage > 16 {
            return None;
        }
        // What makes bytes unsigned, of operands of bytes.
        let flip = match storage {
            8 if !within(w, signed) => None,
            8 if within(x, byte) => Some(0),
            8 if within(x, signed) => Some(0x80),
            _ => None,
        };
        let offset = if flip == Some(0) { 0 } else { 128 };
        let of_bytes = |most: i64| u32::try_from(most).unwrap_or(u32::MAX);
        let none = Self {
            form: Form { words: Words::Codes, flip: 0 },
            run: PairRun::new(
                of_bytes(x.1.saturating_add(offset)),
                of_bytes(w.1.max(w.0.saturating_neg())),
            ),
            register: StageRegister::Exact,
            guard: None,
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
            let is_narrow = depth < CHANNELS && v > 1 && Line::new(conv, columns, v).is_some();
            let words = if is_narrow { Words::Neighbours } else { Words::Channels };
            return match flip {
                Some(flip) => Some(Self { form: Form { words, flip }, store, ..none }),
                None => {
                    let fits = within(w, word) && within(x, word) && k <= MOST_PRODUCTS;
                    fits.then_some(Self { store, ..none })
                }
            };
        }
        let [stage @ StagePlan { register, width: 1, count }] = plan.stages[..] else {
            return None;
        };
        if count.is_some_and(|count| count < k as u64)
            || plan.word.is_none_or(|word| word.bytes() != 4)
            || !within(w, word)
            || !within(x, word)
        {
            return None;
        }
        let stepped = Self { register, report: plan.report, ..none };
        if k <= MOST_STEPS {
            return Some(stepped);
        }
        let flip = flip.filter(|_| k <= i32::MAX as usize / (255 * 128))?;
        let (sums, outputs) = (weights.guards(conv.groups), weights.shape().0);
        let guard = Guard::new(&sums, outputs, x, stage.range(), offset.into());
        let form = Form { words: Words::Channels, flip };
        guard.is_worth_it(stage.range()).then_some(Self { form, guard: Some(guard), ..stepped })
    }
}

/// Has `sinks` write all outputs to `out`, `[N, O, rows, columns]`; gives the events of the register that is checked.
pub(super) fn convolve<X: Operand, T: Send>(
    direct: &Direct,
    problem: &Problem<'_, X>,
    planes: &Planes,
    source: &Source<'_>,
    isa: Detected,
    sinks: &dyn Sinks<T>,
    out: &mut [T],
) -> Counted {
    let (groups, positions) = (problem.conv.groups, problem.positions());
    let threads = rayon::current_num_threads();
    let jobs = if threads == 1 { 1 } else { 4 * threads };
    let wide = problem.images() * groups;
    // Of few images, the channels of a group are divided too.
    let part = problem.per_group().div_ceil(jobs.div_ceil(wide.max(1)));
    let channels = Channels {
        per_group: problem.per_group(),
        groups,
        part: part.next_multiple_of(super::prepared::BLOCK),
    };
    let (depth, kernel) = (problem.depth(), problem.kernel);
    let field = Field::new(direct.form.words, depth, kernel, planes);
    let weights = problem.weights.blocks(direct.form.words, groups);
    let filler = source.filler(direct.form, &field, problem, planes, isa);
    // The total of an output channel is what its unsigned sum has too much of.
    let mut start = vec![0; problem.channels() + super::prepared::BLOCK];
    if direct.form.flip != 0 {
        for (start, sums) in start.iter_mut().zip(problem.weights.sums()) {
            *start = (-128 * sums.total()) as i32;
        }
    }
    let codes = Form { words: Words::Codes, flip: 0 };
    let of_codes = direct.guard.as_ref().map(|_| Field::new(Words::Codes, depth, kernel, planes));
    let stepped = of_codes.as_ref().map(|field| {
        let filler = source.filler(codes, field, problem, planes, isa);
        (problem.weights.blocks(Words::Codes, groups), filler)
    });
    let guarded = direct.guard.as_ref().zip(of_codes.as_ref()).zip(stepped.as_ref());
    let guarded = guarded.map(|((guard, field), (weights, filler))| Guarded {
        guard,
        field,
        weights,
        filler,
    });
    let units = problem.images() * channels.units();
    let length = units.div_ceil(jobs).max(1);
    let (mut rest, mut all) = (out, Vec::new());
    for first in (0..units).step_by(length) {
        let range = first..(first + length).min(units);
        let planes = channels.plane(range.end) - channels.plane(range.start);
        let (here, more) = rest.split_at_mut(planes * positions);
        rest = more;
        all.push((range, here));
    }
    let counted = tasks::map(all, |(units, out)| {
        let mut sink = sinks.sink(&field, channels.plane(units.start), out);
        let counted = isa.run(Job {
            register: direct.register,
            report: direct.report,
            words: direct.form.words,
            run: direct.run,
            channels,
            field: &field,
            filler: &filler,
            weights: &weights,
            start: &start,
            guarded,
            units,
            sink: &mut sink,
        });
        sinks.done(sink);
        counted
    });
    counted.into_iter().fold(Counted::default(), Counted::merged)
}
