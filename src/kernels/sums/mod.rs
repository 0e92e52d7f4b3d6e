//! Exact sums of everything that there is a kernel for: bits, bytes, 16-bit codes.

use std::sync::Arc;
use std::time::Instant;

use ndarray::ArrayViewMut2;

pub(super) mod bits;
mod bytes;
mod job;
mod output;
mod rows;
mod tile;
#[cfg(target_arch = "x86_64")]
pub(super) mod tiles;
pub(super) mod words;

pub(super) use bytes::{LONGEST, Operands, Product};
pub(super) use job::At;
pub(super) use output::Kept;
pub use output::Output;

use super::block::{Geometry, Orientation};
use super::operand::{Matrix, PackedMatrix};
use super::pack::Role;
use super::quads::{self, Bytes, Order, QuadLayout};
use super::sides::Sides;
use crate::simd::bits::counts_bits;
use crate::simd::{Isa, IsaError};
use rows::Rows;

/// What the operands are counted, or multiplied, as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kernel {
    Bits,
    Bytes,
    Words,
}

/// Below this k, bits save no time: making them takes as long.
const LEAST_BITS: usize = 128;
/// The same with AVX-512, which multiplies bytes so fast that bits pay later,
const LEAST_BITS_WIDE: usize = 512;
/// and later still where both operands have zeros, so that twice as much is counted. Measured in `benches/products.rs`.
const LEAST_TERNARY_WIDE: usize = 2048;

fn kernel(a: &Matrix<'_>, b: &PackedMatrix, isa: Isa) -> Option<Kernel> {
    let (m, k) = a.dim();
    let (theirs, is_wide) = (&b.matrix, isa.is_avx512());
    let least = if is_wide { LEAST_BITS_WIDE } else { LEAST_BITS };
    if bits::is_ternary(theirs)
        && bits::is_ternary(a)
        && k >= least
        && counts_bits(isa)
        && !in_tiles(isa, m)
        && (!is_wide
            || k >= LEAST_TERNARY_WIDE
            || !b.bits(bits::Side::Lanes).has_zeros()
            || !bits::has_zeros(a))
    {
        Some(Kernel::Bits)
    } else if a.is_bytes() && theirs.is_bytes() {
        Some(Kernel::Bytes)
    } else if a.fits_i16() && theirs.fits_i16() {
        Some(Kernel::Words)
    } else {
        None
    }
}

/// Whether `m` rows of bytes are multiplied in tiles, which is faster than to count bits.
fn in_tiles(isa: Isa, m: usize) -> bool {
    #[cfg(target_arch = "x86_64")]
    return tiles::amx(isa, m).is_some();
    #[cfg(not(target_arch = "x86_64"))]
    return false;
}

/// Whether there is a kernel for these operands.
pub(super) fn takes(a: &Matrix<'_>, b: &Matrix<'_>) -> bool {
    a.fits_i16() && b.fits_i16()
}

/// Writes what is kept of the exact sums; gives the seconds that it took, without packing. Operands that no kernel takes
/// are no operands of this function.
pub(super) fn multiply<T: Output>(
    a: &Matrix<'_>,
    b: &PackedMatrix,
    kept: Kept,
    isa: Isa,
    out: ArrayViewMut2<'_, T>,
) -> Result<f64, IsaError> {
    let ((m, k), n) = (a.dim(), b.dim().1);
    match kernel(a, b, isa) {
        Some(Kernel::Bits) => {
            let geometry = Geometry { height: bits::HEIGHT, width: bits::WIDTH };
            let orientation = geometry.orientation(m, n);
            let (ours, theirs) = match orientation {
                Orientation::ColumnsInLanes => (bits::Side::Broadcast, bits::Side::Lanes),
                Orientation::RowsInLanes => (bits::Side::Lanes, bits::Side::Broadcast),
            };
            let (left, right) = (Arc::new(bits::Bits::rows(a, ours)), b.bits(theirs));
            let (broadcast, lanes) = orientation.turn((&left, &right));
            let start = Instant::now();
            let operands = bits::Operands { broadcast, lanes, k };
            bits::multiply(orientation.view(out), operands, kept, isa)?;
            Ok(start.elapsed().as_secs_f64())
        }
        Some(Kernel::Words) => {
            let orientation = quads::GEOMETRY.orientation(m, n);
            let (ours, theirs) = orientation.turn((Role::Broadcast, Role::Lanes));
            let (left, right) = (Arc::new(words::Pairs::rows(a, ours)), b.pairs(theirs));
            let (broadcast, lanes) = orientation.turn((&left, &right));
            let start = Instant::now();
            let product = a.magnitude() * b.matrix.magnitude();
            let operands = words::Operands { broadcast, lanes, k, product };
            words::multiply(orientation.view(out), operands, kept, isa)?;
            Ok(start.elapsed().as_secs_f64())
        }
        Some(Kernel::Bytes) | None => of_bytes(a, b, kept, isa, out),
    }
}

/// Products of bytes: of rows as they lie in memory with the columns of `b`, unless the columns are too few for lanes.
fn of_bytes<T: Output>(
    a: &Matrix<'_>,
    b: &PackedMatrix,
    kept: Kept,
    isa: Isa,
    out: ArrayViewMut2<'_, T>,
) -> Result<f64, IsaError> {
    let ((m, k), n) = (a.dim(), b.dim().1);
    if quads::GEOMETRY.orientation(m, n) == Orientation::RowsInLanes {
        let sides = Sides::new(a, b, k.max(1), Order::Given);
        let start = Instant::now();
        let product = Product::new(sides.operands(k));
        bytes::multiply(sides.orientation.view(out), &product, kept, isa)?;
        return Ok(start.elapsed().as_secs_f64());
    }
    let own;
    let rows = match Rows::new(a) {
        Some(rows) => rows,
        None => {
            own = a.row_by_row();
            Rows::new(&own).unwrap_or_default()
        }
    };
    #[cfg(target_arch = "x86_64")]
    if let Some(amx) = tiles::amx(isa, m) {
        let columns = b.tiles();
        let start = Instant::now();
        tiles::multiply(out, tiles::Operands { rows: &rows, columns: &columns, k }, kept, amx)?;
        return Ok(start.elapsed().as_secs_f64());
    }
    let bytes = match rows.bytes {
        Bytes::Unsigned => Bytes::Signed,
        Bytes::Signed => Bytes::Unsigned,
    };
    let (role, order) = (Role::Lanes, Order::Given);
    let lanes = b.quads(QuadLayout { role, tile: k.max(1), order, bytes });
    let start = Instant::now();
    bytes::multiply(out, &Product::of_rows(rows, &lanes, k), kept, isa)?;
    Ok(start.elapsed().as_secs_f64())
}
