//! Codes without gaps.

use fewbit_formats::Format;
use ndarray::ArrayD;

use super::any::each;
use super::granularity::array;
use super::{AnyQuantTensor, Code, Element, Granularity, QuantTensor, TensorError};
use crate::convert::{ConvertError, PackOrder, pack, packed_len, unpack};

impl<E: Element> QuantTensor<E> {
    /// The codes, row-major, packed without gaps: code `i` of `b` bits is the bits from `i * b` on, counted from the low
    /// end of the first byte under [`PackOrder::LowFirst`] and from the high end under [`PackOrder::HighFirst`]; unused
    /// bits of the last byte are 0.
    ///
    /// ```
    /// use fewbit::convert::PackOrder;
    /// use fewbit::formats::Int4;
    /// use fewbit::tensor::{Granularity, QuantTensor};
    /// use ndarray::{arr0, array};
    /// let codes = array![1u8, 2, 3].into_dyn();
    /// let t = QuantTensor::<Int4>::new(codes, arr0(1f32).into_dyn(), None, Granularity::Tensor)?;
    /// assert_eq!(t.packed(PackOrder::LowFirst), [0x21, 0x03]);
    /// # Ok::<(), fewbit::tensor::TensorError>(())
    /// ```
    pub fn packed(&self, order: PackOrder) -> Vec<u8> {
        packed(self.codes().iter().map(|code| code.to_u32()), self.bit_width(), order)
    }
}

impl AnyQuantTensor {
    /// See [`QuantTensor::packed`].
    pub fn packed(&self, order: PackOrder) -> Vec<u8> {
        each!(self, tensor => tensor.packed(order))
    }

    /// The tensor of codes that [`Self::packed`] has packed.
    ///
    /// # Errors
    /// Another number of bytes than the codes take; the errors of [`QuantTensor::new`].
    ///
    /// ```
    /// use fewbit::convert::PackOrder;
    /// use fewbit::tensor::{AnyQuantTensor, Granularity};
    /// use fewbit_formats::Format;
    /// use ndarray::{arr0, array};
    /// let (scale, bytes) = (arr0(0.5).into_dyn(), [0x21, 0x0f]);
    /// let t = AnyQuantTensor::from_packed(
    ///     Format::INT4, &[3], PackOrder::LowFirst, &bytes, scale, None, Granularity::Tensor,
    /// )?;
    /// assert_eq!(t.dequantize(), array![0.5f32, 1.0, -0.5].into_dyn());
    /// # Ok::<(), fewbit::tensor::TensorError>(())
    /// ```
    pub fn from_packed(
        format: Format,
        shape: &[usize],
        order: PackOrder,
        bytes: &[u8],
        scale: ArrayD<f32>,
        zero_point: Option<ArrayD<f32>>,
        granularity: Granularity,
    ) -> Result<Self, TensorError> {
        let elements = shape.iter().product();
        let codes = array(shape, unpacked(format.bits(), elements, order, bytes)?)?;
        Self::new(format, &codes.view(), scale, zero_point, granularity)
    }
}

/// Codes of up to 32 bits without gaps.
pub(super) fn packed(
    codes: impl ExactSizeIterator<Item = u32>,
    bits: u32,
    order: PackOrder,
) -> Vec<u8> {
    let mut bytes = vec![0; packed_len(codes.len(), bits)];
    if bits <= 8 {
        let codes: Vec<u8> = codes.map(|code| code as u8).collect();
        // Width and length are right.
        let done = pack(&codes, bits, order, &mut bytes);
        debug_assert!(done.is_ok());
        return bytes;
    }
    for (i, code) in codes.enumerate() {
        for bit in 0..bits as usize {
            let place = i * bits as usize + bit;
            let (from, to) = match order {
                PackOrder::LowFirst => (bit, place % 8),
                PackOrder::HighFirst => (bits as usize - 1 - bit, 7 - place % 8),
            };
            bytes[place / 8] |= ((code >> from & 1) as u8) << to;
        }
    }
    bytes
}

/// The codes of any width that [`QuantTensor::packed`] has packed.
///
/// # Errors
/// Another number of bytes than they take.
pub fn unpacked(
    bits: u32,
    elements: usize,
    order: PackOrder,
    bytes: &[u8],
) -> Result<Vec<u32>, TensorError> {
    let expected = packed_len(elements, bits);
    if bytes.len() != expected {
        let found = bytes.len();
        let error = ConvertError::PackedLength { codes: elements, bits, order, found, expected };
        return Err(error.into());
    }
    if bits <= 8 {
        let mut codes = vec![0u8; elements];
        unpack(bytes, bits, order, &mut codes)?;
        return Ok(codes.into_iter().map(u32::from).collect());
    }
    let code = |i: usize| {
        (0..bits as usize).fold(0, |code, bit| {
            let place = i * bits as usize + bit;
            let (to, from) = match order {
                PackOrder::LowFirst => (bit, place % 8),
                PackOrder::HighFirst => (bits as usize - 1 - bit, 7 - place % 8),
            };
            code | u32::from(bytes[place / 8] >> from & 1) << to
        })
    };
    Ok((0..elements).map(code).collect())
}
