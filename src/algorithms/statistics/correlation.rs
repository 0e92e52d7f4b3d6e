//! Sums of the products of channels at a fixed distance, over a rectangle of positions of some images, in f32.
//!
//! ```text
//! run = 0; for up to RUN positions, row by row:  run = fma(left, right, run);     total = total + run, in f64
//! ```
//! Lanes are channels of the right images, so that every sum takes the positions in this order, whatever the vectors: every
//! instruction set gives the same bits.

use std::ops::Range;

use super::panel::LANES;
use crate::simd::{FmaLanes, IsaKernel, Lanes, Simd, Vectorized};

/// Positions that are summed one after the other, at most.
const RUN: usize = 256;

/// Where the channels of each position of some images lie: side by side, positions row by row, and zeros around every row, as
/// many as a neighbour is away at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) channels: usize,
    /// Rows and columns of an image.
    pub(super) size: [usize; 2],
    /// Zeros before and behind a row.
    pub(super) reach: usize,
    /// Images of a block.
    pub(super) images: usize,
}

impl Layout {
    /// Elements of a position: whole vectors.
    pub(super) fn width(&self) -> usize {
        self.channels.next_multiple_of(LANES)
    }

    /// Positions from a row to the next.
    pub(super) fn pitch(&self) -> usize {
        self.size[1] + self.reach
    }

    /// Elements of all images.
    pub(super) fn len(&self) -> usize {
        self.at(self.images, 0, 0)
    }

    /// The first element of a position.
    pub(super) fn at(&self, image: usize, row: usize, column: usize) -> usize {
        let plane = self.reach + self.size[0] * self.pitch();
        (image * plane + self.reach + row * self.pitch() + column) * self.width()
    }
}

/// Products of two positions at a distance, and where they are added.
pub(super) struct Neighbours<'a> {
    /// Positions from the left one to the right one, rows counted in [`Layout::pitch`].
    pub(super) distance: isize,
    /// `[left channels, right channels]`, of [`Layout::width`] each.
    pub(super) sums: &'a mut [f64],
}

/// Adds the products of each left channel with each right one, position by position.
pub(super) struct Correlation<'a> {
    pub(super) layout: Layout,
    pub(super) left: &'a [f32],
    pub(super) right: &'a [f32],
    /// Images that are there.
    pub(super) images: usize,
    /// Positions of the left ones.
    pub(super) rows: Range<usize>,
    pub(super) columns: Range<usize>,
    pub(super) neighbours: Vec<Neighbours<'a>>,
}

impl IsaKernel for Correlation<'_> {
    type Output = ();

    fn run<S: Simd>(self, simd: S) {
        let lanes = simd.fma();
        if const { S::TUNING.registers.are_many() } {
            lanes.vectorize(Tiles::<_, 8> { lanes, correlation: self });
        } else {
            lanes.vectorize(Tiles::<_, 4> { lanes, correlation: self });
        }
    }
}

/// All tiles of `R` left channels by up to three vectors of right ones.
struct Tiles<'a, L, const R: usize> {
    lanes: L,
    correlation: Correlation<'a>,
}

impl<L: FmaLanes, const R: usize> Vectorized for Tiles<'_, L, R> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        const { assert!(LANES.is_multiple_of(L::N) && LANES.is_multiple_of(R)) };
        let Self { lanes, mut correlation } = self;
        let channels = correlation.layout.channels;
        let vectors = correlation.neighbours.len() * channels.div_ceil(L::N);
        for at in (0..channels).step_by(R) {
            let mut vector = 0;
            while vector < vectors {
                // Two tiles of two, not one of three and one of one.
                let count = match vectors - vector {
                    2 | 4 => 2,
                    left => left.min(3),
                };
                match count {
                    1 => correlation.add::<L, R, 1>(lanes, at, vector),
                    2 => correlation.add::<L, R, 2>(lanes, at, vector),
                    _ => correlation.add::<L, R, 3>(lanes, at, vector),
                }
                vector += count;
            }
        }
    }
}

impl Correlation<'_> {
    /// Adds the products of `R` left channels and `V` vectors, counted over the channels of all neighbours.
    #[inline(always)]
    fn add<L: FmaLanes, const R: usize, const V: usize>(
        &mut self,
        lanes: L,
        at: usize,
        vector: usize,
    ) {
        let (layout, width) = (self.layout, self.layout.width());
        let each = layout.channels.div_ceil(L::N);
        let mut places = [(0usize, 0usize, 0isize); V];
        for (v, place) in places.iter_mut().enumerate() {
            let (which, channel) = ((vector + v) / each, (vector + v) % each * L::N);
            let distance = self.neighbours[which].distance * width as isize + channel as isize;
            *place = (which, channel, distance);
        }
        let mut run = [[lanes.splat(0.0); V]; R];
        let mut seen = 0;
        for image in 0..self.images {
            for row in self.rows.clone() {
                let mut column = self.columns.start;
                while column < self.columns.end {
                    let count = (self.columns.end - column).min(RUN);
                    if seen + count > RUN {
                        self.flush(lanes, &mut run, at, &places);
                        seen = 0;
                    }
                    seen += count;
                    let base = layout.at(image, row, column);
                    let left = &self.left[base..][..count * width];
                    let mut right: [&[f32]; V] = [&[]; V];
                    for v in 0..V {
                        let start = base.wrapping_add_signed(places[v].2);
                        right[v] = &self.right[start..][..(count - 1) * width + L::N];
                    }
                    for (position, left) in left.chunks_exact(width).enumerate() {
                        let left = &left[at..at + R];
                        let mut vectors = [lanes.splat(0.0); V];
                        for v in 0..V {
                            vectors[v] = lanes.load(&right[v][position * width..]);
                        }
                        for r in 0..R {
                            let x = lanes.splat(left[r]);
                            for v in 0..V {
                                run[r][v] = lanes.fma_even(vectors[v], x, run[r][v]);
                            }
                        }
                    }
                    column += count;
                }
            }
        }
        self.flush(lanes, &mut run, at, &places);
    }

    /// Adds what a run has come to, and begins anew.
    #[inline(always)]
    fn flush<L: FmaLanes, const R: usize, const V: usize>(
        &mut self,
        lanes: L,
        run: &mut [[L::V; V]; R],
        at: usize,
        places: &[(usize, usize, isize); V],
    ) {
        let width = self.layout.width();
        let mut sums = [0f32; LANES];
        // A copy, so that what is summed stays in registers.
        let done = *run;
        *run = [[lanes.splat(0.0); V]; R];
        for (r, done) in done.iter().enumerate() {
            for (&done, &(which, channel, _)) in done.iter().zip(places) {
                let sums = &mut sums[..L::N];
                lanes.store(done, sums);
                let start = (at + r) * width + channel;
                let totals = &mut self.neighbours[which].sums[start..start + L::N];
                totals.iter_mut().zip(sums).for_each(|(total, sum)| *total += f64::from(*sum));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::{Detected, Isa};
    use fewbit_testkit::Random;

    #[test]
    fn every_instruction_set_sums_in_the_order_of_the_positions() {
        let mut random = Random(3);
        for (channels, size, images) in [(9, [5, 7], 3), (40, [4, 30], 4), (16, [2, 600], 1)] {
            let layout = Layout { channels, size, reach: 2, images };
            let mut block = || {
                let mut values = vec![0f32; layout.len()];
                for image in 0..images {
                    for at in 0..size[0] * size[1] {
                        let start = layout.at(image, at / size[1], at % size[1]);
                        for x in &mut values[start..start + channels] {
                            *x = (random.next() >> 40) as f32 / 65536.0 - 100.0;
                        }
                    }
                }
                values
            };
            let (left, right) = (block(), block());
            let (rows, columns) = (0..size[0] - 1, 1..size[1]);
            let width = layout.width();
            let distances = [0, -1, layout.pitch() as isize + 2, layout.pitch() as isize];
            let mut expected = vec![vec![0f64; width * width]; distances.len()];
            for (sums, distance) in expected.iter_mut().zip(distances) {
                for (at, sum) in sums.iter_mut().enumerate() {
                    let (c, other) = (at / width, at % width);
                    if c >= channels || other >= channels {
                        continue;
                    }
                    let (mut run, mut seen) = (0f32, 0);
                    for image in 0..images {
                        for row in rows.clone() {
                            let all: Vec<usize> = columns.clone().collect();
                            for some in all.chunks(RUN) {
                                if seen + some.len() > RUN {
                                    *sum += f64::from(run);
                                    (run, seen) = (0.0, 0);
                                }
                                seen += some.len();
                                for &column in some {
                                    let place = layout.at(image, row, column) / width;
                                    let neighbour = place.wrapping_add_signed(distance);
                                    let (x, y) =
                                        (left[place * width + c], right[neighbour * width + other]);
                                    run = x.mul_add(y, run);
                                }
                            }
                        }
                    }
                    *sum += f64::from(run);
                }
            }
            for isa in Isa::available() {
                let mut found = vec![vec![0f64; width * width]; distances.len()];
                let neighbours = found.iter_mut().zip(distances);
                let neighbours = neighbours.map(|(sums, distance)| Neighbours { distance, sums });
                Detected::or_best(Some(isa)).expect("it is there").run_without_vnni(Correlation {
                    layout,
                    left: &left,
                    right: &right,
                    images,
                    rows: rows.clone(),
                    columns: columns.clone(),
                    neighbours: neighbours.collect(),
                });
                for (found, expected) in found.iter().zip(&expected) {
                    for c in 0..channels {
                        let row = c * width..c * width + channels;
                        assert_eq!(found[row.clone()], expected[row], "{isa} {channels} {c}");
                    }
                }
            }
        }
    }
}
