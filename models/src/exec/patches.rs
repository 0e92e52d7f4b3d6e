//! The inputs that every output position of a convolution meets, as rows of a matrix.

use fewbit::Conv2d;
use ndarray::{Array2, ArrayViewD};
use rayon::prelude::*;

use crate::graph::{Graph, Product};
use crate::ops::window::Slide;
use crate::ops::{Conv, Op, OpError};

/// The geometry of a convolution over an input of a given shape, of one to three spatial axes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patches {
    slides: Vec<Slide>,
}

impl Patches {
    /// The geometry of a product that is a convolution, for inputs of this shape; `None` for any other product.
    ///
    /// # Errors
    /// What does not fit.
    pub fn of(graph: &Graph, product: &Product, input: &[usize]) -> Option<Result<Self, OpError>> {
        let Op::Conv(conv) = &graph.node(product.node).op else { return None };
        let weights = graph.data(product.weight)?.shape();
        Some(Self::of_conv(conv, weights, input))
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
        Ok(Self { slides })
    }

    /// Extents of the output's spatial axes.
    #[must_use]
    pub fn output(&self) -> Vec<usize> {
        self.slides.iter().map(|slide| slide.output).collect()
    }

    /// Positions of the output of one image.
    #[must_use]
    pub fn positions(&self) -> usize {
        self.slides.iter().map(|slide| slide.output).product()
    }

    /// The same geometry as that of a two-dimensional convolution; one of a single axis has rows of one. `None` for three
    /// axes.
    #[must_use]
    pub fn conv2d<T>(&self, groups: usize, padding_code: T) -> Option<Conv2d<T>> {
        let [rows, columns] = match self.slides[..] {
            [columns] => [ONE, columns],
            [rows, columns] => [rows, columns],
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

    /// `[N * positions, C * kernel]` of images `[N, C, ...]`: columns ascend as (channel, kernel position), positions in
    /// row-major order; what lies in the padding is `padding`.
    #[must_use]
    pub fn rows<T: Copy + Send + Sync>(&self, images: &ArrayViewD<'_, T>, padding: T) -> Array2<T> {
        let shape = images.shape();
        let (count, channels) = (shape[0], shape[1]);
        let images = images.as_standard_layout();
        let images = images.as_slice().unwrap_or_default();
        // One and two axes are three with extents of 1.
        let mut axes = [ONE; 3];
        axes[3 - self.slides.len().min(3)..].copy_from_slice(&self.slides);
        let [z, y, x] = axes;
        let (area, taps) = (z.input * y.input * x.input, z.kernel * y.kernel * x.kernel);
        let positions = self.positions();
        let columns = channels * taps;
        let mut rows = Array2::from_elem((count * positions, columns), padding);
        let all = rows.as_slice_mut().unwrap_or_default();
        all.par_chunks_mut((positions * columns).max(1)).enumerate().for_each(|(image, rows)| {
            let image = &images[image * channels * area..][..channels * area];
            for (position, out) in rows.chunks_exact_mut(columns.max(1)).enumerate() {
                let at = [
                    position / (y.output * x.output),
                    position / x.output % y.output,
                    position % x.output,
                ];
                for tap in 0..taps {
                    let of =
                        [tap / (y.kernel * x.kernel), tap / x.kernel % y.kernel, tap % x.kernel];
                    let places = [0, 1, 2].map(|axis| axes[axis].place(at[axis], of[axis]));
                    let [Some(z), Some(v), Some(u)] = places else { continue };
                    let from = (z * y.input + v) * x.input + u;
                    for channel in 0..channels {
                        out[channel * taps + tap] = image[channel * area + from];
                    }
                }
            }
        });
        rows
    }
}

/// An axis of one position.
const ONE: Slide =
    Slide { input: 1, kernel: 1, stride: 1, dilation: 1, before: 0, after: 0, output: 1 };
