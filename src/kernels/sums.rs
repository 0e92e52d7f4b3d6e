//! Exact sums of everything that there is a kernel for: bits, bytes, 16-bit codes.

use std::sync::Arc;
use std::time::Instant;

use ndarray::ArrayViewMut2;

use super::block::{Geometry, Orientation};
use super::exact::{self, Kept, Output};
use super::operand::{Matrix, PackedMatrix};
use super::pack::Role;
use super::quads::{self, Order};
use super::sides::Sides;
use super::{bits, words};
use crate::simd::bits::counts_bits;
use crate::simd::{Isa, IsaError};

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
    let k = a.dim().1;
    let (theirs, is_wide) = (&b.matrix, isa == Isa::Avx512);
    let least = if is_wide { LEAST_BITS_WIDE } else { LEAST_BITS };
    if bits::is_ternary(a)
        && bits::is_ternary(theirs)
        && k >= least
        && counts_bits(isa)
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
            let geometry = Geometry { height: quads::HEIGHT, width: quads::WIDTH };
            let orientation = geometry.orientation(m, n);
            let (ours, theirs) = orientation.turn((Role::Broadcast, Role::Lanes));
            let (left, right) = (Arc::new(words::Pairs::rows(a, ours)), b.pairs(theirs));
            let (broadcast, lanes) = orientation.turn((&left, &right));
            let start = Instant::now();
            let product = a.magnitude() * b.matrix.magnitude();
            let operands = words::Operands { broadcast, lanes, k, product };
            words::multiply(orientation.view(out), operands, kept, isa)?;
            Ok(start.elapsed().as_secs_f64())
        }
        Some(Kernel::Bytes) | None => {
            let sides = Sides::new(a, b, k.max(1), Order::Given);
            let start = Instant::now();
            exact::multiply(sides.orientation.view(out), sides.operands(k), kept, isa)?;
            Ok(start.elapsed().as_secs_f64())
        }
    }
}
