//! Codes without gaps.

use super::GroupTensor;
use crate::convert::{ConvertError, PackOrder, pack, packed_len, unpack};
use crate::tensor::{AnyQuantTensor, TensorError};

impl GroupTensor {
    /// The codes of the elements, row-major, packed without gaps: [`pack`] of all of them. Two codes of four bits in a
    /// byte under [`PackOrder::LowFirst`] have the first one low.
    ///
    /// # Errors
    /// Elements of more than 8 bits.
    pub fn packed(&self, order: PackOrder) -> Result<Vec<u8>, TensorError> {
        let bits = self.format.element().bits();
        let AnyQuantTensor::U8(tensor) = &self.tensor else {
            return Err(ConvertError::PackWidth { bits }.into());
        };
        let codes = tensor.codes().as_standard_layout();
        let codes = codes.as_slice().unwrap_or_default();
        let mut bytes = vec![0; packed_len(codes.len(), bits)];
        pack(codes, bits, order, &mut bytes)?;
        Ok(bytes)
    }

    /// The codes that [`Self::packed`] has packed, of a tensor of `elements` elements.
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
}
