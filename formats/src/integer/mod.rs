//! Integers and fixed point: whole multiples of a power of two, in two's complement.

pub(crate) mod encode;
mod name;

use crate::error::FormatError;
use crate::exact::scale_by_power_of_two;
use crate::float::Signedness;
use crate::named::Excerpt;

/// Whether a range uses every code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum IntRange {
    /// All of two's complement: -2^(b-1) to 2^(b-1)-1, or 0 to 2^b-1.
    Full,
    /// One less at one end: the least of a signed format, -(2^(b-1)-1) to 2^(b-1)-1, or the greatest of an unsigned one,
    /// 0 to 2^b-2 (`uint4n`: 0 to 14). The code left out, `0b10...0` or `0b1...1`, stands for nothing and decodes to NaN.
    Narrow,
}

/// An integer of 1 to 32 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IntFormat {
    bits: u8,
    signedness: Signedness,
    range: IntRange,
}

/// Fixed point: an integer of 1 to 32 bits in units of 2^-fraction_bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FixedFormat {
    integer: IntFormat,
    fraction_bits: i8,
}

impl IntFormat {
    /// An integer format.
    ///
    /// # Errors
    ///
    /// A width outside 1 to 32, or 1 with a narrow range.
    pub const fn new(
        bits: u32,
        signedness: Signedness,
        range: IntRange,
        name: Excerpt,
    ) -> Result<Self, FormatError> {
        let least = match range {
            IntRange::Full => 1,
            IntRange::Narrow => 2,
        };
        if bits < least || bits > 32 {
            return Err(FormatError::Width { name, bits, least });
        }
        Ok(Self { bits: bits as u8, signedness, range })
    }

    /// A row of the table.
    pub(crate) const fn row(bits: u8, signedness: Signedness, range: IntRange) -> Self {
        Self { bits, signedness, range }
    }

    /// Bits of a code.
    #[must_use]
    #[inline]
    pub const fn bits(self) -> u32 {
        self.bits as u32
    }

    /// Whether the format has negative values.
    #[must_use]
    #[inline]
    pub const fn is_signed(self) -> bool {
        matches!(self.signedness, Signedness::Signed)
    }

    /// Full or narrow.
    #[must_use]
    pub const fn range(self) -> IntRange {
        self.range
    }

    /// The largest value.
    #[must_use]
    #[inline]
    pub const fn max(self) -> i64 {
        let narrow = matches!(self.range, IntRange::Narrow) && !self.is_signed();
        (1 << (self.bits() - self.is_signed() as u32)) - 1 - narrow as i64
    }

    /// The smallest value.
    #[must_use]
    #[inline]
    pub const fn min(self) -> i64 {
        match (self.signedness, self.range) {
            (Signedness::Unsigned, _) => 0,
            (Signedness::Signed, IntRange::Full) => -(1 << (self.bits - 1)),
            (Signedness::Signed, IntRange::Narrow) => -self.max(),
        }
    }

    /// The code of a value within the range.
    #[must_use]
    #[inline]
    pub const fn code(self, value: i64) -> u32 {
        (value as u64 & ((1 << self.bits) - 1)) as u32
    }

    /// The integer that a code stands for; bits above the format's width are ignored. `None` for the code that a
    /// narrow range leaves out.
    #[must_use]
    pub const fn value(self, code: u32) -> Option<i64> {
        let unused = 64 - self.bits as u32;
        let aligned = (code as u64) << unused;
        let value = match self.signedness {
            Signedness::Signed => aligned as i64 >> unused,
            Signedness::Unsigned => (aligned >> unused) as i64,
        };
        if value < self.min() || value > self.max() { None } else { Some(value) }
    }

    /// The value of a code, NaN for the code that a narrow range leaves out.
    #[must_use]
    pub const fn decode(self, code: u32) -> f64 {
        match self.value(code) {
            Some(value) => value as f64,
            None => f64::NAN,
        }
    }
}

impl FixedFormat {
    /// A fixed-point format of `bits` bits in units of `2^-fraction_bits`.
    ///
    /// # Errors
    ///
    /// A width outside 1 to 32. (Any fraction from -128 to 127 bits gives values that are `f64`.)
    pub const fn new(
        bits: u32,
        fraction_bits: i8,
        signedness: Signedness,
        name: Excerpt,
    ) -> Result<Self, FormatError> {
        match IntFormat::new(bits, signedness, IntRange::Full, name) {
            Ok(integer) => Ok(Self { integer, fraction_bits }),
            Err(error) => Err(error),
        }
    }

    /// A row of the table.
    pub(crate) const fn row(bits: u8, fraction_bits: i8, signedness: Signedness) -> Self {
        Self { integer: IntFormat::row(bits, signedness, IntRange::Full), fraction_bits }
    }

    /// The integer that counts the units.
    #[must_use]
    pub const fn integer(self) -> IntFormat {
        self.integer
    }

    /// Bits after the binary point; negative where the unit is more than 1.
    #[must_use]
    pub const fn fraction_bits(self) -> i32 {
        self.fraction_bits as i32
    }

    /// The value of a code.
    #[must_use]
    pub const fn decode(self, code: u32) -> f64 {
        self.integer.decode(code) * scale_by_power_of_two(1, -self.fraction_bits())
    }
}
