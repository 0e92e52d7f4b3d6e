//! Scales and codes together, under what an accumulator can hold.
//!
//! A guarantee takes weights away: their levels must fit a budget. How much that costs depends on the scales, since a larger
//! scale needs fewer levels, and on what the weights that are left make up for. [`search_scales`] chooses each row's scale by
//! the error that a solver leaves under its constraint; [`joint`] chooses scales and codes together.

mod descent;
mod effort;
mod objective;
mod reach;
mod relax;
mod rounder;
mod scales;
mod search;
mod state;

use ndarray::{Array2, ArrayView2};

pub use self::effort::Effort;
pub use self::rounder::SequentialSolver;

use self::descent::descend;
use self::objective::Objective;
use self::reach::{Reach, Refit};
use self::relax::Relaxation;
use self::rounder::Rounded;
use self::scales::natural;
use self::search::Search;
use self::state::{State, dequantized};
use super::accumulator::Axe;
use super::constraint::Constraint;
use super::grid::Grid;
use super::{AlgorithmError, Info, Problem, RtnParams, Solution};

/// Which scales a row may take.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum ScaleChoice<'a> {
    /// The grid's own.
    Fixed,
    /// Any, chosen by the row's loss; the grid's own and these, each `[out, groups]`, are among the candidates.
    Searched(&'a [Array2<f32>]),
}

/// Codes with the scales that were chosen for them.
#[derive(Clone, Debug, PartialEq)]
pub struct Scaled {
    /// Codes and values.
    pub solution: Solution,
    /// The scales, `[out, groups]`.
    pub scale: Array2<f32>,
}

impl Scaled {
    fn new(state: State, info: Info) -> Self {
        let scale = state.grid.scale().to_owned();
        Self { solution: Solution { codes: state.codes, values: state.values, info }, scale }
    }
}

/// Each row's scales by the loss of what a solver makes of them under the problem's constraint.
///
/// Candidates are the grid's own scales, those given, ones that the budgets of `axe` suggest, and one between or beyond
/// the best of these. What does not depend on scales is computed once.
///
/// # Errors
/// Those of the solver.
pub fn search_scales(
    problem: &Problem<'_>,
    axe: Option<&Axe>,
    solver: &dyn SequentialSolver,
    candidates: &[Array2<f32>],
) -> Result<Scaled, AlgorithmError> {
    let rounder = solver.prepare(problem)?;
    let round = |grid: &Grid| {
        let found = rounder.round(grid, problem.constraint)?;
        Ok::<_, AlgorithmError>((found, grid.scale().to_owned()))
    };
    search(problem, axe, &round, candidates)
}

/// [`search_scales`] with any way to choose codes on a grid, which may change the scales again.
///
/// # Errors
/// Those of `round`, and of the problem.
pub fn search_scales_by<E: From<AlgorithmError>>(
    problem: &Problem<'_>,
    axe: Option<&Axe>,
    round: &dyn Fn(&Grid) -> Result<Scaled, E>,
    candidates: &[Array2<f32>],
) -> Result<Scaled, E> {
    let round = |grid: &Grid| {
        let Scaled { solution, scale } = round(grid)?;
        Ok::<_, E>((Rounded { solution, losses: None }, scale))
    };
    search(problem, axe, &round, candidates)
}

/// What a solver makes of a grid, and the scales that it made it at.
type Round<'a, E> = dyn Fn(&Grid) -> Result<(Rounded, Array2<f32>), E> + 'a;

fn search<E: From<AlgorithmError>>(
    problem: &Problem<'_>,
    axe: Option<&Axe>,
    round: &Round<'_, E>,
    candidates: &[Array2<f32>],
) -> Result<Scaled, E> {
    /// Scales between or beyond the best of the first ones.
    const REFINED: usize = 1;
    let objective = Objective::new(problem)?;
    let axe = budgets(problem, axe);
    let base = base(problem, &axe, candidates);
    let mut tried = vec![problem.grid.scale().to_owned()];
    tried.extend_from_slice(candidates);
    tried.push(beyond(&base, least(problem, candidates).view()));
    let mut search = Search::new(&objective, base);
    let mut info = Info::default();
    for index in 0..tried.len() + REFINED {
        let scale = tried.get(index).cloned().unwrap_or_else(|| search.next());
        let (found, scale) = round(&problem.grid.with_scale(scale)?)?;
        info = found.solution.info.clone();
        search.offer(problem.grid.with_scale(scale)?, found)?;
    }
    let best = search.finish().map(|state| Scaled::new(state, info));
    best.ok_or_else(|| AlgorithmError::NoSamples.into())
}

/// What codes that move have to keep: the budgets without the soft threshold, or none.
fn budgets(problem: &Problem<'_>, axe: Option<&Axe>) -> Axe {
    axe.map_or_else(|| Axe::unlimited(problem.weights.ncols()), Axe::strict)
}

/// The scales that a search starts around.
fn base(problem: &Problem<'_>, axe: &Axe, candidates: &[Array2<f32>]) -> Array2<f32> {
    natural(problem.weights, problem.grid, axe, least(problem, candidates).view())
}

/// The least of the grid's scales and the candidates.
fn least(problem: &Problem<'_>, candidates: &[Array2<f32>]) -> Array2<f32> {
    let mut least = problem.grid.scale().to_owned();
    for scale in candidates {
        least.zip_mut_with(scale, |a, b| *a = if *b > 0.0 { a.min(*b) } else { *a });
    }
    least
}

/// Scales half as large again where the budgets raise them: what one pass of a solver loses to a budget, a larger scale loses
/// less.
fn beyond(base: &Array2<f32>, least: ArrayView2<'_, f32>) -> Array2<f32> {
    let mut scales = base.clone();
    scales.zip_mut_with(&least, |scale, least| {
        if *scale > *least {
            *scale *= 1.5;
        }
    });
    scales
}

/// Scales and codes together, such that no input overflows what `axe` budgets for.
///
/// 1. The solver and rounding to nearest as they are published, under the constraint of `axe`, at the grid's own scales and the
///    given ones.
/// 2. At scales around those that the budgets suggest: the weights that were best if levels could be fractions, within the
///    budgets, in the metric of the outputs' error; then the solver, and rounding to nearest, around these.
/// 3. Descent over single levels and pairs of them from both.
///
/// Each row keeps what leaves it the least error, so that none is worse than the published methods at these scales, nor than
/// with rounding to nearest as the solver. The error is that of the outputs, with a mismatch of the inputs where the
/// statistics have one.
///
/// # Errors
/// Those of the solver; a grid without levels.
pub fn joint(
    problem: &Problem<'_>,
    axe: Option<&Axe>,
    solver: &dyn SequentialSolver,
    scales: ScaleChoice<'_>,
    effort: Effort,
) -> Result<Scaled, AlgorithmError> {
    check(problem.grid)?;
    let objective = Objective::new(problem)?;
    let rounder = solver.prepare(problem)?;
    let nearest = RtnParams::default().prepare(problem)?;
    let held = budgets(problem, axe);
    let published = axe.map(|axe| axe as &dyn Constraint);
    let strict = axe.is_some().then_some(&held as &dyn Constraint);
    let of = |grid: Grid, found: Rounded| State::new(&objective, grid, found);
    let own = problem.grid.clone();
    let first = rounder.round(&own, published)?;
    let info = first.solution.info.clone();
    let mut best = of(own.clone(), first);
    best.improve(&of(own.clone(), nearest.round(&own, published)?))?;
    let (grids, refit) = match scales {
        ScaleChoice::Fixed => (vec![problem.grid.clone()], Refit::Fixed),
        ScaleChoice::Searched(candidates) => {
            for scale in candidates {
                let grid = problem.grid.with_scale(scale.clone())?;
                best.improve(&of(grid.clone(), rounder.round(&grid, published)?))?;
                best.improve(&of(grid.clone(), nearest.round(&grid, published)?))?;
            }
            let base = base(problem, &held, candidates);
            let around = effort.factors().iter();
            let grids = around.map(|factor| problem.grid.with_scale(base.mapv(|s| s * factor)));
            let mut grids: Vec<Grid> = grids.collect::<Result<_, _>>()?;
            if problem.grid.has_scale_codes() {
                // Where scales are far apart the nearest may be far from what is best.
                grids.push(problem.grid.clone());
            }
            (grids, Refit::Free)
        }
    };
    let relaxation = Relaxation::new(&objective, &held);
    let reach = effort.partners().map(|partners| Reach { partners, refit });
    let reach = reach.map(|reach| (reach, objective.wanted()));
    let settle = |state: &mut State| match &reach {
        None => Ok(()),
        Some((reach, wanted)) => descend(&objective, wanted.view(), &held, *reach, state),
    };
    for grid in grids {
        let target = relaxation.run(&grid, problem.weights, effort.iterations());
        let solution = rounder.round_toward(target.view(), &grid, strict)?;
        let mut own = of(grid.clone(), solution);
        let solution = nearest.round_toward(target.view(), &grid, strict)?;
        // Where rounding to nearest is the solver both are one.
        let near = (solution.solution.codes != own.codes).then(|| of(grid, solution));
        settle(&mut own)?;
        best.improve(&own)?;
        if let Some(mut near) = near {
            settle(&mut near)?;
            best.improve(&near)?;
        }
    }
    Ok(Scaled::new(best, info))
}

/// Refuses a grid that moves from level to level cannot be made on.
fn check(grid: &Grid) -> Result<(), AlgorithmError> {
    match grid.has_levels() {
        true => Ok(()),
        false => Err(AlgorithmError::Constraint(
            "codes move between levels, whole multiples of the smallest value in formats of at most 16 bits; this \
             format has none"
                .into(),
        )),
    }
}

/// Descent from a solution, within the budgets of `axe`; scales move with the codes unless they are fixed.
///
/// # Errors
/// Shapes that do not fit, a grid without levels.
pub fn polish(
    problem: &Problem<'_>,
    axe: Option<&Axe>,
    codes: ArrayView2<'_, u32>,
    scales: ScaleChoice<'_>,
    effort: Effort,
) -> Result<Scaled, AlgorithmError> {
    check(problem.grid)?;
    let objective = Objective::new(problem)?;
    let held = budgets(problem, axe);
    let values = dequantized(problem.grid, codes);
    let info = Info::default();
    let solution = Solution { codes: codes.to_owned(), values, info: info.clone() };
    let mut state =
        State::new(&objective, problem.grid.clone(), Rounded { solution, losses: None });
    if let Some(partners) = effort.partners() {
        let refit = if scales == ScaleChoice::Fixed { Refit::Fixed } else { Refit::Free };
        let wanted = objective.wanted();
        descend(&objective, wanted.view(), &held, Reach { partners, refit }, &mut state)?;
    }
    Ok(Scaled::new(state, info))
}
