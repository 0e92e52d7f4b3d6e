//! Transposition and reordering in tiles that stay in cache.

use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis};
use num_traits::Zero;

use crate::memory::zero_matrix;
use crate::simd::{Vectorized, vectorize};
use crate::tasks;

/// The side of a block that is transposed at once.
const BLOCK: usize = 8;
/// Columns that are transposed before the next rows': the lines that they become stay in the first cache.
const TILE: usize = 64;

/// Rows that a parallel task gathers.
const ROWS: usize = 16;

/// `fromᵀ`, rows in parallel.
pub(crate) fn transposed<T: Copy + Zero + Send + Sync + 'static>(
    from: ArrayView2<'_, T>,
) -> Array2<T> {
    let mut to = zero_matrix((from.ncols(), from.nrows()));
    let columns = from.axis_chunks_iter(Axis(1), TILE);
    tasks::for_each(to.axis_chunks_iter_mut(Axis(0), TILE).zip(columns), |(to, from)| {
        transpose_into(from, to, |x| x);
    });
    to
}

/// `to <- fromᵀ`, converted element by element.
///
/// # Panics
/// Where the shapes do not fit.
pub fn transpose_into<A: Copy, B>(
    from: ArrayView2<'_, A>,
    to: ArrayViewMut2<'_, B>,
    convert: impl Fn(A) -> B,
) {
    let (rows, cols) = from.dim();
    assert_eq!(to.dim(), (cols, rows));
    vectorize(Transpose { from, to, convert });
}

struct Transpose<'a, A, B, F> {
    from: ArrayView2<'a, A>,
    to: ArrayViewMut2<'a, B>,
    convert: F,
}

impl<A: Copy, B, F: Fn(A) -> B> Vectorized for Transpose<'_, A, B, F> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { from, mut to, convert } = self;
        let rows = from.nrows();
        let in_pieces = |along: isize, count: usize| along == 1 || count <= 1;
        if !in_pieces(from.strides()[1], from.ncols()) || !in_pieces(to.strides()[1], rows) {
            for (from, mut to) in from.columns().into_iter().zip(to.rows_mut()) {
                to.iter_mut().zip(from).for_each(|(to, from)| *to = convert(*from));
            }
            return;
        }
        for (tile, mut to) in to.axis_chunks_iter_mut(Axis(0), TILE).enumerate() {
            let columns = tile * TILE..tile * TILE + to.nrows();
            let lines = to.axis_iter_mut(Axis(0)).filter_map(|line| line.into_slice());
            let mut lines: Vec<&mut [B]> = lines.collect();
            for row in (0..rows).step_by(BLOCK) {
                let height = (rows - row).min(BLOCK);
                let mut sources: [&[A]; BLOCK] = [&[]; BLOCK];
                for (r, source) in sources[..height].iter_mut().enumerate() {
                    let all = from.row(row + r);
                    *source = all.to_slice().map_or(&[], |all| &all[columns.clone()]);
                }
                for (at, lines) in lines.chunks_mut(BLOCK).enumerate() {
                    let col = at * BLOCK;
                    if height == BLOCK && lines.len() == BLOCK {
                        let mut block = [[sources[0][col]; BLOCK]; BLOCK];
                        for (block, source) in block.iter_mut().zip(sources) {
                            block.copy_from_slice(&source[col..col + BLOCK]);
                        }
                        for (c, line) in lines.iter_mut().enumerate() {
                            for (to, block) in line[row..row + BLOCK].iter_mut().zip(&block) {
                                *to = convert(block[c]);
                            }
                        }
                    } else {
                        for (c, line) in lines.iter_mut().enumerate() {
                            for (to, source) in line[row..row + height].iter_mut().zip(sources) {
                                *to = convert(source[col + c]);
                            }
                        }
                    }
                }
            }
        }
    }
}

/// `matrix[rows[i], cols[j]]`, converted element by element; rows in parallel.
///
/// # Panics
/// Where an index lies outside the matrix.
pub fn gather<A: Copy + Sync, B: Copy + Zero + Send + Sync + 'static>(
    matrix: ArrayView2<'_, A>,
    rows: &[usize],
    cols: &[usize],
    convert: impl Fn(usize, usize, A) -> B + Sync,
) -> Array2<B> {
    let run = run_of(cols);
    let mut result = zero_matrix((rows.len(), cols.len()));
    tasks::for_each(result.axis_chunks_iter_mut(Axis(0), ROWS).enumerate(), |(task, mut to)| {
        for (i, to) in (task * ROWS..).zip(to.rows_mut()) {
            let from = matrix.row(rows[i]);
            let Some(to) = to.into_slice() else { return };
            match (from.as_slice(), run) {
                (Some(from), Some((start, Direction::Up))) => {
                    let from = from[start..].iter();
                    each(to.iter_mut().zip(from), |j, x| convert(i, j, x));
                }
                (Some(from), Some((start, Direction::Down))) => {
                    let from = from[..=start].iter().rev();
                    each(to.iter_mut().zip(from), |j, x| convert(i, j, x));
                }
                _ => each(to.iter_mut().zip(cols.iter().map(|&col| &from[col])), |j, x| {
                    convert(i, j, x)
                }),
            }
        }
    });
    result
}

/// Where the columns of a run lead.
#[derive(Clone, Copy)]
enum Direction {
    Up,
    Down,
}

/// Where columns begin that lie next to each other in one direction; `None` where they do not.
fn run_of(cols: &[usize]) -> Option<(usize, Direction)> {
    let start = *cols.first()?;
    let mut pairs = cols.windows(2);
    if pairs.clone().all(|pair| pair[1] == pair[0] + 1) {
        return Some((start, Direction::Up));
    }
    pairs.all(|pair| pair[1] + 1 == pair[0]).then_some((start, Direction::Down))
}

fn each<'a, A: Copy + 'a, B: 'a>(
    elements: impl Iterator<Item = (&'a mut B, &'a A)>,
    convert: impl Fn(usize, A) -> B,
) {
    for (j, (to, &from)) in elements.enumerate() {
        *to = convert(j, from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::s;

    #[test]
    fn transposed_twice_nothing_changes() {
        for (rows, cols) in [(1, 1), (3, 70), (8, 64), (65, 23), (40, 200)] {
            let matrix = Array2::from_shape_fn((rows, cols), |(i, j)| (1000 * i + j) as u32);
            for from in [matrix.view(), matrix.slice(s![..;-1, ..;-1])] {
                let mut to = Array2::zeros((cols, rows));
                transpose_into(from, to.view_mut(), f64::from);
                assert_eq!(to, from.t().mapv(f64::from));
                assert_eq!(transposed(from), from.t());
                let mut back = Array2::zeros((cols, rows)).reversed_axes();
                transpose_into(to.view(), back.view_mut(), |x| x as u32);
                assert_eq!(back, from);
            }
        }
    }

    #[test]
    fn elements_stay_where_they_belong() {
        let matrix = Array2::from_shape_fn((70, 45), |(i, j)| 1000 * i + j);
        let rows: Vec<usize> = (0..70).rev().collect();
        let mixed: Vec<usize> = (0..45).map(|j| j * 7 % 45).collect();
        for cols in [(3..40).collect(), (2..45).rev().collect(), mixed, vec![], vec![5]] {
            let place = |i: usize, j: usize, x: usize| (i * 100 + j) * 1_000_000 + x;
            let gathered = gather(matrix.view(), &rows, &cols, place);
            for ((i, j), &found) in gathered.indexed_iter() {
                assert_eq!(found, place(i, j, matrix[[rows[i], cols[j]]]));
            }
        }
    }
}
