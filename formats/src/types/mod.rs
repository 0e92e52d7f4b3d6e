//! One type per common format, as a user of `f32` or of the `half` crate expects it.
//!
//! A value is a newtype around its code. Everything derives from the format's row in the table: masks, limits and
//! constants; a type has the constants and operators that its format has a meaning for, and the row below is checked
//! against the table at compile time.
//!
//! **Rounding.** Operators, [`from_f32`](E4M3FN::from_f32), `from_f64` and text are rounded once, to the nearest value,
//! ties to the even code; `%` is exact. An operation's operands are exact, nothing passes through a narrower type.
//!
//! **Overflow** of these is the type's own: infinity where the format has one, else NaN where it has one (`e4m3fn`, the
//! `fnuz` formats; also for a negative result of an unsigned format), else the largest value of that sign. Posits and
//! takums saturate, and take infinity to NaR. `saturating_from_f32` saturates in every type; `from_f32_with` takes any
//! [`Policy`](crate::Policy), [`Arithmetic`](crate::Arithmetic) does so for operations.
//!
//! **NaN.** A type without NaN gets its largest value for it, as NVIDIA's saturating conversions do, with NV in the status
//! where one is asked for; text that says NaN is an error. Where the type has one, sign is kept, and the payload is the
//! canonical one.
//!
//! **Comparison** is by value: -0 equals +0, and NaN is unordered. So [`Eq`], [`Ord`] and [`Hash`](core::hash::Hash)
//! exist for types without NaN alone; and for posits and takums, whose one NaR equals itself and is less than every
//! other value by their standards. `total_cmp` orders the codes of every type.
//!
//! **Width.** A type narrower than its storage looks at the low bits alone, as every function on codes does: `from_bits`
//! masks, and so does each method. Thus every pattern of the storage is valid, which is what the feature `bytemuck` needs.
//! A TF32 is its 19 bits at the low end, not an `f32` with 13 zeros.
//!
//! **Integers** (`Int4`, `Uint8`, `Int8N`, `Binary`, `Ternary` ...) are elements of tensors: they have codes, conversions,
//! order and text, and no operators, since sums of integers are wider than their operands. Beyond the range is the value at
//! that end. The code that a narrow range leaves out is NaN to [`to_f64`](Int8N::to_f64).
//!
//! ```
//! use fewbit_formats::types::{BF16, E4M3FN, F16};
//! let x = E4M3FN::from_f32(0.3);
//! assert_eq!(x.to_string(), "0.3"); // 0.3125: the shortest text that is read back as the same code
//! assert_eq!((x.to_f32(), x.to_bits()), (0.3125, 0x2a));
//! assert_eq!((x * x).to_f32(), 0.09375); // 0.09765625 is a tie; the even code is below
//! assert!(E4M3FN::from_f32(480.0).is_nan());
//! assert_eq!(E4M3FN::saturating_from_f32(480.0), E4M3FN::MAX);
//! assert_eq!(BF16::from(x).to_f32() + F16::from(x).to_f32(), 0.625);
//! const HALF: F16 = F16::from_f32(0.5);
//! assert_eq!(HALF + HALF, F16::ONE);
//! assert_eq!("2.50000000000000000000001".parse::<E4M3FN>().unwrap().to_f32(), 2.5);
//! ```

mod capability;
#[cfg(feature = "half")]
mod half;
mod lossless;
#[cfg(feature = "num-traits")]
mod num_traits;
mod number;
mod operators;
mod real;
mod row;
#[cfg(feature = "serde")]
mod serde;
#[cfg(feature = "proptest")]
pub mod strategies;

pub use lossless::LOSSLESS;
pub use number::Number;

use crate::format::Format;

/// Declares each type once: its name, its storage, the constant of its format, and what the format has.
macro_rules! newtypes {
    ($(#[$doc:meta])* $list:ident: $( $name:ident($bits:ident) = $constant:ident [$($capability:ident)+]; )+) => {
        $(
            row::newtype!($name, $bits, $constant);
            #[cfg(feature = "proptest")]
            strategies::arbitrary!($name);
            #[cfg(feature = "serde")]
            serde::serde_impls!($name, $bits);
            $( capability::capability!($capability, $name, $bits); )+
            const _: () = assert!(
                0 $(| capability::bit!($capability))+ == capability::of(Format::$constant),
                concat!("the row of ", stringify!($name), " says something else than its format")
            );
        )+

        $(#[$doc])*
        pub const $list: &[(&str, Format)] = &[$( (stringify!($name), Format::$constant) ),+];
    };
}

newtypes! {
    /// The name of every type with arithmetic, and its format.
    ALL:
    E4M3FN(u8) = E4M3FN [float signed zero negative_zero nan unordered subnormal f32];
    E5M2(u8) = E5M2 [float signed zero negative_zero nan unordered infinity subnormal f32];
    E4M3(u8) = E4M3 [float signed zero negative_zero nan unordered infinity subnormal f32];
    E3M4(u8) = E3M4 [float signed zero negative_zero nan unordered infinity subnormal f32];
    E4M3FNUZ(u8) = E4M3FNUZ [float signed zero nan unordered subnormal f32];
    E5M2FNUZ(u8) = E5M2FNUZ [float signed zero nan unordered subnormal f32];
    E4M3B11FNUZ(u8) = E4M3B11FNUZ [float signed zero nan unordered subnormal f32];
    E3M2FN(u8) = E3M2FN [float signed zero negative_zero no_nan subnormal f32];
    E2M3FN(u8) = E2M3FN [float signed zero negative_zero no_nan subnormal f32];
    E2M1FN(u8) = E2M1FN [float signed zero negative_zero no_nan subnormal f32];
    E8M0FNU(u8) = E8M0FNU [float nan unordered f32];
    E4M3FNU(u8) = E4M3FNU [float zero nan unordered subnormal f32];
    E5M3FNU(u8) = E5M3FNU [float zero nan unordered subnormal f32];
    BF16(u16) = BF16 [float signed zero negative_zero nan unordered infinity subnormal f32];
    F16(u16) = F16 [float signed zero negative_zero nan unordered infinity subnormal f32];
    TF32(u32) = TF32 [float signed zero negative_zero nan unordered infinity subnormal f32];
    Binary8P4SE(u8) = BINARY8P4SE [float signed zero nan unordered infinity subnormal f32];
    Binary8P3SE(u8) = BINARY8P3SE [float signed zero nan unordered infinity subnormal f32];
    Posit8(u8) = POSIT8 [tapered signed zero nan f32];
    Posit16(u16) = POSIT16 [tapered signed zero nan f32];
    Posit32(u32) = POSIT32 [tapered signed zero nan];
    Takum8(u8) = TAKUM8 [tapered signed zero nan];
    Takum16(u16) = TAKUM16 [tapered signed zero nan];
}

newtypes! {
    /// The name of every type of integers, and its format.
    INTEGERS:
    Int2(u8) = INT2 [integer f32];
    Int4(u8) = INT4 [integer f32];
    Int4N(u8) = INT4N [integer f32];
    Int8(u8) = INT8 [integer f32];
    Int8N(u8) = INT8N [integer f32];
    Int16(u16) = INT16 [integer f32];
    Int32(u32) = INT32 [integer];
    Uint2(u8) = UINT2 [integer f32];
    Uint4(u8) = UINT4 [integer f32];
    Uint8(u8) = UINT8 [integer f32];
    Uint16(u16) = UINT16 [integer f32];
    Binary(u8) = BINARY [integer f32];
    Ternary(u8) = TERNARY [integer f32];
}
