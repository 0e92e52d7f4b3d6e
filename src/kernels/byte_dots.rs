//! How products of bytes are summed over the words of a tile: four at a time in 32 bits, or two at a time in 16.
//!
//! AVX2 has no instruction for four products: it takes two multiplications and two additions, and both factors taken apart
//! before. It has one for two products in 16 bits, which saturates: where factors are small, it never does, and the sums of
//! several words stay there before they are added in 32 bits ([`PairRun`]). With weights of 4 bits and activations of 8 these
//! are 8 words: 2.25 instructions in place of 5.5.

use std::ops::Range;

use crate::simd::ByteLanes;

/// Adds the products of two vectors of words to a vector of sums.
pub(crate) trait Dot<L: ByteLanes> {
    /// `a` are unsigned bytes, `b` signed ones; `#[inline(always)]`.
    fn add(lanes: L, sums: L::V, a: L::V, b: L::V) -> L::V;
}

/// Four products a lane, in 32 bits.
pub(crate) struct Fours;

/// Two products a half of a lane, in 16 bits.
pub(crate) struct Pairs;

impl<L: ByteLanes> Dot<L> for Fours {
    #[inline(always)]
    fn add(lanes: L, sums: L::V, a: L::V, b: L::V) -> L::V {
        lanes.dot_bytes(sums, a, b)
    }
}

impl<L: ByteLanes> Dot<L> for Pairs {
    #[inline(always)]
    fn add(lanes: L, sums: L::V, a: L::V, b: L::V) -> L::V {
        lanes.dot_pairs(sums, a, b)
    }
}

/// How many words have sums of pairs that 16 bits hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PairRun(usize);

impl PairRun {
    /// That of bytes up to `unsigned`, and signed ones of magnitudes up to `signed`.
    pub(crate) fn new(unsigned: u32, signed: u32) -> Self {
        let pair = unsigned.saturating_mul(signed).saturating_mul(2);
        let words = i16::MAX as u32 / pair.max(1);
        Self(words as usize)
    }

    /// The steps of a run, which are its words of each output; `None` where not even one word's sums fit, or the lanes sum four
    /// products as soon as two.
    #[inline(always)]
    pub(crate) fn steps<L: ByteLanes>(self) -> Option<usize> {
        (L::DOTS_PAIRS && self.0 > 0).then_some(self.0)
    }
}

/// The products of a word and of a word at each step, for a tile of `R` by `V` vectors of sums.
pub(crate) trait ByteProducts<L: ByteLanes, const R: usize, const V: usize> {
    /// How many steps there are.
    fn steps(&self) -> usize;

    /// Adds those of some steps; `#[inline(always)]`.
    fn add<D: Dot<L>>(&self, lanes: L, sums: [[L::V; V]; R], steps: Range<usize>)
    -> [[L::V; V]; R];
}

/// Adds the products of all steps, in runs of pairs where these are faster.
#[inline(always)]
pub(crate) fn add_all<L: ByteLanes, const R: usize, const V: usize>(
    lanes: L,
    sums: [[L::V; V]; R],
    products: &impl ByteProducts<L, R, V>,
    run: PairRun,
) -> [[L::V; V]; R] {
    match run.steps::<L>() {
        Some(steps) => add_runs(lanes, sums, products, steps),
        None => products.add::<Fours>(lanes, sums, 0..products.steps()),
    }
}

/// Adds the products of all steps in runs of pairs, each of so many steps.
#[inline(always)]
pub(crate) fn add_runs<L: ByteLanes, const R: usize, const V: usize>(
    lanes: L,
    mut sums: [[L::V; V]; R],
    products: &impl ByteProducts<L, R, V>,
    steps: usize,
) -> [[L::V; V]; R] {
    let all = products.steps();
    for start in (0..all).step_by(steps) {
        let none = [[lanes.splat(0); V]; R];
        let pairs = products.add::<Pairs>(lanes, none, start..all.min(start + steps));
        add_pairs(lanes, &mut sums, &pairs);
    }
    sums
}

/// `sums` and those of a run, both halves of each lane.
#[inline(always)]
fn add_pairs<L: ByteLanes, const R: usize, const V: usize>(
    lanes: L,
    sums: &mut [[L::V; V]; R],
    pairs: &[[L::V; V]; R],
) {
    let ones = lanes.splat(0x1_0001);
    for row in 0..R {
        for col in 0..V {
            sums[row][col] = lanes.dot(sums[row][col], pairs[row][col], ones);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::PairRun;

    #[test]
    fn a_run_is_as_long_as_its_greatest_sum_fits() {
        for (unsigned, signed) in
            [(255, 8), (255, 64), (255, 65), (127, 128), (128, 128), (15, 8), (255, 1)]
        {
            let PairRun(words) = PairRun::new(unsigned, signed);
            let sum = |words: usize| words as u64 * 2 * u64::from(unsigned) * u64::from(signed);
            assert!(sum(words) <= 32767 && sum(words + 1) > 32767, "{unsigned} {signed}");
        }
        assert_eq!(PairRun::new(255, 8), PairRun(8));
    }
}
