//! A quantized tensor whose format is known at run time only.

use fewbit_formats::Format;
use ndarray::{ArrayD, ArrayViewD};

use super::scales::ScaleCodes;
use super::{Code, Dynamic, Element, Granularity, QuantTensor, TensorError};

/// A [`QuantTensor`] of any format, its codes in the smallest unsigned type that holds them.
#[derive(Clone, Debug, PartialEq)]
pub enum AnyQuantTensor {
    /// Codes of at most 8 bits.
    U8(QuantTensor<Dynamic<u8>>),
    /// Codes of 9 to 16 bits.
    U16(QuantTensor<Dynamic<u16>>),
    /// Codes of 17 to 32 bits.
    U32(QuantTensor<Dynamic<u32>>),
}

/// Runs one expression on the tensor of whatever width.
macro_rules! each {
    ($any:expr, $tensor:ident => $body:expr) => {
        match $any {
            $crate::tensor::AnyQuantTensor::U8($tensor) => $body,
            $crate::tensor::AnyQuantTensor::U16($tensor) => $body,
            $crate::tensor::AnyQuantTensor::U32($tensor) => $body,
        }
    };
}
pub(super) use each;

impl AnyQuantTensor {
    /// The tensor of these parts; codes in the low bits of `u32`.
    ///
    /// # Errors
    /// As [`QuantTensor::new`].
    pub fn new(
        format: Format,
        codes: &ArrayViewD<'_, u32>,
        scale: ArrayD<f32>,
        zero_point: Option<ArrayD<f32>>,
        granularity: Granularity,
    ) -> Result<Self, TensorError> {
        fn typed<C: Code>(
            format: Format,
            codes: &ArrayViewD<'_, u32>,
            scale: ArrayD<f32>,
            zero_point: Option<ArrayD<f32>>,
            granularity: Granularity,
        ) -> Result<QuantTensor<Dynamic<C>>, TensorError> {
            super::codes::check_codes(format, codes.view())?;
            QuantTensor::from_valid_codes(
                format,
                codes.mapv(C::from_u32),
                scale,
                zero_point,
                granularity,
            )
        }
        Ok(match format.bits() {
            ..=8 => Self::U8(typed(format, codes, scale, zero_point, granularity)?),
            9..=16 => Self::U16(typed(format, codes, scale, zero_point, granularity)?),
            _ => Self::U32(typed(format, codes, scale, zero_point, granularity)?),
        })
    }

    /// The format of every element.
    pub fn format(&self) -> Format {
        each!(self, tensor => tensor.format())
    }

    /// Bits of a code.
    pub fn bit_width(&self) -> u32 {
        self.format().bits()
    }

    /// The extent of each axis.
    pub fn shape(&self) -> &[usize] {
        each!(self, tensor => tensor.shape())
    }

    /// The codes, widened to `u32`.
    pub fn codes(&self) -> ArrayD<u32> {
        each!(self, tensor => tensor.codes().mapv(Code::to_u32))
    }

    /// The scales, of the shape that [`Granularity`] describes.
    pub fn scale(&self) -> &ArrayD<f32> {
        each!(self, tensor => tensor.scale())
    }

    /// The zero points, of the shape of the scales; `None` where all are zero.
    pub fn zero_point(&self) -> Option<&ArrayD<f32>> {
        each!(self, tensor => tensor.zero_point())
    }

    /// See [`QuantTensor::scale_codes`].
    pub fn scale_codes(&self) -> Option<&ScaleCodes> {
        each!(self, tensor => tensor.scale_codes())
    }

    /// Which elements share a scale, with an axis counted from the front, however it was given.
    pub fn granularity(&self) -> Granularity {
        each!(self, tensor => tensor.granularity())
    }

    /// See [`QuantTensor::dequantize`].
    pub fn dequantize(&self) -> ArrayD<f32> {
        each!(self, tensor => tensor.dequantize())
    }

    /// See [`QuantTensor::decoded`].
    pub fn decoded(&self) -> ArrayD<f32> {
        each!(self, tensor => tensor.decoded())
    }

    /// See [`QuantTensor::ints`].
    ///
    /// # Errors
    /// A floating-point format.
    pub fn ints(&self) -> Result<ArrayD<i64>, TensorError> {
        each!(self, tensor => tensor.ints())
    }

    /// See [`QuantTensor::expand`].
    pub fn expand(&self, parameter: &ArrayD<f32>) -> ArrayD<f32> {
        each!(self, tensor => tensor.expand(parameter))
    }

    /// The tensor with its format known at compile time.
    ///
    /// # Errors
    /// The format is another one.
    ///
    /// ```
    /// use fewbit::quantize::{Quantizer, ScaleRule, Scheme};
    /// use fewbit_formats::{Format, Int4, Int8, Overflow, Policy, Rounding};
    /// use ndarray::array;
    ///
    /// let policy = Policy::new(Rounding::TiesEven, Overflow::Saturate);
    /// let quantizer = Quantizer::new(Scheme::new(Format::INT8), ScaleRule::abs_max(), policy)?;
    /// let any = quantizer.quantize(&array![1.0f32, -2.0].view())?;
    /// assert!(any.clone().into_static::<Int4>().is_err());
    /// let typed = any.into_static::<Int8>()?;
    /// assert_eq!(typed.codes()[0], 64); // 1 / (2 / 128)
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn into_static<E: Element<Choice = ()>>(self) -> Result<QuantTensor<E>, TensorError> {
        let (found, expected) = (self.format(), E::format(()));
        if found != expected {
            return Err(TensorError::Format { found, expected });
        }
        Ok(each!(self, tensor => tensor.retyped(())))
    }
}

macro_rules! from_dynamic {
    ($($code:ty => $variant:ident),*) => {$(
        impl From<QuantTensor<Dynamic<$code>>> for AnyQuantTensor {
            fn from(tensor: QuantTensor<Dynamic<$code>>) -> Self {
                Self::$variant(tensor)
            }
        }
    )*};
}
from_dynamic!(u8 => U8, u16 => U16, u32 => U32);

impl<E> QuantTensor<E>
where
    E: Element,
    AnyQuantTensor: From<QuantTensor<Dynamic<E::Code>>>,
{
    /// The same tensor with format and width as run-time values.
    #[must_use]
    pub fn into_any(self) -> AnyQuantTensor {
        self.into_dynamic().into()
    }
}
