//! What outputs are written as, and what is stored of their sums.

use ndarray::{ArrayViewMut, Dimension};

/// What an output stores of its exact sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreMode {
    /// All of it.
    Whole,
    /// The low bits, as two's complement.
    LowBits(u32),
}

impl StoreMode {
    /// The same for outputs of so many bits, which may hold all of them.
    pub(crate) fn in_bits(self, output: u32) -> Self {
        match self {
            Self::LowBits(bits) if bits < output => self,
            Self::LowBits(_) | Self::Whole => Self::Whole,
        }
    }
}

mod sealed {
    use super::{ArrayViewMut, Dimension, StoreMode};

    /// Room for outputs of whichever type.
    pub enum AnyOutputs<'a, D> {
        I16(ArrayViewMut<'a, i16, D>),
        I32(ArrayViewMut<'a, i32, D>),
        I64(ArrayViewMut<'a, i64, D>),
    }

    pub trait Store: Sized {
        /// `out`, so that what writes it is compiled once and not in every crate that multiplies.
        fn any<D: Dimension>(out: ArrayViewMut<'_, Self, D>) -> AnyOutputs<'_, D>;

        /// `self + sum` modulo `2^BITS`.
        fn plus(self, sum: i64) -> Self;

        /// What is stored of it.
        fn keep(self, mode: StoreMode) -> Self;

        /// The low bits of `value`.
        fn cut(value: i64) -> Self;

        /// `rows` themselves where they are of 32 bits.
        fn as_i32<'r, 'a>(rows: &'r mut [&'a mut [Self]]) -> Option<&'r mut [&'a mut [i32]]>;
    }
}
pub(crate) use sealed::{AnyOutputs, Store};

/// `$body` with `$out` bound to the room of whichever type.
macro_rules! each_output {
    ($any:expr, $out:ident => $body:expr) => {
        match $any {
            $crate::kernels::output::AnyOutputs::I16($out) => $body,
            $crate::kernels::output::AnyOutputs::I32($out) => $body,
            $crate::kernels::output::AnyOutputs::I64($out) => $body,
        }
    };
}
pub(crate) use each_output;

/// An integer type that outputs are written as: `i16`, `i32`, `i64`.
pub trait Output:
    Store + Copy + Send + Sync + Default + std::fmt::Debug + PartialEq + 'static
{
    /// Its width.
    const BITS: u32;

    /// The same value.
    fn to_i64(self) -> i64;
}

macro_rules! output {
    ($($int:ty: $variant:ident, $as_i32:expr;)*) => {
        $(
            impl Store for $int {
                fn any<D: Dimension>(out: ArrayViewMut<'_, Self, D>) -> AnyOutputs<'_, D> {
                    AnyOutputs::$variant(out)
                }

                #[inline(always)]
                fn plus(self, sum: i64) -> Self {
                    self.wrapping_add(sum as Self)
                }

                #[inline(always)]
                fn keep(self, mode: StoreMode) -> Self {
                    match mode {
                        StoreMode::LowBits(bits) if bits < <Self as Output>::BITS => {
                            let unused = <Self as Output>::BITS - bits;
                            self << unused >> unused
                        }
                        StoreMode::LowBits(_) | StoreMode::Whole => self,
                    }
                }

                #[inline(always)]
                fn cut(value: i64) -> Self {
                    value as Self
                }

                #[inline(always)]
                fn as_i32<'r, 'a>(rows: &'r mut [&'a mut [Self]]) -> Option<&'r mut [&'a mut [i32]]> {
                    $as_i32(rows)
                }
            }

            impl Output for $int {
                const BITS: u32 = <$int>::BITS;

                #[inline(always)]
                fn to_i64(self) -> i64 {
                    self.into()
                }
            }
        )*
    };
}

output! {
    i16: I16, |_| None;
    i32: I32, Some;
    i64: I64, |_| None;
}
