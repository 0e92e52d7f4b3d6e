//! What happened to a value while it was encoded.

use core::fmt;
use core::ops::{BitOr, BitOrAssign};

/// Status flags in the order of RISC-V's `fflags`: NX = 1, UF = 2, OF = 4, DZ = 8, NV = 16.
///
/// ```
/// use fewbit_formats::{Format, Overflow, Policy, Rounding, Status};
/// let policy = Policy::new(Rounding::TiesEven, Overflow::Saturate);
/// let encoded = Format::E4M3FN.encode(1000.0f32, &policy, 0).unwrap();
/// assert_eq!(encoded.code, 0x7e);
/// assert_eq!(encoded.status, Status::OVERFLOW | Status::INEXACT);
/// assert_eq!(encoded.status.bits(), 5);
/// assert_eq!(format!("{} {:?}", encoded.status, encoded.status), "NX|OF inexact|overflow");
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
#[must_use]
pub struct Status(u8);

impl Status {
    /// Nothing happened: the value was represented exactly.
    pub const NONE: Self = Self(0);
    /// NX: the code stands for another value than the one given.
    pub const INEXACT: Self = Self(1);
    /// UF: the rounded value is below the smallest normal one, and inexact (tininess is detected after rounding).
    pub const UNDERFLOW: Self = Self(2);
    /// OF: the rounded value lies outside the finite range of a float.
    pub const OVERFLOW: Self = Self(4);
    /// DZ: a finite value was divided by zero.
    pub const DIVIDE_BY_ZERO: Self = Self(8);
    /// NV: the value has no counterpart: a signaling NaN, a NaN where the format has none, an integer out of range.
    pub const INVALID: Self = Self(16);

    /// Each flag with its RISC-V name, lowest bit first.
    pub const NAMES: [(Self, &'static str); 5] = [
        (Self::INEXACT, "NX"),
        (Self::UNDERFLOW, "UF"),
        (Self::OVERFLOW, "OF"),
        (Self::DIVIDE_BY_ZERO, "DZ"),
        (Self::INVALID, "NV"),
    ];

    /// The flags as RISC-V's `fflags` holds them.
    #[must_use]
    #[inline]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether every flag of `other` is set.
    #[must_use]
    #[inline]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The flags of both.
    #[inline]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The flags that `other` has not.
    ///
    /// ```
    /// # use fewbit_formats::Status;
    /// let both = Status::INEXACT | Status::UNDERFLOW;
    /// assert_eq!(both.difference(Status::INEXACT), Status::UNDERFLOW);
    /// ```
    #[inline]
    pub const fn difference(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// These flags, where `condition` holds; none otherwise.
    #[inline]
    pub(crate) const fn when(self, condition: bool) -> Self {
        if condition { self } else { Self::NONE }
    }
}

impl BitOr for Status {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        self.union(other)
    }
}

impl BitOrAssign for Status {
    fn bitor_assign(&mut self, other: Self) {
        *self = self.union(other);
    }
}

/// Each flag's name in words, in the order of [`Status::NAMES`].
const WORDS: [&str; 5] = ["inexact", "underflow", "overflow", "divide-by-zero", "invalid"];

impl Status {
    /// Writes the names of the flags that are set, joined by `|`; `none` where none is.
    fn write(
        self,
        f: &mut fmt::Formatter<'_>,
        names: [&'static str; 5],
        none: &'static str,
    ) -> fmt::Result {
        if self == Self::NONE {
            return f.write_str(none);
        }
        let mut separator = "";
        for ((flag, _), name) in Self::NAMES.into_iter().zip(names) {
            if self.contains(flag) {
                f.write_str(separator)?;
                f.write_str(name)?;
                separator = "|";
            }
        }
        Ok(())
    }
}

impl fmt::Display for Status {
    /// The RISC-V names of the flags that are set, joined by `|`; `-` where none is.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, Self::NAMES.map(|(_, name)| name), "-")
    }
}

impl fmt::Debug for Status {
    /// The flags that are set in words, joined by `|`, such as `inexact|overflow`; `none` where none is.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, WORDS, "none")
    }
}
