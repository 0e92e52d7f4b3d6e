//! One row under descent.

use ndarray::ArrayView1;

use super::loops::Subtract;
use super::scan::Scan;
use crate::algorithms::accumulator::{Axe, Ledger};
use crate::algorithms::grid::{Direction, Grid};
use crate::algorithms::joint::objective::PartObjective;
use crate::algorithms::joint::reach::{Reach, Refit};
use crate::simd::Detected;

/// The share of a row's loss that a move must gain.
const LEAST: f64 = 3e-5;

/// What the rows of a part have in common.
pub(super) struct Surroundings<'a> {
    pub(super) isa: Detected,
    /// H, row by row.
    h: &'a [f32],
    pub(super) diagonal: Vec<f32>,
    pub(super) grid: &'a Grid,
    pub(super) axe: &'a Axe,
    pub(super) reach: Reach,
}

/// A move of one value to a neighbouring level.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) col: usize,
    pub(super) from: i64,
    pub(super) to: i64,
    /// What is added to the value.
    pub(super) by: f32,
}

pub(super) struct Row<'s, 'a> {
    pub(super) around: &'s Surroundings<'a>,
    /// Of the grid.
    index: usize,
    pub(super) levels: Vec<i64>,
    values: Vec<f32>,
    pub(super) gradient: Vec<f32>,
    wanted: ArrayView1<'s, f32>,
    pub(super) scan: Scan,
    /// The gradient after a move that is being considered.
    pub(super) after: Vec<f32>,
    scales: Vec<f32>,
    pub(super) ledger: Ledger<'a>,
    pub(super) least: f32,
    /// So far.
    gained: f64,
}

impl<'a> Surroundings<'a> {
    pub(super) fn new(part: &'a PartObjective, grid: &'a Grid, axe: &'a Axe, reach: Reach) -> Self {
        Self {
            isa: Detected::best(),
            h: part.matrix(),
            diagonal: part.diagonal(),
            grid,
            axe,
            reach,
        }
    }

    /// A row of H.
    pub(super) fn h(&self, col: usize) -> &'a [f32] {
        let width = self.diagonal.len();
        &self.h[col * width..(col + 1) * width]
    }
}

impl<'s, 'a> Row<'s, 'a> {
    pub(super) fn new(
        around: &'s Surroundings<'a>,
        index: usize,
        codes: ArrayView1<'_, u32>,
        gradient: ArrayView1<'_, f32>,
        wanted: ArrayView1<'s, f32>,
        loss: f64,
    ) -> Self {
        let grid = around.grid;
        let levels: Vec<i64> =
            codes.iter().map(|&code| grid.level(code).unwrap_or_default()).collect();
        let mut row = Self {
            around,
            index,
            values: vec![0.0; levels.len()],
            gradient: gradient.to_vec(),
            wanted,
            scan: Scan::new(around.isa, levels.len()),
            after: vec![0.0; levels.len()],
            scales: grid.scale().row(index).to_vec(),
            ledger: Ledger::new(around.axe, &levels),
            levels,
            least: (LEAST * loss.abs()) as f32,
            gained: 0.0,
        };
        (0..row.levels.len()).for_each(|col| row.refresh(col));
        row
    }

    /// The value of any level of a column at the row's scales.
    fn value(&self, col: usize, level: i64) -> f32 {
        let grid = self.around.grid;
        let (_, zero) = grid.affine(self.index, col);
        (level as f32 * grid.unit() as f32 - zero) * self.scales[col / grid.group()]
    }

    /// Computes afresh what follows from the level of a column.
    fn refresh(&mut self, col: usize) {
        let level = self.levels[col];
        let value = self.value(col, level);
        let step = |direction| {
            let next = self.around.grid.next_level(level, direction);
            next.map_or(0.0, |next| self.value(col, next) - value)
        };
        let (up, down) = (step(Direction::Up), step(Direction::Down));
        self.values[col] = value;
        self.scan.set(col, up, down, level);
    }

    /// The move of a column in a direction; `None` at the end of the levels.
    pub(super) fn step(&self, col: usize, direction: Direction) -> Option<Step> {
        let from = self.levels[col];
        let to = self.around.grid.next_level(from, direction)?;
        Some(Step { col, from, to, by: self.value(col, to) - self.values[col] })
    }

    /// What a move alone gains.
    pub(super) fn gain(&self, step: Step) -> f32 {
        step.by * (2.0 * self.gradient[step.col] - step.by * self.around.diagonal[step.col])
    }

    /// Makes a move.
    pub(super) fn apply(&mut self, step: Step) {
        self.ledger.shift(step.col, step.from, step.to);
        self.levels[step.col] = step.to;
        self.gained += f64::from(self.gain(step));
        self.subtract(step.by, self.around.h(step.col));
        self.refresh(step.col);
    }

    /// Takes `by h` off the gradient.
    fn subtract(&mut self, by: f32, h: &[f32]) {
        self.around.isa.vectorize(Subtract { to: &mut self.gradient, by, h });
    }

    /// Runs the steps that [`descent`](super) lists.
    pub(super) fn descend(&mut self) {
        if !self.least.is_finite() {
            return;
        }
        // More than ever seen; a bound on what rounding errors could do.
        let mut left = 16 * self.levels.len() + 64;
        loop {
            while left > 0 && self.single() {
                left -= 1;
            }
            let refitted = self.around.reach.refit == Refit::Free && self.refit();
            if left == 0 || !(refitted || self.pairs()) {
                return;
            }
            left -= 1;
        }
    }

    /// The best single move, where one gains.
    fn single(&mut self) -> bool {
        let columns = 0..self.levels.len();
        self.scan.fill(columns, &self.gradient, &self.around.diagonal, &self.ledger);
        while let Some((col, _)) = self.scan.best().filter(|(_, gain)| *gain > self.least) {
            let step = self.step(col, self.scan.direction(col));
            if let Some(step) = step.filter(|s| self.ledger.fits(col, s.from, s.to)) {
                self.apply(step);
                return true;
            }
            self.scan.drop(col);
        }
        false
    }

    /// Moves every scale to its optimum; whether that gains anything.
    fn refit(&mut self) -> bool {
        let (group, cols) = (self.around.grid.group(), self.levels.len());
        let mut gained = false;
        for index in 0..self.scales.len() {
            let columns = index * group..((index + 1) * group).min(cols);
            // H v of the group's values alone.
            let image: Vec<f32> = match self.scales.len() {
                1 => self.wanted.iter().zip(&self.gradient).map(|(t, g)| t - g).collect(),
                _ => self.image(columns.clone()),
            };
            let product = |other: &[f32]| {
                let terms = self.values[columns.clone()].iter().zip(&other[columns.clone()]);
                terms.map(|(v, x)| f64::from(*v) * f64::from(*x)).sum::<f64>()
            };
            let (along, square) = (product(&self.gradient), product(&image));
            let (old, best) = (self.scales[index], 1.0 + along / square);
            let new = self.around.grid.nearest_scale((f64::from(old) * best) as f32);
            let ratio = f64::from(new) / f64::from(old);
            let gain = (ratio - 1.0) * (2.0 * along - (ratio - 1.0) * square);
            let counts = gain > f64::from(self.least) && best > 0.0 && square > 0.0;
            if !counts || !new.is_normal() || new == old {
                continue;
            }
            gained = true;
            self.scales[index] = new;
            self.gained += gain;
            self.subtract((ratio - 1.0) as f32, &image);
            self.values[columns.clone()].iter_mut().for_each(|value| *value *= ratio as f32);
            self.scan.rescale(columns, ratio as f32);
        }
        gained
    }

    /// `H v` of some columns' values.
    fn image(&self, columns: std::ops::Range<usize>) -> Vec<f32> {
        let mut image = vec![0.0; self.levels.len()];
        for col in columns.filter(|&col| self.values[col] != 0.0) {
            let (by, h) = (-self.values[col], self.around.h(col));
            self.around.isa.vectorize(Subtract { to: &mut image, by, h });
        }
        image
    }

    /// Codes, scales, and what was gained.
    pub(super) fn finish(self) -> (Vec<u32>, Vec<f32>, f64) {
        let code = |&level: &i64| self.around.grid.code_of_level(level);
        (self.levels.iter().map(code).collect(), self.scales, self.gained)
    }
}
