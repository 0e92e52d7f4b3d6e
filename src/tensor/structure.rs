//! Parts of quantized tensors, and tensors of parts: nothing here changes a value.

use std::ops::Range;

use super::any::each;
use super::parts::Parts;
use super::{AnyQuantTensor, Code, Element, Granularity, QuantTensor, TensorError};

impl<E: Element> QuantTensor<E> {
    /// The tensor whose axis `i` is axis `order[i]` of this one; scales go with their elements. One scale per row becomes
    /// one per group where the rows' axis is no longer the last.
    ///
    /// # Errors
    /// An order that does not name each axis once.
    ///
    /// ```
    /// use fewbit::formats::Int8;
    /// use fewbit::tensor::{Granularity, QuantTensor};
    /// use ndarray::array;
    /// let codes = array![[1u8, 2, 3], [4, 5, 6]].into_dyn();
    /// let scale = array![[0.5f32], [2.0]].into_dyn();
    /// let t = QuantTensor::<Int8>::new(codes, scale, None, Granularity::Channel { axis: 0 })?;
    /// let turned = t.permuted_axes(&[1, 0])?;
    /// assert_eq!(turned.granularity(), Granularity::Channel { axis: 1 });
    /// assert_eq!(turned.dequantize(), array![[0.5, 8.0], [1.0, 10.0], [1.5, 12.0]].into_dyn());
    /// # Ok::<(), fewbit::tensor::TensorError>(())
    /// ```
    pub fn permuted_axes(&self, order: &[usize]) -> Result<Self, TensorError> {
        self.with_parts(self.parts().permuted(order)?)
    }

    /// The tensor with its axes in reverse order: for a matrix, the transposed one.
    ///
    /// # Errors
    /// None in practice: the reverse order names each axis once.
    pub fn transposed(&self) -> Result<Self, TensorError> {
        let order: Vec<usize> = (0..self.shape().len()).rev().collect();
        self.permuted_axes(&order)
    }

    /// The elements with these indices on an axis. On the axis of groups the range begins with a group, or lies within
    /// one; where it ends, the last group is cut short.
    ///
    /// # Errors
    /// An axis that does not exist; a range beyond it, or whose first group would be cut.
    ///
    /// ```
    /// use fewbit::formats::Int8;
    /// use fewbit::tensor::{Granularity, QuantTensor};
    /// use ndarray::array;
    /// let (codes, scale) = (array![1u8, 2, 3, 4, 5].into_dyn(), array![1f32, 10.0, 100.0].into_dyn());
    /// let t = QuantTensor::<Int8>::new(codes, scale, None, Granularity::Group { axis: 0, size: 2 })?;
    /// assert_eq!(t.slice_axis(0, 2..5)?.dequantize(), array![30f32, 40.0, 500.0].into_dyn());
    /// assert!(t.slice_axis(0, 1..4).is_err());
    /// // With scales of their own every element can be the first.
    /// let fine = t.with_granularity(Granularity::Group { axis: 0, size: 1 })?;
    /// assert_eq!(fine.slice_axis(0, 1..4)?.dequantize(), array![2f32, 30.0, 40.0].into_dyn());
    /// # Ok::<(), fewbit::tensor::TensorError>(())
    /// ```
    pub fn slice_axis(&self, axis: isize, range: Range<usize>) -> Result<Self, TensorError> {
        self.with_parts(self.parts().sliced(axis, range)?)
    }

    /// The same elements, in row-major order, in another shape.
    ///
    /// # Errors
    /// Another number of elements; a shape in which no granularity keeps every element at its scale. Then
    /// [`Self::with_granularity`] first gives scales to smaller groups.
    ///
    /// ```
    /// use fewbit::formats::Int8;
    /// use fewbit::tensor::{Granularity, QuantTensor};
    /// use ndarray::{Array, array};
    /// let codes = Array::from_iter(0..12u8).into_shape_with_order((2, 6)).unwrap().into_dyn();
    /// let scale = array![[1f32], [10.0]].into_dyn();
    /// let t = QuantTensor::<Int8>::new(codes, scale, None, Granularity::Row)?;
    /// assert_eq!(t.reshaped(&[2, 3, 2])?.granularity(), Granularity::Channel { axis: 0 });
    /// assert!(t.reshaped(&[3, 4]).is_err()); // the middle row would have two scales
    /// # Ok::<(), fewbit::tensor::TensorError>(())
    /// ```
    pub fn reshaped(&self, shape: &[usize]) -> Result<Self, TensorError> {
        self.with_parts(self.parts().reshaped(shape)?)
    }

    /// The same values with a finer granularity, scales and zero points repeated.
    ///
    /// # Errors
    /// A granularity in which elements of different scales would share one.
    pub fn with_granularity(&self, granularity: Granularity) -> Result<Self, TensorError> {
        self.with_parts(self.parts().refined(granularity)?)
    }

    /// Tensors one behind the other along an axis. Scales along that axis are joined; one that is shared across it must
    /// be the same in all of them.
    ///
    /// # Errors
    /// No tensor; other formats, granularities, shapes or scales than those of the first; a tensor that ends within a
    /// group and is not the last.
    ///
    /// ```
    /// use fewbit::formats::Int8;
    /// use fewbit::tensor::{Granularity, QuantTensor};
    /// use ndarray::array;
    /// let of = |scale: f32| {
    ///     let (codes, scale) = (array![[1u8, 2]].into_dyn(), array![[scale]].into_dyn());
    ///     QuantTensor::<Int8>::new(codes, scale, None, Granularity::Channel { axis: 0 })
    /// };
    /// let t = QuantTensor::concatenate(0, &[&of(0.5)?, &of(2.0)?])?;
    /// assert_eq!(t.dequantize(), array![[0.5, 1.0], [2.0, 4.0]].into_dyn());
    /// assert!(QuantTensor::concatenate(1, &[&of(0.5)?, &of(2.0)?]).is_err()); // one row, two scales
    /// # Ok::<(), fewbit::tensor::TensorError>(())
    /// ```
    pub fn concatenate(axis: isize, tensors: &[&Self]) -> Result<Self, TensorError> {
        let first = tensors.first().ok_or(TensorError::ConcatenateNothing)?;
        let expected = first.format();
        if let Some(other) = tensors.iter().find(|tensor| tensor.format() != expected) {
            return Err(TensorError::Format { found: other.format(), expected });
        }
        let parts: Vec<Parts<'_, E::Code, f32>> =
            tensors.iter().map(|tensor| tensor.parts()).collect();
        first.with_parts(Parts::concatenated(axis, &parts)?)
    }

    /// The tensor of the negated values: each code becomes that of the negative value.
    ///
    /// # Errors
    /// A zero point; a code whose value has no negative in the format, as the least one of two's complement.
    ///
    /// ```
    /// use fewbit::formats::E4M3FN;
    /// use fewbit::tensor::{Granularity, QuantTensor};
    /// use ndarray::{arr0, array};
    /// let codes = array![0x38u8, 0xb0].into_dyn(); // 1, -0.5
    /// let t = QuantTensor::<E4M3FN>::new(codes, arr0(2f32).into_dyn(), None, Granularity::Tensor)?;
    /// assert_eq!(t.negated()?.dequantize(), array![-2f32, 1.0].into_dyn());
    /// # Ok::<(), fewbit::tensor::TensorError>(())
    /// ```
    pub fn negated(&self) -> Result<Self, TensorError> {
        if self.zero_point().is_some() {
            return Err(TensorError::NegateZeroPoint);
        }
        let format = self.format();
        let mask = (format.code_count() - 1) as u32;
        let sign = 1 << (format.bits() - 1);
        let negative = |code: u32| {
            let value = format.decode(code);
            if value.is_nan() {
                return Some(code);
            }
            // A sign bit, two's complement, a bit that is the sign alone; zero may have no counterpart.
            let candidates = [code ^ sign, code.wrapping_neg() & mask, code];
            candidates.into_iter().find(|&candidate| format.decode(candidate) == -value)
        };
        let mut codes = self.codes().clone();
        for (flat, code) in codes.iter_mut().enumerate() {
            let Some(negated) = negative(code.to_u32()) else {
                let index = super::unravel(flat, self.shape());
                let value = format.decode(code.to_u32());
                return Err(TensorError::Negate { value, index, format });
            };
            *code = E::Code::from_u32(negated);
        }
        Self::from_valid_codes(self.choice(), codes, self.scale().clone(), None, self.granularity())
    }
}

impl AnyQuantTensor {
    /// See [`QuantTensor::permuted_axes`].
    ///
    /// # Errors
    /// As there.
    pub fn permuted_axes(&self, order: &[usize]) -> Result<Self, TensorError> {
        Ok(each!(self, tensor => tensor.permuted_axes(order)?.into()))
    }

    /// See [`QuantTensor::transposed`].
    ///
    /// # Errors
    /// As there.
    pub fn transposed(&self) -> Result<Self, TensorError> {
        Ok(each!(self, tensor => tensor.transposed()?.into()))
    }

    /// See [`QuantTensor::slice_axis`].
    ///
    /// # Errors
    /// As there.
    pub fn slice_axis(&self, axis: isize, range: Range<usize>) -> Result<Self, TensorError> {
        Ok(each!(self, tensor => tensor.slice_axis(axis, range)?.into()))
    }

    /// See [`QuantTensor::reshaped`].
    ///
    /// # Errors
    /// As there.
    pub fn reshaped(&self, shape: &[usize]) -> Result<Self, TensorError> {
        Ok(each!(self, tensor => tensor.reshaped(shape)?.into()))
    }

    /// See [`QuantTensor::with_granularity`].
    ///
    /// # Errors
    /// As there.
    pub fn with_granularity(&self, granularity: Granularity) -> Result<Self, TensorError> {
        Ok(each!(self, tensor => tensor.with_granularity(granularity)?.into()))
    }

    /// See [`QuantTensor::concatenate`].
    ///
    /// # Errors
    /// As there.
    pub fn concatenate(axis: isize, tensors: &[&Self]) -> Result<Self, TensorError> {
        let first = tensors.first().ok_or(TensorError::ConcatenateNothing)?;
        let expected = first.format();
        macro_rules! joined {
            ($variant:ident) => {{
                let parts = tensors.iter().map(|tensor| match tensor {
                    Self::$variant(tensor) => Ok(tensor),
                    other => Err(TensorError::Format { found: other.format(), expected }),
                });
                let parts = parts.collect::<Result<Vec<_>, _>>()?;
                Self::$variant(QuantTensor::concatenate(axis, &parts)?)
            }};
        }
        Ok(match first {
            Self::U8(_) => joined!(U8),
            Self::U16(_) => joined!(U16),
            Self::U32(_) => joined!(U32),
        })
    }

    /// See [`QuantTensor::negated`].
    ///
    /// # Errors
    /// As there.
    pub fn negated(&self) -> Result<Self, TensorError> {
        Ok(each!(self, tensor => tensor.negated()?.into()))
    }
}
