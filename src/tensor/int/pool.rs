//! Pooling over the last two axes.

use ndarray::{ArrayD, Dimension, IxDyn};

use super::growth::{Extent, brevitas};
use super::{BitGrowth, IntError, IntTensor, Outcome};
use crate::tensor::granularity::Arrangement;

/// A window that moves over the last two axes of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Rows and columns of the window.
    pub kernel: [usize; 2],
    /// Rows and columns from one window to the next.
    pub stride: [usize; 2],
    /// Rows and columns added at each side: zeros in an average, nothing in a maximum.
    pub padding: [usize; 2],
}

impl Window {
    /// Windows of this size side by side.
    pub fn square(size: usize) -> Self {
        Self { kernel: [size; 2], stride: [size; 2], padding: [0; 2] }
    }

    fn elements(self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    /// How many windows there are along each axis: `floor((n + 2 padding - kernel) / stride) + 1`.
    fn places(self, extent: &[usize]) -> Result<[usize; 2], IntError> {
        let Self { kernel, stride, padding } = self;
        let error = |reason| {
            Err(IntError::Window { kernel, stride, padding, extent: extent.to_vec(), reason })
        };
        let [rows, columns] = extent else {
            return error("expected at least two axes");
        };
        if kernel.contains(&0) || stride.contains(&0) {
            return error("kernel and stride must be at least 1");
        }
        if (0..2).any(|axis| padding[axis] > kernel[axis] / 2) {
            return error("the padding must be at most half of the kernel");
        }
        let mut places = [0; 2];
        for (axis, n) in [*rows, *columns].into_iter().enumerate() {
            let Some(free) = (n + 2 * padding[axis]).checked_sub(kernel[axis]) else {
                return error("the kernel is larger than what it moves over");
            };
            places[axis] = free / stride[axis] + 1;
        }
        Ok(places)
    }
}

/// One number from the elements of a window.
type Fold<'a> = dyn Fn(&mut dyn Iterator<Item = Option<i128>>, &[usize]) -> i128 + 'a;

impl IntTensor {
    /// The averages over windows of the last two axes, padding included: the integers are sums, the scale is divided by
    /// the number of elements `k` of a window, and a zero point is multiplied by it.
    ///
    /// The scale is rounded once; the integers are exact. (Brevitas leaves a zero point as it is, and subtracts it from
    /// each element of the window.)
    ///
    /// # Errors
    /// A window that does not fit; scales that differ within one; a result beyond the stated type; padding around a
    /// fractional zero point.
    ///
    /// ```
    /// use fewbit::formats::Uint8;
    /// use fewbit::tensor::{BitGrowth, Granularity, QuantTensor, Window};
    /// use ndarray::{arr0, array};
    /// let codes = array![[1u8, 2], [3, 5]].into_dyn();
    /// let t = QuantTensor::<Uint8>::new(codes, arr0(1f32).into_dyn(), None, Granularity::Tensor)?;
    /// let average = t.to_int()?.avg_pool2d(Window::square(2), BitGrowth::Brevitas)?;
    /// assert_eq!((average.ints()[[0, 0]], average.scale()[[]]), (11, 0.25));
    /// assert_eq!(average.data_type().bits, 10); // ceil(log2(255 * 4))
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn avg_pool2d(&self, window: Window, growth: BitGrowth) -> Result<Self, IntError> {
        let operation = "an average pooling";
        let padded = window.padding != [0; 2];
        if padded {
            self.whole_zero_points(operation)?;
        }
        // What lies outside has the value zero, which is the zero point.
        let zero = self.zero_point.as_ref().map(|zero_point| self.expand(zero_point));
        let outside = |index: &[usize]| zero.as_ref().map_or(0, |zero| zero[IxDyn(index)] as i128);
        let fold = |values: &mut dyn Iterator<Item = Option<i128>>, index: &[usize]| {
            values.map(|value| value.unwrap_or_else(|| outside(index))).sum()
        };
        let count = window.elements();
        let mut extent = self.extent;
        if padded {
            let zeros = self.whole_zero_points(operation)?;
            for zero in zeros.iter().copied().chain([0].into_iter().filter(|_| zeros.is_empty())) {
                extent = Extent::new(extent.low.min(zero), extent.high.max(zero));
            }
        }
        let k = count as f64;
        let mut outcome = self.pooled(window, operation, &fold)?;
        outcome.brevitas = brevitas::average(self.data_type, count);
        outcome.extent = extent.times(count);
        outcome.scale.mapv_inplace(|scale| scale / k);
        outcome.zero_point = outcome.zero_point.map(|zero_point| zero_point * k);
        outcome.state(growth)
    }

    /// The greatest element of each window of the last two axes; what the padding adds is never it. Type, scale and zero
    /// point stay, as in Brevitas, whatever the rule, but for [`BitGrowth::Values`].
    ///
    /// # Errors
    /// A window that does not fit; scales that differ within one, or are not positive.
    pub fn max_pool2d(&self, window: Window, growth: BitGrowth) -> Result<Self, IntError> {
        let operation = "a maximum pooling";
        self.check_positive_scales(operation)?;
        let fold = |values: &mut dyn Iterator<Item = Option<i128>>, _: &[usize]| {
            // Padding is at most half of the kernel, so that each window has an element.
            values.flatten().max().unwrap_or(0)
        };
        let outcome = self.pooled(window, operation, &fold)?;
        match growth {
            BitGrowth::Values => outcome.state(growth),
            BitGrowth::Brevitas | BitGrowth::Range => outcome.state(BitGrowth::Brevitas),
        }
    }

    /// One number per window; `fold` gets its elements, `None` for those that the padding adds, and the index of the
    /// first element of the window's plane.
    fn pooled(
        &self,
        window: Window,
        operation: &'static str,
        fold: &Fold<'_>,
    ) -> Result<Outcome, IntError> {
        let shape = self.shape();
        let planes = shape.len().saturating_sub(2);
        let (leading, plane) = shape.split_at(planes);
        let [rows, columns] = window.places(plane)?;
        let mut new = leading.to_vec();
        new.extend([rows, columns]);
        self.check_planes(planes, &new, operation)?;
        let pooled = ArrayD::from_shape_fn(IxDyn(&new), |index| {
            let index = index.slice();
            let (leading, place) = index.split_at(planes);
            let mut first = leading.to_vec();
            first.extend([0, 0]);
            let source = |axis: usize, offset: usize| {
                let from_padded = place[axis] * window.stride[axis] + offset;
                from_padded.checked_sub(window.padding[axis]).filter(|&i| i < plane[axis])
            };
            let offsets =
                (0..window.kernel[0]).flat_map(|i| (0..window.kernel[1]).map(move |j| (i, j)));
            let mut elements = offsets.map(|(i, j)| {
                let (row, column) = (source(0, i)?, source(1, j)?);
                let mut index = leading.to_vec();
                index.extend([row, column]);
                self.ints.get(IxDyn(&index)).map(|&int| i128::from(int))
            });
            fold(&mut elements, &first)
        });
        Ok(Outcome {
            operation,
            values: pooled.iter().copied().collect(),
            shape: new,
            brevitas: self.data_type,
            extent: Some(self.extent),
            scale: self.scale.clone(),
            zero_point: self.zero_point.clone(),
            granularity: self.granularity,
        })
    }

    /// Whether each plane of the last two axes has one scale, before and after.
    fn check_planes(
        &self,
        planes: usize,
        new: &[usize],
        operation: &'static str,
    ) -> Result<(), IntError> {
        let error = |axis| {
            let granularity = self.granularity.to_string();
            Err(IntError::Contracted { operation, axis, granularity })
        };
        let varies = |axis: usize| self.scale.shape().get(axis).is_some_and(|&n| n > 1);
        match (planes..self.shape().len()).find(|&axis| varies(axis)) {
            Some(axis) => error(axis),
            None if Arrangement::new(new, self.granularity)?.scale_shape()
                != self.scale.shape() =>
            {
                error(planes)
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_counted_as_pooling_layers_do() {
        let window = Window { kernel: [3, 2], stride: [2, 1], padding: [1, 0] };
        assert_eq!(window.places(&[5, 4]), Ok([3, 3]));
        assert!(Window::square(0).places(&[5, 4]).is_err());
        assert!(Window::square(5).places(&[5, 4]).is_err());
        assert!(Window::square(2).places(&[5]).is_err());
    }
}
