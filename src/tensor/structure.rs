//! Parts of quantized tensors, and tensors of parts: nothing here changes a value.

use std::ops::Range;

use super::any::each;
use super::groups::Layers;
use super::parts::Parts;
use super::sharing::Sharing;
use super::{AnyQuantTensor, Code, Element, Granularity, QuantTensor, TensorError};

/// The tensor whose parts have changed: with scales that are codes, those of the elements and those of the outer scales.
macro_rules! changed {
    ($tensor:expr, $parts:ident => $change:expr) => {
        match $tensor.layers() {
            None => {
                let $parts = $tensor.parts();
                $tensor.with_parts($change)
            }
            Some(Layers { elements, outer }) => {
                let outer = match outer {
                    None => None,
                    Some($parts) => Some($change),
                };
                let $parts = elements;
                $tensor.with_layers($change, outer)
            }
        }
    };
}

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
        changed!(self, parts => parts.permuted(order)?)
    }

    /// The tensor with its axes in reverse order: for a matrix, the transposed one.
    ///
    /// # Errors
    /// None in practice: the reverse order names each axis once.
    pub fn transposed(&self) -> Result<Self, TensorError> {
        let order: Vec<usize> = (0..self.shape().len()).rev().collect();
        self.permuted_axes(&order)
    }

    /// The elements with these indices on an axis. On the axis of groups the range begins with a group, and with the span
    /// of an outer scale where there is one, or lies within one; where it ends, the last group is cut short.
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
        changed!(self, parts => parts.sliced(axis, range.clone())?)
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
        let Some(Layers { elements, outer }) = self.layers() else {
            return self.with_parts(self.parts().reshaped(shape)?);
        };
        let (from, found) = (self.shape(), self.codes().len());
        if found != shape.iter().product::<usize>() {
            return Err(TensorError::Elements { shape: shape.to_vec(), found });
        }
        let along = |granularity, axis| match granularity {
            Granularity::Group { size, .. } => Granularity::Group { axis, size },
            other => other,
        };
        let outermost = outer.as_ref().map_or(elements.granularity, |outer| outer.granularity);
        let kept = |axis| {
            [elements.granularity, outermost].iter().all(|&granularity| {
                let before = Sharing::of(from, granularity);
                before.is_ok() && Sharing::of(shape, along(granularity, axis)) == before
            })
        };
        let axis = (0..shape.len() as isize).find(|&axis| kept(axis));
        let axis = axis.ok_or_else(|| TensorError::Reshape {
            from: from.to_vec(),
            to: shape.to_vec(),
            granularity: outermost.to_string(),
        })?;
        let outer = outer.map(|outer| outer.reshaped_to(shape, along(outer.granularity, axis)));
        let elements = elements.reshaped_to(shape, along(elements.granularity, axis))?;
        self.with_layers(elements, outer.transpose()?)
    }

    /// The same values with a finer granularity, scales and zero points repeated as numbers.
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
        let name = |tensor: &Self| tensor.scale_codes().map(|scales| scales.format);
        if let Some(tensor) = tensors.iter().position(|tensor| name(tensor) != name(first)) {
            let text = |tensor| name(tensor).map_or("none of groups".into(), |f| f.to_string());
            let (theirs, ours) = (text(tensors[tensor]), text(first));
            let reason = format!("its format is {theirs}, that of the first {ours}");
            return Err(TensorError::Concatenate { axis, tensor, reason });
        }
        let layers: Option<Vec<Layers<'_, E::Code>>> =
            tensors.iter().map(|tensor| tensor.layers()).collect();
        let Some(layers) = layers else {
            let parts: Vec<_> = tensors.iter().map(|tensor| tensor.parts()).collect();
            return first.with_parts(Parts::concatenated(axis, &parts)?);
        };
        let (elements, outer): (Vec<_>, Vec<_>) =
            layers.into_iter().map(|layers| (layers.elements, layers.outer)).unzip();
        let outer: Option<Vec<_>> = outer.into_iter().collect();
        let outer = outer.map(|outer| Parts::concatenated(axis, &outer)).transpose()?;
        first.with_layers(Parts::concatenated(axis, &elements)?, outer)
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
        Ok(self.with_codes(codes))
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
