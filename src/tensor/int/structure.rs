//! Parts of integer tensors, and tensors of parts: nothing here changes a value.

use std::ops::Range;

use super::{Granularity, IntError, IntTensor};
use crate::tensor::TensorError;
use crate::tensor::parts::Parts;

impl IntTensor {
    /// See [`QuantTensor::permuted_axes`](crate::tensor::QuantTensor::permuted_axes).
    ///
    /// # Errors
    /// As there.
    pub fn permuted_axes(&self, order: &[usize]) -> Result<Self, IntError> {
        self.with_parts(self.parts().permuted(order)?)
    }

    /// The tensor with its axes in reverse order.
    ///
    /// # Errors
    /// None in practice: the reverse order names each axis once.
    pub fn transposed(&self) -> Result<Self, IntError> {
        let order: Vec<usize> = (0..self.shape().len()).rev().collect();
        self.permuted_axes(&order)
    }

    /// See [`QuantTensor::slice_axis`](crate::tensor::QuantTensor::slice_axis).
    ///
    /// # Errors
    /// As there.
    pub fn slice_axis(&self, axis: isize, range: Range<usize>) -> Result<Self, IntError> {
        self.with_parts(self.parts().sliced(axis, range)?)
    }

    /// See [`QuantTensor::reshaped`](crate::tensor::QuantTensor::reshaped).
    ///
    /// # Errors
    /// As there.
    pub fn reshaped(&self, shape: &[usize]) -> Result<Self, IntError> {
        self.with_parts(self.parts().reshaped(shape)?)
    }

    /// See [`QuantTensor::with_granularity`](crate::tensor::QuantTensor::with_granularity).
    ///
    /// # Errors
    /// As there.
    pub fn with_granularity(&self, granularity: Granularity) -> Result<Self, IntError> {
        self.with_parts(self.parts().refined(granularity)?)
    }

    /// See [`QuantTensor::concatenate`](crate::tensor::QuantTensor::concatenate); the types must be the same too.
    ///
    /// # Errors
    /// As there, and another type than that of the first.
    pub fn concatenate(axis: isize, tensors: &[&Self]) -> Result<Self, IntError> {
        let first = tensors.first().ok_or(TensorError::ConcatenateNothing)?;
        for (tensor, other) in tensors.iter().enumerate() {
            if other.data_type != first.data_type {
                let name = super::error::type_name;
                let reason = format!(
                    "it holds {}, the first {}",
                    name(other.data_type),
                    name(first.data_type)
                );
                return Err(TensorError::Concatenate { axis, tensor, reason }.into());
            }
        }
        let parts: Vec<Parts<'_, i64, f64>> = tensors.iter().map(|tensor| tensor.parts()).collect();
        let mut joined = first.with_parts(Parts::concatenated(axis, &parts)?)?;
        for tensor in tensors {
            joined.extent.low = joined.extent.low.min(tensor.extent.low);
            joined.extent.high = joined.extent.high.max(tensor.extent.high);
        }
        Ok(joined)
    }
}
