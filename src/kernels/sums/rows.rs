//! An operand of bytes as it lies in memory: rows along k, each in one piece.

use bytemuck::Pod;
use ndarray::{ArrayView2, Axis};

use crate::kernels::operand::{Codes, Matrix};
use crate::kernels::quads::Bytes;

/// The rows of an operand.
#[derive(Default)]
pub(super) struct Rows<'a> {
    rows: Vec<&'a [u8]>,
    pub(super) bytes: Bytes,
}

impl<'a> Rows<'a> {
    /// `None` where the codes are no bytes, or those of a row do not lie in one piece.
    pub(super) fn new(matrix: &'a Matrix<'_>) -> Option<Self> {
        let (rows, bytes) = match &matrix.codes {
            Codes::U8(codes) => (slices(codes.view())?, Bytes::Unsigned),
            Codes::I8(codes) => (slices(codes.view())?, Bytes::Signed),
            _ => return None,
        };
        Some(Self { rows, bytes })
    }

    /// All of them.
    pub(super) fn all(&self) -> &[&'a [u8]] {
        &self.rows
    }

    /// `N` rows from `first` on; those that there are not are the last one.
    #[inline(always)]
    pub(super) fn block<const N: usize>(&self, first: usize) -> [&'a [u8]; N] {
        let rows = &self.rows[first..];
        let last = rows.len() - 1;
        std::array::from_fn(|row| rows[row.min(last)])
    }
}

fn slices<'a, T: Pod>(view: ArrayView2<'a, T>) -> Option<Vec<&'a [u8]>> {
    let rows = 0..view.nrows();
    rows.map(|row| Some(bytemuck::cast_slice(view.index_axis_move(Axis(0), row).to_slice()?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::Rows;
    use crate::kernels::operand::Matrix;

    #[test]
    fn a_block_at_the_edge_repeats_the_last_row() {
        let codes = array![[1u8, 2, 3], [4, 5, 6]];
        let matrix = Matrix::new(codes.view());
        let rows = Rows::new(&matrix).unwrap();
        assert_eq!(rows.block::<3>(0), [&[1, 2, 3], &[4, 5, 6], &[4, 5, 6]]);
        assert_eq!(rows.block::<2>(1), [&[4, 5, 6]; 2]);
        let turned = Matrix::new(codes.t());
        assert!(Rows::new(&turned).is_none());
    }
}
