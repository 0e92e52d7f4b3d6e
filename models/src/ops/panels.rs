//! The right operand of a product: columns in panels, so that a few rows of one stay in the cache.

use ndarray::ArrayView2;
use rayon::prelude::*;

/// The most columns of a panel: 32 of its rows, which a chain takes before the next rows, are 32 KiB.
const WIDTH: usize = 256;
/// Columns of a panel are a multiple of this, where there are so many: whole vectors.
const VECTOR: usize = 16;
/// Columns that are copied together.
const TOGETHER: usize = 16;

/// The columns of every panel but the last of so many columns: about as many in each.
fn width(columns: usize) -> usize {
    columns.div_ceil(columns.div_ceil(WIDTH).max(1)).next_multiple_of(VECTOR)
}

/// A matrix `[depth, columns]` panel after panel, each row by row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Panels {
    depth: usize,
    columns: usize,
    data: Vec<f32>,
}

impl Panels {
    /// Copies a matrix.
    pub(crate) fn of(matrix: ArrayView2<'_, f32>) -> Self {
        let (depth, columns) = matrix.dim();
        let mut data = vec![0.0; depth * columns];
        let most = width(columns);
        if !data.is_empty() {
            data.par_chunks_mut(depth * most).enumerate().for_each(|(panel, out)| {
                let width = out.len() / depth;
                for start in (0..width).step_by(TOGETHER) {
                    let count = TOGETHER.min(width - start);
                    let from = panel * most + start;
                    let columns: Vec<_> =
                        (from..from + count).map(|at| matrix.column(at)).collect();
                    let slices: Option<Vec<&[f32]>> =
                        columns.iter().map(|c| c.to_slice()).collect();
                    let rows = out.chunks_exact_mut(width).map(|row| &mut row[start..][..count]);
                    match slices.map(<[&[f32]; TOGETHER]>::try_from) {
                        Some(Ok(columns)) => transpose(columns, rows),
                        _ => rows.enumerate().for_each(|(k, row)| {
                            row.iter_mut().zip(&columns).for_each(|(to, column)| *to = column[k]);
                        }),
                    }
                }
            });
        }
        Self { depth, columns, data }
    }
}

/// Columns that lie in one piece each, as rows.
fn transpose<'o>(columns: [&[f32]; TOGETHER], rows: impl ExactSizeIterator<Item = &'o mut [f32]>) {
    let depth = rows.len();
    let columns = columns.map(|column| &column[..depth]);
    for (k, row) in rows.enumerate() {
        for (to, column) in row.iter_mut().zip(columns) {
            *to = column[k];
        }
    }
}

/// The right operand of a product, however it lies in memory.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Right<'a> {
    /// Any matrix; where its rows are not in one piece, its panels are copied first.
    Matrix(ArrayView2<'a, f32>),
    /// Rows of so many columns, which begin so many elements apart.
    Rows { data: &'a [f32], stride: usize, depth: usize, columns: usize },
    /// Panels that were copied before.
    Panels(&'a Panels),
}

/// A block of columns: row `k` is `data[k * stride..][..width]`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Panel<'a> {
    pub(super) data: &'a [f32],
    pub(super) stride: usize,
    pub(super) width: usize,
}

impl<'a> Right<'a> {
    /// Rows and columns.
    pub(super) fn dim(&self) -> (usize, usize) {
        match self {
            Self::Matrix(matrix) => matrix.dim(),
            Self::Rows { depth, columns, .. } => (*depth, *columns),
            Self::Panels(panels) => (panels.depth, panels.columns),
        }
    }

    /// The same without [`Self::Matrix`]; panels that it takes are left in `copy`.
    pub(super) fn in_pieces<'b>(self, copy: &'b mut Option<Panels>) -> Right<'b>
    where
        'a: 'b,
    {
        match self {
            Right::Matrix(matrix) => match matrix.to_slice() {
                Some(data) => {
                    let (depth, columns) = matrix.dim();
                    Right::Rows { data, stride: columns, depth, columns }
                }
                None => Right::Panels(copy.insert(Panels::of(matrix))),
            },
            Right::Rows { data, stride, depth, columns } => {
                Right::Rows { data, stride, depth, columns }
            }
            Right::Panels(panels) => Right::Panels(panels),
        }
    }

    /// The columns of all panels but the last one.
    pub(super) fn width(&self) -> usize {
        width(self.dim().1)
    }

    /// A panel; none behind the last one, and none of [`Self::Matrix`].
    pub(super) fn panel(&self, index: usize) -> Option<Panel<'a>> {
        let (depth, columns) = self.dim();
        let from = index * self.width();
        let width = self.width().min(columns.checked_sub(from)?);
        match *self {
            Self::Matrix(_) => None,
            Self::Rows { data, stride, .. } => {
                Some(Panel { data: data.get(from..)?, stride, width })
            }
            Self::Panels(panels) => {
                let data = panels.data.get(from * depth..)?;
                Some(Panel { data, stride: width, width })
            }
        }
    }
}
