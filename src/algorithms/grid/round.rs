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

/// The parameters of some rows at a column.
struct Parameters<'a> {
    scale: &'a [f32],
    divisor: &'a [f32],
    zero: Option<&'a [f32]>,
}

impl Grid {
    /// The code nearest to each `y[i]`, at `(row + i, col)`, and the value that it stands for.
    #[inline(always)]
    pub fn round<T: Scalar>(
        &self,
        row: usize,
        col: usize,
        y: &[T],
        codes: &mut [u32],
        values: &mut [T],
    ) {
        let Some(Parameters { scale, divisor, zero }) = self.lanes(row, col, y.len()) else {
            return;
        };
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
    #[inline(always)]
    pub(in crate::algorithms) fn round_within<T: Scalar>(
        &self,
        row: usize,
        col: usize,
        y: &[T],
        limits: Limits<'_>,
        chosen: Chosen<'_, T>,
    ) {
        self.round(row, col, y, chosen.codes, chosen.values);
        if let Elements::Integer { min, max, mask } = &self.elements {
            let parameters = self.lanes(row, col, y.len());
            let Some(Parameters { scale, zero, .. }) = parameters else { return };
            let held = chosen.levels.iter_mut().zip(limits.low.iter().zip(limits.high));
            let each = held.zip(chosen.codes.iter_mut().zip(chosen.values)).zip(scale);
            let (min, max, span) = (*min as i64, *max as i64, i64::from(*mask) + 1);
            for (i, (((level, (low, high)), (code, value)), s)) in each.enumerate() {
                let nearest = i64::from(*code);
                let nearest = if nearest > max { nearest - span } else { nearest };
                // All of them hold 0.
                let held = nearest.max(*low).min(*high).max(min).min(max);
                *level = held;
                let zero = zero.map_or(0.0, |zero| zero[i]);
                let other = T::of(f64::from((held as f32 - zero) * s));
                *value = if held == nearest { *value } else { other };
                *code = held as u32 & mask;
            }
            return;
        }
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

    /// The parameters of so many rows from `row` on at a column.
    #[inline(always)]
    fn lanes(&self, row: usize, col: usize, count: usize) -> Option<Parameters<'_>> {
        let start = col / self.group * self.scale.ncols() + row;
        // All are in standard layout.
        let lanes = start..start + count;
        Some(Parameters {
            scale: self.scale.as_slice()?.get(lanes.clone())?,
            divisor: self.divisor.as_slice()?.get(lanes.clone())?,
            zero: self.zero_point.as_ref().and_then(|zero| zero.as_slice()?.get(lanes)),
        })
    }

    /// The steps of rows from `row` on at a column, as [`Self::step`] has them.
    #[inline(always)]
    pub(in crate::algorithms) fn steps(
        &self,
        row: usize,
        col: usize,
        count: usize,
    ) -> impl Iterator<Item = f64> {
        let divisor = self.lanes(row, col, count).map_or(&[][..], |lanes| lanes.divisor);
        let unit = self.elements.unit();
        divisor.iter().map(move |d| f64::from(d.abs()) * unit)
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

#[cfg(test)]
mod tests {
    use super::*;
    use fewbit_formats::Format;
    use fewbit_testkit::Random;
    use ndarray::Array2;

    #[test]
    fn levels_are_held_as_one_by_one() {
        const LANES: usize = 37;
        let mut random = Random(23);
        for (format, zero) in [(Format::INT4, 0.0), (Format::INT4, 2.0), (Format::UINT4, 7.0)] {
            let scale = Array2::from_shape_fn((LANES, 1), |(i, _)| i as f32 * 0.25);
            let zero = (zero != 0.0).then(|| Array2::from_elem((LANES, 1), zero));
            let grid = Grid::new(format, 5, scale, zero, 5).unwrap();
            for _ in 0..50 {
                let mut below = |most: u64| (random.next() % most) as i64;
                let low: Vec<i64> = (0..LANES).map(|_| -below(12)).collect();
                let high: Vec<i64> = (0..LANES).map(|_| below(18)).collect();
                let y: Vec<f64> = (0..LANES).map(|_| random.normal() * 20.0).collect();
                let (mut codes, mut values) = (vec![0; LANES], vec![0.0; LANES]);
                let mut levels = vec![0; LANES];
                let limits = Limits { low: &low, high: &high };
                let chosen = Chosen { codes: &mut codes, values: &mut values, levels: &mut levels };
                grid.round_within(0, 3, &y, limits, chosen);
                for lane in 0..LANES {
                    let (mut code, mut value) = ([0], [0.0]);
                    grid.round(lane, 3, &y[lane..=lane], &mut code, &mut value);
                    let nearest = grid.level(code[0]).unwrap();
                    let held = nearest.clamp(low[lane], high[lane]);
                    if held != nearest {
                        code = [grid.elements.toward_zero(held).1];
                        value = [grid.dequantize(lane, 3, code[0]).into()];
                    }
                    let found = (codes[lane], values[lane], levels[lane]);
                    assert_eq!(found, (code[0], value[0], held), "{format} {lane} {}", y[lane]);
                }
            }
        }
    }
}
