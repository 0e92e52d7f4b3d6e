//! Statistics of the windows of a convolution without their rows: two weights of a kernel meet positions at the distance of the
//! weights, and many pairs of weights are as far from each other.
//!
//! ```text
//! H[(c, u, v), (c', u', v')] = sum over positions y, x that meet (u, v) of  X[c, y, x] X[c', y + u' - u, x + v' - v]
//! ```
//! So the sums of a distance `(u' - u, v' - v)` serve all pairs of weights that have it: 13 matrices of channels by channels for a
//! kernel of 3 by 3, not the 45 blocks of its Gram matrix. Where the pairs of one distance differ in the positions that they meet (at
//! the edges of an image), these are divided into pieces that each pair meets whole or not at all, and an entry is the sum of its
//! pieces: nothing is subtracted, so that an input that is always zero has a diagonal of zero.

use std::ops::Range;

use ndarray::{Array1, Array2, ArrayView2};

use super::correlation::{Correlation, Layout, Neighbours};
use super::{BLOCK, Gram, Moments, Statistics};
use crate::Conv2d;
use crate::algorithms::AlgorithmError;
use crate::algorithms::error::check_finite;
use crate::simd::{Detected, Vectorized, vectorize};

/// Channels for which it is the better way: of fewer rows are faster, of more the sums of all distances are large.
const CHANNELS: std::ops::RangeInclusive<usize> = 8..=128;

/// Collects [`Statistics`] of the rows that [`unfold`](super::unfold) makes of images, without making them.
///
/// Positions are taken in f32 with fused multiply-add, up to 256 one after the other, row by row of the image; these runs are added
/// in f64. So the statistics depend on the sequence of images alone.
///
/// ```
/// use fewbit::Conv2d;
/// use fewbit::algorithms::WindowCollector;
/// let conv = Conv2d { padding: [(0, 0), (1, 1)], ..Conv2d::default() };
/// // Eight channels of one row of two columns, kernels of one row and three columns.
/// let mut collector = WindowCollector::new(8, [1, 2], [1, 3], &conv)?.expect("windows that overlap");
/// collector.push(&[2.0, 3.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])?;
/// let statistics = collector.finish();
/// // The rows of the first channel are [0, 2, 3] and [2, 3, 0].
/// assert_eq!(statistics.grams[0].h[[0, 0]], 4.0);
/// assert_eq!(statistics.grams[0].h[[0, 1]], 6.0);
/// assert_eq!(statistics.grams[0].h[[1, 1]], 13.0);
/// # Ok::<(), fewbit::algorithms::AlgorithmError>(())
/// ```
#[derive(Debug)]
pub struct WindowCollector {
    axes: [WindowAxis; 2],
    layout: Layout,
    pairs: Option<Pairs>,
    /// Images that have been pushed, and those that wait.
    images: u64,
    waiting: usize,
    quantized: Channels,
    float: Channels,
    h: Vec<Distance>,
    g: Vec<Distance>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Pairs {
    Same,
    Different,
}

/// The windows along one axis.
#[derive(Clone, Copy, Debug)]
struct WindowAxis {
    size: usize,
    outputs: usize,
    kernel: usize,
    before: usize,
}

impl WindowAxis {
    /// The positions that weight `u` meets and that have another one at a distance.
    fn met(&self, u: usize, distance: isize) -> Range<usize> {
        let [size, outputs, u, before] =
            [self.size, self.outputs, u, self.before].map(|x| x as isize);
        let start = (u - before).max(-distance).max(0);
        let end = (u - before + outputs).min(size - distance).min(size).max(start);
        start as usize..end as usize
    }

    /// The distances of two weights.
    fn distances(&self) -> Range<isize> {
        1 - self.kernel as isize..self.kernel as isize
    }

    /// The weights that have another one at a distance.
    fn weights(&self, distance: isize) -> impl Iterator<Item = usize> + use<> {
        let kernel = self.kernel;
        (0..kernel)
            .filter(move |u| u.checked_add_signed(distance).is_some_and(|other| other < kernel))
    }

    /// Pieces that each of these weights meets whole or not at all.
    fn pieces(&self, distance: isize) -> Vec<Range<usize>> {
        let all: Vec<_> = self.weights(distance).map(|u| self.met(u, distance)).collect();
        let mut ends: Vec<usize> = all.iter().flat_map(|range| [range.start, range.end]).collect();
        ends.sort_unstable();
        ends.dedup();
        let pieces = ends.windows(2).map(|ends| ends[0]..ends[1]);
        pieces.filter(|piece| all.iter().any(|range| lies_in(piece, range))).collect()
    }
}

fn lies_in(piece: &Range<usize>, range: &Range<usize>) -> bool {
    range.start <= piece.start && piece.end <= range.end
}

/// The sums of one distance.
#[derive(Debug)]
struct Distance {
    /// Rows and columns.
    by: [isize; 2],
    pieces: [Vec<Range<usize>>; 2],
    /// The columns that are gone through: zeros around the image may be among them, so that they are those of other distances.
    columns: Vec<Range<usize>>,
    /// Per piece of the rows and of the columns, `[channels, channels]` of the layout's width.
    sums: Vec<f64>,
}

/// Images of channels, and their moments.
#[derive(Debug)]
struct Channels {
    values: Vec<f32>,
    /// Per piece of the rows and of the columns, [`MOMENTS`] times the layout's width.
    moments: Vec<f64>,
}

/// Sum, sum of magnitudes, greatest magnitude.
const MOMENTS: usize = 3;

impl WindowCollector {
    /// A collector for images of so many channels of `[rows, columns]`, and windows of `[rows, columns]` of `conv`; `None` where rows
    /// are the better way: windows that do not overlap in steps of one, groups, fewer than 8 channels or more than 128, padding that
    /// is not zero.
    ///
    /// # Errors
    /// A geometry that does not fit the images.
    pub fn new(
        channels: usize,
        size: [usize; 2],
        kernel: [usize; 2],
        conv: &Conv2d<f32>,
    ) -> Result<Option<Self>, AlgorithmError> {
        let [height, width] = size;
        let (groups, depth) = (conv.groups, channels.checked_div(conv.groups).unwrap_or(0));
        let [u, v] = kernel;
        let outputs = conv.output((1, channels, height, width), (groups, depth, u, v))?;
        let is_plain = conv.stride == [1, 1] && conv.dilation == [1, 1] && conv.groups == 1;
        let overlaps = is_plain && kernel != [1, 1] && conv.padding_code == 0.0;
        if !overlaps || !CHANNELS.contains(&channels) || height * width == 0 {
            return Ok(None);
        }
        let axis = |axis: usize| WindowAxis {
            size: size[axis],
            outputs: outputs[axis],
            kernel: kernel[axis],
            before: conv.padding[axis].0,
        };
        let images = (BLOCK / (height * width)).clamp(1, 64);
        let layout = Layout { channels, size, reach: kernel[1] - 1, images };
        let axes = [axis(0), axis(1)];
        let h = distances(&axes, &layout, Pairs::Same);
        let quantized = Channels::new(&axes, &layout);
        let float = Channels { values: Vec::new(), moments: Vec::new() };
        let (g, pairs) = (Vec::new(), None);
        let (images, waiting) = (0, 0);
        Ok(Some(Self { axes, layout, pairs, images, waiting, quantized, float, h, g }))
    }

    /// Adds an image `[channels, rows, columns]` that is both X and X̃.
    ///
    /// # Errors
    /// Another number of elements, one that is not finite, or a collector that was given pairs before.
    pub fn push(&mut self, image: &[f32]) -> Result<(), AlgorithmError> {
        self.begin(Pairs::Same)?;
        self.check("the image, a row per channel,", image)?;
        self.quantized.write(&self.layout, self.waiting, image);
        self.added();
        Ok(())
    }

    /// Adds an image of X̃ and the same one of X.
    ///
    /// # Errors
    /// As [`Self::push`].
    pub fn push_pair(&mut self, quantized: &[f32], float: &[f32]) -> Result<(), AlgorithmError> {
        self.begin(Pairs::Different)?;
        self.check("the quantized image, a row per channel,", quantized)?;
        self.check("the float image, a row per channel,", float)?;
        self.quantized.write(&self.layout, self.waiting, quantized);
        self.float.write(&self.layout, self.waiting, float);
        self.added();
        Ok(())
    }

    /// The statistics of all images so far.
    #[must_use]
    pub fn finish(mut self) -> Statistics {
        self.flush();
        let pairs = self.pairs == Some(Pairs::Different);
        let [rows, columns] = self.axes;
        let samples = self.images * (rows.outputs * columns.outputs) as u64;
        let gram = Gram { h: self.matrix(&self.h), g: pairs.then(|| self.matrix(&self.g)) };
        let quantized = self.moments(&self.quantized);
        let float = if pairs { self.moments(&self.float) } else { quantized.clone() };
        Statistics { samples, grams: vec![gram], quantized, float }
    }

    fn begin(&mut self, pairs: Pairs) -> Result<(), AlgorithmError> {
        match self.pairs {
            Some(before) if before != pairs => {
                Err(AlgorithmError::NeedsPairs("a collector that mixes single images and pairs"))
            }
            Some(_) => Ok(()),
            None => {
                if pairs == Pairs::Different {
                    self.float = Channels::new(&self.axes, &self.layout);
                    self.g = distances(&self.axes, &self.layout, pairs);
                }
                self.pairs = Some(pairs);
                Ok(())
            }
        }
    }

    fn check(&self, what: &'static str, image: &[f32]) -> Result<(), AlgorithmError> {
        let (channels, [rows, columns]) = (self.layout.channels, self.layout.size);
        let area = rows * columns;
        AlgorithmError::check_shape(what, (1, image.len()), (1, channels * area))?;
        let view = ArrayView2::from_shape((channels, area), image);
        let view = view.unwrap_or_else(|_| unreachable!("as many elements"));
        check_finite(what, view, 0)
    }

    fn added(&mut self) {
        self.images += 1;
        self.waiting += 1;
        if self.waiting == self.layout.images {
            self.flush();
        }
    }

    /// Adds the products of the images that wait.
    fn flush(&mut self) {
        let (layout, images) = (self.layout, self.waiting);
        self.waiting = 0;
        if images == 0 {
            return;
        }
        let (quantized, float) = (&self.quantized.values, &self.float.values);
        for (distances, right) in [(&mut self.h, quantized), (&mut self.g, float)] {
            let mut rest = &mut distances[..];
            while let Some(first) = rest.first() {
                // Those of the same rows and columns side by side.
                let same = |other: &&Distance| {
                    other.by[0] == first.by[0] && other.columns == first.columns
                };
                let count = rest.iter().take_while(same).count();
                let (some, others) = std::mem::take(&mut rest).split_at_mut(count);
                correlate(layout, images, quantized, right, some);
                rest = others;
            }
        }
        let pieces = self.axes.each_ref().map(|axis| axis.pieces(0));
        self.quantized.measure(&layout, images, &pieces);
        if self.pairs == Some(Pairs::Different) {
            self.float.measure(&layout, images, &pieces);
        }
    }

    /// The Gram matrix that sums of distances make up.
    fn matrix(&self, distances: &[Distance]) -> Array2<f64> {
        let (channels, width) = (self.layout.channels, self.layout.width());
        let [rows, columns] = self.axes;
        let taps = rows.kernel * columns.kernel;
        let mut matrix = Array2::zeros((channels * taps, channels * taps));
        let is_half = distances.iter().all(|distance| distance.by >= [0, 0]);
        let mut block = vec![0f64; width * width];
        for distance in distances {
            let [by_rows, by_columns] = distance.by;
            for u in rows.weights(by_rows) {
                let met_rows = rows.met(u, by_rows);
                for v in columns.weights(by_columns) {
                    let met_columns = columns.met(v, by_columns);
                    block.fill(0.0);
                    let mut sums = distance.sums.chunks_exact(width * width);
                    for piece_rows in &distance.pieces[0] {
                        for piece_columns in &distance.pieces[1] {
                            let Some(sums) = sums.next() else { continue };
                            if lies_in(piece_rows, &met_rows)
                                && lies_in(piece_columns, &met_columns)
                            {
                                block.iter_mut().zip(sums).for_each(|(all, sum)| *all += sum);
                            }
                        }
                    }
                    let tap = |u: usize, v: usize| u * columns.kernel + v;
                    let (left, right) = (
                        tap(u, v),
                        tap(u.wrapping_add_signed(by_rows), v.wrapping_add_signed(by_columns)),
                    );
                    for (c, sums) in block.chunks_exact(width).take(channels).enumerate() {
                        for (other, &sum) in sums.iter().take(channels).enumerate() {
                            let at = [c * taps + left, other * taps + right];
                            matrix[at] = sum;
                            if is_half {
                                matrix[[at[1], at[0]]] = sum;
                            }
                        }
                    }
                }
            }
        }
        matrix
    }

    fn moments(&self, of: &Channels) -> Moments {
        let (channels, width) = (self.layout.channels, self.layout.width());
        let [rows, columns] = self.axes;
        let taps = rows.kernel * columns.kernel;
        let mut all = [(); MOMENTS].map(|()| Array1::<f64>::zeros(channels * taps));
        for u in 0..rows.kernel {
            for v in 0..columns.kernel {
                let (met_rows, met_columns) = (rows.met(u, 0), columns.met(v, 0));
                let mut moments = of.moments.chunks_exact(MOMENTS * width);
                for piece_rows in &rows.pieces(0) {
                    for piece_columns in &columns.pieces(0) {
                        let Some(moments) = moments.next() else { continue };
                        if !lies_in(piece_rows, &met_rows) || !lies_in(piece_columns, &met_columns)
                        {
                            continue;
                        }
                        for c in 0..channels {
                            let at = c * taps + u * columns.kernel + v;
                            all[0][at] += moments[c];
                            all[1][at] += moments[width + c];
                            all[2][at] = all[2][at].max(moments[2 * width + c]);
                        }
                    }
                }
            }
        }
        let [sum, abs_sum, abs_max] = all;
        Moments { sum, abs_sum, abs_max }
    }
}

/// The distances of two weights, those that can go side by side next to each other; of the same images only half of them, for the
/// matrix is symmetric.
fn distances(axes: &[WindowAxis; 2], layout: &Layout, pairs: Pairs) -> Vec<Distance> {
    let [rows, columns] = axes;
    let mut all = Vec::new();
    for down in rows.distances() {
        for across in columns.distances() {
            let by = [down, across];
            if pairs == Pairs::Same && by < [0, 0] {
                continue;
            }
            let pieces = [rows.pieces(down), columns.pieces(across)];
            // Behind the ends of a row are zeros.
            let start = across.min(0).unsigned_abs();
            let inside = start..columns.size.saturating_sub(across.max(0) as usize).max(start);
            let gone = match &pieces[1][..] {
                [piece] if *piece == inside => std::iter::once(0..columns.size).collect(),
                pieces => pieces.to_vec(),
            };
            let count = pieces[0].len() * pieces[1].len();
            let sums = vec![0.0; count * layout.width() * layout.width()];
            all.push(Distance { by, pieces, columns: gone, sums });
        }
    }
    all.sort_by_key(|distance| (distance.by[0], distance.columns.len()));
    all
}

/// Adds the products of neighbours at distances of the same rows and columns.
fn correlate(
    layout: Layout,
    images: usize,
    left: &[f32],
    right: &[f32],
    distances: &mut [Distance],
) {
    let Some(first) = distances.first() else { return };
    let (rows, columns) = (first.pieces[0].clone(), first.columns.clone());
    let size = layout.width() * layout.width();
    let mut index = 0;
    for rows in &rows {
        for columns in &columns {
            let neighbours = distances.iter_mut().map(|distance| Neighbours {
                distance: distance.by[0] * layout.pitch() as isize + distance.by[1],
                sums: &mut distance.sums[index * size..][..size],
            });
            let neighbours = neighbours.collect();
            let (rows, columns) = (rows.clone(), columns.clone());
            Detected::best().run_without_vnni(Correlation {
                layout,
                left,
                right,
                images,
                rows,
                columns,
                neighbours,
            });
            index += 1;
        }
    }
}

impl Channels {
    fn new(axes: &[WindowAxis; 2], layout: &Layout) -> Self {
        let pieces: usize = axes.iter().map(|axis| axis.pieces(0).len()).product();
        let values = vec![0.0; layout.len()];
        Self { values, moments: vec![0.0; pieces * MOMENTS * layout.width()] }
    }

    /// Writes an image into its place.
    fn write(&mut self, layout: &Layout, place: usize, image: &[f32]) {
        let ([rows, columns], width) = (layout.size, layout.width());
        for (channel, image) in image.chunks_exact((rows * columns).max(1)).enumerate() {
            for (row, from) in image.chunks_exact(columns).enumerate() {
                let to = &mut self.values[layout.at(place, row, 0) + channel..];
                to.iter_mut().step_by(width).zip(from).for_each(|(to, &from)| *to = from);
            }
        }
    }

    /// Adds the images to the moments of pieces.
    fn measure(&mut self, layout: &Layout, images: usize, pieces: &[Vec<Range<usize>>; 2]) {
        let width = layout.width();
        let mut moments = self.moments.chunks_exact_mut(MOMENTS * width);
        for rows in &pieces[0] {
            for columns in &pieces[1] {
                let Some(moments) = moments.next() else { return };
                for image in 0..images {
                    for row in rows.clone() {
                        let start = layout.at(image, row, columns.start);
                        let values = &self.values[start..][..columns.len() * width];
                        vectorize(Measure { values, moments });
                    }
                }
            }
        }
    }
}

/// Adds positions to the moments of their channels.
struct Measure<'a> {
    values: &'a [f32],
    moments: &'a mut [f64],
}

impl Vectorized for Measure<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let width = self.moments.len() / MOMENTS;
        let (sums, rest) = self.moments.split_at_mut(width);
        let (abs_sums, abs_maxima) = rest.split_at_mut(width);
        for values in self.values.chunks_exact(width) {
            let all = sums.iter_mut().zip(abs_sums.iter_mut()).zip(abs_maxima.iter_mut());
            for (((sum, abs_sum), abs_max), &x) in all.zip(values) {
                let x = f64::from(x);
                *sum += x;
                *abs_sum += x.abs();
                *abs_max = if x.abs() > *abs_max { x.abs() } else { *abs_max };
            }
        }
    }
}
