//! Integers wider than any format: what products and sums of quantized tensors are before anything rounds them.

mod codes;
mod elementwise;
mod error;
pub mod growth;
mod pool;
mod product;
mod structure;

use fewbit_formats::Format;
use ndarray::{ArrayD, IxDyn};

pub(super) use codes::integer_decoder;
pub use elementwise::ScaleMatch;
pub use error::IntError;
pub use growth::BitGrowth;
use growth::Extent;
pub use pool::Window;

use super::any::each;
use super::granularity::{Arrangement, array};
use super::parts::{OwnedParts, Parts, resolved};
use super::{AnyQuantTensor, Element, Granularity, QuantTensor, TensorError, shape};
use crate::accumulate::bounds::{DataType, Sign};

/// A tensor of integers of a stated width, with scales and zero points.
///
/// ```text
/// value = (integer - zero_point) * scale
/// ```
///
/// It is what [`QuantTensor::to_int`] makes of codes, and what every operation on such tensors gives: the integers are
/// computed exactly, never rounded and never wrapped. They are kept as `i64`; a result beyond that is an error. The
/// stated type, [`Self::data_type`], may be wider than 64 bits where the rule that states it looks at operand widths alone.
///
/// It is valid by construction: every integer lies within the stated type. Beside the type it knows the range that the
/// integers can have (narrow formats leave an end out), and [`BitGrowth::Range`] works with that.
///
/// Scales are `f64`. Those of quantized tensors are `f32`, so the product of two is exact; from then on each product is
/// rounded once. Zero points are `f64` for the same reason.
///
/// ```
/// use fewbit::formats::Int4;
/// use fewbit::tensor::{BitGrowth, Granularity, QuantTensor};
/// use ndarray::{arr0, array};
///
/// let of = |codes, scale: f32| QuantTensor::<Int4>::new(codes, arr0(scale).into_dyn(), None, Granularity::Tensor);
/// let x = of(array![[7u8, 0xf], [2, 1]].into_dyn(), 0.5)?.to_int()?; // 7 -1, 2 1
/// let w = of(array![[1u8, 2]].into_dyn(), 0.25)?.to_int()?;
/// let y = x.linear(&w, None, BitGrowth::Range)?;
/// assert_eq!(y.ints(), array![[5i64], [4]].into_dyn());
/// assert_eq!(y.dequantize(), array![[0.625], [0.5]].into_dyn());
/// assert_eq!(y.data_type().bits, 9); // 2 * (-8)(-8) = 128 is one too many for 8
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct IntTensor {
    ints: ArrayD<i64>,
    data_type: DataType,
    extent: Extent,
    scale: ArrayD<f64>,
    zero_point: Option<ArrayD<f64>>,
    granularity: Granularity,
}

/// What an operation has computed, before a type is stated for it.
struct Outcome {
    operation: &'static str,
    /// Row-major.
    values: Vec<i128>,
    shape: Vec<usize>,
    /// What Brevitas states.
    brevitas: DataType,
    /// What operands of their ranges can give; `None` beyond 127 bits.
    extent: Option<Extent>,
    scale: ArrayD<f64>,
    zero_point: Option<ArrayD<f64>>,
    granularity: Granularity,
}

impl IntTensor {
    /// The tensor of these parts.
    ///
    /// # Errors
    /// An integer outside the type, a type of more than 126 bits or none, a scale or zero point of another shape than
    /// [`Granularity`] says, an axis that does not exist.
    pub fn new(
        ints: ArrayD<i64>,
        data_type: DataType,
        scale: ArrayD<f64>,
        zero_point: Option<ArrayD<f64>>,
        granularity: Granularity,
    ) -> Result<Self, IntError> {
        let error = || IntError::Bits { bits: data_type.bits };
        let extent = Extent::of(data_type).filter(|_| data_type.bits > 0).ok_or_else(error)?;
        let outside = |int: &i64| !(extent.low..=extent.high).contains(&i128::from(*int));
        if let Some((flat, int)) = ints.iter().enumerate().find(|(_, int)| outside(int)) {
            let index = super::unravel(flat, ints.shape());
            return Err(IntError::Value { value: i128::from(*int), index, data_type });
        }
        Self::checked(ints, data_type, extent, scale, zero_point, granularity)
    }

    /// The tensor with a range that is known to be narrower than its type.
    ///
    /// # Errors
    /// A range that is not within the type, or that does not hold every integer.
    pub fn with_range(self, low: i128, high: i128) -> Result<Self, IntError> {
        let all = i128::from(self.ints.iter().copied().min().unwrap_or(i64::MAX)) >= low
            && i128::from(self.ints.iter().copied().max().unwrap_or(i64::MIN)) <= high;
        let type_extent = Extent::of(self.data_type);
        let within = type_extent.is_some_and(|extent| extent.low <= low && high <= extent.high);
        if !all || !within {
            return Err(IntError::Range { low, high, data_type: self.data_type });
        }
        Ok(Self { extent: Extent::new(low, high), ..self })
    }

    /// As [`Self::new`], for integers within `extent`.
    fn checked(
        ints: ArrayD<i64>,
        data_type: DataType,
        extent: Extent,
        scale: ArrayD<f64>,
        zero_point: Option<ArrayD<f64>>,
        granularity: Granularity,
    ) -> Result<Self, IntError> {
        let expected = Arrangement::new(ints.shape(), granularity)?;
        for (what, parameter) in [("scale", Some(&scale)), ("zero point", zero_point.as_ref())] {
            match parameter {
                Some(found) if found.shape() != expected.scale_shape() => {
                    return Err(TensorError::ParameterShape {
                        what,
                        found: found.shape().to_vec(),
                        expected: expected.scale_shape().to_vec(),
                        shape: ints.shape().to_vec(),
                        granularity: granularity.to_string(),
                    }
                    .into());
                }
                _ => {}
            }
        }
        let granularity = resolved(granularity, ints.shape())?;
        Ok(Self { ints, data_type, extent, scale, zero_point, granularity })
    }

    /// The stated type of the integers.
    pub fn data_type(&self) -> DataType {
        self.data_type
    }

    /// The least and the greatest integer that there can be here: the ends of the stated type, or less where more is known.
    pub fn range(&self) -> (i128, i128) {
        (self.extent.low, self.extent.high)
    }

    /// The extent of each axis.
    pub fn shape(&self) -> &[usize] {
        self.ints.shape()
    }

    /// The integers; the zero points are not subtracted.
    pub fn ints(&self) -> &ArrayD<i64> {
        &self.ints
    }

    /// The scales, of the shape that [`Granularity`] describes.
    pub fn scale(&self) -> &ArrayD<f64> {
        &self.scale
    }

    /// The zero points, of the shape of the scales; `None` where all are zero.
    pub fn zero_point(&self) -> Option<&ArrayD<f64>> {
        self.zero_point.as_ref()
    }

    /// Which elements share a scale, with an axis counted from the front, however it was given.
    pub fn granularity(&self) -> Granularity {
        self.granularity
    }

    /// The values: `(integer - zero_point) * scale`, each operation in f64 and rounded to nearest, ties to even; an
    /// integer of more than 53 bits is rounded first.
    pub fn dequantize(&self) -> ArrayD<f64> {
        let mut values = self.ints.mapv(|int| int as f64);
        if let Some(zero_point) = &self.zero_point {
            values -= &self.expand(zero_point);
        }
        values *= &self.expand(&self.scale);
        values
    }

    /// Scales or zero points repeated to the tensor's shape.
    pub fn expand(&self, parameter: &ArrayD<f64>) -> ArrayD<f64> {
        shape::expand(parameter, self.shape(), self.granularity, f64::NAN)
    }

    /// The tensor with these integers as codes of an integer format. Scales and zero points are rounded to f32, to nearest.
    ///
    /// # Errors
    /// A format that is not an integer; an integer that it does not have.
    ///
    /// ```
    /// use fewbit::formats::Int8;
    /// use fewbit::tensor::{Granularity, QuantTensor};
    /// use fewbit_formats::Format;
    /// use ndarray::{arr0, array};
    /// let codes = array![3u8, 0xfe].into_dyn();
    /// let t = QuantTensor::<Int8>::new(codes, arr0(0.5).into_dyn(), None, Granularity::Tensor)?;
    /// assert_eq!(t.to_int()?.to_quant(Format::INT4)?.dequantize(), t.dequantize());
    /// assert!(t.to_int()?.to_quant(Format::UINT8).is_err()); // -2
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_quant(&self, format: Format) -> Result<AnyQuantTensor, IntError> {
        let Format::Int(integer) = format else {
            return Err(IntError::Format(format));
        };
        let (low, high) = (integer.min(), integer.max());
        let sign = if integer.is_signed() { Sign::Signed } else { Sign::Unsigned };
        let outside = |(_, int): &(usize, &i64)| !(low..=high).contains(*int);
        if let Some((flat, &int)) = self.ints.iter().enumerate().find(outside) {
            let data_type = DataType { bits: format.bits(), sign };
            let index = super::unravel(flat, self.shape());
            return Err(IntError::Value { value: int.into(), index, data_type });
        }
        let codes = self.ints.mapv(|int| integer.code(int));
        let single = |parameter: &ArrayD<f64>| parameter.mapv(|x| x as f32);
        Ok(AnyQuantTensor::new(
            format,
            &codes.view(),
            single(&self.scale),
            self.zero_point.as_ref().map(single),
            self.granularity,
        )?)
    }

    fn parts(&self) -> Parts<'_, i64, f64> {
        Parts {
            codes: self.ints.view(),
            scale: self.scale.view(),
            zero_point: self.zero_point.as_ref().map(|zero_point| zero_point.view()),
            granularity: self.granularity,
        }
    }

    /// The tensor of parts that came out of a valid one.
    fn with_parts(&self, parts: OwnedParts<i64, f64>) -> Result<Self, IntError> {
        let OwnedParts { codes, scale, zero_point, granularity } = parts;
        Self::checked(codes, self.data_type, self.extent, scale, zero_point, granularity)
    }
}

impl Outcome {
    /// States a type, and checks that every value has it.
    fn state(self, growth: BitGrowth) -> Result<IntTensor, IntError> {
        let Self { operation, values, shape, brevitas, extent, scale, zero_point, granularity } =
            self;
        let beyond = IntError::Extent { operation };
        let (data_type, extent) = match growth {
            BitGrowth::Brevitas => {
                let stated = Extent::of(brevitas).ok_or(beyond)?;
                (brevitas, extent.map_or(stated, |extent| extent.within(stated)))
            }
            BitGrowth::Range => {
                let extent = extent.ok_or(beyond)?;
                (extent.data_type(), extent)
            }
            BitGrowth::Values => {
                let low = values.iter().copied().min().unwrap_or(0);
                let high = values.iter().copied().max().unwrap_or(0);
                let extent = Extent::new(low, high);
                (extent.data_type(), extent)
            }
        };
        let index = |flat| super::unravel(flat, &shape);
        let mut ints = Vec::with_capacity(values.len());
        for (flat, &value) in values.iter().enumerate() {
            if !(extent.low..=extent.high).contains(&value) {
                let index = index(flat);
                return Err(IntError::Growth { value, index, data_type, growth, operation });
            }
            let Ok(int) = i64::try_from(value) else {
                return Err(IntError::TooWide { value, index: index(flat), operation });
            };
            ints.push(int);
        }
        let ints = array(&shape, ints)?;
        IntTensor::checked(ints, data_type, extent, scale, zero_point, granularity)
    }
}

impl<E: Element> QuantTensor<E> {
    /// The codes as integers, with the type and the range of their format. Fixed-point codes count units, and the unit
    /// goes into the scale. Binary codes are -1 and 1, for which the narrowest type is `int2`.
    ///
    /// # Errors
    /// A format that is not an integer, fixed point, binary or ternary.
    pub fn to_int(&self) -> Result<IntTensor, IntError> {
        let ints = self.ints()?;
        let format = self.format();
        let (integer, unit) = match format {
            Format::Int(integer) => (Some(integer), 1.0),
            Format::Fixed(fixed) => (Some(fixed.integer()), 2f64.powi(-fixed.fraction_bits())),
            _ => (None, 1.0),
        };
        let (extent, data_type) = match integer {
            Some(integer) => {
                let sign = if integer.is_signed() { Sign::Signed } else { Sign::Unsigned };
                let extent = Extent::new(integer.min().into(), integer.max().into());
                (extent, DataType { bits: integer.bits(), sign })
            }
            None => (Extent::new(-1, 1), DataType { bits: 2, sign: Sign::Signed }),
        };
        let double = |parameter: &ArrayD<f32>| parameter.mapv(f64::from);
        let scale = double(self.scale()) * unit;
        let zero_point = self.zero_point().map(|zero_point| double(zero_point) / unit);
        IntTensor::checked(ints, data_type, extent, scale, zero_point, self.granularity())
    }
}

impl AnyQuantTensor {
    /// See [`QuantTensor::to_int`].
    ///
    /// # Errors
    /// As there.
    pub fn to_int(&self) -> Result<IntTensor, IntError> {
        each!(self, tensor => tensor.to_int())
    }
}

/// An array of this shape with one number everywhere.
fn filled(shape: &[usize], value: f64) -> ArrayD<f64> {
    ArrayD::from_elem(IxDyn(shape), value)
}
