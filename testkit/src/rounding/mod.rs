//! What a conversion to a narrow format must give, from the definitions: values are enumerated as rationals, the two
//! neighbours of the input are compared with it exactly, and the mode's definition chooses one of them.

mod choose;
mod float;
mod hif8;
mod integer;
mod p3109;
mod points;
mod segments;
mod tapered;

pub use choose::{Between, Mode, Neighbour, Parts, Point};
pub use float::{FloatOracle, FloatSpec, NanCodes, Place};
pub use hif8::{HiF8Oracle, HiF8Place, HiF8Value, hif8_value};
pub use integer::{IntSpec, Units};
pub use p3109::{P3109Rounding, P3109Saturation, P3109Spec, P3109Value};
pub use points::{around, exact};
pub use segments::{Segment, Varies, segments};
pub use tapered::{Cut, TaperedSpec};

use num_rational::BigRational;

/// The overflow policies, by their definitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overflow {
    /// The largest value of that sign; the smallest one where the sign is missing.
    Saturate,
    /// Infinity, else NaN, else as `Saturate`.
    Special,
    /// IEEE 754, 7.4, with `Special`'s answer where it says infinity.
    Ieee,
    /// P3109's SatNone.
    SatNone,
    /// Modulo 2^bits.
    Wrap,
    /// SystemC's sign-magnitude wrapping.
    WrapSignMagnitude,
    /// `Saturate` to a range symmetric about zero.
    SaturateSymmetric,
    /// Zero.
    Zero,
}

impl Overflow {
    /// Every policy with the name it has in fewbit.
    pub const NAMES: [(Self, &'static str); 8] = [
        (Self::Saturate, "saturate"),
        (Self::Special, "special"),
        (Self::Ieee, "ieee"),
        (Self::SatNone, "sat-none"),
        (Self::Wrap, "wrap"),
        (Self::WrapSignMagnitude, "wrap-sm"),
        (Self::SaturateSymmetric, "saturate-symmetric"),
        (Self::Zero, "zero"),
    ];
}

/// A code and the flags raised, in RISC-V's order: NX = 1, UF = 2, OF = 4, DZ = 8, NV = 16.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The code.
    pub code: u32,
    /// The flags.
    pub flags: u8,
}

/// NX.
pub const INEXACT: u8 = 1;
/// UF.
pub const UNDERFLOW: u8 = 2;
/// OF.
pub const OVERFLOW: u8 = 4;
/// NV.
pub const INVALID: u8 = 16;

/// 2^exponent.
#[must_use]
pub fn power_of_two(exponent: i32) -> BigRational {
    let power = num_bigint::BigInt::from(1) << exponent.unsigned_abs();
    let power = BigRational::from_integer(power);
    if exponent < 0 { power.recip() } else { power }
}
