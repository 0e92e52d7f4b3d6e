//! The type parameter of a quantized tensor: a type of numbers, or a format chosen at run time.

use std::fmt;
use std::marker::PhantomData;

use fewbit_formats::Format;
use fewbit_formats::types::Number;

use crate::convert::Code;

/// What the elements of a [`QuantTensor`](super::QuantTensor) are: a type of [`fewbit_formats::types`], such as
/// [`E4M3FN`](fewbit_formats::E4M3FN) or [`Int4`](fewbit_formats::Int4), or [`Dynamic`].
pub trait Element: Copy + fmt::Debug + PartialEq + Send + Sync + 'static {
    /// Holds one code.
    type Code: Code;
    /// What the type leaves open: nothing (`()`), or the format.
    type Choice: Copy + fmt::Debug + PartialEq + Send + Sync + 'static;
    /// The format of every element.
    fn format(choice: Self::Choice) -> Format;
}

impl<T: Number> Element for T
where
    T::Bits: Code,
{
    type Code = T::Bits;
    type Choice = ();
    fn format((): ()) -> Format {
        T::FORMAT
    }
}

/// An element whose format is a run-time value with codes of at most `C::BITS` bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dynamic<C>(PhantomData<C>);

impl<C: Code> Element for Dynamic<C> {
    type Code = C;
    type Choice = Format;
    fn format(choice: Format) -> Format {
        choice
    }
}
