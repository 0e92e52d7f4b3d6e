//! The type parameter of a quantized tensor: a format known at compile time, or one chosen at run time.

use std::fmt;
use std::marker::PhantomData;

use fewbit_formats::Format;

use crate::convert::Code;

/// What the elements of a [`QuantTensor`](super::QuantTensor) are: their format, and the integer that holds a code.
pub trait Element: Copy + fmt::Debug + PartialEq + Send + Sync + 'static {
    /// Holds one code.
    type Code: Code;
    /// The format of every element.
    fn format(self) -> Format;
}

/// An element whose format is known at compile time.
pub trait StaticElement: Element + Default {
    /// The format.
    const FORMAT: Format;
}

/// An element whose format is a run-time value with codes of at most `C::BITS` bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Dynamic<C> {
    format: Format,
    code: PhantomData<C>,
}

impl<C: Code> Dynamic<C> {
    /// Elements of this format; `None` if its codes are too wide.
    #[must_use]
    pub fn new(format: Format) -> Option<Self> {
        (format.bits() <= C::BITS).then_some(Self { format, code: PhantomData })
    }
}

impl<C: Code> Element for Dynamic<C> {
    type Code = C;
    fn format(self) -> Format {
        self.format
    }
}

macro_rules! elements {
    ($( $name:ident: $code:ty = $format:ident, )*) => {$(
        #[doc = concat!("Elements of [`Format::", stringify!($format), "`].")]
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        pub struct $name;

        impl Element for $name {
            type Code = $code;
            fn format(self) -> Format {
                Self::FORMAT
            }
        }

        impl StaticElement for $name {
            const FORMAT: Format = Format::$format;
        }
    )*};
}

elements! {
    E4m3fn: u8 = E4M3FN,
    E5m2: u8 = E5M2,
    E4m3fnuz: u8 = E4M3FNUZ,
    E5m2fnuz: u8 = E5M2FNUZ,
    E3m2fn: u8 = E3M2FN,
    E2m3fn: u8 = E2M3FN,
    E2m1fn: u8 = E2M1FN,
    Bf16: u16 = BF16,
    F16: u16 = F16,
    Int2: u8 = INT2,
    Int4: u8 = INT4,
    Int4n: u8 = INT4N,
    Int8: u8 = INT8,
    Int8n: u8 = INT8N,
    Int16: u16 = INT16,
    Int32: u32 = INT32,
    Uint2: u8 = UINT2,
    Uint4: u8 = UINT4,
    Uint8: u8 = UINT8,
    Uint16: u16 = UINT16,
    Binary: u8 = BINARY,
    Ternary: u8 = TERNARY,
}
