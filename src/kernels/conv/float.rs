//! Convolutions of `f32`: lanes over positions, which every weight meets in one piece of the input's [planes](super::planes).
//!
//! ```text
//! sum = bias; for (channel, row, column) of the kernel, ascending: sum = fma(input, weight, sum)
//! ```
//! Lanes are outputs, so that the order of a sum depends neither on the vector width nor on threads: every instruction set gives
//! the same bits.

use std::borrow::Cow;

use ndarray::{ArrayView4, ArrayViewMut4};

use super::ConvError;
use super::copy::{every, overlapping};
use super::planes::{Moves, Planes, Splits};
use crate::convolution::Conv2d;
use crate::room;
use crate::simd::{Detected, FmaLanes, Isa, IsaKernel, Lanes, Simd, Vectorized};
use crate::tasks;

/// Convolves `input`, `[N, C, H, W]`, with `weights`, `[O, C / groups, U, V]`, and adds `bias`, `[O]`, all of `f32`:
///
/// ```text
/// out[n, o, i, j] = bias[o] + sum over c, u, v of input[n, c, s i + d u - p, s j + d v - p] weights[o, c, u, v]
/// ```
/// The sum begins with the bias (0 without one); products enter in ascending (channel, row, column) of the kernel, each with one
/// rounding (fused multiply-add), padded positions as `conv.padding_code` times their weight. The same bits on every
/// instruction set and any number of threads. `isa` is the instruction set to run with, `None` for the best; without AVX2,
/// fused products are computed step by step, which is slow.
///
/// ```
/// use fewbit::{Conv2d, conv2d_f32};
/// use ndarray::Array4;
/// let input = Array4::from_elem((1, 1, 3, 3), 0.5f32);
/// let weights = Array4::from_elem((2, 1, 3, 3), 2.0f32);
/// let conv = Conv2d { padding: [(1, 1); 2], ..Conv2d::default() };
/// let mut out = Array4::zeros((1, 2, 3, 3));
/// conv2d_f32(input.view(), weights.view(), Some(&[0.0, 10.0]), &conv, None, out.view_mut())?;
/// assert_eq!(out[[0, 0, 1, 1]], 9.0); // nine inputs
/// assert_eq!(out[[0, 1, 0, 0]], 14.0); // four inputs and the bias
/// # Ok::<(), fewbit::ConvError>(())
/// ```
///
/// # Errors
/// Shapes that do not fit, memory of another shape, an instruction set that this CPU lacks.
pub fn conv2d_f32(
    input: ArrayView4<'_, f32>,
    weights: ArrayView4<'_, f32>,
    bias: Option<&[f32]>,
    conv: &Conv2d<f32>,
    isa: Option<Isa>,
    mut out: ArrayViewMut4<'_, f32>,
) -> Result<(), ConvError> {
    let outputs = conv.output(input.dim(), weights.dim())?;
    let ((images, channels, height, width), (filters, depth, u, v)) = (input.dim(), weights.dim());
    let (expected, found) = ([images, filters, outputs[0], outputs[1]], out.dim().into());
    if expected != found {
        return Err(ConvError::OutputShape { expected, found });
    }
    if let Some(bias) = bias.filter(|bias| bias.len() != filters) {
        return Err(ConvError::Bias { outputs: filters, found: bias.len() });
    }
    let isa = Detected::or_best(isa).map_err(super::MatmulError::from)?;
    if out.is_empty() {
        return Ok(());
    }
    let (input, weights) = (input.as_standard_layout(), weights.as_standard_layout());
    let groups = conv.groups;
    let Some(planes) = Planes::new(conv, outputs, [u, v]) else {
        far_apart(input.view(), weights.view(), bias, conv, out);
        return Ok(());
    };
    room::check::<f32>(&[depth, planes.len()])?;
    let taps = (0..depth * u * v).map(|k| {
        let (channel, tap) = (k / (u * v), k % (u * v));
        channel * planes.len() + planes.tap(tap / v, tap % v)
    });
    let per_group = filters / groups;
    let rows = match per_group {
        1 => 1,
        _ if isa.tuning().registers.are_many() => MOST_ROWS,
        _ => FEW_ROWS,
    };
    let weights = weights.as_slice().unwrap_or_default();
    let layer = Layer {
        input: input.as_slice().unwrap_or_default(),
        weights: match rows {
            1 => Cow::Borrowed(weights),
            _ => Cow::Owned(packed(weights, depth * u * v, per_group, rows)?),
        },
        rows,
        bias,
        padding: conv.padding_code,
        channels,
        size: [height, width],
        depth,
        per_group,
        is_whole: planes.is_whole([height, width]),
        taps: taps.collect(),
        moves: planes.moves([height, width], Splits::Never),
        planes,
    };
    let plane = outputs[0] * outputs[1];
    match out.as_slice_mut() {
        Some(out) => layer.run(out, plane, groups, isa),
        None => {
            let mut dense = vec![0.0; out.len()];
            layer.run(&mut dense, plane, groups, isa);
            out.iter_mut().zip(dense).for_each(|(out, x)| *out = x);
        }
    }
    Ok(())
}

/// Output by output: of kernels whose weights lie so far apart that planes are larger than patches.
fn far_apart(
    input: ArrayView4<'_, f32>,
    weights: ArrayView4<'_, f32>,
    bias: Option<&[f32]>,
    conv: &Conv2d<f32>,
    mut out: ArrayViewMut4<'_, f32>,
) {
    let ((_, _, height, width), (filters, _, _, _)) = (input.dim(), weights.dim());
    let per_group = filters / conv.groups;
    let depth = weights.dim().1;
    for ((n, o, i, j), out) in out.indexed_iter_mut() {
        let mut sum = bias.map_or(0.0, |bias| bias[o]);
        for ((c, u, v), &weight) in weights.index_axis(ndarray::Axis(0), o).indexed_iter() {
            let row = conv.source(0, i, u).filter(|&row| row < height);
            let column = conv.source(1, j, v).filter(|&column| column < width);
            let x = row.zip(column).map(|(y, x)| input[[n, o / per_group * depth + c, y, x]]);
            sum = x.unwrap_or(conv.padding_code).mul_add(weight, sum);
        }
        *out = sum;
    }
}

/// Weights `[O, k]` in blocks of `rows` channels, none of two groups: step by step, `rows` to a step. Once for all images.
fn packed(weights: &[f32], k: usize, per_group: usize, rows: usize) -> Result<Vec<f32>, ConvError> {
    let blocks = per_group.div_ceil(rows);
    let groups = weights.len().checked_div(per_group * k).unwrap_or(0);
    room::check::<f32>(&[groups, blocks, rows, k])?;
    let mut all = vec![0.0; groups * blocks * rows * k];
    let size = (rows * k).max(1);
    let fill = |index: usize, block: &mut [f32]| {
        let (group, first) = (index / blocks, index % blocks * rows);
        let channels = rows.min(per_group - first);
        let from = &weights[(group * per_group + first) * k..][..channels * k];
        for (row, from) in from.chunks_exact(k.max(1)).enumerate() {
            let to = block.iter_mut().skip(row).step_by(rows);
            to.zip(from).for_each(|(to, &weight)| *to = weight);
        }
    };
    // Blocks of one task.
    let task = (1usize << 15).div_ceil(size);
    tasks::for_each(all.chunks_mut(task * size).enumerate(), |(index, part)| {
        let each = (index * task..).zip(part.chunks_mut(size));
        each.for_each(|(index, block)| fill(index, block));
    });
    Ok(all)
}

/// What all images have in common.
struct Layer<'a> {
    input: &'a [f32],
    /// In blocks of [`Self::rows`] channels.
    weights: Cow<'a, [f32]>,
    /// Channels of a tile.
    rows: usize,
    bias: Option<&'a [f32]>,
    padding: f32,
    channels: usize,
    size: [usize; 2],
    /// Input channels of a group.
    depth: usize,
    /// Output channels of a group.
    per_group: usize,
    /// Whether the planes of a channel are the channel.
    is_whole: bool,
    /// Where each step's element of the first position is.
    taps: Vec<usize>,
    planes: Planes,
    /// What the planes of a channel take from it.
    moves: Moves,
}

/// Output channels of an image and a group, from `first` of the group on.
struct Piece<'o> {
    image: usize,
    group: usize,
    first: usize,
    out: &'o mut [f32],
}

/// Channels of a tile where there are many vector registers: the most.
const MOST_ROWS: usize = 8;
/// Channels of a tile where there are few.
const FEW_ROWS: usize = 4;

impl Layer<'_> {
    fn run(&self, out: &mut [f32], plane: usize, groups: usize, isa: Detected) {
        let jobs = 4 * rayon::current_num_threads();
        let parts = jobs.div_ceil((out.len() / (plane * self.per_group)).max(1));
        // Of few images, the channels of a group are divided too.
        let part = self.per_group.div_ceil(parts).next_multiple_of(MOST_ROWS);
        let mut pieces = Vec::new();
        for (index, out) in out.chunks_exact_mut(self.per_group * plane).enumerate() {
            let (image, group) = (index / groups, index % groups);
            for (index, out) in out.chunks_mut(part * plane).enumerate() {
                pieces.push(Piece { image, group, first: index * part, out });
            }
        }
        let length = pieces.len().div_ceil(jobs).max(1);
        tasks::for_each(pieces.chunks_mut(length), |pieces| {
            isa.run_without_vnni(Job { layer: self, pieces });
        });
    }
}

/// Pieces that one thread computes.
struct Job<'a, 'o> {
    layer: &'a Layer<'a>,
    pieces: &'a mut [Piece<'o>],
}

impl IsaKernel for Job<'_, '_> {
    type Output = ();

    fn run<S: Simd>(self, simd: S) {
        let lanes = simd.fma();
        if self.layer.rows == 1 {
            lanes.vectorize(Pieces::<_, 1, 4> { lanes, job: self });
        } else if const { S::TUNING.registers.are_many() } {
            lanes.vectorize(Pieces::<_, MOST_ROWS, 3> { lanes, job: self });
        } else {
            lanes.vectorize(Pieces::<_, FEW_ROWS, 3> { lanes, job: self });
        }
    }
}

/// Pieces in tiles of `R` channels by `V` vectors.
struct Pieces<'a, 'o, L, const R: usize, const V: usize> {
    lanes: L,
    job: Job<'a, 'o>,
}

impl<L: FmaLanes, const R: usize, const V: usize> Vectorized for Pieces<'_, '_, L, R, V> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        const { assert!(MOST_ROWS.is_multiple_of(R)) };
        let Self { lanes, job: Job { layer, pieces } } = self;
        let planes = &layer.planes;
        let [height, width] = layer.size;
        let vectors = planes.span().div_ceil(L::N);
        let stride = vectors * L::N;
        // What a tile loads too much lies behind the last plane.
        let slack = stride.saturating_sub(planes.span());
        let length = layer.depth * planes.len() + slack;
        let mut words: Vec<f32> = Vec::new();
        let mut values = vec![0.0; R * stride];
        let mut filled = None;
        let block = layer.taps.len() * R;
        let (pitch, [rows, columns]) = (planes.pitch(), planes.outputs);
        for Piece { image, group, first, out } in pieces {
            let channel = *image * layer.channels + *group * layer.depth;
            let given = &layer.input[channel * height * width..];
            let is_given = layer.is_whole && given.len() >= length;
            if !is_given && filled != Some((*image, *group)) {
                filled = Some((*image, *group));
                // Padding is written once.
                words.resize(length, layer.padding);
                for c in 0..layer.depth {
                    let x = &given[c * height * width..][..height * width];
                    let to = &mut words[c * planes.len()..][..planes.len()];
                    layer.move_rows(x, to);
                }
            }
            let x = if is_given { &given[..length] } else { &words[..] };
            let blocks = *group * layer.per_group.div_ceil(R) + *first / R;
            let blocks = &layer.weights[blocks * block..];
            for (o, out) in out.chunks_mut(R * rows * columns).enumerate() {
                let from = *group * layer.per_group + *first + o * R;
                let mut start = [0.0; R];
                if let Some(bias) = layer.bias {
                    let left = &bias[from..];
                    start.iter_mut().zip(left).for_each(|(start, &bias)| *start = bias);
                }
                let block = &blocks[o * block..][..block];
                let row = Row::<L, R, V> { lanes, x, taps: &layer.taps, block, start, stride };
                row.run(&mut values);
                for (values, out) in
                    values.chunks_exact(stride).zip(out.chunks_exact_mut(rows * columns))
                {
                    if pitch == columns {
                        out.copy_from_slice(&values[..rows * columns]);
                        continue;
                    }
                    for (to, from) in out.chunks_exact_mut(columns).zip(values.chunks(pitch)) {
                        overlapping(&from[..columns], to, |x| x);
                    }
                }
            }
        }
    }
}

impl Layer<'_> {
    /// What the planes of a channel take from it.
    #[inline(always)]
    fn move_rows(&self, from: &[f32], to: &mut [f32]) {
        let step = self.moves.step;
        for row in &self.moves.rows {
            let (from, to) = (&from[row.from..], &mut to[row.to..][..row.count]);
            match step {
                1 => overlapping(&from[..row.count], to, |x| x),
                2 => every::<2>(from, to),
                _ => to.iter_mut().zip(from.iter().step_by(step)).for_each(|(to, &x)| *to = x),
            }
        }
    }
}

/// A row of tiles: the outputs of `R` channels at all positions.
#[derive(Clone, Copy)]
struct Row<'a, L, const R: usize, const V: usize> {
    lanes: L,
    x: &'a [f32],
    taps: &'a [usize],
    /// The weights, `R` to a step.
    block: &'a [f32],
    /// What the sums start from.
    start: [f32; R],
    /// Values of a channel: whole vectors.
    stride: usize,
}

impl<L: FmaLanes, const R: usize, const V: usize> Row<'_, L, R, V> {
    #[inline(always)]
    fn run(self, values: &mut [f32]) {
        let vectors = self.stride / L::N;
        let mut done = 0;
        // Two tiles of two, not one of three and one of one.
        let stop = if V == 3 && vectors % 3 == 1 && vectors > 3 { vectors - 4 } else { vectors };
        while done + V <= stop {
            self.tile::<V>(done * L::N, values);
            done += V;
        }
        while done + 2 <= vectors {
            self.tile::<2>(done * L::N, values);
            done += 2;
        }
        if done < vectors {
            self.tile::<1>(done * L::N, values);
        }
    }

    #[inline(always)]
    fn tile<const T: usize>(self, at: usize, values: &mut [f32]) {
        let Self { lanes, x, taps, block, start, stride } = self;
        let x = &x[at..];
        let mut sums = start.map(|start| [lanes.splat(start); T]);
        for (&tap, weights) in taps.iter().zip(block.as_chunks::<R>().0) {
            let x = &x[tap..][..T * L::N];
            let mut vectors = [lanes.splat(0.0); T];
            for v in 0..T {
                vectors[v] = lanes.load(&x[v * L::N..]);
            }
            for row in 0..R {
                let weight = lanes.splat(weights[row]);
                for v in 0..T {
                    sums[row][v] = lanes.fma_even(vectors[v], weight, sums[row][v]);
                }
            }
        }
        for row in 0..R {
            for v in 0..T {
                lanes.store(sums[row][v], &mut values[row * stride + at + v * L::N..]);
            }
        }
    }
}
