//! An int8 operand as it lies in memory: rows along k, each in one piece.

use ndarray::{ArrayView2, Axis};

use super::bytes::{Byte, ByteMatrix, ByteSign, any_bytes};

/// The rows of a matrix of bytes.
pub(crate) struct ByteRows<'a> {
    rows: Vec<&'a [u8]>,
    pub(crate) sign: ByteSign,
    /// No byte is greater in magnitude.
    pub(crate) most: u32,
}

impl<'a> ByteRows<'a> {
    /// Borrows the rows of `matrix`; of a matrix whose rows are not in one piece each, those of a copy in `copy`.
    pub(crate) fn new<'m: 'a>(matrix: ByteMatrix<'m>, copy: &'a mut Vec<u8>) -> Self {
        let rows = any_bytes!(matrix.codes, codes => slices(codes.reborrow()).unwrap_or_else(|| {
            copy.extend(codes.iter().map(|code| code.bits()));
            copy.chunks_exact(codes.ncols().max(1)).collect()
        }));
        let (low, high) = matrix.known_range();
        Self { rows, sign: matrix.sign(), most: low.unsigned_abs().max(high.unsigned_abs()) as u32 }
    }

    /// All of them.
    pub(crate) fn all(&self) -> &[&'a [u8]] {
        &self.rows
    }

    /// `N` rows from `first` on; past the end, the last one again.
    #[inline(always)]
    pub(crate) fn block<const N: usize>(&self, first: usize) -> [&'a [u8]; N] {
        let rows = &self.rows[first..];
        let last = rows.len() - 1;
        std::array::from_fn(|row| rows[row.min(last)])
    }
}

/// The rows, if each is in one piece.
fn slices<T: Byte>(view: ArrayView2<'_, T>) -> Option<Vec<&[u8]>> {
    let rows = 0..view.nrows();
    rows.map(|row| Some(bytemuck::cast_slice(view.index_axis_move(Axis(0), row).to_slice()?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::ByteRows;
    use crate::kernels::operand::matrix::Matrix;

    #[test]
    fn a_block_at_the_edge_repeats_the_last_row() {
        let codes = array![[1u8, 2, 3], [4, 5, 6]];
        let (matrix, turned) = (Matrix::new(codes.view()), Matrix::new(codes.t()));
        let mut copy = Vec::new();
        let rows = ByteRows::new(matrix.bytes().unwrap(), &mut copy);
        assert_eq!(rows.block::<3>(0), [&[1, 2, 3], &[4, 5, 6], &[4, 5, 6]]);
        assert_eq!(rows.block::<2>(1), [&[4, 5, 6]; 2]);
        assert!(copy.is_empty());
        let rows = ByteRows::new(turned.bytes().unwrap(), &mut copy);
        assert_eq!(rows.block::<3>(0), [&[1, 4], &[2, 5], &[3, 6]]);
    }
}
