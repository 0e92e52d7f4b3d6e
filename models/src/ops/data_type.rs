//! ONNX's numbers of element types.

use fewbit_formats::Format;

use crate::tensor::ElementType;

use super::OpError;

/// Number, name and element type; several numbers of floats stand for `float32`, to which they are converted.
const TYPES: &[(i64, &str, ElementType)] = &[
    (1, "float", ElementType::F32),
    (2, "uint8", ElementType::U8),
    (3, "int8", ElementType::I8),
    (4, "uint16", ElementType::U16),
    (5, "int16", ElementType::I16),
    (6, "int32", ElementType::I32),
    (7, "int64", ElementType::I64),
    (9, "bool", ElementType::Bool),
    (10, "float16", ElementType::F32),
    (11, "double", ElementType::F32),
    (12, "uint32", ElementType::U32),
    (13, "uint64", ElementType::U64),
    (16, "bfloat16", ElementType::F32),
    (17, "float8e4m3fn", ElementType::Code(Format::E4M3FN)),
    (18, "float8e4m3fnuz", ElementType::Code(Format::E4M3FNUZ)),
    (19, "float8e5m2", ElementType::Code(Format::E5M2)),
    (20, "float8e5m2fnuz", ElementType::Code(Format::E5M2FNUZ)),
    (21, "uint4", ElementType::Code(Format::UINT4)),
    (22, "int4", ElementType::Code(Format::INT4)),
    (23, "float4e2m1", ElementType::Code(Format::E2M1FN)),
    (24, "float8e8m0", ElementType::Code(Format::E8M0FNU)),
    (25, "uint2", ElementType::Code(Format::UINT2)),
    (26, "int2", ElementType::Code(Format::INT2)),
    (27, "float6e2m3", ElementType::Code(Format::E2M3FN)),
    (28, "float6e3m2", ElementType::Code(Format::E3M2FN)),
];

/// The element type of a number.
///
/// # Errors
/// Texts, complex numbers, and numbers that stand for nothing.
pub(crate) fn element_type(number: i64) -> Result<ElementType, OpError> {
    let row = TYPES.iter().find(|row| row.0 == number);
    row.map(|row| row.2).ok_or_else(|| {
        let name = match number {
            0 => "undefined",
            8 => "string",
            14 => "complex64",
            15 => "complex128",
            _ => "no type of ONNX",
        };
        OpError::Unsupported(format!("elements of type {number} ({name})"))
    })
}

/// The number of an element type.
///
/// # Errors
/// Codes of a format that ONNX does not have.
pub(crate) fn number(element: ElementType) -> Result<i64, OpError> {
    let row = TYPES.iter().find(|row| row.2 == element);
    let missing =
        || OpError::Unsupported(format!("elements of {element}, which ONNX does not have"));
    row.map(|row| row.0).ok_or_else(missing)
}

/// Bits of an element of a type in a file.
pub(crate) fn width(number: i64) -> usize {
    match number {
        1 | 6 | 12 => 32,
        7 | 11 | 13 => 64,
        4 | 5 | 10 | 16 => 16,
        21..=23 => 4,
        25 | 26 => 2,
        27 | 28 => 6,
        _ => 8,
    }
}
