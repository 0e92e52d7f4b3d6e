//! The integers that values and outputs are.

use bytemuck::Pod;
use fewbit_formats::IntFormat;

mod sealed {
    /// Values of either type.
    pub enum AnyInputs<'a> {
        I32(&'a [i32]),
        I64(&'a [i64]),
    }

    /// Outputs of whichever type.
    pub enum AnyOutputs<'a> {
        I8(&'a mut [i8]),
        U8(&'a mut [u8]),
        I16(&'a mut [i16]),
        U16(&'a mut [u16]),
        I32(&'a mut [i32]),
        U32(&'a mut [u32]),
    }

    pub trait Input: Sized {
        fn any(values: &[Self]) -> AnyInputs<'_>;
    }

    pub trait Output: Sized {
        fn any(outputs: &mut [Self]) -> AnyOutputs<'_>;
    }
}
pub(super) use sealed::{AnyInputs, AnyOutputs};

/// `$body` with both slices bound, whatever their types.
macro_rules! each_requantized {
    ($inputs:expr, $outputs:expr, ($x:ident, $y:ident) => $body:expr) => {
        match $inputs {
            AnyInputs::I32($x) => each_requantized!($outputs, $y => $body),
            AnyInputs::I64($x) => each_requantized!($outputs, $y => $body),
        }
    };
    ($outputs:expr, $y:ident => $body:expr) => {
        match $outputs {
            AnyOutputs::I8($y) => $body,
            AnyOutputs::U8($y) => $body,
            AnyOutputs::I16($y) => $body,
            AnyOutputs::U16($y) => $body,
            AnyOutputs::I32($y) => $body,
            AnyOutputs::U32($y) => $body,
        }
    };
}
pub(super) use each_requantized;

/// An integer that accumulators' values are stored as: `i32` or `i64`.
pub trait RequantizeInput: sealed::Input + Pod + Into<i64> + Send + Sync {
    /// The slice as 32-bit integers, where that is what it is.
    fn as_i32(values: &[Self]) -> Option<&[i32]>;
}

impl sealed::Input for i32 {
    fn any(values: &[Self]) -> AnyInputs<'_> {
        AnyInputs::I32(values)
    }
}

impl sealed::Input for i64 {
    fn any(values: &[Self]) -> AnyInputs<'_> {
        AnyInputs::I64(values)
    }
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
pub trait RequantizeOutput:
    sealed::Output + Pod + Default + Send + Sync + PartialEq + std::fmt::Debug
{
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
    ($($int:ident: $variant:ident),*) => {$(
        impl sealed::Output for $int {
            fn any(outputs: &mut [Self]) -> AnyOutputs<'_> {
                AnyOutputs::$variant(outputs)
            }
        }

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

outputs!(i8: I8, u8: U8, i16: I16, u16: U16, i32: I32, u32: U32);
