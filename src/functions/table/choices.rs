//! What a table leaves open, as named values.

use std::fmt;
use std::str::FromStr;

use super::error::TableError;
use crate::named::named;

named! {
    TableError;
    /// What becomes of an input beyond the table.
    ///
    /// ```
    /// use fewbit::functions::table::Outside;
    /// assert_eq!("wrap".parse(), Ok(Outside::Wrap));
    /// ```
    "range policy" => pub enum Outside {
        /// The nearest end.
        Clamp = "clamp",
        /// Modulo the number of entries: bits above the address are not looked at.
        Wrap = "wrap",
        /// An error that names the input.
        Refuse = "refuse",
    }
}

named! {
    TableError;
    /// Whose arithmetic makes the entries.
    ///
    /// ```
    /// use fewbit::functions::table::{EntryArithmetic, Function};
    /// assert!(EntryArithmetic::F64.has(Function::Sqrt));
    /// assert!(!EntryArithmetic::Tflite.has(Function::Sqrt)); // its operator computes roots without a table
    /// ```
    "evaluation" => pub enum EntryArithmetic {
        /// The function in f64 ([`Function::value`](super::Function::value)), divided by the scale in f64, rounded once to an
        /// entry.
        F64 = "f64",
        /// TFLite's in float32: `LUTPopulate` of `tensorflow/lite/kernels/internal/common.h` and the functions that its
        /// operators pass to it. C's elementary functions are those of f64, rounded to float32.
        Tflite = "tflite",
        /// hls4ml's in float32: `init_*_table` of `nnet_utils/nnet_activation.h`. C's elementary functions as for TFLite.
        Hls4ml = "hls4ml",
    }
}

named! {
    TableError;
    /// Where entries are sampled.
    ///
    /// ```
    /// use fewbit::functions::table::Fill;
    /// assert_eq!(Fill::ALL.len(), 2);
    /// ```
    "fill" => pub enum Fill {
        /// An entry is the function at the least input of its address (at the middle of those that round to it).
        Points = "points",
        /// As TFLite's for int16: samples that divide the range between the least and the greatest *code* evenly, each less
        /// half of the error that the line to the next has in its middle.
        TfliteMidpoint = "tflite-midpoint",
    }
}

named! {
    TableError;
    /// The order of entries in memory.
    ///
    /// ```
    /// use fewbit::functions::table::EntryOrder;
    /// assert_eq!(EntryOrder::Code.to_string(), "code");
    /// ```
    "order of entries" => pub enum EntryOrder {
        /// From the least input to the greatest.
        Ascending = "ascending",
        /// The address is the bits of the code: those of negative numbers come last.
        Code = "code",
    }
}

/// What lies between entries.
///
/// ```
/// use fewbit::functions::table::Interpolation;
/// assert_eq!("linear7".parse(), Ok(Interpolation::Linear { fraction_bits: 7 }));
/// assert_eq!(Interpolation::None.to_string(), "none");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Interpolation {
    /// Nothing: an address has its entry.
    None,
    /// A line to the next entry, of which there is one more at the end.
    ///
    /// `b + floor(((e - b) o + 2^(f-1)) / 2^f)` for the offset `o` of `f` bits, entries `b` and `e` as integers. The
    /// difference and the result are kept in an entry's width and wrap, as TFLite's int16 do.
    Linear {
        /// Bits of the offset, 1 to 16.
        fraction_bits: u32,
    },
}

impl Interpolation {
    /// Bits of the offset; 0 where there is none.
    #[must_use]
    pub const fn fraction_bits(self) -> u32 {
        match self {
            Self::None => 0,
            Self::Linear { fraction_bits } => fraction_bits,
        }
    }
}

impl fmt::Display for Interpolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Linear { fraction_bits } => write!(f, "linear{fraction_bits}"),
        }
    }
}

impl FromStr for Interpolation {
    type Err = TableError;

    fn from_str(text: &str) -> Result<Self, TableError> {
        if text == "none" {
            return Ok(Self::None);
        }
        let bits = text.strip_prefix("linear").and_then(|bits| bits.parse().ok());
        match bits {
            Some(fraction_bits @ 1..=16) => Ok(Self::Linear { fraction_bits }),
            _ => Err(TableError::name("interpolation", text, &["none", "linear1 to linear16"])),
        }
    }
}
