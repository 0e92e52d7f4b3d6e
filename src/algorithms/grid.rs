//! What a solver needs of a quantizer: the values it may choose from, with scales and zero points fixed.

use super::linalg::Real;

/// The representable values of a weight matrix `[rows, cols]`, one set per element.
///
/// Work comes in lanes: one column, consecutive rows starting at `row`.
pub trait Grid<T: Real>: Sync {
    /// Rows and columns of the weights.
    fn dim(&self) -> (usize, usize);

    /// The code nearest to each `y[i]`, at `(row + i, col)`, and the value that it stands for.
    fn round(&self, row: usize, col: usize, y: &[T], codes: &mut [u32], values: &mut [T]);

    /// The same grid seen as integers, where every value is a whole number of steps; `None` where the multiplier sees no
    /// integer.
    fn integers(&self) -> Option<&dyn IntegerGrid<T>> {
        None
    }

    /// The grid's points on both sides of `y` at `(row, col)`: the greatest that is not above and the least that is not
    /// below, or the outermost one where there is none. `levels` are the least and the greatest level allowed, 0 between
    /// them; only grids of integers are asked with any.
    fn neighbours(&self, row: usize, col: usize, y: T, levels: Option<(i64, i64)>)
    -> [Point<T>; 2];

    /// The value of a code if the scales of its row were multiplied by `factor`; by 1, the code's value.
    fn value_of(&self, row: usize, col: usize, code: u32, factor: f32) -> f32;
}

/// A point of a grid.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point<T> {
    /// Its code.
    pub code: u32,
    /// Its value.
    pub value: T,
    /// Its level; 0 where the grid has no integers.
    pub level: i64,
}

/// A grid whose codes stand for integers, the *levels* that an integer datapath multiplies:
/// `value = (level - zero point) * step`.
pub trait IntegerGrid<T: Real>: Grid<T> {
    /// The step at an element: `|value(level + 1) - value(level)|`.
    fn step(&self, row: usize, col: usize) -> T;

    /// The value of any integer, representable or not.
    fn value(&self, row: usize, col: usize, level: i64) -> T;

    /// As [`Grid::round`] with levels held to `low[i]..=high[i]`, an interval with 0 in it; writes the levels too.
    ///
    /// Level 0 is chosen where the interval holds no other representable one.
    fn round_within(
        &self,
        row: usize,
        col: usize,
        y: &[T],
        limits: Limits<'_>,
        chosen: Chosen<'_, T>,
    );
}

/// The least and greatest level of each element of a lane.
#[derive(Clone, Copy, Debug)]
pub struct Limits<'a> {
    /// At most 0.
    pub low: &'a [i64],
    /// At least 0.
    pub high: &'a [i64],
}

/// Where a constrained rounding writes.
#[derive(Debug)]
pub struct Chosen<'a, T> {
    /// Codes.
    pub codes: &'a mut [u32],
    /// Values of the codes.
    pub values: &'a mut [T],
    /// Levels of the codes.
    pub levels: &'a mut [i64],
}

/// A grid for both precisions.
pub trait AnyGrid: Grid<f32> + Grid<f64> {
    /// As a grid of f32.
    fn single(&self) -> &dyn Grid<f32>;
    /// As a grid of f64.
    fn double(&self) -> &dyn Grid<f64>;
}

impl<G: Grid<f32> + Grid<f64>> AnyGrid for G {
    fn single(&self) -> &dyn Grid<f32> {
        self
    }
    fn double(&self) -> &dyn Grid<f64> {
        self
    }
}
