//! Tensors as raw bytes.

use crate::ops::data_type;
use crate::tensor::{ElementType, Tensor};

use super::super::OnnxError;
use super::super::proto::TensorProto;

/// ONNX's number of an element type.
pub(super) fn number(name: &str, element: ElementType) -> Result<i32, OnnxError> {
    let wrong = |problem| OnnxError::Tensor { name: name.to_owned(), problem };
    let number = data_type::number(element).map_err(|error| wrong(error.to_string()))?;
    i32::try_from(number).map_err(|error| wrong(error.to_string()))
}

/// A tensor of a name.
pub(super) fn tensor(name: &str, tensor: &Tensor) -> Result<TensorProto, OnnxError> {
    macro_rules! bytes {
        ($array:expr) => {
            $array.iter().flat_map(|x| x.to_le_bytes()).collect()
        };
    }
    let data_type = number(name, tensor.element_type())?;
    let raw: Vec<u8> = match tensor {
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
            pack(&codes, data_type::width(data_type.into()).min(format.bits() as usize).max(1))
        }
    };
    Ok(TensorProto {
        dims: tensor.shape().iter().map(|&size| size as i64).collect(),
        data_type: Some(data_type),
        name: Some(name.to_owned()),
        raw_data: Some(raw.into()),
        ..TensorProto::default()
    })
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
