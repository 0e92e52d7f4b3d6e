//! The integers that hold codes.

use std::fmt;

use bytemuck::Pod;

/// Codes that go through a loop together. The last ones of a slice are padded to as many.
pub(super) const BLOCK: usize = 64;

mod sealed {
    /// Codes in whichever integer.
    pub enum AnyCodes<'a> {
        U8(&'a [u8]),
        U16(&'a [u16]),
        U32(&'a [u32]),
    }

    /// The same, to be written.
    pub enum AnyCodesMut<'a> {
        U8(&'a mut [u8]),
        U16(&'a mut [u16]),
        U32(&'a mut [u32]),
    }

    pub trait Sealed: Sized {
        fn any(codes: &[Self]) -> AnyCodes<'_>;
        fn any_mut(codes: &mut [Self]) -> AnyCodesMut<'_>;
    }
}
pub(super) use sealed::{AnyCodes, AnyCodesMut};

/// `$body` with `$codes` bound to the slice of whichever integer; `$any` is the enum that `$from` is of.
macro_rules! each_code {
    ($any:ident, $from:expr, $codes:ident => $body:expr) => {
        match $from {
            $any::U8($codes) => $body,
            $any::U16($codes) => $body,
            $any::U32($codes) => $body,
        }
    };
}
pub(super) use each_code;

/// An unsigned integer that holds codes in its low bits: `u8`, `u16` or `u32`.
pub trait Code:
    sealed::Sealed + Pod + fmt::Debug + Default + Eq + Ord + Send + Sync + 'static
{
    /// Its width.
    const BITS: u32;
    /// The low bits of `code`.
    fn from_u32(code: u32) -> Self;
    /// The code, zero-extended.
    fn to_u32(self) -> u32;
}

macro_rules! codes {
    ($($type:ty: $variant:ident),*) => {$(
        impl sealed::Sealed for $type {
            fn any(codes: &[Self]) -> AnyCodes<'_> {
                AnyCodes::$variant(codes)
            }

            fn any_mut(codes: &mut [Self]) -> AnyCodesMut<'_> {
                AnyCodesMut::$variant(codes)
            }
        }

        impl Code for $type {
            const BITS: u32 = <$type>::BITS;
            #[inline(always)]
            fn from_u32(code: u32) -> Self {
                code as Self
            }
            #[inline(always)]
            fn to_u32(self) -> u32 {
                u32::from(self)
            }
        }
    )*};
}
codes!(u8: U8, u16: U16, u32: U32);
