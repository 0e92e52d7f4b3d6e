//! The kernels of exact sums, each with the operands that it takes.

use std::time::Instant;

use ndarray::ArrayViewMut2;

#[cfg(target_arch = "x86_64")]
use super::amx::AmxOperands;
use super::blocking;
use super::int8::Int8Operands;
use super::int16::Int16Product;
use super::ternary;
use crate::kernels::operand::byte_rows::ByteRows;
use crate::kernels::operand::bytes::ByteSign;
use crate::kernels::operand::geometry::{Orientation, PackedPair, Side};
use crate::kernels::operand::int8::{GEOMETRY, Int8Layout, OutputOrder};
use crate::kernels::operand::packed::{ByteOperands, Int16Operands};
use crate::kernels::operand::ternary::{GEOMETRY as TERNARY, TernaryPanels};
use crate::kernels::output::{Output, StoreMode};
#[cfg(target_arch = "x86_64")]
use crate::simd::amx::Amx;
use crate::simd::{Isa, IsaError};

/// A kernel of exact sums.
#[derive(Clone, Copy)]
pub(crate) enum ExactKernel<'a> {
    /// Codes of -1, 0 and 1 as bits.
    Ternary(ByteOperands<'a>),
    /// Bytes in AMX tiles, with columns in lanes.
    #[cfg(target_arch = "x86_64")]
    Amx(ByteOperands<'a>, Amx),
    /// Bytes.
    Int8(ByteOperands<'a>),
    /// Codes of 16 bits.
    Int16(Int16Operands<'a>),
}

impl ExactKernel<'_> {
    /// Stores the exact sums; gives the seconds without packing.
    pub(crate) fn multiply<T: Output>(
        self,
        store: StoreMode,
        isa: Isa,
        out: ArrayViewMut2<'_, T>,
    ) -> Result<f64, IsaError> {
        match self {
            Self::Ternary(operands) => {
                let (m, k, n) = operands.dim();
                let rows = |side| TernaryPanels::pack(operands.a.t(), side);
                let columns = |side| operands.ternary_columns(side);
                let pair = PackedPair::new(TERNARY.orientation(m, n), k, rows, columns);
                timed(|| ternary::multiply(pair.orientation.view(out), &pair, store, isa))
            }
            #[cfg(target_arch = "x86_64")]
            Self::Amx(operands, amx) => {
                let (mut copy, k) = (Vec::new(), operands.dim().1);
                let (rows, columns) =
                    (&ByteRows::new(operands.a, &mut copy), &operands.amx_columns());
                let operands = AmxOperands { rows, columns, k, amx };
                timed(|| blocking::multiply(out, &operands, store, isa))
            }
            Self::Int8(operands) => int8(operands, store, isa, out),
            Self::Int16(operands) => {
                let (pair, product) = (&operands.pack(), operands.product);
                let out = pair.orientation.view(out);
                timed(|| blocking::multiply(out, &Int16Product { pair, product }, store, isa))
            }
        }
    }
}

/// Rows where they lie in memory with the columns of B, unless the columns are too few for lanes.
fn int8<T: Output>(
    operands: ByteOperands<'_>,
    store: StoreMode,
    isa: Isa,
    out: ArrayViewMut2<'_, T>,
) -> Result<f64, IsaError> {
    let (m, k, n) = operands.dim();
    if GEOMETRY.orientation(m, n) == Orientation::RowsInLanes {
        let pair = operands.int8(k.max(1), OutputOrder::Given);
        let out = pair.orientation.view(out);
        return timed(|| blocking::multiply(out, &Int8Operands::new(&pair), store, isa));
    }
    let mut copy = Vec::new();
    let rows = ByteRows::new(operands.a, &mut copy);
    let sign = match rows.sign {
        ByteSign::Unsigned => ByteSign::Signed,
        ByteSign::Signed => ByteSign::Unsigned,
    };
    let (side, order) = (Side::Lanes, OutputOrder::Given);
    let lanes = operands.int8_columns(Int8Layout { side, tile: k.max(1), order, sign });
    timed(|| blocking::multiply(out, &Int8Operands::of_rows(rows, &lanes, k), store, isa))
}

/// The seconds that `work` takes.
fn timed(work: impl FnOnce() -> Result<(), IsaError>) -> Result<f64, IsaError> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed().as_secs_f64())
}
