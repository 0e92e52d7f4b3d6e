//! Rust types as those of elements: tensors made of them, and read as them.

use std::fmt;

use ndarray::{ArcArray, Array, Dimension, IxDyn};

use super::any::Tensor;
use super::element_type::ElementType;
use super::error::TensorError;

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

impl Tensor {
    /// One element without axes.
    #[must_use]
    pub fn scalar<T: Element>(value: T) -> Self {
        T::wrap(ArcArray::from_elem(IxDyn(&[]), value))
    }

    /// One axis.
    #[must_use]
    pub fn vector<T: Element>(values: Vec<T>) -> Self {
        T::wrap(ArcArray::from(values).into_dyn())
    }

    /// The array of this type.
    ///
    /// # Errors
    /// Another type.
    pub fn get<T: Element>(&self) -> Result<&ArcArray<T, IxDyn>, TensorError> {
        let wrong = || TensorError::Type { expected: T::TYPE, found: self.element_type() };
        T::view(self).ok_or_else(wrong)
    }
}

impl<T: Element, D: Dimension> From<Array<T, D>> for Tensor {
    fn from(array: Array<T, D>) -> Self {
        T::wrap(array.into_dyn().into_shared())
    }
}

impl<T: Element> From<ArcArray<T, IxDyn>> for Tensor {
    fn from(array: ArcArray<T, IxDyn>) -> Self {
        T::wrap(array)
    }
}
