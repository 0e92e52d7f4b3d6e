//! Reproducible random numbers, keyed by seed, purpose and index: the same in any order and on any thread.

use fewbit_formats::philox::philox4x32;

/// Standard normal variables by index.
#[derive(Clone, Copy, Debug)]
pub struct Normal {
    seed: u64,
    purpose: u32,
}

impl Normal {
    /// The sequence of a seed; different purposes give independent ones.
    pub const fn new(seed: u64, purpose: u32) -> Self {
        Self { seed, purpose }
    }

    /// The variable number `index` (Box and Muller, 53 bits).
    pub fn at(&self, index: u64) -> f64 {
        let [a, b] = uniform_pair(self.seed, self.purpose, index);
        // 1 - a lies in (0, 1].
        (-2.0 * (1.0 - a).ln()).sqrt() * (std::f64::consts::TAU * b).cos()
    }
}

/// Uniform variables in `[0, 1)` by index.
#[derive(Clone, Copy, Debug)]
pub struct Uniform {
    seed: u64,
    purpose: u32,
}

impl Uniform {
    /// The sequence of a seed; different purposes give independent ones.
    pub const fn new(seed: u64, purpose: u32) -> Self {
        Self { seed, purpose }
    }

    /// The variable number `index`, a multiple of 2^-53.
    pub fn at(&self, index: u64) -> f64 {
        uniform_pair(self.seed, self.purpose, index)[0]
    }

    /// An integer of `0..bound`, with a bias below `bound / 2^53`.
    pub fn below(&self, index: u64, bound: usize) -> usize {
        ((self.at(index) * bound as f64) as usize).min(bound.saturating_sub(1))
    }

    /// +1 or -1.
    pub fn sign(&self, index: u64) -> f32 {
        if self.at(index) < 0.5 { 1.0 } else { -1.0 }
    }
}

fn uniform_pair(seed: u64, purpose: u32, index: u64) -> [f64; 2] {
    let counter = [index as u32, (index >> 32) as u32, purpose, 1];
    let [a, b, c, d] = philox4x32(counter, [seed as u32, (seed >> 32) as u32]);
    let join = |high: u32, low: u32| {
        ((u64::from(high) << 32 | u64::from(low)) >> 11) as f64 * 2f64.powi(-53)
    };
    [join(a, b), join(c, d)]
}
