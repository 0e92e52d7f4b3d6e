//! Which of two is less.

use super::Raised;
use super::nan::propagate;
use crate::float::{FloatFormat, NanCodes};
use crate::format::Format;
use crate::real::{Class, Real};
use crate::tapered::hif8;
use core::cmp::Ordering;

impl Real {
    /// The order of two values; zeros of either sign are equal, and NaN has no place.
    ///
    /// ```
    /// use core::cmp::Ordering;
    /// use fewbit_formats::Real;
    /// assert_eq!(Real::from_f32(-1.0).compare(Real::infinity(true)), Some(Ordering::Greater));
    /// assert_eq!(Real::zero(true).compare(Real::zero(false)), Some(Ordering::Equal));
    /// assert_eq!(Real::nan(false).compare(Real::nan(false)), None);
    /// ```
    #[must_use]
    pub const fn compare(self, other: Self) -> Option<Ordering> {
        let by_sign = match (self.rank(), other.rank()) {
            (None, _) | (_, None) => return None,
            (Some(a), Some(b)) => a as i64 - b as i64,
        };
        if by_sign != 0 {
            return Some(order(by_sign));
        }
        let finite = matches!(self.class(), Class::Subnormal | Class::Normal);
        let magnitudes = if !finite {
            Ordering::Equal
        } else if self.exponent() != other.exponent() {
            order(self.exponent() as i64 - other.exponent() as i64)
        } else if self.significand() < other.significand() {
            Ordering::Less
        } else if self.significand() > other.significand() {
            Ordering::Greater
        } else {
            Ordering::Equal
        };
        Some(if self.is_negative() { magnitudes.reverse() } else { magnitudes })
    }

    /// -2 to 2: minus infinity, negative, zero, positive, infinity.
    const fn rank(self) -> Option<i8> {
        let magnitude = match self.class() {
            Class::Nan => return None,
            Class::Zero => 0,
            Class::Subnormal | Class::Normal => 1,
            Class::Infinite => 2,
        };
        Some(if self.is_negative() { -magnitude } else { magnitude })
    }

    /// Whether neither is NaN and this one is less, -0 being less than +0.
    const fn is_less(self, other: Self) -> bool {
        match self.compare(other) {
            Some(Ordering::Less) => true,
            Some(Ordering::Equal) => self.is_negative() && !other.is_negative(),
            Some(Ordering::Greater) | None => false,
        }
    }

    /// The lesser of two; NaN if either is. -0 is less than +0. IEEE 754-2019 `minimum`.
    pub const fn minimum(self, other: Self) -> Raised {
        match propagate(self, other) {
            Some(nan) => nan,
            None => Raised::quiet(if other.is_less(self) { other } else { self }),
        }
    }

    /// The greater of two; NaN if either is. -0 is less than +0. IEEE 754-2019 `maximum`.
    pub const fn maximum(self, other: Self) -> Raised {
        match propagate(self, other) {
            Some(nan) => nan,
            None => Raised::quiet(if self.is_less(other) { other } else { self }),
        }
    }

    /// The lesser of two, or the one that is not NaN; NV if one is a signaling NaN. IEEE 754-2019 `minimumNumber`.
    pub const fn minimum_number(self, other: Self) -> Raised {
        match self.number_of(other) {
            Some(number) => number,
            None => self.minimum(other),
        }
    }

    /// The greater of two, or the one that is not NaN; NV if one is a signaling NaN. IEEE 754-2019 `maximumNumber`.
    pub const fn maximum_number(self, other: Self) -> Raised {
        match self.number_of(other) {
            Some(number) => number,
            None => self.maximum(other),
        }
    }

    /// The number, where one of the two is NaN.
    const fn number_of(self, other: Self) -> Option<Raised> {
        let number = match (self.class(), other.class()) {
            (Class::Nan, Class::Nan) => return None,
            (Class::Nan, _) => other,
            (_, Class::Nan) => self,
            _ => return None,
        };
        match propagate(self, other) {
            Some(nan) => Some(Raised { value: number, status: nan.status }),
            None => None,
        }
    }
}

impl Format {
    /// The order of two codes such that every code has its place: IEEE 754's `totalOrder` for floats.
    ///
    /// From the least: negative NaN, of which the greater payloads come first, and a quiet one before a signaling one;
    /// minus infinity; negative values; -0; +0; positive values; infinity; positive NaN. The one NaN of a format that has
    /// it at negative zero is the least, as are NaR and a code that stands for nothing.
    ///
    /// ```
    /// use core::cmp::Ordering;
    /// use fewbit_formats::Format;
    /// assert_eq!(Format::E4M3FN.total_cmp(0x80, 0x00), Ordering::Less); // -0 and +0
    /// assert_eq!(Format::E4M3FN.total_cmp(0x7f, 0x7e), Ordering::Greater); // NaN and 448
    /// assert_eq!(Format::E4M3FNUZ.total_cmp(0x80, 0xff), Ordering::Less); // NaN and -240
    /// ```
    #[must_use]
    pub const fn total_cmp(self, a: u32, b: u32) -> Ordering {
        order(self.place(a) - self.place(b))
    }

    /// A number that grows in the total order.
    const fn place(self, code: u32) -> i64 {
        let code = code & (self.code_count() - 1) as u32;
        match self {
            Self::Float(float) => float_place(float, code),
            Self::Binary => code as i64,
            Self::HiF8 => hif8::place(code),
            Self::Int(_) | Self::Fixed(_) if !self.is_signed() => code as i64,
            // Two's complement.
            _ => {
                let unused = 32 - self.bits();
                ((code << unused) as i32 >> unused) as i64
            }
        }
    }
}

/// See [`Format::place`].
const fn float_place(float: FloatFormat, code: u32) -> i64 {
    if matches!(float.nan_codes(), NanCodes::NegativeZero) && float.is_nan(code) {
        return i64::MIN >> 1;
    }
    let magnitude = (code & float.magnitude_mask()) as i64;
    if code & float.sign_mask() != 0 { -1 - magnitude } else { magnitude }
}

/// The order of a number and zero.
const fn order(difference: i64) -> Ordering {
    if difference < 0 {
        Ordering::Less
    } else if difference > 0 {
        Ordering::Greater
    } else {
        Ordering::Equal
    }
}
