//! The values of one candidate after the other, in the same memory.

use std::borrow::Cow;

use fewbit_formats::{Format, Rounding};

use crate::quantize::QuantizeError;
use crate::quantize::execute::{Piece, Run, TASK};
use crate::quantize::problem::Problem;
use crate::reference::quantize::{becomes_nan, clamp, follows_floats};
use crate::simd::{Detected, Vectorized};
use crate::tasks;

/// What the quantizer does to every element where it is simple enough for a loop.
#[derive(Clone, Copy)]
struct Simple {
    low: f32,
    high: f32,
    /// Infinite quotients become NaN.
    infinite_is_nan: bool,
}

/// The values of candidates.
pub(super) struct Tried<'p> {
    problem: &'p Problem<'p>,
    simple: Option<Simple>,
    /// Those of the last candidate, arranged.
    pub(super) values: Vec<f32>,
}

impl<'p> Tried<'p> {
    pub(super) fn new(problem: &'p Problem<'p>) -> Self {
        let (scheme, policy) = (problem.scheme, problem.policy);
        let simple = match scheme.format {
            Format::Int(int)
                if policy.rounding == Rounding::TiesEven
                    && follows_floats(policy, scheme.format)
                    && !Run::is_one_by_one(scheme, policy) =>
            {
                let (low, high) = (int.min() as f32, int.max() as f32);
                Some(Simple { low, high, infinite_is_nan: becomes_nan(policy) })
            }
            _ => None,
        };
        Self { problem, simple, values: vec![0.0; problem.x.len()] }
    }

    /// Computes the values with these arranged parameters: those of [`Problem::simulate`].
    pub(super) fn simulate(
        &mut self,
        scales: &[f32],
        zero_points: Option<&[f32]>,
    ) -> Result<(), QuantizeError> {
        let Some(simple) = self.simple else {
            self.values = self.problem.simulate(scales, zero_points)?;
            return Ok(());
        };
        let run = run(self.problem, scales, zero_points);
        let parts = self.problem.x.chunks(TASK).zip(self.values.chunks_mut(TASK));
        tasks::for_each(parts.enumerate(), |(part, (x, values))| {
            in_loop(Simulate { run: &run, simple, first: part * TASK, x, values });
        });
        Ok(())
    }
}

/// The elements of a problem with these arranged parameters.
pub(super) fn run<'a>(
    problem: &'a Problem<'_>,
    scales: &'a [f32],
    zero_points: Option<&'a [f32]>,
) -> Run<'a> {
    Run {
        arrangement: problem.arrangement,
        scale: Cow::Borrowed(scales),
        zero_point: zero_points.map(Cow::Borrowed),
        scheme: problem.scheme,
        policy: *problem.policy,
        seed: problem.seed,
        first_group: 0,
    }
}

/// Runs a loop with the widest instructions that there are.
pub(super) fn in_loop<C>(mut call: C)
where
    for<'c> &'c mut C: Vectorized<Output = ()>,
{
    Detected::best().vectorize(&mut call);
}

/// `(clamp(round(x / scale + zero point)) - zero point) * scale`.
struct Simulate<'r, 'a> {
    run: &'r Run<'a>,
    simple: Simple,
    first: usize,
    x: &'r [f32],
    values: &'r mut [f32],
}

impl Vectorized for &mut Simulate<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Simple { low, high, infinite_is_nan } = self.simple;
        for Piece { start, end, group } in self.run.pieces(self.first, self.x.len()) {
            let (scale, zero_point) = (self.run.scale[group], self.run.zero_point_of(group));
            for (value, x) in self.values[start..end].iter_mut().zip(&self.x[start..end]) {
                let y = x / scale + zero_point;
                let code = clamp(y.round_ties_even(), low, high);
                let found = (code - zero_point) * scale;
                *value = if infinite_is_nan && y.is_infinite() { f32::NAN } else { found };
            }
        }
    }
}
