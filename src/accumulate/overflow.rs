//! What a register does with a sum that it does not hold.

use std::fmt;

/// What an integer register does with a sum that lies outside its range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RegisterOverflow {
    /// Keep the low `P` bits (two's complement).
    Wrap,
    /// Keep the nearest end of the range.
    Saturate,
}

/// What a float or aligned register does with a rounded sum beyond the largest value of its format.
///
/// It decides after the rounding of a step, and so of infinite sums too: with `-sat` no register of the stage is ever
/// infinite.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum FloatOverflow {
    /// Not written: of a float register IEEE 754's rule (7.4), in which the rounding chooses between infinity (NaN where
    /// the format has none, else the largest value) and the largest value; of an aligned register as `-special`.
    #[default]
    Own,
    /// `-sat`: the largest value of that sign, under any rounding.
    Saturate,
    /// `-special`: infinity of that sign, NaN where the format has none, the largest value where it has neither; under any
    /// rounding.
    Special,
}

impl fmt::Display for FloatOverflow {
    /// As it stands behind a rounding.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Own => "",
            Self::Saturate => "-sat",
            Self::Special => "-special",
        })
    }
}
