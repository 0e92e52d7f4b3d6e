//! A product from its operands to its report.
//!
//! 1. The stages of the accumulator, the bounds of the operands, and a [plan](super::plan) for what is reported.
//! 2. [`select`](super::select) names the kernel.
//! 3. The kernel packs what it needs, and writes values and tallies in parallel jobs.
//! 4. Initial values that no step could see are added.
//! 5. The tallies of all stages become the report; the first event of each is looked up in the scalar reference.

use std::time::Instant;

use ndarray::{Array2, ArrayView2, ArrayViewMut2, Ix2};

use super::operand::matrix::Matrix;
use super::operand::packed::PackedMatrix;
use super::output::{AnyOutputs, Output, each_output};
use super::plan::bounds::Bounds;
use super::plan::shortest::Plan;
use super::plan::stage::{self, StagePlan, StageRegister};
use super::product::{
    MatmulError, MatmulOptions, Product, ProductReport, ReportLevel, StageWidths, Widths,
};
use super::reference::Problem;
use super::report::tally::StageTally;
use super::select::{Kernel, Request};
use super::trajectory::product::Collected;
use super::{guarded, stepped, trajectory};
use crate::accumulate::{Accumulator, FirstEvent, Report};
use crate::reference::check_init;
use crate::simd::{Detected, Isa};
use crate::{memory, room};

/// `a` times `b`, whose inner dimensions agree.
pub(crate) fn multiply(
    a: &Matrix<'_>,
    b: &PackedMatrix,
    acc: &Accumulator,
    options: &MatmulOptions<'_>,
) -> Result<Product, MatmulError> {
    room::check::<i64>(&[a.dim().0, b.dim().1])?;
    let mut values = memory::zero_matrix((a.dim().0, b.dim().1));
    let ProductReport { events, report, isa, seconds } =
        multiply_to(a, b, acc, options, values.view_mut())?;
    Ok(Product { values, events, report, isa, seconds })
}

/// [`multiply`] into memory of the product's shape, whatever the type of its outputs.
pub(crate) fn multiply_into(
    a: &Matrix<'_>,
    b: &PackedMatrix,
    acc: &Accumulator,
    options: &MatmulOptions<'_>,
    out: AnyOutputs<'_, Ix2>,
) -> Result<ProductReport, MatmulError> {
    each_output!(out, out => multiply_to(a, b, acc, options, out))
}

fn multiply_to<T: Output>(
    a: &Matrix<'_>,
    b: &PackedMatrix,
    acc: &Accumulator,
    options: &MatmulOptions<'_>,
    mut out: ArrayViewMut2<'_, T>,
) -> Result<ProductReport, MatmulError> {
    let MatmulOptions { report: level, init, .. } = *options;
    let (stages, isa) = (stages(acc)?, Detected::or_best(options.isa)?);
    if let Some(init) = init {
        check_init(init, acc, out.dim())?;
    }
    if out.is_empty() {
        let tallies = vec![(StageTally::default(), None); stages.len()];
        return Ok(report(&tallies, level, isa, 0.0));
    }
    let bounds = match Bounds::of_types(a, &b.matrix) {
        // What the types say is enough, and nobody asks for the range of the values.
        Some(bounds) if init.is_none() && is_exact(&stages, bounds, level, T::BITS) => bounds,
        _ => Bounds::new(a, &b.matrix),
    };
    if T::BITS < 64 && (init.is_some() || !bounds.fit(&stages, T::BITS)) {
        return narrowed(multiply(a, b, acc, options)?, out);
    }
    let plan = Plan::new(&stages, bounds, level);
    let problem = Problem { a, b, acc, init };
    let request = Request { problem, bounds, stages, plan, isa };
    let kernel = Kernel::select(&request);
    let add = init.filter(|_| !matches!(kernel, Kernel::Reference));
    let (tallies, mut seconds) = run(kernel, &request, Collected::Report, out.view_mut())?;
    if let Some(init) = add {
        let start = Instant::now();
        add_initial(out, init, request.stages.last().map(|stage| stage.register))?;
        seconds += start.elapsed().as_secs_f64();
    }
    let first = |(stage, tally): (usize, &StageTally)| -> Option<FirstEvent> {
        let (row, col) = tally.first.filter(|_| level != ReportLevel::None)?;
        let (_, traces) = problem.output(row, col);
        let (k, value) = traces[stage].first?;
        Some(FirstEvent { row: row as u64, col: col as u64, k, value })
    };
    let firsts: Vec<_> = tallies.iter().enumerate().map(first).collect();
    let stages: Vec<_> = tallies.into_iter().zip(firsts).collect();
    Ok(report(&stages, level, isa, seconds))
}

/// The report of all stages: their tallies, and the first event of each.
fn report(
    stages: &[(StageTally, Option<FirstEvent>)],
    level: ReportLevel,
    isa: Detected,
    seconds: f64,
) -> ProductReport {
    let events = || stages.iter().map(|(tally, first)| tally.events(*first)).collect();
    let whole =
        || Report { stages: stages.iter().map(|(tally, first)| tally.report(*first)).collect() };
    ProductReport {
        events: (level != ReportLevel::None).then(events),
        report: (level == ReportLevel::Full).then(whole),
        isa: isa.isa(),
        seconds,
    }
}

/// The widths that `a` times `b` needs in every stage of `acc`.
pub(crate) fn widths(
    a: &Matrix<'_>,
    b: &PackedMatrix,
    acc: &Accumulator,
    isa: Option<Isa>,
) -> Result<Widths, MatmulError> {
    let (stages, isa) = (stage::exact(&stages(acc)?), Detected::or_best(isa)?);
    let bounds = Bounds::new(a, &b.matrix);
    let plan = Plan::new(&stages, bounds, ReportLevel::Full);
    let problem = Problem { a, b, acc, init: None };
    let request = Request { problem, bounds, stages, plan, isa };
    room::check::<i64>(&[a.dim().0, b.dim().1])?;
    let mut values = Array2::<i64>::zeros((a.dim().0, b.dim().1));
    if values.is_empty() {
        // However many rows or columns there are.
        let none = vec![StageWidths::default(); request.stages.len()];
        return Ok(Widths { stages: none, seconds: 0.0 });
    }
    let (kernel, out) = (Kernel::select(&request), values.view_mut());
    let (tallies, seconds) = run(kernel, &request, Collected::Widths, out)?;
    Ok(Widths { stages: tallies.iter().map(StageTally::widths).collect(), seconds })
}

fn stages(acc: &Accumulator) -> Result<Vec<StagePlan>, MatmulError> {
    stage::stages(acc).ok_or_else(|| MatmulError::NotInteger(acc.to_string()))
}

/// Whether an exact sum is all that the values take, and outputs of `bits` bits hold them.
fn is_exact(stages: &[StagePlan], bounds: Bounds, level: ReportLevel, bits: u32) -> bool {
    level == ReportLevel::None
        && bounds.fit(stages, bits)
        && Plan::new(stages, bounds, level).stored_sum().is_some()
}

/// The values of `product` in `out`, where some may be wider than `T`.
fn narrowed<T: Output>(
    product: Product,
    mut out: ArrayViewMut2<'_, T>,
) -> Result<ProductReport, MatmulError> {
    let Product { values, events, report, isa, seconds } = product;
    for (((row, col), &value), out) in values.indexed_iter().zip(&mut out) {
        *out = T::cut(value);
        if out.to_i64() != value {
            return Err(MatmulError::OutputOverflow { row, col, value, bits: T::BITS });
        }
    }
    Ok(ProductReport { events, report, isa, seconds })
}

/// Runs a kernel; gives a tally for each stage of the accumulator, and the seconds without packing.
fn run<T: Output>(
    kernel: Kernel<'_>,
    request: &Request<'_, '_>,
    collected: Collected,
    out: ArrayViewMut2<'_, T>,
) -> Result<(Vec<StageTally>, f64), MatmulError> {
    let &Request { problem, ref plan, isa, .. } = request;
    let (tallies, seconds) = match kernel {
        Kernel::Exact(kernel, store) => (Vec::new(), kernel.multiply(store, isa, out)),
        Kernel::Guarded(operands, worst_case) => {
            guarded::product::multiply(operands, plan, &worst_case, isa, out)
        }
        Kernel::Trajectory(operands) => {
            trajectory::product::multiply(operands, &plan.stages, collected, isa, out)
        }
        Kernel::Stepped(word) => {
            stepped::product::multiply(problem.a, problem.b, plan, word, isa, out)
        }
        Kernel::Reference => return problem.multiply(out),
    };
    // Stages that were joined to others have no events, and exact sums have none at all.
    let mut all = vec![StageTally::default(); request.stages.len()];
    for (&place, tally) in plan.places.iter().zip(tallies) {
        all[place] = tally;
    }
    Ok((all, seconds))
}

/// Adds the initial values to sums in `out`, as the last register would.
fn add_initial<T: Output>(
    mut out: ArrayViewMut2<'_, T>,
    init: ArrayView2<'_, i64>,
    last: Option<StageRegister>,
) -> Result<(), MatmulError> {
    for (((row, col), out), &init) in out.indexed_iter_mut().zip(init) {
        let sum = i128::from(out.to_i64()) + i128::from(init);
        let value = match last {
            Some(StageRegister::Wrap { bits }) if bits < 64 => {
                (sum as i64) << (64 - bits) >> (64 - bits)
            }
            Some(StageRegister::Wrap { .. }) => sum as i64,
            _ => {
                i64::try_from(sum).map_err(|_| MatmulError::ExceedsI64 { row, col, value: sum })?
            }
        };
        *out = T::cut(value);
    }
    Ok(())
}
