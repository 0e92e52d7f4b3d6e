//! Numbers to the points of a grid.
//!
//! Work comes in lanes: one column, consecutive rows starting at `row`.

use fewbit_formats::Rounding;

use super::Grid;
use super::elements::{Elements, encode};
use crate::algorithms::constraint::Limits;
use crate::algorithms::linalg::Scalar;

/// A point of a grid.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::algorithms) struct Point<T> {
    /// Its code.
    pub(in crate::algorithms) code: u32,
    /// Its value.
    pub(in crate::algorithms) value: T,
    /// Its level; 0 where the grid has none.
    pub(in crate::algorithms) level: i64,
}

/// Where a constrained rounding writes.
pub(in crate::algorithms) struct Chosen<'a, T> {
    /// Codes.
    pub(in crate::algorithms) codes: &'a mut [u32],
    /// Values of the codes.
    pub(in crate::algorithms) values: &'a mut [T],
    /// Levels of the codes.
    pub(in crate::algorithms) levels: &'a mut [i64],
}

impl Grid {
    /// The code nearest to each `y[i]`, at `(row + i, col)`, and the value that it stands for.
    pub fn round<T: Scalar>(
        &self,
        row: usize,
        col: usize,
        y: &[T],
        codes: &mut [u32],
        values: &mut [T],
    ) {
        let start = col / self.group * self.scale.ncols() + row;
        let lanes = start..start + y.len();
        // Both are in standard layout.
        let Some(scale) = self.scale.as_slice().and_then(|s| s.get(lanes.clone())) else { return };
        let divisor = self.divisor.as_slice().and_then(|s| s.get(lanes.clone()));
        let Some(divisor) = divisor else { return };
        let zero = self.zero_point.as_ref().and_then(|z| z.as_slice()?.get(lanes));
        let results = y.iter().zip(scale.iter().zip(divisor)).zip(codes.iter_mut().zip(values));
        match (&self.elements, zero) {
            (Elements::Integer { min, max, mask }, None) => {
                let (min, max) = (T::of(f64::from(*min)), T::of(f64::from(*max)));
                for ((y, (s, d)), (code, value)) in results {
                    let level = (*y / T::of(f64::from(*d))).max(min).min(max).round_small();
                    let level = level.to_double() as f32;
                    *code = level as i32 as u32 & mask;
                    *value = T::of(f64::from(level * s));
                }
            }
            (Elements::Integer { min, max, mask }, Some(zero)) => {
                let (min, max) = (T::of(f64::from(*min)), T::of(f64::from(*max)));
                for (((y, (s, d)), (code, value)), z) in results.zip(zero) {
                    let level = *y / T::of(f64::from(*d)) + T::of(f64::from(*z));
                    let level = level.max(min).min(max).round_small().to_double() as f32;
                    *code = level as i32 as u32 & mask;
                    *value = T::of(f64::from((level - z) * s));
                }
            }
            (Elements::Encoded { .. }, zero) => {
                for (i, ((y, (s, d)), (code, value))) in results.enumerate() {
                    let z = zero.map_or(0.0, |z| z[i]);
                    let level = *y / T::of(f64::from(*d)) + T::of(f64::from(z));
                    *code = encode(self.format, level.to_double(), Rounding::TiesEven);
                    *value = T::of(f64::from((self.format.decode(*code) as f32 - z) * s));
                }
            }
        }
    }

    /// As [`Self::round`] with levels held to `low[i]..=high[i]`, an interval with 0 in it; writes the levels too.
    ///
    /// Level 0 is chosen where the interval holds no other representable one.
    pub(in crate::algorithms) fn round_within<T: Scalar>(
        &self,
        row: usize,
        col: usize,
        y: &[T],
        limits: Limits<'_>,
        chosen: Chosen<'_, T>,
    ) {
        self.round(row, col, y, chosen.codes, chosen.values);
        for i in 0..y.len() {
            let nearest = self.level(chosen.codes[i]).unwrap_or(0);
            let held = nearest.clamp(limits.low[i], limits.high[i]);
            chosen.levels[i] = nearest;
            if held != nearest {
                let (level, code) = self.elements.toward_zero(held);
                chosen.levels[i] = level;
                chosen.codes[i] = code;
                chosen.values[i] = T::of(self.dequantize(row + i, col, code).into());
            }
        }
    }

    /// The points on both sides of `y` at `(row, col)`: the greatest that is not above and the least that is not below, or
    /// the outermost one where there is none. `allowed` are the least and the greatest level, 0 between them; only grids with
    /// levels are asked with any.
    pub(in crate::algorithms) fn neighbours(
        &self,
        row: usize,
        col: usize,
        y: f64,
        allowed: Option<(i64, i64)>,
    ) -> [Point<f64>; 2] {
        let (_, zero) = self.affine(row, col);
        let divisor = self.divisor[[col / self.group, row]];
        let x = y / f64::from(divisor) + f64::from(zero);
        self.elements.around(self.format, x, allowed).map(|(level, code)| Point {
            code,
            level,
            value: self.dequantize(row, col, code).into(),
        })
    }

    /// What a level is a multiple of, before scaling.
    pub(in crate::algorithms) fn unit(&self) -> f64 {
        self.elements.unit()
    }

    /// The step at an element: `|value(level + 1) - value(level)|`.
    pub(in crate::algorithms) fn step(&self, row: usize, col: usize) -> f64 {
        f64::from(self.divisor[[col / self.group, row]].abs()) * self.elements.unit()
    }

    /// The value of any level, representable or not.
    pub(in crate::algorithms) fn value(&self, row: usize, col: usize, level: i64) -> f64 {
        let (scale, zero) = self.affine(row, col);
        (level as f64 * self.elements.unit() - f64::from(zero)) * f64::from(scale)
    }
}
