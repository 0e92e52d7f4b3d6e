//! The sizes of a product's tiles.

use crate::simd::Detected;

/// Rows of a tile, and the most vectors of its columns: their sums, the vectors of one product and the factors that are spread out
/// fill the registers, and leave one or two for what a compiler keeps besides. Four rows by three vectors leave none of sixteen: a
/// sum went through memory at every product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TileShape {
    pub(super) rows: usize,
    pub(super) vectors: usize,
    /// Elements of a vector.
    pub(super) lanes: usize,
}

/// Where there are 32 registers: rows and vectors.
pub(super) const MANY: (usize, usize) = (8, 3);
/// Where there are 16.
pub(super) const FEW: (usize, usize) = (6, 2);

impl TileShape {
    /// The tiles of an instruction set for elements of a type.
    pub(super) fn of<T>(isa: Detected) -> Self {
        let tuning = isa.tuning();
        let (rows, vectors) = if tuning.registers.are_many() { MANY } else { FEW };
        Self { rows, vectors, lanes: tuning.vector / size_of::<T>() }
    }

    /// The width of the panel that begins where so many columns are left: whole vectors, as many as a tile has or less. Two panels
    /// of two come before one of three and one of one, whose tiles would wait for each other's sums.
    pub(super) fn width(self, left: usize) -> usize {
        let vectors = match left.div_ceil(self.lanes) {
            4 => 2,
            vectors => vectors.min(self.vectors),
        };
        vectors * self.lanes
    }
}
