//! The integers that hold codes.

use std::fmt;

use bytemuck::Pod;

/// Codes that go through a loop together. The last ones of a slice are padded to as many.
pub(super) const BLOCK: usize = 64;

/// An unsigned integer that holds codes in its low bits: `u8`, `u16` or `u32`.
pub trait Code: Pod + fmt::Debug + Default + Eq + Ord + Send + Sync + 'static {
    /// Its width.
    const BITS: u32;
    /// The low bits of `code`.
    fn from_u32(code: u32) -> Self;
    /// The code, zero-extended.
    fn to_u32(self) -> u32;
}

macro_rules! codes {
    ($($type:ty),*) => {$(
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
codes!(u8, u16, u32);
