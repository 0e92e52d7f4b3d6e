//! Tensors of a file: raw, typed, or in a file of their own.

use std::path::Path;

use ndarray::ArrayD;
use ndarray::IxDyn;

use crate::ops::data_type::{element_type, width};
use crate::ops::set_elements;
use crate::tensor::{ElementType, Tensor};

use super::super::OnnxError;
use super::super::proto::TensorProto;
use super::external;

/// The tensor that a message describes.
pub(super) fn tensor(proto: &TensorProto, folder: Option<&Path>) -> Result<Tensor, OnnxError> {
    let name = proto.name.as_deref().unwrap_or("without a name");
    let wrong = |problem: String| OnnxError::Tensor { name: name.to_owned(), problem };
    if proto.segment.is_some() {
        return Err(wrong("it comes in segments".into()));
    }
    let number = proto.data_type.unwrap_or_default();
    let element = element_type(number.into()).map_err(|error| wrong(error.to_string()))?;
    let shape: Option<Vec<usize>> = proto.dims.iter().map(|&d| usize::try_from(d).ok()).collect();
    let shape = shape.ok_or_else(|| wrong(format!("the shape is {:?}", proto.dims)))?;
    let count = set_elements(&shape).map_err(|error| wrong(error.to_string()))?;
    let bits = width(number.into());
    let size = (count * bits).div_ceil(8);
    let external;
    let raw = if proto.data_location == Some(1) {
        external = external::read(proto, name, folder, size)?;
        Some(&external[..])
    } else {
        proto.raw_data.as_deref()
    };
    let elements = match raw {
        Some(bytes) if bytes.len() != size => {
            let found = bytes.len();
            return Err(wrong(format!(
                "{size} bytes were expected for {shape:?}: there are {found}"
            )));
        }
        Some(bytes) => from_bytes(number, count, bytes),
        None => typed(proto, number, count).ok_or_else(|| {
            wrong(format!(
                "the elements are not {count} in number, or not where their type has them"
            ))
        })?,
    };
    Elements::tensor(elements, element, &shape)
        .ok_or_else(|| wrong("the elements do not fill the shape".into()))
}

/// Elements of whatever type.
enum Elements {
    F32(Vec<f32>),
    I64(Vec<i64>),
    I32(Vec<i32>),
    I16(Vec<i16>),
    I8(Vec<i8>),
    U64(Vec<u64>),
    U32(Vec<u32>),
    U16(Vec<u16>),
    U8(Vec<u8>),
}

impl Elements {
    fn tensor(self, element: ElementType, shape: &[usize]) -> Option<Tensor> {
        let shape = IxDyn(shape);
        Some(match self {
            Self::F32(x) => ArrayD::from_shape_vec(shape, x).ok()?.into(),
            Self::I64(x) => ArrayD::from_shape_vec(shape, x).ok()?.into(),
            Self::I32(x) => ArrayD::from_shape_vec(shape, x).ok()?.into(),
            Self::I16(x) => ArrayD::from_shape_vec(shape, x).ok()?.into(),
            Self::I8(x) => ArrayD::from_shape_vec(shape, x).ok()?.into(),
            Self::U64(x) => ArrayD::from_shape_vec(shape, x).ok()?.into(),
            Self::U32(x) => ArrayD::from_shape_vec(shape, x).ok()?.into(),
            Self::U16(x) => ArrayD::from_shape_vec(shape, x).ok()?.into(),
            Self::U8(x) => {
                let array = ArrayD::from_shape_vec(shape, x).ok()?;
                match element {
                    ElementType::Bool => array.mapv(|x| x != 0).into(),
                    ElementType::Code(format) => Tensor::Code(format, array.into_shared()),
                    _ => array.into(),
                }
            }
        })
    }
}

/// Little-endian numbers one behind the other; those of less than 8 bits begin in the low bits of a byte.
fn from_bytes(number: i32, count: usize, bytes: &[u8]) -> Elements {
    macro_rules! numbers {
        ($type:ty) => {
            bytes.as_chunks().0.iter().map(|&b| <$type>::from_le_bytes(b)).collect()
        };
    }
    match number {
        1 => Elements::F32(numbers!(f32)),
        11 => {
            let wide: Vec<f64> = numbers!(f64);
            Elements::F32(wide.into_iter().map(|x| x as f32).collect())
        }
        10 => {
            let bits: Vec<u16> = numbers!(u16);
            Elements::F32(bits.into_iter().map(|b| half::f16::from_bits(b).to_f32()).collect())
        }
        16 => {
            let bits: Vec<u16> = numbers!(u16);
            Elements::F32(bits.into_iter().map(|b| half::bf16::from_bits(b).to_f32()).collect())
        }
        7 => Elements::I64(numbers!(i64)),
        6 => Elements::I32(numbers!(i32)),
        5 => Elements::I16(numbers!(i16)),
        3 => Elements::I8(numbers!(i8)),
        13 => Elements::U64(numbers!(u64)),
        12 => Elements::U32(numbers!(u32)),
        4 => Elements::U16(numbers!(u16)),
        _ => Elements::U8(unpack(bytes, count, width(number.into()))),
    }
}

/// Codes of some bits, the first in the low bits.
fn unpack(bytes: &[u8], count: usize, bits: usize) -> Vec<u8> {
    if bits == 8 {
        return bytes.to_vec();
    }
    let code = |i: usize| {
        let (at, shift) = (i * bits / 8, i * bits % 8);
        let low = u16::from(bytes[at]);
        let high = bytes.get(at + 1).map_or(0, |&byte| u16::from(byte));
        ((low | high << 8) >> shift) as u8 & ((1 << bits) - 1)
    };
    (0..count).map(code).collect()
}

/// The fields of typed elements.
fn typed(proto: &TensorProto, number: i32, count: usize) -> Option<Elements> {
    let of = |n: usize| (n == count).then_some(());
    let int32 = &proto.int32_data;
    Some(match number {
        1 => of(proto.float_data.len()).map(|()| Elements::F32(proto.float_data.clone()))?,
        11 => {
            of(proto.double_data.len())?;
            Elements::F32(proto.double_data.iter().map(|&x| x as f32).collect())
        }
        7 => of(proto.int64_data.len()).map(|()| Elements::I64(proto.int64_data.clone()))?,
        13 => of(proto.uint64_data.len()).map(|()| Elements::U64(proto.uint64_data.clone()))?,
        12 => {
            of(proto.uint64_data.len())?;
            Elements::U32(proto.uint64_data.iter().map(|&x| x as u32).collect())
        }
        6 => of(int32.len()).map(|()| Elements::I32(int32.clone()))?,
        21..=23 | 25..=28 => {
            let bits = width(number.into());
            of(count).filter(|()| int32.len() == (count * bits).div_ceil(8))?;
            let bytes: Vec<u8> = int32.iter().map(|&x| x as u8).collect();
            Elements::U8(unpack(&bytes, count, bits))
        }
        _ => {
            of(int32.len())?;
            let all = int32.iter();
            match number {
                10 => {
                    Elements::F32(all.map(|&b| half::f16::from_bits(b as u16).to_f32()).collect())
                }
                16 => {
                    Elements::F32(all.map(|&b| half::bf16::from_bits(b as u16).to_f32()).collect())
                }
                5 => Elements::I16(all.map(|&x| x as i16).collect()),
                3 => Elements::I8(all.map(|&x| x as i8).collect()),
                4 => Elements::U16(all.map(|&x| x as u16).collect()),
                _ => Elements::U8(all.map(|&x| x as u8).collect()),
            }
        }
    })
}
