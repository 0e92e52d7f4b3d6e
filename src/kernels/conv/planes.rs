//! The input of a convolution so that every weight meets it in one piece.
//!
//! With stride `s` and dilation `d`, output `i` meets weight `u` at the padded position `s i + d u`. Positions of one
//! remainder modulo `s` lie together, a *phase*: then it is element `i + d u / s` of phase `d u mod s`, and output after output
//! is element after element. In two dimensions, a *plane* holds a phase of the rows and one of the columns, padding
//! included, so that output `(i, j)` and weight `(u, v)` meet at
//!
//! ```text
//! plane(d u mod s, d v mod s)[i + d u / s, j + d v / s]
//! ```
//! A row of a plane has more elements than outputs: outputs that are counted over rows of planes have `pitch` columns.

use crate::convolution::Conv2d;

/// Where positions lie along one axis.
#[derive(Clone, Debug)]
struct AxisPlanes {
    /// The remainders that a weight meets.
    phases: Vec<usize>,
    /// Elements of a phase.
    size: usize,
    /// Of every weight: its phase, and the element that the first output meets.
    taps: Vec<(usize, usize)>,
    stride: usize,
    before: usize,
}

impl AxisPlanes {
    fn new<T>(conv: &Conv2d<T>, axis: usize, outputs: usize, kernel: usize) -> Self {
        let (stride, dilation) = (conv.stride[axis], conv.dilation[axis]);
        let at = |tap: usize| tap * dilation;
        let mut phases: Vec<_> = (0..kernel).map(|tap| at(tap) % stride).collect();
        phases.sort_unstable();
        phases.dedup();
        let taps = (0..kernel)
            .map(|tap| {
                let phase = phases.partition_point(|&phase| phase < at(tap) % stride);
                (phase, at(tap) / stride)
            })
            .collect();
        let size = outputs + at(kernel - 1) / stride;
        Self { phases, size, taps, stride, before: conv.padding[axis].0 }
    }

    /// The elements of `phase` that are positions `0..size` of the input, and the position of the first of them.
    fn inside(&self, phase: usize, size: usize) -> (std::ops::Range<usize>, usize) {
        let phase = self.phases[phase];
        // The first element at or behind `position`, padding counted.
        let first =
            |position: usize| position.saturating_sub(phase).div_ceil(self.stride).min(self.size);
        let (start, end) = (first(self.before), first(self.before.saturating_add(size)));
        let position = start.saturating_mul(self.stride).saturating_add(phase);
        let position = position.saturating_sub(self.before);
        (start..end, position)
    }
}

/// Whether the columns of an input may be taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Splits {
    /// They lie as they are.
    Never,
    /// The even columns of all rows may lie before the odd ones.
    Columns,
}

/// A piece of a row: elements of a channel that lie in a row of a plane.
#[derive(Clone, Copy, Debug)]
pub(super) struct Move {
    /// The first of them in the planes.
    pub(super) to: usize,
    /// The first of them in the channel.
    pub(super) from: usize,
    pub(super) count: usize,
}

/// What the planes of a channel take from it; the rest is padding.
#[derive(Clone, Debug)]
pub(super) struct Moves {
    pub(super) rows: Vec<Move>,
    /// From an element in the channel to the next.
    pub(super) step: usize,
    /// Whether the even columns of the channel lie before the odd ones.
    pub(super) is_split: bool,
}

/// Where the elements of all planes of a channel lie.
#[derive(Clone, Debug)]
pub(super) struct Planes {
    rows: AxisPlanes,
    cols: AxisPlanes,
    /// Rows and columns of the output.
    pub(super) outputs: [usize; 2],
}

impl Planes {
    /// Those for a kernel of `[u, v]` weights; `None` where they are far more than the patches that they stand for, as weights
    /// far apart make them.
    pub(super) fn new<T>(
        conv: &Conv2d<T>,
        outputs: [usize; 2],
        kernel: [usize; 2],
    ) -> Option<Self> {
        let size = |axis: usize| {
            let phases = conv.stride[axis].min(kernel[axis]);
            let reach = (kernel[axis] - 1).saturating_mul(conv.dilation[axis]) / conv.stride[axis];
            outputs[axis].saturating_add(reach).saturating_mul(phases)
        };
        let patches = outputs.into_iter().chain(kernel).fold(1usize, usize::saturating_mul);
        if size(0).saturating_mul(size(1)) > patches.saturating_mul(2).saturating_add(1 << 12) {
            return None;
        }
        let axis = |axis: usize| AxisPlanes::new(conv, axis, outputs[axis], kernel[axis]);
        Some(Self { rows: axis(0), cols: axis(1), outputs })
    }

    /// Elements of a row of a plane.
    pub(super) fn pitch(&self) -> usize {
        self.cols.size
    }

    /// Elements of all planes of a channel.
    pub(super) fn len(&self) -> usize {
        self.rows.phases.len() * self.cols.phases.len() * self.rows.size * self.cols.size
    }

    /// Whether the planes of a channel of this size are the channel itself: one weight, no stride, no padding.
    pub(super) fn is_whole(&self, size: [usize; 2]) -> bool {
        let is_whole = |axis: &AxisPlanes, size: usize| {
            axis.phases.len() == 1 && axis.stride == 1 && axis.before == 0 && axis.size == size
        };
        is_whole(&self.rows, size[0]) && is_whole(&self.cols, size[1])
    }

    /// Outputs counted over rows of planes, from the first to the last.
    pub(super) fn span(&self) -> usize {
        (self.outputs[0] - 1) * self.pitch() + self.outputs[1]
    }

    /// The element that the first output meets with weight `(u, v)`; output `(i, j)` meets that `i * pitch + j` behind.
    pub(super) fn tap(&self, u: usize, v: usize) -> usize {
        let ((phase, row), (col_phase, col)) = (self.rows.taps[u], self.cols.taps[v]);
        let plane = phase * self.cols.phases.len() + col_phase;
        (plane * self.rows.size + row) * self.cols.size + col
    }

    /// Rows of all planes of one phase of the columns.
    pub(super) fn padded_rows(&self) -> usize {
        self.rows.phases.len() * self.rows.size
    }

    /// Which of these the first output meets with the weights of row `u`.
    pub(super) fn row(&self, u: usize) -> usize {
        let (phase, row) = self.rows.taps[u];
        phase * self.rows.size + row
    }

    /// Those that are rows of an input of so many, with these.
    pub(super) fn rows_inside(&self, rows: usize) -> Vec<(usize, usize)> {
        let mut all = Vec::new();
        for phase in 0..self.rows.phases.len() {
            let (inside, first) = self.rows.inside(phase, rows);
            let start = phase * self.rows.size;
            let pairs = inside.enumerate();
            all.extend(pairs.map(|(n, at)| (start + at, first + n * self.rows.stride)));
        }
        all
    }

    /// What the planes of a channel take from one of `[rows, cols]`; `splits` tells whether its even and odd columns may lie apart.
    pub(super) fn moves(&self, [rows, cols]: [usize; 2], splits: Splits) -> Moves {
        let stride = self.cols.stride;
        let is_split = splits == Splits::Columns && stride == 2 && cols.is_multiple_of(2);
        let mut moves = Vec::new();
        let phases = self.cols.phases.len();
        for (padded, row) in self.rows_inside(rows) {
            for phase in 0..phases {
                let (inside, col) = self.cols.inside(phase, cols);
                if inside.is_empty() {
                    continue;
                }
                let (plane, index) =
                    (padded / self.rows.size * phases + phase, padded % self.rows.size);
                let to = (plane * self.rows.size + index) * self.cols.size + inside.start;
                let from = row * cols + col;
                let from = if is_split { col % 2 * (rows * cols / 2) + from / 2 } else { from };
                moves.push(Move { to, from, count: inside.len() });
            }
        }
        let step = if is_split { 1 } else { stride };
        if step == 1 {
            // Whole rows one behind the other are one piece.
            moves.dedup_by(|next, last| {
                let follows =
                    last.to + last.count == next.to && last.from + last.count == next.from;
                last.count += if follows { next.count } else { 0 };
                follows
            });
        }
        Moves { rows: moves, step, is_split }
    }

    /// Fills the planes of `N` channels at once, each `[rows, columns]`: an element is what `word` makes of theirs, padding
    /// what it makes of `padding`. `#[inline(always)]`, so that it is compiled for the caller's instruction set.
    #[inline(always)]
    pub(super) fn fill<X: Copy, W: Copy, const N: usize>(
        &self,
        channels: [&[X]; N],
        [rows, cols]: [usize; 2],
        padding: W,
        word: impl Fn([X; N]) -> W,
        to: &mut [W],
    ) {
        let pitch = self.pitch();
        let planes = to[..self.len()].chunks_exact_mut(self.rows.size * pitch);
        for (phases, plane) in planes.enumerate() {
            let (phase, col_phase) =
                (phases / self.cols.phases.len(), phases % self.cols.phases.len());
            let (inside, mut row) = self.rows.inside(phase, rows);
            let (columns, col) = self.cols.inside(col_phase, cols);
            for index in 0..self.rows.size {
                let at = index * pitch;
                let to = &mut plane[at..at + pitch];
                if !inside.contains(&index) || columns.is_empty() {
                    to.fill(padding);
                    continue;
                }
                let from = channels.map(|channel| &channel[row * cols + col..]);
                row += self.rows.stride;
                to[..columns.start].fill(padding);
                // What a piece has too much is overwritten: here, or by the next row.
                let count = columns.len();
                copy(from, self.cols.stride, &word, count, &mut plane[at + columns.start..]);
                plane[at + columns.end..at + pitch].fill(padding);
            }
        }
    }
}

/// Writes what `word` makes of `count` elements, every `stride`-th. May write up to a piece more, where there is room.
#[inline(always)]
fn copy<X: Copy, W: Copy, const N: usize>(
    from: [&[X]; N],
    stride: usize,
    word: &impl Fn([X; N]) -> W,
    count: usize,
    to: &mut [W],
) {
    let mut done = 0;
    // Pieces of a known length become vectors.
    while stride == 1 && done < count {
        let is_done = if count - done > 8 {
            piece::<X, W, N, 16>(from, done, word, to)
        } else {
            piece::<X, W, N, 8>(from, done, word, to)
        };
        if !is_done {
            break;
        }
        done += if count - done > 8 { 16 } else { 8 };
    }
    for (index, to) in to.iter_mut().enumerate().take(count).skip(done) {
        *to = word(from.map(|from| from[index * stride]));
    }
}

/// `P` elements from `done` on, where there is room; tells whether there is.
#[inline(always)]
fn piece<X: Copy, W: Copy, const N: usize, const P: usize>(
    from: [&[X]; N],
    done: usize,
    word: &impl Fn([X; N]) -> W,
    to: &mut [W],
) -> bool {
    let pieces = from.map(|from| from[done..].first_chunk::<P>());
    let Some(to) = to[done..].first_chunk_mut::<P>() else { return false };
    if pieces.iter().any(Option::is_none) {
        return false;
    }
    let pieces = pieces.map(|piece| piece.unwrap_or_else(|| unreachable!("each is there")));
    for (at, to) in to.iter_mut().enumerate() {
        *to = word(pieces.map(|piece| piece[at]));
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_weight_meets_what_the_geometry_says() {
        let (rows, cols) = (7, 6);
        let input: Vec<i32> = (1..=rows as i32 * cols as i32).collect();
        for (stride, dilation, padding, kernel) in [
            ([1, 1], [1, 1], [(0, 0), (0, 0)], [1, 1]),
            ([1, 1], [1, 1], [(1, 1), (1, 1)], [3, 3]),
            ([2, 3], [1, 1], [(1, 0), (2, 4)], [3, 2]),
            ([2, 2], [3, 2], [(4, 2), (0, 9)], [3, 3]),
            ([5, 1], [2, 1], [(9, 9), (8, 1)], [2, 4]),
            ([4, 7], [1, 5], [(0, 3), (0, 0)], [7, 2]),
        ] {
            let conv = Conv2d { stride, dilation, padding, groups: 1, padding_code: -1 };
            let shapes = ((1, 1, rows, cols), (1, 1, kernel[0], kernel[1]));
            let outputs = conv.output(shapes.0, shapes.1).unwrap();
            let planes = Planes::new(&conv, outputs, kernel).unwrap();
            let mut to = vec![0; planes.len()];
            planes.fill([&input], [rows, cols], -1, |[x]: [i32; 1]| x, &mut to);
            for i in 0..outputs[0] {
                for j in 0..outputs[1] {
                    for u in 0..kernel[0] {
                        for v in 0..kernel[1] {
                            let row = conv.source(0, i, u).filter(|&row| row < rows);
                            let col = conv.source(1, j, v).filter(|&col| col < cols);
                            let at = row.zip(col).map(|(row, col)| input[row * cols + col]);
                            let found = to[planes.tap(u, v) + i * planes.pitch() + j];
                            assert_eq!(found, at.unwrap_or(-1), "{conv:?} {i} {j} {u} {v}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn weights_far_apart_have_no_planes() {
        let conv = Conv2d { dilation: [1 << 40; 2], ..Conv2d::<u8>::default() };
        assert!(Planes::new(&conv, [1, 1], [2, 2]).is_none());
        let conv = Conv2d { stride: [usize::MAX; 2], ..Conv2d::<u8>::default() };
        assert!(Planes::new(&conv, [1, 1], [2, 2]).is_some());
    }
}
