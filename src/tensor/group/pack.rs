//! Codes without gaps.

use super::GroupTensor;
use crate::convert::{PackOrder, unpack};
use crate::tensor::TensorError;

impl GroupTensor {
    /// The codes of the elements, row-major, packed without gaps:
    /// [`AnyQuantTensor::packed`](crate::tensor::AnyQuantTensor::packed). Two codes of four bits in a byte under
    /// [`PackOrder::LowFirst`] have the first one low.
    ///
    /// # Errors
    /// None in practice.
    pub fn packed(&self, order: PackOrder) -> Result<Vec<u8>, TensorError> {
        Ok(self.tensor.packed(order))
    }

    /// The codes that [`Self::packed`] has packed, of a tensor of `elements` elements of at most 8 bits.
    ///
    /// # Errors
    /// Elements of more than 8 bits; another number of bytes than they take.
    pub fn unpacked(
        bits: u32,
        elements: usize,
        order: PackOrder,
        bytes: &[u8],
    ) -> Result<Vec<u8>, TensorError> {
        let mut codes = vec![0; elements];
        unpack(bytes, bits, order, &mut codes)?;
        Ok(codes)
    }

    /// As [`Self::unpacked`], for elements of any width.
    ///
    /// # Errors
    /// Another number of bytes than they take.
    pub fn unpacked_wide(
        bits: u32,
        elements: usize,
        order: PackOrder,
        bytes: &[u8],
    ) -> Result<Vec<u32>, TensorError> {
        crate::tensor::packed::unpacked(bits, elements, order, bytes)
    }
}
