//! Types of elements.

use std::fmt;

use fewbit_formats::Format;
use ndarray::{ArcArray, IxDyn};

use super::Tensor;

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

/// A Rust type that a tensor's elements can have.
pub trait Element: Copy + Default + PartialEq + fmt::Debug + Send + Sync + 'static {
    /// Its [`ElementType`].
    const TYPE: ElementType;

    /// A tensor of it.
    fn wrap(array: ArcArray<Self, IxDyn>) -> Tensor;

    /// The array, if the tensor has this type.
    fn view(tensor: &Tensor) -> Option<&ArcArray<Self, IxDyn>>;
}

macro_rules! elements {
    ($($rust:ty: $variant:ident;)*) => {$(
        impl Element for $rust {
            const TYPE: ElementType = ElementType::$variant;

            fn wrap(array: ArcArray<Self, IxDyn>) -> Tensor {
                Tensor::$variant(array)
            }

            fn view(tensor: &Tensor) -> Option<&ArcArray<Self, IxDyn>> {
                match tensor {
                    Tensor::$variant(array) => Some(array),
                    _ => None,
                }
            }
        }
    )*};
}

elements! {
    f32: F32;
    i64: I64;
    i32: I32;
    i16: I16;
    i8: I8;
    u64: U64;
    u32: U32;
    u16: U16;
    u8: U8;
    bool: Bool;
}
