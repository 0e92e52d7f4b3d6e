//! Outputs cut into parts for parallel jobs, and parts into tiles.

use ndarray::{ArrayViewMut2, Axis};

use super::operand::geometry::Geometry;

/// Outputs that one job owns: `out` starts at `row` and `col` of all outputs.
pub(crate) struct Part<'a, T> {
    pub(crate) out: ArrayViewMut2<'a, T>,
    pub(crate) row: usize,
    pub(crate) col: usize,
}

impl<'a, T> Part<'a, T> {
    /// All outputs.
    pub(crate) fn whole(out: ArrayViewMut2<'a, T>) -> Self {
        Self { out, row: 0, col: 0 }
    }

    /// The tiles of `tile` outputs that hold any output, a panel of lanes at a time.
    pub(crate) fn tiles(
        &self,
        size: Geometry,
        tile: (usize, usize),
    ) -> impl Iterator<Item = TilePlace> + use<T> {
        let Geometry { mr, nr } = size;
        let ((rows, cols), first) = (self.out.dim(), (self.row / mr, self.col / nr));
        (0..cols).step_by(nr).flat_map(move |left| {
            (0..rows).step_by(mr).flat_map(move |top| {
                (0..mr.min(rows - top)).step_by(tile.0).flat_map(move |row| {
                    (0..nr.min(cols - left)).step_by(tile.1).map(move |col| TilePlace {
                        block: first.0 + top / mr,
                        panel: first.1 + left / nr,
                        within: (row, col),
                        at: (top + row, left + col),
                    })
                })
            })
        })
    }
}

/// A tile's place: block of the broadcast operand and panel of lanes, its first output in them, and in the part.
#[derive(Clone, Copy)]
pub(crate) struct TilePlace {
    pub(crate) block: usize,
    pub(crate) panel: usize,
    pub(crate) within: (usize, usize),
    pub(crate) at: (usize, usize),
}

impl TilePlace {
    /// The place `rows` down and `cols` to the right in the same block and panel.
    pub(crate) fn shifted(self, rows: usize, cols: usize) -> Self {
        let shift = |(row, col): (usize, usize)| (row + rows, col + cols);
        Self { within: shift(self.within), at: shift(self.at), ..self }
    }
}

/// Where outputs may be cut, and how small a part may get.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grain {
    /// Cuts between rows are multiples of this.
    pub(crate) rows: usize,
    /// Cuts between columns are multiples of this.
    pub(crate) cols: usize,
    /// Parts of at most so many outputs are not cut.
    pub(crate) outputs: usize,
}

impl Grain {
    /// About four parts for each thread, none of less than `least` outputs.
    pub(crate) fn new(size: (usize, usize), outputs: usize, least: usize) -> Self {
        Self::in_parts(size, 4, outputs, least)
    }

    /// One part for each thread, where halves can be dealt out evenly: for work whose cost is uniform, as every part
    /// refills its cache.
    pub(crate) fn coarse(size: (usize, usize), outputs: usize, least: usize) -> Self {
        let per_thread = if rayon::current_num_threads().is_power_of_two() { 1 } else { 4 };
        Self::in_parts(size, per_thread, outputs, least)
    }

    fn in_parts(
        (rows, cols): (usize, usize),
        per_thread: usize,
        outputs: usize,
        least: usize,
    ) -> Self {
        let parts = match rayon::current_num_threads() {
            1 => 1,
            threads => per_thread * threads,
        };
        Self { rows, cols, outputs: outputs.div_ceil(parts).max(least) }
    }
}

/// Runs `work` on disjoint parts of `part` that cover it, in parallel, and merges what the parts give.
pub(crate) fn split<T: Send, R: Send>(
    part: Part<'_, T>,
    grain: Grain,
    work: &(impl Fn(Part<'_, T>) -> R + Sync),
    merge: &(impl Fn(R, R) -> R + Sync),
) -> R {
    let Part { out, row, col } = part;
    let (rows, cols) = out.dim();
    // At least one: a single row or column is never cut.
    let half = |size: usize, grain: usize| (size / 2).max(1).next_multiple_of(grain);
    let (top, left) = (half(rows, grain.rows), half(cols, grain.cols));
    // Whole panels of lanes stay together while there are rows to cut: a part reads each of its panels once.
    let by_rows = top < rows && (rows > 4 * grain.rows || left >= cols);
    if rows * cols <= grain.outputs || !(by_rows || left < cols) {
        return work(Part { out, row, col });
    }
    let (first, second) = if by_rows {
        let (first, second) = out.split_at(Axis(0), top);
        (Part { out: first, row, col }, Part { out: second, row: row + top, col })
    } else {
        let (first, second) = out.split_at(Axis(1), left);
        (Part { out: first, row, col }, Part { out: second, row, col: col + left })
    };
    let (first, second) =
        rayon::join(|| split(first, grain, work, merge), || split(second, grain, work, merge));
    merge(first, second)
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;

    #[test]
    fn parts_cover_every_output_once_down_to_a_single_row() {
        for (rows, cols) in [(1, 1), (1, 2), (2, 1), (1, 65), (9, 1), (5, 130), (0, 3)] {
            for size in [(1, 1), (4, 64), (3, 2)] {
                let mut out = Array2::<u32>::zeros((rows, cols));
                let grain = Grain { rows: size.0, cols: size.1, outputs: 1 };
                let count = split(
                    Part::whole(out.view_mut()),
                    grain,
                    &|mut part: Part<'_, u32>| {
                        part.out.iter_mut().for_each(|n| *n += 1);
                        part.out.len()
                    },
                    &|a, b| a + b,
                );
                assert_eq!((count, out.iter().all(|&n| n == 1)), (rows * cols, true));
            }
        }
    }
}
