//! A tensor of any element type.

use fewbit_formats::Format;
use std::ops::Range;

use ndarray::{ArcArray, ArrayD, Axis, IxDyn, Slice};

use super::element_type::ElementType;
use super::error::TensorError;

/// An array of any element type; copies share their elements until one is changed.
///
/// ```
/// use fewbit_models::tensor::{ElementType, Tensor};
/// use ndarray::array;
/// let tensor = Tensor::from(array![[1.0f32, 2.0]]);
/// assert_eq!(tensor.shape(), [1, 2]);
/// assert_eq!(tensor.element_type(), ElementType::F32);
/// assert!(tensor.get::<i64>().is_err());
/// # Ok::<(), fewbit_models::tensor::TensorError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Tensor {
    /// `f32`.
    F32(ArcArray<f32, IxDyn>),
    /// `i64`.
    I64(ArcArray<i64, IxDyn>),
    /// `i32`.
    I32(ArcArray<i32, IxDyn>),
    /// `i16`.
    I16(ArcArray<i16, IxDyn>),
    /// `i8`.
    I8(ArcArray<i8, IxDyn>),
    /// `u64`.
    U64(ArcArray<u64, IxDyn>),
    /// `u32`.
    U32(ArcArray<u32, IxDyn>),
    /// `u16`.
    U16(ArcArray<u16, IxDyn>),
    /// `u8`.
    U8(ArcArray<u8, IxDyn>),
    /// Truth values.
    Bool(ArcArray<bool, IxDyn>),
    /// Codes of a format of at most 8 bits, each in the low bits of a byte.
    Code(Format, ArcArray<u8, IxDyn>),
}

/// Runs one expression on the array of whatever type.
macro_rules! each_tensor {
    ($tensor:expr, $array:ident => $body:expr) => {
        match $tensor {
            $crate::tensor::Tensor::F32($array) => $body,
            $crate::tensor::Tensor::I64($array) => $body,
            $crate::tensor::Tensor::I32($array) => $body,
            $crate::tensor::Tensor::I16($array) => $body,
            $crate::tensor::Tensor::I8($array) => $body,
            $crate::tensor::Tensor::U64($array) => $body,
            $crate::tensor::Tensor::U32($array) => $body,
            $crate::tensor::Tensor::U16($array) => $body,
            $crate::tensor::Tensor::U8($array) => $body,
            $crate::tensor::Tensor::Bool($array) => $body,
            $crate::tensor::Tensor::Code(_, $array) => $body,
        }
    };
}

/// A tensor of the same type as the one given, whose array is made of that one's.
macro_rules! map_tensor {
    ($tensor:expr, $array:ident => $body:expr) => {{
        use $crate::tensor::Tensor as T;
        match $tensor {
            T::F32($array) => T::F32($body),
            T::I64($array) => T::I64($body),
            T::I32($array) => T::I32($body),
            T::I16($array) => T::I16($body),
            T::I8($array) => T::I8($body),
            T::U64($array) => T::U64($body),
            T::U32($array) => T::U32($body),
            T::U16($array) => T::U16($body),
            T::U8($array) => T::U8($body),
            T::Bool($array) => T::Bool($body),
            T::Code(format, $array) => T::Code(*format, $body),
        }
    }};
}
pub(crate) use map_tensor;

impl Tensor {
    /// The type of the elements.
    #[must_use]
    pub fn element_type(&self) -> ElementType {
        match self {
            Self::F32(_) => ElementType::F32,
            Self::I64(_) => ElementType::I64,
            Self::I32(_) => ElementType::I32,
            Self::I16(_) => ElementType::I16,
            Self::I8(_) => ElementType::I8,
            Self::U64(_) => ElementType::U64,
            Self::U32(_) => ElementType::U32,
            Self::U16(_) => ElementType::U16,
            Self::U8(_) => ElementType::U8,
            Self::Bool(_) => ElementType::Bool,
            Self::Code(format, _) => ElementType::Code(*format),
        }
    }

    /// The extent of each axis.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        each_tensor!(self, array => array.shape())
    }

    /// The number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        each_tensor!(self, array => array.len())
    }

    /// Whether there are no elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The elements of a tensor of any integer type, or of truth values, in row-major order.
    ///
    /// # Errors
    /// Floats; a `u64` beyond `i64`.
    pub fn integers(&self) -> Result<Vec<i64>, TensorError> {
        let kind = |expected| TensorError::Kind { expected, found: self.element_type() };
        Ok(match self {
            Self::I64(a) => a.iter().copied().collect(),
            Self::I32(a) => a.iter().map(|&x| x.into()).collect(),
            Self::I16(a) => a.iter().map(|&x| x.into()).collect(),
            Self::I8(a) => a.iter().map(|&x| x.into()).collect(),
            Self::U64(a) => {
                let whole = a.iter().map(|&x| i64::try_from(x)).collect::<Result<_, _>>();
                whole.map_err(|_| kind("integers that int64 holds"))?
            }
            Self::U32(a) => a.iter().map(|&x| x.into()).collect(),
            Self::U16(a) => a.iter().map(|&x| x.into()).collect(),
            Self::U8(a) => a.iter().map(|&x| x.into()).collect(),
            Self::Bool(a) => a.iter().map(|&x| x.into()).collect(),
            Self::Code(Format::Int(format), a) => {
                let format = Format::Int(*format);
                a.iter().map(|&code| format.decode(code.into()) as i64).collect()
            }
            Self::F32(_) | Self::Code(..) => return Err(kind("integers")),
        })
    }

    /// The same elements in another shape.
    ///
    /// # Errors
    /// A shape of another number of elements.
    pub fn reshaped(&self, shape: &[usize]) -> Result<Self, TensorError> {
        fn reshape<T: Clone>(
            array: &ArcArray<T, IxDyn>,
            shape: &[usize],
        ) -> Result<ArcArray<T, IxDyn>, TensorError> {
            let wrong = |_| TensorError::Shape {
                expected: format!("one of as many elements as {shape:?}"),
                found: array.shape().to_vec(),
            };
            let array = if array.is_standard_layout() {
                array.clone()
            } else {
                array.as_standard_layout().into_owned().into_shared()
            };
            array.into_shape_with_order(IxDyn(shape)).map_err(wrong)
        }
        Ok(map_tensor!(self, array => reshape(array, shape)?))
    }

    /// The elements in `range` along an axis that has as many; they are shared, not copied.
    pub(crate) fn part(&self, axis: usize, range: Range<usize>) -> Self {
        fn cut<T: Clone>(
            array: &ArcArray<T, IxDyn>,
            axis: usize,
            range: Range<usize>,
        ) -> ArcArray<T, IxDyn> {
            let mut part = array.clone();
            part.slice_axis_inplace(Axis(axis), Slice::from(range));
            part
        }
        map_tensor!(self, array => cut(array, axis, range))
    }
}

impl TryFrom<Tensor> for ArrayD<f32> {
    type Error = TensorError;

    fn try_from(tensor: Tensor) -> Result<Self, TensorError> {
        match tensor {
            Tensor::F32(array) => Ok(array.into_owned()),
            other => {
                Err(TensorError::Type { expected: ElementType::F32, found: other.element_type() })
            }
        }
    }
}
