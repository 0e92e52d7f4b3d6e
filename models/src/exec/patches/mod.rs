//! The inputs that every output position of a convolution meets, as rows of a matrix.

mod transposed;

use fewbit::Conv2d;
use ndarray::{Array2, ArrayViewD};
use rayon::prelude::*;

use crate::graph::{Graph, Product};
use crate::ops::window::Slide;
use crate::ops::{Conv, ConvTranspose, Op, OpError};

/// The geometry of a convolution, or of a transposed one, over an input of a given shape, of one to three spatial axes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patches {
    slides: Vec<Slide>,
    way: Way,
}

/// Which end of a window an output is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Way {
    /// Each output is the sum of a window of the input.
    Windows,
    /// Each input is added to a window of the output: for each output and each tap, the last one first, the input that it meets, or
    /// [`transposed::NOWHERE`].
    Transposed(Vec<usize>),
}

impl Patches {
    /// The geometry of a product that is a convolution, for inputs of this shape; `None` for any other product.
    ///
    /// # Errors
    /// What does not fit.
    pub fn of(graph: &Graph, product: &Product, input: &[usize]) -> Option<Result<Self, OpError>> {
        let weights = graph.data(product.weight)?.shape();
        match &graph.node(product.node).op {
            Op::Conv(op) => Some(Self::of_conv(op, weights, input)),
            Op::ConvTranspose(op) => Some(Self::of_conv_transpose(op, weights, input)),
            _ => None,
        }
    }

    /// The geometry of a convolution with weights `[O, C / groups, kernel...]` over an input `[N, C, ...]`.
    ///
    /// # Errors
    /// What does not fit.
    pub fn of_conv(conv: &Conv, weights: &[usize], input: &[usize]) -> Result<Self, OpError> {
        let slides = conv.windows(input, weights)?;
        if slides.len() > 3 {
            let axes = slides.len();
            return Err(OpError::Unsupported(format!("a convolution of {axes} axes: at most 3")));
        }
        Ok(Self { slides, way: Way::Windows })
    }

    /// The geometry of a transposed convolution with weights `[C, O / groups, kernel...]` over an input `[N, C, ...]`: that of a
    /// convolution over the input with zeros between its elements, whose kernel is turned round.
    ///
    /// # Errors
    /// What does not fit.
    pub fn of_conv_transpose(
        op: &ConvTranspose,
        weights: &[usize],
        input: &[usize],
    ) -> Result<Self, OpError> {
        if input.len() < 3 || input.len() != weights.len() || input[1] != weights[0] {
            let problem = format!("X of shape {input:?} with W of shape {weights:?}");
            return Err(OpError::Shape(problem));
        }
        let slides = op.windows(&input[2..], &weights[2..])?;
        let way = Way::Transposed(transposed::places(&slides)?);
        Ok(Self { slides, way })
    }

    /// Extents of the output's spatial axes.
    #[must_use]
    pub fn output(&self) -> Vec<usize> {
        let extent = |slide: &Slide| match self.way {
            Way::Windows => slide.output,
            Way::Transposed(_) => slide.input,
        };
        self.slides.iter().map(extent).collect()
    }

    /// Positions of the input of one image.
    fn area(&self) -> usize {
        let extent = |slide: &Slide| match self.way {
            Way::Windows => slide.input,
            Way::Transposed(_) => slide.output,
        };
        self.slides.iter().map(extent).product()
    }

    /// Extents of the kernel.
    #[must_use]
    pub fn kernel(&self) -> Vec<usize> {
        self.slides.iter().map(|slide| slide.kernel).collect()
    }

    /// Positions of the output of one image.
    #[must_use]
    pub fn positions(&self) -> usize {
        self.output().iter().product()
    }

    /// The same geometry as that of a two-dimensional convolution; one of a single axis has rows of one. `None` for three
    /// axes, and where it is transposed.
    #[must_use]
    pub fn conv2d<T>(&self, groups: usize, padding_code: T) -> Option<Conv2d<T>> {
        let [rows, columns] = match (&self.way, &self.slides[..]) {
            (Way::Windows, &[columns]) => [ONE, columns],
            (Way::Windows, &[rows, columns]) => [rows, columns],
            _ => return None,
        };
        Some(Conv2d {
            stride: [rows.stride, columns.stride],
            padding: [(rows.before, rows.after), (columns.before, columns.after)],
            dilation: [rows.dilation, columns.dilation],
            groups,
            padding_code,
        })
    }

    /// `[N * positions, C * kernel]` of images `[N, C, ...]`: columns ascend as (channel, kernel position), from the last tap to the
    /// first where it is transposed, positions in row-major order; what lies in the padding, or between elements, is `padding`.
    #[must_use]
    pub fn rows<T: Copy + Send + Sync>(&self, images: &ArrayViewD<'_, T>, padding: T) -> Array2<T> {
        let shape = images.shape();
        let (count, channels) = (shape[0], shape[1]);
        let images = images.as_standard_layout();
        let images = images.as_slice().unwrap_or_default();
        let area = self.area();
        let columns = self.columns(channels);
        let mut rows = Array2::from_elem((count * self.positions(), columns), padding);
        let all = rows.as_slice_mut().unwrap_or_default();
        let chunk = (self.positions() * columns).max(1);
        let chunks = all.par_chunks_mut(chunk).enumerate();
        chunks.for_each_init(Vec::new, |padded, (image, rows)| {
            let image = &images[image * channels * area..][..channels * area];
            self.image_rows(image, channels, padding, padded, rows);
        });
        rows
    }

    /// Elements of a row.
    #[must_use]
    pub fn columns(&self, channels: usize) -> usize {
        channels * self.slides.iter().map(|slide| slide.kernel).product::<usize>()
    }

    /// The rows of one image, `[positions, C * kernel]`; `padded` is memory for the image with its padding.
    pub fn image_rows<T: Copy + Send + Sync>(
        &self,
        image: &[T],
        channels: usize,
        padding: T,
        padded: &mut Vec<T>,
        rows: &mut [T],
    ) {
        if let Way::Transposed(places) = &self.way {
            let taps = self.columns(1);
            return transposed::rows((places, taps), image, channels, padding, rows);
        }
        // One and two axes are three with extents of 1.
        let mut axes = [ONE; 3];
        axes[3 - self.slides.len().min(3)..].copy_from_slice(&self.slides);
        // As far as windows reach.
        let reach = axes.map(|a| (a.output - 1) * a.stride + (a.kernel - 1) * a.dilation + 1);
        let [z, y, x] = axes;
        padded.clear();
        padded.resize(channels * reach.iter().product::<usize>(), padding);
        let lines = padded.chunks_exact_mut(reach[2]).enumerate();
        for (line, to) in lines {
            let (channel, at) = (line / (reach[0] * reach[1]), line % (reach[0] * reach[1]));
            let inside =
                |axis: Slide, at: usize| at.checked_sub(axis.before).filter(|&at| at < axis.input);
            let (Some(depth), Some(row)) = (inside(z, at / reach[1]), inside(y, at % reach[1]))
            else {
                continue;
            };
            let from = ((channel * z.input + depth) * y.input + row) * x.input;
            let count = x.input.min(reach[2].saturating_sub(x.before));
            if count > 0 {
                to[x.before..x.before + count].copy_from_slice(&image[from..from + count]);
            }
        }
        // Where the first position meets each line of the kernel.
        let mut lines = Vec::with_capacity(channels * z.kernel * y.kernel);
        for channel in 0..channels {
            for v in 0..z.kernel {
                for u in 0..y.kernel {
                    let depth = channel * reach[0] + v * z.dilation;
                    lines.push((depth * reach[1] + u * y.dilation) * reach[2]);
                }
            }
        }
        let mut rows = rows.chunks_exact_mut((lines.len() * x.kernel).max(1));
        for depth in 0..z.output {
            for row in 0..y.output {
                let start = (depth * z.stride * reach[1] + row * y.stride) * reach[2];
                for (column, out) in (0..x.output).zip(&mut rows) {
                    let from = &padded[start + column * x.stride..];
                    match (x.dilation, x.kernel) {
                        (1, 1) => pieces::<T, 1>(from, &lines, out),
                        (1, 3) => pieces::<T, 3>(from, &lines, out),
                        (1, 5) => pieces::<T, 5>(from, &lines, out),
                        _ => {
                            for (&line, out) in lines.iter().zip(out.chunks_exact_mut(x.kernel)) {
                                let from = from[line..].iter().step_by(x.dilation);
                                out.iter_mut().zip(from).for_each(|(out, &from)| *out = from);
                            }
                        }
                    }
                }
            }
        }
    }
}

/// `K` neighbours of each line.
fn pieces<T: Copy, const K: usize>(from: &[T], lines: &[usize], to: &mut [T]) {
    for (&line, to) in lines.iter().zip(to.as_chunks_mut::<K>().0) {
        if let Some(from) = from[line..].first_chunk::<K>() {
            *to = *from;
        }
    }
}

/// An axis of one position.
const ONE: Slide =
    Slide { input: 1, kernel: 1, stride: 1, dilation: 1, before: 0, after: 0, output: 1 };

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::ArrayD;

    #[test]
    fn rows_have_what_each_window_meets() {
        let axis = |input, kernel, stride, dilation, before, after| {
            let output = (input + before + after - (kernel - 1) * dilation - 1) / stride + 1;
            Slide { input, kernel, stride, dilation, before, after, output }
        };
        for slides in [
            vec![axis(9, 5, 2, 1, 2, 2)],
            vec![axis(6, 3, 1, 1, 1, 1), axis(7, 3, 2, 1, 1, 0)],
            vec![axis(6, 1, 2, 1, 0, 0), axis(7, 1, 2, 1, 0, 0)],
            vec![axis(8, 2, 1, 3, 4, 0), axis(7, 4, 3, 2, 0, 5)],
            vec![axis(3, 2, 1, 1, 1, 0), axis(4, 3, 1, 1, 1, 1), axis(5, 2, 2, 1, 0, 1)],
        ] {
            let mut shape = vec![2, 3];
            shape.extend(slides.iter().map(|slide| slide.input));
            let count: usize = shape.iter().product();
            let images = ArrayD::from_shape_vec(shape, (1..=count as i32).collect());
            let images = images.expect("as many elements");
            let patches = Patches { slides: slides.clone(), way: Way::Windows };
            let rows = patches.rows(&images.view(), -1);
            let (outputs, kernels): (Vec<_>, Vec<_>) =
                slides.iter().map(|slide| (slide.output, slide.kernel)).unzip();
            let positions: usize = outputs.iter().product();
            let taps: usize = kernels.iter().product();
            assert_eq!(rows.dim(), (2 * patches.positions(), patches.columns(3)));
            for ((row, column), &found) in rows.indexed_iter() {
                let mut at = vec![row / positions, column / taps];
                let (mut position, mut tap) = (row % positions, column % taps);
                let places: Vec<Option<usize>> = (slides.iter().rev())
                    .map(|slide| {
                        let place = slide.place(position % slide.output, tap % slide.kernel);
                        (position, tap) = (position / slide.output, tap / slide.kernel);
                        place
                    })
                    .collect();
                let inside: Option<Vec<usize>> = places.into_iter().rev().collect();
                at.extend(inside.iter().flatten());
                let expected = inside.map_or(-1, |_| images[&at[..]]);
                assert_eq!(found, expected, "{slides:?} row {row} column {column}");
            }
        }
    }
}
