//! Tensors as raw bytes.

use std::ops::Range;

use crate::ops::data_type;
use crate::tensor::{ElementType, Tensor};

use super::super::OnnxError;
use super::super::proto::{StringStringEntryProto, TensorProto};

/// ONNX's number of an element type.
pub(super) fn number(name: &str, element: ElementType) -> Result<i32, OnnxError> {
    let wrong = |problem| OnnxError::Tensor { name: name.to_owned(), problem };
    let number = data_type::number(element).map_err(|error| wrong(error.to_string()))?;
    i32::try_from(number).map_err(|error| wrong(error.to_string()))
}

/// A tensor of a name.
pub(super) fn tensor(name: &str, tensor: &Tensor) -> Result<TensorProto, OnnxError> {
    Ok(TensorProto { raw_data: Some(raw_bytes(tensor).into()), ..described(name, tensor)? })
}

/// A tensor whose elements are in a file beside the model's.
pub(super) fn external(
    name: &str,
    tensor: &Tensor,
    location: &str,
    place: &Range<u64>,
) -> Result<TensorProto, OnnxError> {
    let entry = |(key, value): (&str, String)| StringStringEntryProto {
        key: Some(key.to_owned()),
        value: Some(value),
    };
    let length = place.end.saturating_sub(place.start);
    let entries = [
        ("location", location.to_owned()),
        ("offset", place.start.to_string()),
        ("length", length.to_string()),
    ];
    let external_data = entries.into_iter().map(entry).collect();
    Ok(TensorProto { external_data, data_location: Some(1), ..described(name, tensor)? })
}

/// A tensor without its elements.
fn described(name: &str, tensor: &Tensor) -> Result<TensorProto, OnnxError> {
    Ok(TensorProto {
        dims: tensor.shape().iter().map(|&size| size as i64).collect(),
        data_type: Some(number(name, tensor.element_type())?),
        name: Some(name.to_owned()),
        ..TensorProto::default()
    })
}

/// The elements as files have them: little-endian, row-major, codes of less than 8 bits packed with the first in the low bits.
#[must_use]
pub(crate) fn raw_bytes(tensor: &Tensor) -> Vec<u8> {
    macro_rules! bytes {
        ($array:expr) => {
            $array.iter().flat_map(|x| x.to_le_bytes()).collect()
        };
    }
    match tensor {
        Tensor::F32(a) => bytes!(a),
        Tensor::I64(a) => bytes!(a),
        Tensor::I32(a) => bytes!(a),
        Tensor::I16(a) => bytes!(a),
        Tensor::I8(a) => bytes!(a),
        Tensor::U64(a) => bytes!(a),
        Tensor::U32(a) => bytes!(a),
        Tensor::U16(a) => bytes!(a),
        Tensor::U8(a) => bytes!(a),
        Tensor::Bool(a) => a.iter().map(|&x| u8::from(x)).collect(),
        Tensor::Code(format, a) => {
            let codes: Vec<u8> = a.iter().copied().collect();
            let width = data_type::number(tensor.element_type()).map_or(8, data_type::width);
            pack(&codes, width.min(format.bits() as usize).max(1))
        }
    }
}

/// Codes of some bits one behind the other, the first in the low bits.
fn pack(codes: &[u8], bits: usize) -> Vec<u8> {
    let mut bytes = vec![0u8; (codes.len() * bits).div_ceil(8)];
    for (i, &code) in codes.iter().enumerate() {
        let (at, shift) = (i * bits / 8, i * bits % 8);
        let wide = (u16::from(code) & ((1 << bits) - 1)) << shift;
        bytes[at] |= wide as u8;
        if let (Some(next), true) = (bytes.get_mut(at + 1), wide > 0xff) {
            *next |= (wide >> 8) as u8;
        }
    }
    bytes
}
