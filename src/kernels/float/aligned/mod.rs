//! Truncated align-and-add.
//!
//! Exponents are powers of two, so that the exponent of a product is a product and the alignment a multiplication. In
//! units of the last place that is kept, every addend is a whole number of so few digits that their sum is exact.
//!
//! ```text
//! any register, step by step in f64                                        (tile)
//! a register cut toward zero to the digits of an f32: in lanes throughout  (short)
//! what both read                                                           (panels)
//! ```

mod panels;
mod short;
mod tile;

pub(super) use panels::{AlignedPanels, ShortPanels};
pub(super) use short::{ShortPlan, ShortTile};
pub(super) use tile::{AlignedTile, Row, StepWatch};

use super::round::Rounder;

/// Where an addend that is zero stands in the search for the largest exponent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Zeros {
    /// Nowhere.
    Ignored,
    /// At this power of two, not above that of any register that is not zero.
    At(f64),
}

/// What is cut when addends are aligned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Aligns {
    /// Every product.
    Products,
    /// The exact sum of so many products.
    Groups(usize),
}

/// What holds the sum of a step's products, in units of the last place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sums {
    /// Numbers of the lanes.
    Numbers,
    /// In lanes of `f32` the bits of 32-bit integers, which hold more digits.
    Whole,
}

/// A unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct AlignedPlan {
    pub(super) rounder: Rounder,
    pub(super) width: usize,
    pub(super) aligns: Aligns,
    pub(super) zeros: Zeros,
    /// `2^fraction_bits`
    pub(super) scale: f64,
    /// No addend but zero has a smaller exponent, as a power of two: what is cut by more is zero.
    pub(super) least: f64,
    /// The smallest normal value of the register's format.
    pub(super) least_register: f64,
    pub(super) sums: Sums,
}

/// Vectors of a row of a tile: enough of them to hide how long each operation takes.
pub(super) const VECTORS: usize = 4;
