//! A convolution from its operands to its report, by whichever way is fastest.

use ndarray::{Array4, ArrayViewMut4};

use super::direct::{self, Direct};
use super::patches;
use super::problem::{Problem, Reported};
use crate::accumulate::FirstEvent;
use crate::kernels::operand::element::{Operand, range_of};
use crate::kernels::operand::matrix::{Matrix, magnitude};
use crate::kernels::operand::step_words::WordKind;
use crate::kernels::output::Output;
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
    let Some(stages) = stage::stages(problem.acc) else {
        return Err(MatmulError::NotInteger(problem.acc.to_string()));
    };
    let weights = range_of(problem.weights.view());
    let plan = |pixels| Planned::new(problem, &stages, pixels, weights, options);
    // What the types of bytes say is enough for most exact sums; else the values are looked at.
    let known = pixels.bytes().map(|bytes| plan(bytes.known_range()));
    let known = known.filter(|known| known.is_exact() && known.bounds.fit(&stages, T::BITS));
    let planned = known.unwrap_or_else(|| plan(pixels.range()));
    if T::BITS < 64 && (problem.init.is_some() || !planned.bounds.fit(&stages, T::BITS)) {
        let mut wide = Array4::<i64>::zeros(out.dim());
        let reported = run(problem, pixels, isa, options, wide.view_mut())?;
        narrow(&wide, out)?;
        return Ok(reported);
    }
    let (Some(direct), Some(planes)) = (&planned.direct, &problem.planes) else {
        return patches::convolve(problem, options, out);
    };
    let counted = direct::convolve(direct, problem, planes, isa, out.view_mut());
    if options.report == ReportLevel::None {
        return Ok(Reported { events: None, report: None });
    }
    let mut events = vec![StageEvents::default(); stages.len()];
    if let Some((row, col)) = counted.first {
        let place = planned.plan.places.first().copied().unwrap_or(0);
        let (_, traces) = problem.output(row, col);
        let first = traces[place].first;
        let first =
            first.map(|(k, value)| FirstEvent { row: row as u64, col: col as u64, k, value });
        events[place] = StageEvents { events: counted.events, outputs: counted.outputs, first };
    }
    Ok(Reported { events: Some(events), report: None })
}

/// How a convolution is computed.
struct Planned {
    bounds: Bounds,
    plan: Plan,
    /// Without patches, where that is possible.
    direct: Option<Direct>,
}

impl Planned {
    /// For codes in the ranges `pixels`, of the input without its padding, and `weights`.
    fn new<X: Operand>(
        problem: &Problem<'_, X>,
        stages: &[StagePlan],
        (low, high): (i64, i64),
        weights: (i64, i64),
        options: &MatmulOptions<'_>,
    ) -> Self {
        let padding = problem.conv.padding_code.to_i64();
        let pixels = (low.min(padding), high.max(padding));
        let both = (pixels.0.min(weights.0), pixels.1.max(weights.1));
        let operands = if i16::try_from(both.0).is_ok() && i16::try_from(both.1).is_ok() {
            Some(WordKind::Pair16)
        } else if i32::try_from(both.0).is_ok() && i32::try_from(both.1).is_ok() {
            Some(WordKind::One64)
        } else {
            None
        };
        let product = magnitude(pixels) * magnitude(weights);
        let bounds = Bounds { k: problem.k(), product, operands };
        let plan = Plan::new(stages, bounds, options.report);
        let is_open = problem.init.is_none()
            && !problem.weights.is_empty()
            && !(problem.acc.is_interleaved()
                && (options.report != ReportLevel::None || plan.stored_sum().is_none()));
        let direct =
            Direct::new(&plan, problem.depth(), problem.kernel, &problem.conv, pixels, weights);
        Self { bounds, plan, direct: direct.filter(|_| is_open) }
    }

    /// Whether exact sums are all that is computed.
    fn is_exact(&self) -> bool {
        self.direct.is_some() && self.plan.stored_sum().is_some()
    }
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
