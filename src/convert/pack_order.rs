//! The order of packed codes.

use std::fmt;

/// Where the first code of a packed sequence lies. Codes run on across byte boundaries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PackOrder {
    /// In the low bits of the first byte: code `i` of `b` bits is the bits from `i * b` on of a little-endian number.
    /// The order of ONNX, of ml_dtypes, of PyTorch's `float4_e2m1fn_x2`.
    LowFirst,
    /// In the high bits of the first byte: the bits in the order in which they are written down.
    HighFirst,
}

impl PackOrder {
    /// Both.
    pub const ALL: [Self; 2] = [Self::LowFirst, Self::HighFirst];
}

impl fmt::Display for PackOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LowFirst => "low-first",
            Self::HighFirst => "high-first",
        })
    }
}
