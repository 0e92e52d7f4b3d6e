//! A convolution from its operands to its report, by whichever way is fastest.

use std::sync::atomic::{AtomicBool, Ordering};

use ndarray::{Array4, ArrayViewMut4};

use super::codes::{CodeSink, Plane};
use super::direct::{self, Direct, Known};
use super::finish::{Finish, LinearCodes};
use super::job::Counted;
use super::linear_codes::linear_codes;
use super::patches;
use super::problem::{Problem, Reported};
use super::sink::{Sink, Sinks};
use super::source::Source;
use super::store::{Store, dense};
use super::words::Field;
use crate::accumulate::FirstEvent;
use crate::kernels::operand::element::Operand;
use crate::kernels::operand::matrix::{Matrix, magnitude};
use crate::kernels::operand::step_words::WordKind;
use crate::kernels::output::{Output, StoreMode};
use crate::kernels::plan::bounds::Bounds;
use crate::kernels::plan::shortest::Plan;
use crate::kernels::plan::stage::{self, StagePlan};
use crate::kernels::product::{MatmulError, MatmulOptions, ReportLevel, StageEvents};
use crate::simd::Detected;

/// Writes all outputs to `out`; `pixels` has all codes of the input.
pub(super) fn run<X: Operand, T: Output>(
    problem: &Problem<'_, X>,
    pixels: &Matrix<'_>,
    isa: Detected,
    options: &MatmulOptions<'_>,
    mut out: ArrayViewMut4<'_, T>,
) -> Result<Reported, MatmulError> {
    let planned = Planned::of(problem, pixels, options, T::BITS)?;
    if T::BITS < 64 && (problem.init.is_some() || !planned.fits(T::BITS)) {
        let mut wide = Array4::<i64>::zeros(out.dim());
        let reported = run(problem, pixels, isa, options, wide.view_mut())?;
        narrow(&wide, out)?;
        return Ok(reported);
    }
    let (Some(direct), Some(planes)) = (&planned.direct, &problem.planes) else {
        return patches::convolve(problem, options, out);
    };
    let Some(source) = Source::of(pixels) else { return patches::convolve(problem, options, out) };
    let stores = Stores { isa, store: direct.store };
    let counted = if let Some(out) = out.as_slice_mut() {
        direct::convolve(direct, problem, planes, &source, isa, &stores, out)
    } else {
        let mut apart = Array4::<T>::default(out.dim());
        let all = apart.as_slice_mut().unwrap_or_default();
        let counted = direct::convolve(direct, problem, planes, &source, isa, &stores, all);
        out.assign(&apart);
        counted
    };
    Ok(planned.reported(problem, options, counted))
}

/// Writes what `finish` makes of all outputs to `codes`, `[N, O, rows, columns]`; `None` where it cannot.
pub(super) fn run_codes<X: Operand>(
    problem: &Problem<'_, X>,
    pixels: &Matrix<'_>,
    isa: Detected,
    options: &MatmulOptions<'_>,
    finish: &dyn Finish,
    codes: &mut [u8],
) -> Result<Option<Reported>, MatmulError> {
    let planned = Planned::of(problem, pixels, options, i32::BITS)?;
    let linear = finish.linear().filter(|linear| linear.has_room() && planned.fits(31));
    let coded = Coded { isa, finish, linear, has_failed: AtomicBool::new(false) };
    let direct = planned.direct.as_ref().filter(|_| planned.fits(i32::BITS));
    let reported = match (direct, &problem.planes, Source::of(pixels)) {
        (Some(direct), Some(planes), Some(source)) => {
            let sinks = (direct.store, &coded);
            let counted = direct::convolve(direct, problem, planes, &source, isa, &sinks, codes);
            planned.reported(problem, options, counted)
        }
        _ => {
            let (images, channels, [rows, columns]) =
                (problem.images(), problem.channels(), problem.outputs);
            let mut sums = Array4::<i32>::zeros((images, channels, rows, columns));
            let reported = run(problem, pixels, isa, options, sums.view_mut())?;
            let sums = sums.as_slice().unwrap_or_default();
            let planes = sums.chunks(rows * columns).zip(codes.chunks_mut(rows * columns));
            for (plane, (sums, codes)) in planes.enumerate() {
                match coded.linear {
                    Some(_) if linear_codes(finish, plane % channels, sums, codes) => {}
                    _ => coded.put(plane % channels, sums, codes),
                }
            }
            reported
        }
    };
    Ok((!coded.has_failed.into_inner()).then_some(reported))
}

/// Outputs as they are, of a type.
struct Stores {
    isa: Detected,
    store: StoreMode,
}

impl<T: Output> Sinks<T> for Stores {
    fn sink<'s>(&'s self, field: &'s Field, first: usize, out: &'s mut [T]) -> Sink<'s> {
        let positions = field.positions();
        Sink::Sums(Box::new(move |Plane { number, sums: values, .. }| {
            let out = &mut out[(number - first) * positions..][..positions];
            self.isa.vectorize(Store { field, store: self.store, values, out });
        }))
    }
}

/// Outputs as codes.
struct Coded<'a> {
    isa: Detected,
    finish: &'a dyn Finish,
    /// Where no sum is too great for it.
    linear: Option<&'a LinearCodes>,
    has_failed: AtomicBool,
}

impl Coded<'_> {
    /// The codes of sums of a channel.
    fn put(&self, channel: usize, sums: &[i32], codes: &mut [u8]) {
        if !self.finish.finish(channel, sums, codes) {
            self.has_failed.store(true, Ordering::Relaxed);
        }
    }
}

impl Sinks<u8> for (StoreMode, &Coded<'_>) {
    fn sink<'s>(&'s self, field: &'s Field, first: usize, codes: &'s mut [u8]) -> Sink<'s> {
        let &(store, coded) = self;
        if let Some(linear) = coded.linear {
            let finish = (coded.finish, linear);
            return Sink::Codes(CodeSink::new(field, store, finish, first, codes));
        }
        let positions = field.positions();
        Sink::Sums(Box::new(move |Plane { number, channel, sums: values }| {
            let codes = &mut codes[(number - first) * positions..][..positions];
            if field.pitch == field.outputs[1] && store == StoreMode::Whole {
                return coded.put(channel, &values[..positions], codes);
            }
            dense(positions, |sums| {
                coded.isa.vectorize(Store { field, store, values, out: &mut *sums });
                coded.put(channel, sums, codes);
            });
        }))
    }

    fn done(&self, sink: Sink<'_>) {
        if let Sink::Codes(CodeSink { are_made: false, .. }) = sink {
            self.1.has_failed.store(true, Ordering::Relaxed);
        }
    }
}

/// How a convolution is computed.
struct Planned {
    stages: Vec<StagePlan>,
    bounds: Bounds,
    plan: Plan,
    /// Without patches, where that is possible.
    direct: Option<Direct>,
}

impl Planned {
    /// For outputs of so many bits.
    fn of<X: Operand>(
        problem: &Problem<'_, X>,
        pixels: &Matrix<'_>,
        options: &MatmulOptions<'_>,
        bits: u32,
    ) -> Result<Self, MatmulError> {
        let Some(stages) = stage::stages(problem.acc) else {
            return Err(MatmulError::NotInteger(problem.acc.to_string()));
        };
        let plan = |range| Self::new(problem, &stages, (range, pixels), options);
        // What the types of bytes say is enough for most exact sums; else the values are looked at.
        let known = pixels.bytes().map(|bytes| plan(bytes.known_range()));
        let known = known.filter(|known| known.is_exact() && known.fits(bits));
        Ok(known.unwrap_or_else(|| plan(pixels.range())))
    }

    /// For codes in a range, of the input without its padding.
    fn new<X: Operand>(
        problem: &Problem<'_, X>,
        stages: &[StagePlan],
        ((low, high), pixels): ((i64, i64), &Matrix<'_>),
        options: &MatmulOptions<'_>,
    ) -> Self {
        let (padding, weights) = (problem.conv.padding_code.to_i64(), problem.weights.range());
        let range = (low.min(padding), high.max(padding));
        let both = (range.0.min(weights.0), range.1.max(weights.1));
        let operands = if i16::try_from(both.0).is_ok() && i16::try_from(both.1).is_ok() {
            Some(WordKind::Pair16)
        } else if i32::try_from(both.0).is_ok() && i32::try_from(both.1).is_ok() {
            Some(WordKind::One64)
        } else {
            None
        };
        let product = magnitude(range) * magnitude(weights);
        let bounds = Bounds { k: problem.k(), product, operands };
        let stages = match stages {
            // No output can overflow, whatever the input holds.
            [stage] if options.report != ReportLevel::Full && holds(stage, problem, range) => {
                vec![stage.exact()]
            }
            stages => stages.to_vec(),
        };
        let plan = Plan::new(&stages, bounds, options.report);
        let is_open = problem.init.is_none()
            && !problem.weights.weights().is_empty()
            && !(problem.acc.is_interleaved()
                && (options.report != ReportLevel::None || plan.stored_sum().is_none()));
        let source = Source::of(pixels).filter(|_| is_open);
        let direct = source.and_then(|source| {
            let known = Known {
                weights: problem.weights,
                kernel: problem.kernel,
                depth: problem.depth(),
                codes: range,
                storage: source.bits(),
            };
            Direct::new(&plan, known, &problem.conv, problem.outputs[1])
        });
        Self { stages, bounds, plan, direct }
    }

    /// Whether exact sums are all that is computed.
    fn is_exact(&self) -> bool {
        self.direct.is_some() && self.plan.stored_sum().is_some()
    }

    /// Whether every output fits two's complement of so many bits.
    fn fits(&self, bits: u32) -> bool {
        self.bounds.fit(&self.stages, bits)
    }

    /// What is reported of a direct convolution.
    fn reported<X: Operand>(
        &self,
        problem: &Problem<'_, X>,
        options: &MatmulOptions<'_>,
        counted: Counted,
    ) -> Reported {
        if options.report == ReportLevel::None {
            return Reported { events: None, report: None };
        }
        let mut events = vec![StageEvents::default(); self.stages.len()];
        if let Some((row, col)) = counted.first {
            let place = self.plan.places.first().copied().unwrap_or(0);
            let (_, traces) = problem.output(row, col);
            let first = traces[place].first;
            let first =
                first.map(|(k, value)| FirstEvent { row: row as u64, col: col as u64, k, value });
            events[place] = StageEvents { events: counted.events, outputs: counted.outputs, first };
        }
        Reported { events: Some(events), report: None }
    }
}

/// Whether a register of one stage holds every sum of every output channel, with codes of the input in a range.
fn holds<X: Operand>(stage: &StagePlan, problem: &Problem<'_, X>, range: (i64, i64)) -> bool {
    let (low, high) = stage.range();
    problem.weights.sums().iter().all(|sums| {
        let (least, greatest) = sums.reach(range);
        i128::from(low) <= least && greatest <= i128::from(high)
    })
}

/// The values of `wide` in `out`, where some may be wider than `T`.
fn narrow<T: Output>(wide: &Array4<i64>, mut out: ArrayViewMut4<'_, T>) -> Result<(), MatmulError> {
    let (_, channels, _, columns) = wide.dim();
    for (((n, o, i, j), &value), out) in wide.indexed_iter().zip(&mut out) {
        *out = T::cut(value);
        if out.to_i64() != value {
            let (row, col) = (n * channels + o, i * columns + j);
            return Err(MatmulError::OutputOverflow { row, col, value, bits: T::BITS });
        }
    }
    Ok(())
}
