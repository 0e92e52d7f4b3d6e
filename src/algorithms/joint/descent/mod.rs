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
//! 3. Of the columns whose single moves gain most, whether the budget allows them or not, the best partner over all other
//!    columns, such that both moves together fit: a unit here for a unit there. Then 1. again, until no pair gains.
//!
//! A gain counts from a millionth of the row's loss on.

mod pairs;
mod row;
mod scan;

use std::ops::Range;

use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

pub(super) use self::row::Refit;
use self::row::{Row, Surroundings};
use super::objective::{Objective, PartObjective};
use super::state::State;
use crate::algorithms::accumulator::Axe;
use crate::algorithms::AlgorithmError;

/// How far a descent goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reach {
    /// Columns whose partners are looked for; 0 for single moves alone.
    pub(super) partners: usize,
    /// Whether scales move.
    pub(super) refit: Refit,
}

/// Lowers the loss of every row as far as moves do; rows that would end up no better stay as they are.
pub(super) fn descend(
    objective: &Objective,
    wanted: ArrayView2<'_, f32>,
    axe: &Axe,
    reach: Reach,
    state: &mut State,
) -> Result<(), AlgorithmError> {
    let mut codes = state.codes.clone();
    let mut scale = state.grid.scale().to_owned();
    for part in &objective.parts {
        let surroundings = Surroundings::new(part, &state.grid, axe, reach);
        let solved: Vec<(Vec<u32>, Vec<f32>)> = rows(&part.rows)
            .map(|index| {
                let gradient = state.gradient.row(index);
                let mut row = Row::new(
                    &surroundings,
                    index,
                    state.codes.row(index),
                    gradient,
                    wanted.row(index),
                    state.losses[index],
                );
                row.descend();
                row.finish()
            })
            .collect();
        for (index, (row, scales)) in part.rows.clone().zip(solved) {
            codes.row_mut(index).iter_mut().zip(row).for_each(|(to, code)| *to = code);
            scale.row_mut(index).iter_mut().zip(scales).for_each(|(to, scale)| *to = scale);
        }
    }
    let moved = State::new(objective, state.grid.with_scale(scale)?, codes);
    state.improve(&moved)
}

fn rows(range: &Range<usize>) -> impl IndexedParallelIterator<Item = usize> + use<> {
    range.clone().into_par_iter()
}

/// H of a part, row by row.
fn matrix(part: &PartObjective) -> &Array2<f32> {
    &part.h
}
