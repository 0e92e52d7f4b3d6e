//! The innermost stage of a tile of outputs: what a micro-kernel of float registers does.

use std::ops::Range;

/// Outputs of a block of the broadcast operand.
pub(super) const MR: usize = 4;

/// A micro-kernel: the innermost stage of MR outputs by those of a panel.
pub(super) trait InnerStage {
    /// Sums the products of `k` into `registers`, row by row.
    fn sum(&self, k: Range<usize>, registers: &mut [f64]);
}
