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
        let planes = to[..self.len()].chunks_exact_mut(self.rows.size * self.pitch());
        for (plane, to) in planes.enumerate() {
            let (phase, col_phase) =
                (plane / self.cols.phases.len(), plane % self.cols.phases.len());
            let (inside, mut row) = self.rows.inside(phase, rows);
            let (columns, col) = self.cols.inside(col_phase, cols);
            for (index, to) in to.chunks_exact_mut(self.pitch()).enumerate() {
                if !inside.contains(&index) || columns.is_empty() {
                    to.fill(padding);
                    continue;
                }
                let from = channels.map(|channel| &channel[row * cols + col..(row + 1) * cols]);
                row += self.rows.stride;
                let (before, to) = to.split_at_mut(columns.start);
                let (to, behind) = to.split_at_mut(columns.len());
                before.fill(padding);
                behind.fill(padding);
                copy(from, self.cols.stride, &word, to);
            }
        }
    }
}

/// Writes what `word` makes of every `stride`-th element.
#[inline(always)]
fn copy<X: Copy, W: Copy, const N: usize>(
    from: [&[X]; N],
    stride: usize,
    word: &impl Fn([X; N]) -> W,
    to: &mut [W],
) {
    let mut done = 0;
    if stride == 1 {
        // Pieces of a known length become vectors.
        done = piece::<X, W, N, 16>(from, 0, word, to);
        done = piece::<X, W, N, 8>(from, done, word, to);
        done = piece::<X, W, N, 4>(from, done, word, to);
    }
    for (index, to) in to.iter_mut().enumerate().skip(done) {
        *to = word(from.map(|from| from[index * stride]));
    }
}

/// Whole pieces of `P` elements from `done` on; gives where they end.
#[inline(always)]
fn piece<X: Copy, W: Copy, const N: usize, const P: usize>(
    from: [&[X]; N],
    done: usize,
    word: &impl Fn([X; N]) -> W,
    to: &mut [W],
) -> usize {
    let (pieces, _) = to[done..].as_chunks_mut::<P>();
    for (index, to) in pieces.iter_mut().enumerate() {
        let start = done + index * P;
        let from: [&[X; P]; N] = from.map(|from| match from[start..].first_chunk() {
            Some(piece) => piece,
            None => unreachable!("as many elements as in `to`"),
        });
        for (at, to) in to.iter_mut().enumerate() {
            *to = word(from.map(|from| from[at]));
        }
    }
    done + pieces.len() * P
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
