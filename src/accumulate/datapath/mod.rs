//! Dot-product units of existing machines, as rows of constants.
//!
//! A unit takes `width` products and the register's value `c` and gives the register's next value in one step; a chain
//! of instructions over k is a chain of such steps. What the published models of a machine say, and where they
//! disagree or were never confirmed, stands in its row.

mod error;
mod grammar;
mod sentence;
mod table;

use std::fmt;

use fewbit_formats::{Format, Rounding};

use super::overflow::FloatOverflow;

pub use error::UnknownDatapath;

/// A unit of a machine for one kind of operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Datapath {
    /// Its name after `preset:`.
    pub name: &'static str,
    /// Formats that an operand may have, each operand for itself.
    pub operands: &'static [Format],
    /// Block scales that each operand must have.
    pub scales: Option<BlockScales>,
    /// Products of one step.
    pub width: u32,
    /// What a step computes.
    pub unit: Unit,
    /// Where this comes from.
    pub source: &'static str,
    /// What of it is not confirmed, or where sources disagree; empty where they agree on all of it.
    pub unconfirmed: &'static str,
}

/// The scales of an operand that comes in blocks along k.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BlockScales {
    /// The format of a scale.
    pub format: Format,
    /// Elements that share one.
    pub block: u32,
}

/// What a unit does in one step, with the register's value `c` and products `p[i] = a[i] b[i]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unit {
    /// Products and `c` are aligned together, cut, and summed exactly.
    Aligned(Aligned),
    /// `round(c + sum p)`: one rounding of the exact sum.
    Fused {
        /// The format of the register.
        format: Format,
        /// The rounding of the step.
        rounding: Rounding,
    },
    /// `c + ((p[0] + p[1]) + (p[2] + p[3]))` in f32, every product and sum rounded to nearest even; subnormal operands
    /// and results count as zero.
    Cdna2,
    /// `(c + p[1]) + p[0]` in f32, each sum exact and rounded to nearest even; subnormal operands and results count as
    /// zero, a result that is so small after rounding.
    Vdpbf16ps,
    /// Products are aligned and cut among themselves, `c` joins afterwards.
    Cdna3(Cdna3),
    /// Products go through another unit in two halves, `c` is added afterwards.
    SplitHalves(SplitHalves),
}

/// Truncated align-and-add.
///
/// ```text
/// e     = max of the exponents of all addends (products: e_a + e_b, not renormalised; c: its own)
/// t[i]  = addend[i], cut to a multiple of 2^(e - fraction_bits) by `alignment`
/// c     = sum t[i], exactly, rounded to `format` by `rounding`
/// ```
///
/// Subnormal values have the exponent of the smallest normal one of their format. A result beyond the format's range
/// becomes infinity, whatever the rounding, if `overflow` does not say otherwise; a zero result is +0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Aligned {
    /// Fraction bits kept below the largest exponent.
    pub fraction_bits: u32,
    /// How an addend is cut; `rz` truncates the magnitude.
    pub alignment: Rounding,
    /// The exponent of an addend that is zero.
    pub zero: ZeroExponent,
    /// What an addend is.
    pub addends: Addends,
    /// The format of the result.
    pub format: Format,
    /// The rounding of the result.
    pub rounding: Rounding,
    /// What becomes of a result beyond the format's range.
    pub overflow: FloatOverflow,
}

/// Which exponent a zero addend has in the search for the largest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ZeroExponent {
    /// None: it does not take part.
    None,
    /// This one.
    Fixed(i32),
}

/// What is aligned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Addends {
    /// Every product by itself; exponents of block scales add to its own.
    Products,
    /// The exact sum of so many products, with the exponents of their block scales alone.
    ScaledGroups(u32),
}

/// The two-stage alignment of AMD's third generation.
///
/// ```text
/// each group:  e_g = max exponent; s_g = sum of products truncated to 2^(e_g - fraction_bits)
/// groups:      e   = max e_g;      s   = sum of s_g, each rounded down to 2^(e - fraction_bits)
/// register:    E   = max(e, e_c);  s rounded down to 2^(E - sum_bits - 1), c rounded down to 2^(E - fraction_bits)
/// result:      s + c, rounded down to sum_bits fraction bits, then to f32 by ties to even
/// ```
///
/// Zero products have no exponent; `c = 0` has that of the smallest normal f32.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cdna3 {
    /// Fraction bits of products and of `c`.
    pub fraction_bits: u32,
    /// Fraction bits of the sum.
    pub sum_bits: u32,
    /// How products are grouped.
    pub groups: AlignmentGroups,
}

/// An instruction without a unit of its own: operands are widened and go through another format's unit.
///
/// ```text
/// s0 = unit(0,  products whose index mod 4 is 0 or 1)
/// s1 = unit(s0, products whose index mod 4 is 2 or 3)
/// c  = c + s1, rounded to the unit's format by ties to even
/// ```
///
/// Four narrow operands of a register become two registers of two: hence the halves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SplitHalves {
    /// What takes each half.
    pub unit: Aligned,
}

impl SplitHalves {
    /// Whether the product at `index` of a step is taken in the second half.
    ///
    /// ```
    /// use fewbit::accumulate::datapath::SplitHalves;
    /// assert_eq!([0, 1, 2, 3, 4].map(SplitHalves::second), [false, false, true, true, false]);
    /// ```
    pub const fn second(index: usize) -> bool {
        index % 4 >= 2
    }
}

/// AlignmentGroups of products that are aligned among themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AlignmentGroups {
    /// One of all. A product beyond the range of f32 counts as infinite.
    One,
    /// The products with even and with odd index; `c` is dropped where its exponent is more than
    /// `fraction_bits + 1` below the largest.
    EvenOdd,
}

impl Datapath {
    /// The format of the register.
    pub fn register(&self) -> Format {
        match self.unit {
            Unit::Aligned(Aligned { format, .. })
            | Unit::SplitHalves(SplitHalves { unit: Aligned { format, .. } })
            | Unit::Fused { format, .. } => format,
            Unit::Cdna2 | Unit::Cdna3(_) | Unit::Vdpbf16ps => Format::F32,
        }
    }
}

impl fmt::Display for Datapath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "preset:{}", self.name)
    }
}
