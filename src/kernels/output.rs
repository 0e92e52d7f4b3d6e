//! What outputs are written as, and what is stored of their sums.

/// What an output stores of its exact sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreMode {
    /// All of it.
    Whole,
    /// The low bits, as two's complement.
    LowBits(u32),
}

mod sealed {
    use super::StoreMode;

    pub trait Store: Sized {
        /// `self + sum` modulo `2^BITS`.
        fn plus(self, sum: i64) -> Self;

        /// What is stored of it.
        fn keep(self, mode: StoreMode) -> Self;

        /// The low bits of `value`.
        fn cut(value: i64) -> Self;
    }
}
pub(crate) use sealed::Store;

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
    ($($int:ty),*) => {
        $(
            impl Store for $int {
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

output!(i16, i32, i64);
