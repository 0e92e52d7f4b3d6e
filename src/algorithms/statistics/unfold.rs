//! Convolutions: images in, a row per output position.

use ndarray::{Array2, ArrayView3, ArrayView4, Axis};

use super::Collector;
use crate::Conv2d;
use crate::algorithms::AlgorithmError;

/// The inputs that every output position of a convolution meets: `[N * positions, C * U * V]` of images `[N, C, H, W]` and a
/// kernel of `U` rows and `V` columns.
///
/// Positions come row by row, image after image; columns ascend as (channel, row, column) of the kernel. So the columns of a
/// group of channels lie side by side, and weights `[O, C / groups, U, V]` reshaped to `[O, C / groups * U * V]` are the
/// matrix that a [`Problem`](crate::algorithms::Problem) takes.
///
/// # Errors
/// A geometry that does not fit the images.
///
/// ```
/// use fewbit::{Conv2d, algorithms::unfold};
/// use ndarray::{Array4, array};
/// let image = Array4::from_shape_vec((1, 1, 2, 3), vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0])?;
/// let rows = unfold(image.view(), [2, 2], &Conv2d::default())?;
/// assert_eq!(rows, array![[1.0, 2.0, 4.0, 5.0], [2.0, 3.0, 5.0, 6.0]]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn unfold(
    images: ArrayView4<'_, f32>,
    kernel: [usize; 2],
    conv: &Conv2d<f32>,
) -> Result<Array2<f32>, AlgorithmError> {
    let positions = positions(images, kernel, conv)?;
    let (count, channels, ..) = images.dim();
    let area = positions[0] * positions[1];
    let mut rows = Array2::zeros((count * area, channels * kernel[0] * kernel[1]));
    for (image, mut rows) in
        images.outer_iter().zip(rows.axis_chunks_iter_mut(Axis(0), area.max(1)))
    {
        rows.assign(&one(image, kernel, conv, positions));
    }
    Ok(rows)
}

fn positions(
    images: ArrayView4<'_, f32>,
    [u, v]: [usize; 2],
    conv: &Conv2d<f32>,
) -> Result<[usize; 2], AlgorithmError> {
    let groups = conv.groups;
    let depth = images.dim().1.checked_div(groups).unwrap_or(0);
    Ok(conv.output(images.dim(), (groups, depth, u, v))?)
}

fn one(
    image: ArrayView3<'_, f32>,
    [u, v]: [usize; 2],
    conv: &Conv2d<f32>,
    [height, width]: [usize; 2],
) -> Array2<f32> {
    let (channels, rows, cols) = image.dim();
    Array2::from_shape_fn((height * width, channels * u * v), |(position, column)| {
        let (i, j) = (position / width, position % width);
        let (channel, du, dv) = (column / (u * v), column / v % u, column % v);
        let row = conv.source(0, i, du).filter(|&row| row < rows);
        let col = conv.source(1, j, dv).filter(|&col| col < cols);
        match (row, col) {
            (Some(row), Some(col)) => image[[channel, row, col]],
            _ => conv.padding_code,
        }
    })
}

impl Collector {
    /// As [`Self::push`], of the rows that [`unfold`] makes of images `[N, C, H, W]`, an image at a time.
    ///
    /// # Errors
    /// As [`Self::push`]; a geometry that does not fit, or with other groups than the collector has.
    pub fn push_images(
        &mut self,
        images: ArrayView4<'_, f32>,
        kernel: [usize; 2],
        conv: &Conv2d<f32>,
    ) -> Result<(), AlgorithmError> {
        let positions = self.check_images("the batch of images", images, kernel, conv)?;
        for image in images.outer_iter() {
            self.push(one(image, kernel, conv, positions).view())?;
        }
        Ok(())
    }

    /// As [`Self::push_pairs`], of images, the two batches of the same shape.
    ///
    /// # Errors
    /// As [`Self::push_images`]; also where the two batches differ in shape.
    pub fn push_image_pairs(
        &mut self,
        quantized: ArrayView4<'_, f32>,
        float: ArrayView4<'_, f32>,
        kernel: [usize; 2],
        conv: &Conv2d<f32>,
    ) -> Result<(), AlgorithmError> {
        let flat = |images: ArrayView4<'_, f32>| {
            let (n, c, h, w) = images.dim();
            (n * c, h * w)
        };
        AlgorithmError::check_shape("the batch of float images", flat(float), flat(quantized))?;
        self.check_images("the batch of float images", float, kernel, conv)?;
        let positions =
            self.check_images("the batch of quantized images", quantized, kernel, conv)?;
        for (quantized, float) in quantized.outer_iter().zip(float.outer_iter()) {
            let rows = |image| one(image, kernel, conv, positions);
            self.push_pairs(rows(quantized).view(), rows(float).view())?;
        }
        Ok(())
    }

    /// Everything that could be refused, before anything is added; the positions of an output.
    fn check_images(
        &self,
        what: &'static str,
        images: ArrayView4<'_, f32>,
        kernel: [usize; 2],
        conv: &Conv2d<f32>,
    ) -> Result<[usize; 2], AlgorithmError> {
        let positions = positions(images, kernel, conv)?;
        let columns = images.dim().1 * kernel[0] * kernel[1];
        AlgorithmError::check_shape(
            "the table of groups and unfolded inputs",
            (conv.groups, columns),
            (self.group_count(), self.width()),
        )?;
        for (index, image) in images.outer_iter().enumerate() {
            if let Some((col, &value)) = image.iter().enumerate().find(|(_, x)| !x.is_finite()) {
                let row = index as u64;
                return Err(AlgorithmError::NotFinite { what, row, col, value: value.into() });
            }
        }
        Ok(positions)
    }
}
