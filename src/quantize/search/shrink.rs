//! Errors without their outliers, as half-quadratic optimisation takes them.

use crate::reference::torch;

/// The elements that [`torch::pow`] takes at a time.
const BLOCK: usize = 32;

/// `sign(e) max(|e| - |e|^(p - 1) / beta, 0)`.
#[derive(Clone, Copy)]
pub(super) struct Shrink {
    inverse: f32,
    exponent: f64,
    at_zero: f32,
    /// The elements from the first that are in whole blocks of the array.
    whole: usize,
}

impl Shrink {
    /// With this `beta` and `p`, in an array of so many elements.
    pub(super) fn new(beta: f64, p: f64, elements: usize) -> Self {
        let exponent = p - 1.0;
        Self {
            inverse: (1.0 / beta) as f32,
            exponent,
            at_zero: 0f32.powf(exponent as f32),
            whole: elements / BLOCK * BLOCK,
        }
    }

    /// Each `x` without its outlier: `x - shrunk(x - value)`. `first` is the place of the first one in the array, a
    /// multiple of 32.
    #[inline(always)]
    pub(super) fn subtract(&self, first: usize, x: &[f32], values: &[f32], to: &mut [f32]) {
        let blocks = x.chunks(BLOCK).zip(values.chunks(BLOCK)).zip(to.chunks_mut(BLOCK));
        for (block, ((x, values), to)) in blocks.enumerate() {
            let mut errors = [0.0; BLOCK];
            for (error, (x, value)) in errors.iter_mut().zip(x.iter().zip(values)) {
                *error = x - value;
            }
            let whole = first + block * BLOCK < self.whole;
            let powers = self.powers(&errors, whole);
            let mut shrunk = [0.0; BLOCK];
            for i in 0..BLOCK {
                shrunk[i] = self.one(errors[i], powers[i]);
            }
            for (to, (x, shrunk)) in to.iter_mut().zip(x.iter().zip(&shrunk)) {
                *to = x - shrunk;
            }
        }
    }

    #[inline(always)]
    fn one(&self, error: f32, power: f32) -> f32 {
        let rest = error.abs() - self.inverse * power;
        // max(rest, 0) and sign(error), both keeping NaN.
        let rest = if rest < 0.0 { 0.0 } else { rest };
        let sign = if error == 0.0 || error.is_nan() { error * 0.0 } else { 1f32.copysign(error) };
        sign * rest
    }

    /// The powers of the magnitudes of a block.
    #[inline(always)]
    fn powers(&self, errors: &[f32; BLOCK], whole: bool) -> [f32; BLOCK] {
        if self.exponent == 0.0 {
            return [1.0; BLOCK];
        }
        if self.exponent == -0.5 {
            return errors.map(|error| 1.0 / error.abs().sqrt());
        }
        if !whole {
            // What is left over of the array, one by one.
            return errors.map(|error| f64::from(error.abs()).powf(self.exponent) as f32);
        }
        let exponent = self.exponent as f32;
        let mut powers = [0.0; BLOCK];
        let mut all = true;
        for (power, error) in powers.iter_mut().zip(errors) {
            let (found, is_it) = torch::near_one(error.abs(), exponent);
            *power = if *error == 0.0 { self.at_zero } else { found };
            all &= is_it | (*error == 0.0);
        }
        if !all {
            let magnitudes = errors.map(f32::abs);
            powers.copy_from_slice(&torch::pow(&magnitudes, self.exponent));
        }
        powers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same, said once more over whole arrays.
    fn shrunk(errors: &[f32], beta: f64, p: f64) -> Vec<f32> {
        let inverse = (1.0 / beta) as f32;
        let magnitudes: Vec<f32> = errors.iter().map(|e| e.abs()).collect();
        let powers =
            if p == 1.0 { vec![1.0; errors.len()] } else { torch::pow(&magnitudes, p - 1.0) };
        let parts = errors.iter().zip(magnitudes).zip(powers);
        parts
            .map(|((error, magnitude), power)| {
                let rest = magnitude - inverse * power;
                let rest = if rest < 0.0 { 0.0 } else { rest };
                let sign =
                    if *error == 0.0 || error.is_nan() { *error * 0.0 } else { error.signum() };
                sign * rest
            })
            .collect()
    }

    #[test]
    fn blocks_and_rests_are_those_of_the_whole_array() {
        let special =
            [0.0, -0.0, 1.0, -1.0, 1e-40, -3e-45, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, 3e38];
        for n in [0usize, 1, 31, 32, 33, 64, 95, 1000] {
            for p in [0.7, 0.5, 1.0, 0.01] {
                for beta in [1e5, 1.0, 2e9, 1e-3] {
                    let number = |i: usize| {
                        let bits = (i as u32 + 1).wrapping_mul(2_654_435_761);
                        let size = 2f32.powi((bits >> 4) as i32 % 40 - 35);
                        (bits as f32 / 2f32.powi(31) - 1.0) * size
                    };
                    let x: Vec<f32> = (0..n)
                        .map(|i| if i % 11 == 3 { special[i / 11 % 10] } else { number(i) })
                        .collect();
                    let values: Vec<f32> =
                        (0..n).map(|i| if i % 3 == 0 { 0.0 } else { number(i + 7) }).collect();
                    let errors: Vec<f32> = x.iter().zip(&values).map(|(x, v)| x - v).collect();
                    let expected: Vec<f32> =
                        x.iter().zip(shrunk(&errors, beta, p)).map(|(x, e)| x - e).collect();
                    let mut found = vec![0.0; n];
                    Shrink::new(beta, p, n).subtract(0, &x, &values, &mut found);
                    for (i, (a, b)) in found.iter().zip(&expected).enumerate() {
                        let same = a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan();
                        assert!(same, "{n} {p} {beta} at {i}: {a:e} {b:e}");
                    }
                }
            }
        }
    }
}
