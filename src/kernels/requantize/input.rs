//! The integers that values and outputs are.

use bytemuck::Pod;
use fewbit_formats::IntFormat;

/// An integer that accumulators' values are stored as: `i32` or `i64`.
pub trait RequantizeInput: Pod + Into<i64> + Send + Sync {
    /// The slice as 32-bit integers, where that is what it is.
    fn as_i32(values: &[Self]) -> Option<&[i32]>;
}

impl RequantizeInput for i32 {
    fn as_i32(values: &[Self]) -> Option<&[i32]> {
        Some(values)
    }
}

impl RequantizeInput for i64 {
    fn as_i32(_: &[Self]) -> Option<&[i32]> {
        None
    }
}

/// An integer that outputs are stored as: `i8`, `u8`, `i16`, `u16`, `i32` or `u32`.
pub trait RequantizeOutput: Pod + Default + Send + Sync + PartialEq + std::fmt::Debug {
    /// Its name.
    const NAME: &'static str;

    /// Whether it holds every value of a format.
    fn holds(format: IntFormat) -> bool;

    /// The low bits.
    fn from_i64(value: i64) -> Self;

    /// The low bits.
    fn from_i32(value: i32) -> Self;
}

macro_rules! outputs {
    ($($int:ident),*) => {$(
        impl RequantizeOutput for $int {
            const NAME: &'static str = stringify!($int);

            fn holds(format: IntFormat) -> bool {
                format.min() >= <$int>::MIN.into() && format.max() <= <$int>::MAX.into()
            }

            #[inline(always)]
            fn from_i64(value: i64) -> Self {
                value as Self
            }

            #[inline(always)]
            fn from_i32(value: i32) -> Self {
                value as Self
            }
        }
    )*};
}

outputs!(i8, u8, i16, u16, i32, u32);
