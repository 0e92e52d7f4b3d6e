//! Counted random numbers: those of a vector depend on the seed and on its index alone.

use fewbit_formats::philox::philox4x32;

/// Tells the counters of stimuli from those of roundings, whose last word is 0.
const STIMULI: u32 = 0x7665_6374;

/// The numbers of one vector.
#[derive(Clone, Copy, Debug)]
pub(super) struct Draw {
    seed: u64,
    index: u64,
    taken: u32,
}

impl Draw {
    pub(super) const fn new(seed: u64, index: u64) -> Self {
        Self { seed, index, taken: 0 }
    }

    /// The next 64 bits.
    pub(super) const fn bits(&mut self) -> u64 {
        let counter = [self.taken, self.index as u32, (self.index >> 32) as u32, STIMULI];
        self.taken = self.taken.wrapping_add(1);
        let words = philox4x32(counter, [self.seed as u32, (self.seed >> 32) as u32]);
        (words[0] as u64) << 32 | words[1] as u64
    }

    /// A number below `n`; 0 where `n` is 0. The remainder favours none of those by more than 2^-32 where `n` has 32 bits.
    pub(super) const fn below(&mut self, n: u64) -> u64 {
        let bits = self.bits();
        if n == 0 { 0 } else { bits % n }
    }

    /// A number of a range, both ends included.
    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        let extent = (i128::from(high) - i128::from(low)).max(0) as u64;
        let offset = match extent.checked_add(1) {
            Some(n) => self.below(n),
            None => self.bits(),
        };
        low.wrapping_add(offset as i64)
    }

    /// One of a list, if it has any.
    pub(super) fn one<T: Copy>(&mut self, of: &[T]) -> Option<T> {
        of.get(self.below(of.len() as u64) as usize).copied()
    }

    /// Heads.
    pub(super) const fn coin(&mut self) -> bool {
        self.bits() & 1 == 1
    }
}
