//! The product through stepped registers, in parallel jobs.

use std::time::Instant;

use ndarray::ArrayViewMut2;

use super::job::StepJob;
use crate::kernels::operand::geometry::{Geometry, PackedPair};
use crate::kernels::operand::matrix::Matrix;
use crate::kernels::operand::packed::PackedMatrix;
use crate::kernels::operand::step_words::{StepLayout, Steps, WordKind, pack_rows};
use crate::kernels::output::Output;
use crate::kernels::parallel::{Grain, Part, split};
use crate::kernels::plan::shortest::Plan;
use crate::kernels::report::tally::{StageTally, merged};
use crate::simd::{Isa, IsaError, run};

/// MR, and as many outputs in lanes as four, or two, vectors have.
fn geometry(isa: Isa, word: WordKind) -> Geometry {
    let bytes = match isa {
        Isa::Portable | Isa::Avx2 => 2 * 32,
        Isa::Avx512 | Isa::Amx => 4 * 64,
    };
    Geometry { mr: 4, nr: bytes / word.bytes() }
}

/// Writes the product to `out` in lanes of `word`; gives the tallies of all stages, and the seconds without packing.
pub(crate) fn multiply<T: Output>(
    a: &Matrix<'_>,
    b: &PackedMatrix,
    plan: &Plan,
    word: WordKind,
    isa: Isa,
    out: ArrayViewMut2<'_, T>,
) -> Result<(Vec<StageTally>, f64), IsaError> {
    let ((m, k), n) = (a.dim(), b.dim().1);
    let geometry = geometry(isa, word);
    let inner = plan.stages[0];
    let steps = Steps::new(k, inner.count.unwrap_or(u64::MAX), inner.width);
    let layout = |side| StepLayout { side, word, steps, width: geometry.of(side) };
    let rows = |side| pack_rows(a, layout(side));
    let orientation = geometry.orientation(m, n);
    let pair = PackedPair::new(orientation, k, rows, |side| b.step_words(layout(side)));
    let start = Instant::now();
    let exact = plan.exact();
    let grain = Grain::new((geometry.mr, geometry.nr), out.len(), 1);
    let job = |part: Part<'_, T>| {
        run(isa, StepJob { part, plan, exact: &exact, word, steps, geometry, pair: &pair })
    };
    let tallies = split(Part::whole(orientation.view(out)), grain, &job, &merged)?;
    Ok((tallies, start.elapsed().as_secs_f64()))
}
