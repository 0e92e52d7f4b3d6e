//! Overflow operations: what a register makes of a sum.

use crate::kernels::plan::stage::StageRegister;
use crate::simd::{Lanes, Word};

/// What a register holds after a step.
pub(crate) trait OverflowOp<L: Lanes>: Copy {
    /// The register's value after the step.
    fn apply(self, lanes: L, sum: L::V) -> L::V;
}

/// The sum itself: it fits, or is cut elsewhere.
#[derive(Clone, Copy)]
pub(crate) struct Exact;

/// The nearest end of the range.
#[derive(Clone, Copy)]
pub(crate) struct Saturate<V> {
    pub(crate) low: V,
    pub(crate) high: V,
}

/// The low bits, as [`Lanes::wrap`].
#[derive(Clone, Copy)]
pub(crate) struct Wrap<V> {
    pub(crate) mask: V,
    pub(crate) sign: V,
}

impl<L: Lanes> OverflowOp<L> for Exact {
    #[inline(always)]
    fn apply(self, _: L, sum: L::V) -> L::V {
        sum
    }
}

impl<L: Lanes> OverflowOp<L> for Saturate<L::V> {
    #[inline(always)]
    fn apply(self, lanes: L, sum: L::V) -> L::V {
        lanes.min(lanes.max(sum, self.low), self.high)
    }
}

impl<L: Lanes> OverflowOp<L> for Wrap<L::V> {
    #[inline(always)]
    fn apply(self, lanes: L, sum: L::V) -> L::V {
        lanes.wrap(sum, self.mask, self.sign)
    }
}

/// An [`OverflowOp`] that is known at run time only.
#[derive(Clone, Copy)]
pub(crate) enum AnyOverflow<V> {
    Exact,
    Saturate(Saturate<V>),
    Wrap(Wrap<V>),
}

impl<V: Copy> AnyOverflow<V> {
    /// That of `register`, in its lanes.
    #[inline(always)]
    pub(crate) fn new<L: Lanes<V = V>>(lanes: L, register: StageRegister) -> Self {
        let word = <L::Word as Word>::truncate;
        match register {
            StageRegister::Exact => Self::Exact,
            StageRegister::Saturate { bits } if bits < L::Word::BITS => {
                let half = 1i64 << (bits - 1);
                let (low, high) = (lanes.splat(word(-half)), lanes.splat(word(half - 1)));
                Self::Saturate(Saturate { low, high })
            }
            StageRegister::Wrap { bits } if bits < L::Word::BITS => {
                let mask = lanes.splat(word(!(-1i64 << bits)));
                Self::Wrap(Wrap { mask, sign: lanes.splat(word(1i64 << (bits - 1))) })
            }
            // At least as wide as a lane, which holds every value that comes.
            StageRegister::Saturate { .. } | StageRegister::Wrap { .. } => Self::Exact,
        }
    }
}

impl<L: Lanes> OverflowOp<L> for AnyOverflow<L::V> {
    #[inline(always)]
    fn apply(self, lanes: L, sum: L::V) -> L::V {
        match self {
            Self::Exact => Exact.apply(lanes, sum),
            Self::Saturate(saturate) => saturate.apply(lanes, sum),
            Self::Wrap(wrap) => wrap.apply(lanes, sum),
        }
    }
}
