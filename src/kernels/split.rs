//! Outputs in parallel jobs.

use ndarray::{ArrayViewMut2, Axis};

/// Outputs that one job owns: `out` starts at `row` and `col` of all outputs.
pub(super) struct Part<'a, T> {
    pub(super) out: ArrayViewMut2<'a, T>,
    pub(super) row: usize,
    pub(super) col: usize,
}

/// Where outputs may be cut, and how small a part may get.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grain {
    /// Cuts between rows are multiples of this.
    pub(super) rows: usize,
    /// Cuts between columns are multiples of this.
    pub(super) cols: usize,
    /// Parts of at most so many outputs are not cut.
    pub(super) outputs: usize,
}

impl Grain {
    /// About four parts for each thread, none of less than `least` outputs.
    pub(super) fn new(size: (usize, usize), outputs: usize, least: usize) -> Self {
        Self::in_parts(size, 4, outputs, least)
    }

    /// One part for each thread, where halves can be dealt out evenly: for work that takes as long for all outputs, where a
    /// part begins with a cold cache.
    pub(super) fn coarse(size: (usize, usize), outputs: usize, least: usize) -> Self {
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
pub(super) fn split<T: Send, R: Send>(
    part: Part<'_, T>,
    grain: Grain,
    work: &(impl Fn(Part<'_, T>) -> R + Sync),
    merge: &(impl Fn(R, R) -> R + Sync),
) -> R {
    let Part { out, row, col } = part;
    let (rows, cols) = out.dim();
    let half = |size: usize, grain: usize| (size / 2).next_multiple_of(grain);
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
