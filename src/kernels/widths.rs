//! Every accumulator width at once.

use std::collections::BTreeMap;

use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};

use super::driver;
use super::matmul::{MatmulError, check};
use super::operand::{Matrix, Operand, PackedMatrix};
use crate::accumulate::Accumulator;
use crate::simd::Isa;

/// The widths that one stage needs, as [`StageReport::histogram`](crate::accumulate::StageReport::histogram).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageWidths {
    /// How many outputs need each two's complement width on the exact trajectory.
    pub histogram: BTreeMap<u32, u64>,
}

impl StageWidths {
    /// The width that every output fits; 1 where there is none.
    pub fn required_bits(&self) -> u32 {
        self.histogram.keys().next_back().copied().unwrap_or(1)
    }

    /// How many outputs overflow a register of `bits` bits that has no narrower one before it.
    ///
    /// ```
    /// # use fewbit::StageWidths;
    /// let widths = StageWidths { histogram: [(5, 10), (9, 2)].into() };
    /// assert_eq!([4, 5, 8, 9].map(|bits| widths.overflowing(bits)), [12, 2, 2, 0]);
    /// ```
    pub fn overflowing(&self, bits: u32) -> u64 {
        self.histogram.range(bits + 1..).map(|(_, outputs)| outputs).sum()
    }
}

/// What [`required_widths`] gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Widths {
    /// One entry per stage, innermost first.
    pub stages: Vec<StageWidths>,
    /// Wall-clock seconds, without reading, checking and packing the operands.
    pub seconds: f64,
}

/// The widths that the exact sums of `a` times `b` need in every stage of `acc`, in one pass for all of them.
///
/// Equal to the histograms of a product's report, and cheaper: events and extremes, which depend on the widths of the
/// registers, are not looked for. Only the widths and counts of the stages of `acc` matter, not their `P`.
///
/// # Errors
/// As [`matmul`](crate::matmul).
///
/// ```
/// use fewbit::{PackedMatrix, required_widths};
/// use ndarray::array;
/// let b = PackedMatrix::new(array![[1i8], [1]].view());
/// let widths = required_widths(array![[5u8, 5], [1, 0]].view(), &b, &"exact".parse()?, None)?;
/// assert_eq!(widths.stages[0].histogram, [(2, 1), (5, 1)].into()); // 1, and 10
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn required_widths<A: Operand>(
    a: ArrayView2<'_, A>,
    b: &PackedMatrix,
    acc: &Accumulator,
    isa: Option<Isa>,
) -> Result<Widths, MatmulError> {
    check(a.dim(), b.dim())?;
    let (stages, seconds) = driver::widths(&Matrix::new(a), b, acc, isa)?;
    Ok(Widths { stages, seconds })
}
