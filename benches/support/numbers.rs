//! Operands: variety, not quality.

use fewbit::formats::philox;

/// A small generator.
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// 31 bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        self.0 >> 33
    }

    /// About normal, of variance 1.
    pub(crate) fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.next() as f64 / f64::from(1u32 << 31)).sum::<f64>() - 6.0
    }
}

/// About normal, the sum of four uniform numbers; they repeat after 2^20.
pub(crate) fn normal_values(n: usize) -> Vec<f32> {
    let uniform = |word: u32| (word as i32) as f32 * 2f32.powi(-30);
    let words = |i: usize| philox::philox4x32([i as u32, 0, 0, 0], [1, 2]);
    let once: Vec<f32> = (0..n.min(1 << 20)).map(|i| words(i).map(uniform).iter().sum()).collect();
    once.iter().copied().cycle().take(n).collect()
}
