//! Which entry an input has.

use std::fmt;
use std::str::FromStr;

use fewbit_formats::Format;

use super::error::{TableError, excerpt};

/// The most bits of an index, and so 2^20 entries.
pub(super) const MOST_INDEX_BITS: u32 = 20;

/// The address rule of a table.
///
/// ```text
/// address := "slice" high ":" low          bits of the code
///          | "step" per_unit ":" first ":" size     quantized values
/// ```
///
/// ```
/// use fewbit::functions::table::TableAddress;
/// let address: TableAddress = "slice15:6".parse()?;
/// assert_eq!(address, TableAddress::Slice { high: 15, low: 6 });
/// assert_eq!("step64:-512:1024".parse::<TableAddress>()?.to_string(), "step64:-512:1024");
/// # Ok::<(), fewbit::functions::table::TableError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum TableAddress {
    /// Bits `high` to `low` of the code (of the offset as well, where there is one): `a / 2^low`, rounded, of the integer
    /// `a`. Codes of integers and fixed point count as signed where the format is; others are unsigned.
    Slice {
        /// The highest bit.
        high: u32,
        /// The lowest bit.
        low: u32,
    },
    /// `x per_unit`, rounded: index 0 is `first`.
    Step {
        /// Entries per unit of the input's value.
        per_unit: f64,
        /// The step of the first entry.
        first: i64,
        /// The number of entries, without the one that a line ends at.
        size: u32,
    },
}

impl TableAddress {
    /// Every code of a format.
    pub(super) const fn every_code(format: Format) -> Self {
        Self::Slice { high: format.bits() - 1, low: 0 }
    }

    /// Whether the address is possible for an input with `fraction_bits` bits of offset.
    pub(super) fn check(self, format: Format, fraction_bits: u32) -> Result<(), TableError> {
        match self {
            Self::Slice { high, low } => {
                if high >= format.bits() || low > high {
                    let expected = "bits of the input's code, high before low, counted from 0";
                    return Err(TableError::number("slice", format!("{high}:{low}"), expected));
                }
                let bits = high - low + 1;
                if bits <= fraction_bits || bits - fraction_bits > MOST_INDEX_BITS {
                    let expected = "1 to 20 bits of index above the bits of the offset";
                    return Err(TableError::number("slice", format!("{high}:{low}"), expected));
                }
            }
            Self::Step { per_unit, first, size } => {
                if !(per_unit >= 2f64.powi(-64) && per_unit <= 2f64.powi(64)) {
                    let expected = "above 0, 2^-64 to 2^64";
                    return Err(TableError::number(
                        "number of entries per unit",
                        per_unit,
                        expected,
                    ));
                }
                if size == 0 || size > 1 << MOST_INDEX_BITS {
                    return Err(TableError::number("number of entries", size, "1 to 1048576"));
                }
                if first.unsigned_abs() > 1 << 40 {
                    return Err(TableError::number("first step", first, "at most 2^40"));
                }
            }
        }
        Ok(())
    }
}

impl fmt::Display for TableAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Slice { high, low } => write!(f, "slice{high}:{low}"),
            Self::Step { per_unit, first, size } => write!(f, "step{per_unit}:{first}:{size}"),
        }
    }
}

impl FromStr for TableAddress {
    type Err = TableError;

    fn from_str(text: &str) -> Result<Self, TableError> {
        let wrong = || {
            let expected = "slice<high>:<low> or step<entries per unit>:<first>:<entries>";
            TableError::Name { kind: "address", found: excerpt(text), expected: expected.into() }
        };
        if let Some(bits) = text.strip_prefix("slice") {
            let (high, low) = bits.split_once(':').ok_or_else(wrong)?;
            let parse = |bit: &str| bit.parse().map_err(|_| wrong());
            return Ok(Self::Slice { high: parse(high)?, low: parse(low)? });
        }
        let parts: Vec<&str> = text.strip_prefix("step").ok_or_else(wrong)?.split(':').collect();
        let [per_unit, first, size] = parts[..] else { return Err(wrong()) };
        Ok(Self::Step {
            per_unit: per_unit.parse().map_err(|_| wrong())?,
            first: first.parse().map_err(|_| wrong())?,
            size: size.parse().map_err(|_| wrong())?,
        })
    }
}
