//! What outputs are written as, and what is kept of their sums.

/// What an output keeps of its exact sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// All of it.
    Everything,
    /// The low bits, as two's complement.
    LowBits(u32),
}

/// An integer type that outputs are written as: `i16`, `i32`, `i64`.
pub trait Output: Copy + Send + Sync + Default + std::fmt::Debug + PartialEq + 'static {
    /// Its width.
    const BITS: u32;

    /// `self + sum` modulo `2^BITS`.
    #[doc(hidden)]
    fn plus(self, sum: i64) -> Self;

    /// What is kept.
    #[doc(hidden)]
    fn keep(self, kept: Kept) -> Self;

    /// The low bits of `value`.
    #[doc(hidden)]
    fn cut(value: i64) -> Self;

    /// The same value.
    fn to_i64(self) -> i64;
}

macro_rules! output {
    ($($int:ty),*) => {
        $(
            impl Output for $int {
                const BITS: u32 = <$int>::BITS;

                #[inline(always)]
                fn plus(self, sum: i64) -> Self {
                    self.wrapping_add(sum as Self)
                }

                #[inline(always)]
                fn keep(self, kept: Kept) -> Self {
                    match kept {
                        Kept::LowBits(bits) if bits < Self::BITS => {
                            self << (Self::BITS - bits) >> (Self::BITS - bits)
                        }
                        _ => self,
                    }
                }

                #[inline(always)]
                fn cut(value: i64) -> Self {
                    value as Self
                }

                #[inline(always)]
                fn to_i64(self) -> i64 {
                    self.into()
                }
            }
        )*
    };
}

output!(i16, i32, i64);
