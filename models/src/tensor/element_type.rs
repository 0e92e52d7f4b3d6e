//! Types of elements, known at run time.

use std::fmt;

use fewbit_formats::Format;

/// The type of a tensor's elements.
///
/// Floats are `f32` throughout: a file's `float16`, `bfloat16` and `double` tensors are converted when they are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ElementType {
    /// `f32`.
    F32,
    /// `i64`.
    I64,
    /// `i32`.
    I32,
    /// `i16`.
    I16,
    /// `i8`.
    I8,
    /// `u64`.
    U64,
    /// `u32`.
    U32,
    /// `u16`.
    U16,
    /// `u8`.
    U8,
    /// Truth values.
    Bool,
    /// Codes of a format that Rust has no type for: FP8, FP4, integers of 2 and 4 bits.
    Code(Format),
}

impl fmt::Display for ElementType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::F32 => "float32",
            Self::I64 => "int64",
            Self::I32 => "int32",
            Self::I16 => "int16",
            Self::I8 => "int8",
            Self::U64 => "uint64",
            Self::U32 => "uint32",
            Self::U16 => "uint16",
            Self::U8 => "uint8",
            Self::Bool => "bool",
            Self::Code(format) => return format.fmt(f),
        };
        f.pad(name)
    }
}
