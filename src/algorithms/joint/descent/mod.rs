//! Descent on the error of a row's outputs over moves of single levels and pairs of them, within the budgets.
//!
//! With `g` the gradient (see [`Objective`](super::objective::Objective)) a move of the value at column i by d lowers the
//! loss by
//!
//! ```text
//! gain(i, d)          = d (2 g_i - d H_ii)
//! gain(i, d; j, e)    = gain(i, d) + gain(j, e) - 2 d e H_ij
//! ```
//!
//! 1. The single move to a neighbouring level with the greatest gain, while one gains and the budget allows it.
//! 2. Where scales are free: each to its optimum `s (1 + v·g / v·Hv)`, then 1. again.
//! 3. For each of the columns whose single moves gain most, whether the budget allows them or not, the best partner over all
//!    other columns, such that both moves together gain and fit: a unit here for a unit there. Then 1. again, until no pair
//!    gains.
//!
//! A gain counts from 3e-5 of the row's first loss on.

mod loops;
mod pairs;
mod row;
mod scan;

use ndarray::ArrayView2;

use self::row::{Row, Surroundings};
use super::objective::Objective;
use super::reach::Reach;
use super::state::{State, dequantized};
use crate::algorithms::AlgorithmError;
use crate::algorithms::accumulator::Axe;
use crate::tasks;

/// Lowers the loss of every row as far as moves do.
pub(super) fn descend(
    objective: &Objective,
    wanted: ArrayView2<'_, f32>,
    axe: &Axe,
    reach: Reach,
    state: &mut State,
) -> Result<(), AlgorithmError> {
    let gradient = objective.gradient(state.values.view());
    let mut scale = state.grid.scale().to_owned();
    for part in &objective.parts {
        let surroundings = Surroundings::new(part, &state.grid, axe, reach);
        let descended = |index: usize| {
            let (gradient, wanted) = (gradient.row(index), wanted.row(index));
            let (codes, loss) = (state.codes.row(index), state.losses[index]);
            let mut row = Row::new(&surroundings, index, codes, gradient, wanted, loss);
            row.descend();
            row.finish()
        };
        let rows = tasks::map(part.rows.clone(), descended);
        for (index, (codes, scales, gained)) in part.rows.clone().zip(rows) {
            state.codes.row_mut(index).iter_mut().zip(codes).for_each(|(to, code)| *to = code);
            scale.row_mut(index).iter_mut().zip(scales).for_each(|(to, scale)| *to = scale);
            state.losses[index] -= gained;
        }
    }
    state.grid = state.grid.with_scale(scale)?;
    state.values = dequantized(&state.grid, state.codes.view());
    Ok(())
}
