//! How far every sum on the way can reach.
//!
//! With `p` the greatest magnitude of a product, an input of the first stage is at most `p`, a tile of `c` inputs of
//! magnitude `x` sums to at most `c x`, and saturating or wrapping to `P` bits leaves at most `2^(P-1)`. These bounds
//! hold for every value on the way, in every order.

use super::stage::{StagePlan, StageRegister};
use crate::kernels::operand::matrix::{Matrix, magnitude};
use crate::kernels::operand::step_words::WordKind;

/// What is known of the operands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) k: usize,
    /// The greatest magnitude of a product.
    pub(crate) product: u128,
    /// The narrowest word that holds both operands.
    pub(crate) operands: Option<WordKind>,
}

impl Bounds {
    /// Those of two matrices.
    pub(crate) fn new(a: &Matrix<'_>, b: &Matrix<'_>) -> Self {
        let operands = if a.int16().is_some() && b.int16().is_some() {
            Some(WordKind::Pair16)
        } else if a.fits_i32() && b.fits_i32() {
            Some(WordKind::One64)
        } else {
            None
        };
        Self { k: a.dim().1, product: a.magnitude() * b.magnitude(), operands }
    }

    /// What the types of bytes say, without a look at the values; `None` for wider operands.
    pub(crate) fn of_types(a: &Matrix<'_>, b: &Matrix<'_>) -> Option<Self> {
        let (ours, theirs) = (a.bytes()?.known_range(), b.bytes()?.known_range());
        let product = magnitude(ours) * magnitude(theirs);
        Some(Self { k: a.dim().1, product, operands: Some(WordKind::Pair16) })
    }

    /// Whether every output fits two's complement of `bits` bits. What 64 bits do not hold is found out elsewhere.
    pub(crate) fn fit(&self, stages: &[StagePlan], bits: u32) -> bool {
        let range = 1u128 << (bits - 1);
        match stages.last().map(|stage| stage.register) {
            _ if bits >= 64 => true,
            Some(StageRegister::Saturate { bits: own } | StageRegister::Wrap { bits: own })
                if own <= bits =>
            {
                true
            }
            _ => self.magnitudes(stages).last().is_none_or(|&(_, kept)| kept < range),
        }
    }

    /// The greatest magnitude of a sum in the last stage.
    pub(crate) fn greatest(&self, stages: &[StagePlan]) -> u128 {
        self.magnitudes(stages).last().map_or(0, |&(sum, _)| sum)
    }

    /// The greatest magnitude of a sum before the check, and of what is handed on, per stage.
    pub(crate) fn magnitudes(&self, stages: &[StagePlan]) -> Vec<(u128, u128)> {
        let (mut inputs, mut input) = (self.k as u128, self.product);
        let mut all = Vec::with_capacity(stages.len());
        for stage in stages {
            let tile = stage.count.map_or(inputs, |count| inputs.min(count.into()));
            let exact = tile.saturating_mul(input);
            let kept = match stage.register {
                StageRegister::Exact => exact,
                StageRegister::Saturate { bits } | StageRegister::Wrap { bits } => {
                    exact.min(1 << (bits - 1))
                }
            };
            let stepped = u128::from(stage.width).saturating_mul(input).saturating_add(kept);
            all.push((exact.min(stepped), kept));
            (inputs, input) = (inputs.div_ceil(tile.max(1)), kept);
        }
        all
    }

    /// The narrowest lanes that hold the operands and every sum of `stages`.
    pub(crate) fn word(&self, stages: &[StagePlan]) -> Option<WordKind> {
        let greatest = self.magnitudes(stages).into_iter().map(|(sum, _)| sum).max().unwrap_or(0);
        let operands = self.operands?;
        if greatest <= i32::MAX as u128 && operands == WordKind::Pair16 {
            Some(WordKind::Pair16)
        } else if greatest <= i64::MAX as u128 {
            Some(WordKind::One64)
        } else {
            None
        }
    }
}
