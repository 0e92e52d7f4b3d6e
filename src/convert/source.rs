//! The types that values come in.

use bytemuck::Pod;
use fewbit_formats::{Format, NanPayload, Overflow, Policy, Real, Rounding, SubnormalInput};

/// A type whose values are encoded exactly, never through a narrower type: `f32`, `f64` or an integer of up to 64 bits.
pub trait Source: Pod + Send + Sync + Into<Real> + sealed::Carried + sealed::Any {}

/// Values of whichever type.
pub enum AnyValues<'a> {
    F32(&'a [f32]),
    F64(&'a [f64]),
    I8(&'a [i8]),
    I16(&'a [i16]),
    I32(&'a [i32]),
    I64(&'a [i64]),
    U8(&'a [u8]),
    U16(&'a [u16]),
    U32(&'a [u32]),
    U64(&'a [u64]),
}

/// `$body` with `$values` bound to the slice of whichever type.
macro_rules! each_value {
    ($any:expr, $values:ident => $body:expr) => {
        match $any {
            AnyValues::F32($values) => $body,
            AnyValues::F64($values) => $body,
            AnyValues::I8($values) => $body,
            AnyValues::I16($values) => $body,
            AnyValues::I32($values) => $body,
            AnyValues::I64($values) => $body,
            AnyValues::U8($values) => $body,
            AnyValues::U16($values) => $body,
            AnyValues::U32($values) => $body,
            AnyValues::U64($values) => $body,
        }
    };
}
pub(super) use each_value;

macro_rules! sources {
    ($($type:ty: $variant:ident),+) => {$(
        impl sealed::Any for $type {
            fn any(values: &[Self]) -> AnyValues<'_> {
                AnyValues::$variant(values)
            }
        }

        impl Source for $type {}
    )+};
}

sources!(
    f32: F32, f64: F64, i8: I8, i16: I16, i32: I32, i64: I64, u8: U8, u16: U16, u32: U32, u64: U64
);

/// Digits of a format, the exponent of its smallest step, and how many digits below it a rounding mode looks at; `None`
/// where these say nothing.
fn steps(format: Format, policy: &Policy) -> Option<(u32, i32, u32)> {
    let (digits, least) = match format {
        Format::Float(float) => {
            let digits = float.fraction_bits();
            (digits, float.min_exponent() - digits as i32)
        }
        Format::Int(_) | Format::Ternary | Format::Binary => (format.bits(), 0),
        Format::Fixed(fixed) => (format.bits(), -fixed.fraction_bits()),
        _ => return None,
    };
    let seen = match policy.rounding {
        Rounding::Stochastic { bits } => u32::from(bits),
        Rounding::StochasticMiddle { bits } => u32::from(bits) + 1,
        Rounding::StochasticNearest { .. } | Rounding::StochasticOdd { .. } => return None,
        _ => 1,
    };
    Some((digits, least, seen))
}

/// The exponent of the last digit that an encoder sees.
pub(super) fn least_step(format: Format, policy: &Policy) -> i32 {
    steps(format, policy).map_or(i32::MIN, |(_, least, seen)| least - seen as i32)
}

/// Whether a quotient of two `f32` may be rounded to an odd `f32` before it is encoded.
///
/// Its `f64` is on the right side of every value of at most 28 digits: an inexact quotient of two 24-digit numbers is at
/// least 2^-52 away from those, relatively.
pub(super) fn quotient_may_be_odd(format: Format, policy: &Policy) -> bool {
    <f64 as sealed::Carried>::is_carried(format, policy)
}

/// The same of a quotient plus a zero point, a whole number of the format: less the zero point, every value at which the
/// rounding changes must be one of 23 digits.
pub(super) fn shifted_quotient_may_be_odd(format: Format, policy: &Policy) -> bool {
    let fits = |(digits, least, seen)| least == 0 && digits + seen + 2 < f32::MANTISSA_DIGITS;
    steps(format, policy).is_some_and(fits) && quotient_may_be_odd(format, policy)
}

/// A value that no `f32` stands for.
pub struct OutOfRange;

mod sealed {
    use super::*;

    pub trait Any: Sized {
        fn any(values: &[Self]) -> AnyValues<'_>;
    }

    /// How the lanes, which take `f32`, get values of another type.
    pub trait Carried: Sized {
        /// The values themselves, where the type is `f32`.
        fn as_f32(_: &[Self]) -> Option<&[f32]> {
            None
        }

        /// Whether [`Carried::carry`] loses nothing that an encoder of this format sees; without it the specification
        /// takes the values as they are.
        fn is_carried(_: Format, _: &Policy) -> bool {
            false
        }

        /// For each value an `f32` that is encoded alike.
        ///
        /// # Errors
        /// A finite value beyond `f32`.
        fn carry(_: &[Self], _: &mut [f32]) -> Result<(), OutOfRange> {
            Err(OutOfRange)
        }
    }
}

impl sealed::Carried for f32 {
    fn as_f32(x: &[Self]) -> Option<&[f32]> {
        Some(x)
    }

    fn is_carried(_: Format, _: &Policy) -> bool {
        true
    }

    fn carry(x: &[Self], to: &mut [f32]) -> Result<(), OutOfRange> {
        to.copy_from_slice(x);
        Ok(())
    }
}

/// Rounding to odd keeps every later rounding to at least two bits fewer exact, so an `f64` is first rounded to an odd
/// `f32`: the last bit is set if anything was cut off.
impl sealed::Carried for f64 {
    fn is_carried(format: Format, policy: &Policy) -> bool {
        let Some((digits, least, seen)) = steps(format, policy) else { return false };
        let has_payload =
            matches!(format, Format::Float(_)) && policy.nan_payload == NanPayload::Truncate;
        digits + seen <= 22
            && least - seen as i32 >= -148
            && policy.subnormal_input == SubnormalInput::Keep
            && !matches!(policy.overflow, Overflow::Wrap | Overflow::WrapSignMagnitude)
            && !has_payload
    }

    fn carry(x: &[Self], to: &mut [f32]) -> Result<(), OutOfRange> {
        let mut beyond = 0;
        for (to, &x) in to.iter_mut().zip(x) {
            let (odd, out) = round_to_odd(x);
            *to = odd;
            beyond |= out;
        }
        if beyond == 0 { Ok(()) } else { Err(OutOfRange) }
    }
}

/// Integers of at most 16 bits are `f32`.
macro_rules! narrow_integers {
    ($($integer:ty),+) => {$(
        impl sealed::Carried for $integer {
            fn is_carried(_: Format, _: &Policy) -> bool {
                true
            }

            fn carry(x: &[Self], to: &mut [f32]) -> Result<(), OutOfRange> {
                to.iter_mut().zip(x).for_each(|(to, &x)| *to = x.into());
                Ok(())
            }
        }
    )+};
}

narrow_integers!(i8, i16, u8, u16);

/// Integers of 32 bits are `f64`, and go the way of these.
macro_rules! wide_integers {
    ($($integer:ty),+) => {$(
        impl sealed::Carried for $integer {
            fn is_carried(format: Format, policy: &Policy) -> bool {
                f64::is_carried(format, policy)
            }

            fn carry(x: &[Self], to: &mut [f32]) -> Result<(), OutOfRange> {
                // No integer of 32 bits lies beyond f32.
                to.iter_mut().zip(x).for_each(|(to, &x)| *to = round_to_odd(x.into()).0);
                Ok(())
            }
        }
    )+};
}

wide_integers!(i32, u32);

/// Integers of 64 bits are neither.
impl sealed::Carried for i64 {}
impl sealed::Carried for u64 {}

/// The value, if it is an `f32`, else the one of the two next to it whose last bit is set; and 1 if it lies beyond.
#[inline(always)]
pub(super) fn round_to_odd(x: f64) -> (f32, u32) {
    let nearest = (x.abs() as f32).to_bits();
    let back = f64::from(f32::from_bits(nearest));
    let above = u32::from(back > x.abs());
    let inexact = u32::from(back != x.abs());
    let odd = (nearest - above) | inexact;
    let sign = ((x.to_bits() >> 32) as u32) & 0x8000_0000;
    // NaN compares unequal to itself; its bits are written anew.
    let magnitude = if x.is_nan() { f32::NAN.to_bits() } else { odd };
    let beyond = u32::from(x.is_finite() && x.abs() >= 2f64.powi(128));
    (f32::from_bits(magnitude | sign), beyond)
}
