//! The baseline: data types so narrow that no weights at all can overflow.

use crate::accumulate::bounds::{DataType, Sign, data_type_bits};

/// A pair of data types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataTypes {
    /// Bits M of the signed weights.
    pub weight_bits: u32,
    /// Type of the inputs, N bits.
    pub input: DataType,
}

/// All pairs of M <= `weight_bits` and N <= `input.bits` whose data-type bound over `depth` products fits `bits`, without
/// those where M or N could grow alone; wide weights first.
///
/// This is what is done without knowledge of the weights ("naive bit-width manipulation" in arXiv 2409.17092): for a tiled
/// accumulator with the tile as depth.
///
/// ```
/// use fewbit::accumulate::bounds::{DataType, Sign};
/// use fewbit::algorithms::data_types_for;
/// let eight = DataType { bits: 8, sign: Sign::Unsigned };
/// let pairs = data_types_for(16, 64, 8, eight);
/// // 64 products in 16 bits: log2 64 + N + M - 1 < 15, so N + M = 9
/// assert!(pairs.iter().all(|p| p.weight_bits + p.input.bits == 9));
/// ```
pub fn data_types_for(bits: u32, depth: u64, weight_bits: u32, input: DataType) -> Vec<DataTypes> {
    let mut pairs: Vec<DataTypes> = Vec::new();
    // A signed integer has at least two bits.
    let least = if input.sign == Sign::Signed { 2 } else { 1 };
    for m in (2..=weight_bits).rev() {
        let fits = |n: u32| data_type_bits(depth, m, DataType { bits: n, ..input }) <= bits;
        let Some(n) = (least..=input.bits).rev().find(|&n| fits(n)) else { continue };
        if pairs.last().is_none_or(|wider| wider.input.bits < n) {
            pairs.push(DataTypes { weight_bits: m, input: DataType { bits: n, ..input } });
        }
    }
    pairs
}
