//! Codes with the scales and zero points that give them their values.

use fewbit_formats::Format;
use ndarray::ArrayD;

use super::codes::check_codes;
use super::granularity::Arrangement;
use super::parts::{OwnedParts, Parts, resolved};
use super::scales::ScaleCodes;
use super::{Code, Dynamic, Element, Granularity, TensorError};
use crate::convert::Decoder;

/// A quantized tensor: a code per element, and per group of elements a scale and, if there are any, a zero point.
///
/// ```text
/// value = (decode(code) - zero_point) * scale        in f32, each operation rounded once
/// ```
///
/// Scales are numbers, or the codes of a group format ([`Self::scale_codes`]), perhaps with outer scales above them; then
/// [`Self::scale`] has the values of these codes, outer scales included. The last group of an axis may be shorter.
///
/// It is valid by construction: every code stands for a value of the format, and scales and zero points have the
/// shape of the granularity. A zero point may be fractional (where it was not itself quantized), and a scale may be
/// NaN or infinite (where a NaN or an infinity went into its statistic).
///
/// ```
/// use fewbit::formats::Int8;
/// use fewbit::tensor::{Granularity, QuantTensor};
/// use ndarray::array;
///
/// let codes = array![[1u8, 0xff], [2, 3]].into_dyn(); // 0xff is -1
/// let scale = array![[0.5f32], [0.25]].into_dyn();
/// let t = QuantTensor::<Int8>::new(codes, scale, None, Granularity::Channel { axis: 0 })?;
/// assert_eq!(t.dequantize(), array![[0.5, -0.5], [0.5, 0.75]].into_dyn());
/// # Ok::<(), fewbit::tensor::TensorError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct QuantTensor<E: Element> {
    choice: E::Choice,
    codes: ArrayD<E::Code>,
    scale: ArrayD<f32>,
    zero_point: Option<ArrayD<f32>>,
    granularity: Granularity,
    scale_codes: Option<Box<ScaleCodes>>,
}

impl<E: Element<Choice = ()>> QuantTensor<E> {
    /// The tensor of these parts.
    ///
    /// # Errors
    /// A code that stands for nothing, a scale or zero point of another shape than [`Granularity`] says, an axis that
    /// does not exist.
    pub fn new(
        codes: ArrayD<E::Code>,
        scale: ArrayD<f32>,
        zero_point: Option<ArrayD<f32>>,
        granularity: Granularity,
    ) -> Result<Self, TensorError> {
        Self::checked((), codes, scale, zero_point, granularity)
    }
}

impl<C: Code> QuantTensor<Dynamic<C>> {
    /// The tensor of these parts, its codes those of `format`.
    ///
    /// # Errors
    /// As [`QuantTensor::new`]; a format whose codes are wider than `C`.
    pub fn of_format(
        format: Format,
        codes: ArrayD<C>,
        scale: ArrayD<f32>,
        zero_point: Option<ArrayD<f32>>,
        granularity: Granularity,
    ) -> Result<Self, TensorError> {
        if format.bits() > C::BITS {
            return Err(TensorError::Storage { format, available: C::BITS });
        }
        Self::checked(format, codes, scale, zero_point, granularity)
    }

    /// The same tensor with its format known at compile time.
    ///
    /// # Errors
    /// The format is another one.
    pub fn into_static<E: Element<Code = C, Choice = ()>>(
        self,
    ) -> Result<QuantTensor<E>, TensorError> {
        let (found, expected) = (self.format(), E::format(()));
        if found != expected {
            return Err(TensorError::Format { found, expected });
        }
        let Self { codes, scale, zero_point, granularity, scale_codes, .. } = self;
        Ok(QuantTensor { choice: (), codes, scale, zero_point, granularity, scale_codes })
    }
}

impl<E: Element> QuantTensor<E> {
    fn checked(
        choice: E::Choice,
        codes: ArrayD<E::Code>,
        scale: ArrayD<f32>,
        zero_point: Option<ArrayD<f32>>,
        granularity: Granularity,
    ) -> Result<Self, TensorError> {
        check_codes(E::format(choice), codes.view())?;
        Self::from_valid_codes(choice, codes, scale, zero_point, granularity)
    }

    /// As [`Self::checked`], for codes that an encoder has just made.
    pub(crate) fn from_valid_codes(
        choice: E::Choice,
        codes: ArrayD<E::Code>,
        scale: ArrayD<f32>,
        zero_point: Option<ArrayD<f32>>,
        granularity: Granularity,
    ) -> Result<Self, TensorError> {
        let expected = Arrangement::new(codes.shape(), granularity)?;
        check_parameter("scale", &scale, &expected, &codes, granularity)?;
        if let Some(zero_point) = &zero_point {
            check_parameter("zero point", zero_point, &expected, &codes, granularity)?;
        }
        let granularity = resolved(granularity, codes.shape())?;
        Ok(Self { choice, codes, scale, zero_point, granularity, scale_codes: None })
    }

    /// The format of every element.
    pub fn format(&self) -> Format {
        E::format(self.choice)
    }

    /// Bits of a code.
    pub fn bit_width(&self) -> u32 {
        self.format().bits()
    }

    /// The extent of each axis.
    pub fn shape(&self) -> &[usize] {
        self.codes.shape()
    }

    /// One code per element, in the low bits.
    pub fn codes(&self) -> &ArrayD<E::Code> {
        &self.codes
    }

    /// The scales, of the shape that [`Granularity`] describes.
    pub fn scale(&self) -> &ArrayD<f32> {
        &self.scale
    }

    /// The zero points, of the shape of the scales; `None` where all are zero.
    pub fn zero_point(&self) -> Option<&ArrayD<f32>> {
        self.zero_point.as_ref()
    }

    /// The codes that scales and zero points are; `None` where the scales are numbers.
    pub fn scale_codes(&self) -> Option<&ScaleCodes> {
        self.scale_codes.as_deref()
    }

    /// Which elements share a scale, with an axis counted from the front, however it was given.
    pub fn granularity(&self) -> Granularity {
        self.granularity
    }

    /// The values: `(decode(code) - zero_point) * scale`, each operation in f32 and rounded to nearest, ties to even.
    ///
    /// A format whose values are not all f32 (integers of more than 25 bits) rounds the decoded value first.
    pub fn dequantize(&self) -> ArrayD<f32> {
        if let Some(values) = self.decoded_groups() {
            return values;
        }
        let scale = self.expand(&self.scale);
        let mut values = self.decoded();
        if let Some(zero_point) = &self.zero_point {
            let zero_point = self.expand(zero_point);
            values.zip_mut_with(&zero_point, |value, zero_point| *value -= zero_point);
        }
        values.zip_mut_with(&scale, |value, scale| *value *= scale);
        values
    }

    /// The values of the codes alone, without scale and zero point.
    pub fn decoded(&self) -> ArrayD<f32> {
        let mut values = ArrayD::zeros(self.codes.raw_dim());
        let codes = self.codes.as_standard_layout();
        if let (Some(codes), Some(values)) = (codes.as_slice(), values.as_slice_mut()) {
            // Lengths and width are right.
            let done = Decoder::new(self.format()).decode(codes, values);
            debug_assert!(done.is_ok());
        }
        values
    }

    /// The codes as whole numbers, as an integer datapath multiplies them; the zero point is not subtracted.
    ///
    /// Fixed-point codes count units of `2^-fraction`.
    ///
    /// # Errors
    /// A floating-point format.
    pub fn ints(&self) -> Result<ArrayD<i64>, TensorError> {
        let decode = super::int::integer_decoder(self.format())?;
        Ok(self.codes.mapv(|code| decode(code.to_u32())))
    }

    /// Scales or zero points repeated to the tensor's shape.
    pub fn expand(&self, parameter: &ArrayD<f32>) -> ArrayD<f32> {
        super::shape::expand(parameter, self.shape(), self.granularity, f32::NAN)
    }

    /// The same tensor with its format as a run-time value.
    #[must_use]
    pub fn into_dynamic(self) -> QuantTensor<Dynamic<E::Code>> {
        let choice = self.format();
        let Self { codes, scale, zero_point, granularity, scale_codes, .. } = self;
        QuantTensor { choice, codes, scale, zero_point, granularity, scale_codes }
    }

    pub(super) fn choice(&self) -> E::Choice {
        self.choice
    }

    pub(super) fn parts(&self) -> Parts<'_, E::Code, f32> {
        Parts {
            codes: self.codes.view(),
            scale: self.scale.view(),
            zero_point: self.zero_point.as_ref().map(|zero_point| zero_point.view()),
            granularity: self.granularity,
        }
    }

    /// The tensor of parts that came out of a valid one.
    pub(super) fn with_parts(&self, parts: OwnedParts<E::Code, f32>) -> Result<Self, TensorError> {
        let OwnedParts { codes, scale, zero_point, granularity } = parts;
        Self::from_valid_codes(self.choice, codes, scale, zero_point, granularity)
    }

    /// The same tensor with these codes, which stand for values.
    pub(super) fn with_codes(&self, codes: ArrayD<E::Code>) -> Self {
        let Self { scale, zero_point, scale_codes, .. } = self;
        let (scale, zero_point) = (scale.clone(), zero_point.clone());
        let (choice, granularity) = (self.choice, self.granularity);
        Self { choice, codes, scale, zero_point, granularity, scale_codes: scale_codes.clone() }
    }

    /// The same tensor with scales that are these codes.
    pub(super) fn with_scale_codes(self, scale_codes: ScaleCodes) -> Self {
        Self { scale_codes: Some(Box::new(scale_codes)), ..self }
    }

    /// The same tensor as another element of the same format.
    pub(super) fn retyped<F: Element>(self, choice: F::Choice) -> QuantTensor<F> {
        let Self { codes, scale, zero_point, granularity, scale_codes, .. } = self;
        let codes = codes.mapv(|code| F::Code::from_u32(code.to_u32()));
        QuantTensor { choice, codes, scale, zero_point, granularity, scale_codes }
    }
}

fn check_parameter<C>(
    what: &'static str,
    parameter: &ArrayD<f32>,
    expected: &Arrangement,
    codes: &ArrayD<C>,
    granularity: Granularity,
) -> Result<(), TensorError> {
    if parameter.shape() == expected.scale_shape() {
        return Ok(());
    }
    Err(TensorError::ParameterShape {
        what,
        found: parameter.shape().to_vec(),
        expected: expected.scale_shape().to_vec(),
        shape: codes.shape().to_vec(),
        granularity: granularity.to_string(),
    })
}
