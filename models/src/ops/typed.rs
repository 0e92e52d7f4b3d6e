//! One computation for every element type.

use std::borrow::Cow;

use ndarray::{ArcArray, ArrayD, IxDyn};

use super::OpError;

/// The elements in row-major order; copied only where they are not.
pub(crate) fn dense<T: Clone>(array: &ArcArray<T, IxDyn>) -> Cow<'_, [T]> {
    match array.as_slice() {
        Some(slice) => Cow::Borrowed(slice),
        None => Cow::Owned(array.iter().cloned().collect()),
    }
}

/// An array of elements in row-major order.
pub(crate) fn array<T: Clone>(
    shape: &[usize],
    data: Vec<T>,
) -> Result<ArcArray<T, IxDyn>, OpError> {
    let array = ArrayD::from_shape_vec(IxDyn(shape), data);
    let wrong = |_| OpError::Shape(format!("the elements do not fill a tensor of shape {shape:?}"));
    array.map(ArrayD::into_shared).map_err(wrong)
}

pub(crate) use crate::tensor::map_tensor;

/// A tensor of the type that all the given ones have, whose array is made of theirs.
macro_rules! same_type {
    ($tensors:expr, $arrays:ident => $body:expr) => {{
        use $crate::tensor::Tensor as T;
        let tensors: &[&T] = $tensors;
        let Some(first) = tensors.first() else {
            return Err($crate::ops::OpError::Shape("there are no inputs".into()));
        };
        if let Some(other) = tensors.iter().find(|t| t.element_type() != first.element_type()) {
            let (a, b) = (first.element_type(), other.element_type());
            return Err($crate::ops::OpError::Shape(format!("inputs of {a} and of {b}")));
        }
        macro_rules! arm {
            ($variant:ident) => {{
                let $arrays: Vec<_> = tensors
                    .iter()
                    .filter_map(|t| if let T::$variant(array) = t { Some(array) } else { None })
                    .collect();
                T::$variant($body)
            }};
        }
        match first {
            T::F32(_) => arm!(F32),
            T::I64(_) => arm!(I64),
            T::I32(_) => arm!(I32),
            T::I16(_) => arm!(I16),
            T::I8(_) => arm!(I8),
            T::U64(_) => arm!(U64),
            T::U32(_) => arm!(U32),
            T::U16(_) => arm!(U16),
            T::U8(_) => arm!(U8),
            T::Bool(_) => arm!(Bool),
            T::Code(format, _) => {
                let $arrays: Vec<_> = tensors
                    .iter()
                    .filter_map(|t| if let T::Code(_, array) = t { Some(array) } else { None })
                    .collect();
                T::Code(*format, $body)
            }
        }
    }};
}
pub(crate) use same_type;

/// A tensor of numbers of the type that all the given ones have; truth values and codes are refused.
macro_rules! same_number {
    ($name:expr, $tensors:expr, $arrays:ident => $body:expr) => {{
        use $crate::tensor::Tensor as T;
        let tensors: &[&T] = $tensors;
        let Some(first) = tensors.first() else {
            return Err($crate::ops::OpError::Shape("there are no inputs".into()));
        };
        if let Some(other) = tensors.iter().find(|t| t.element_type() != first.element_type()) {
            let (a, b) = (first.element_type(), other.element_type());
            return Err($crate::ops::OpError::Shape(format!("inputs of {a} and of {b}")));
        }
        macro_rules! arm {
            ($variant:ident) => {{
                let $arrays: Vec<_> = tensors
                    .iter()
                    .filter_map(|t| if let T::$variant(array) = t { Some(array) } else { None })
                    .collect();
                T::from($body)
            }};
        }
        match first {
            T::F32(_) => arm!(F32),
            T::I64(_) => arm!(I64),
            T::I32(_) => arm!(I32),
            T::I16(_) => arm!(I16),
            T::I8(_) => arm!(I8),
            T::U64(_) => arm!(U64),
            T::U32(_) => arm!(U32),
            T::U16(_) => arm!(U16),
            T::U8(_) => arm!(U8),
            other => {
                let found = other.element_type();
                return Err($crate::ops::OpError::Unsupported(format!("{} of {found}", $name)));
            }
        }
    }};
}
pub(crate) use same_number;
