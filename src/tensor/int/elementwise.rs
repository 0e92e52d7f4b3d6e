//! Sums, differences, products, element by element.

use ndarray::ArrayD;

use super::growth::{Extent, brevitas};
use super::{BitGrowth, Granularity, IntError, IntTensor, Outcome, filled};
use crate::accumulate::bounds::DataType;
use crate::tensor::parts::OwnedParts;
use crate::tensor::sharing::Sharing;

/// When the scales of two summands count as one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ScaleMatch {
    /// Where they are equal. The sum is then exact.
    #[default]
    Equal,
    /// Where `|a - b| <= 1e-8 + 1e-5 |b|`; the sum has the mean of both, as in Brevitas, and is as exact as that.
    Close,
}

/// Two operands with one granularity.
struct Pair {
    a: OwnedParts<i64, f64>,
    b: OwnedParts<i64, f64>,
    granularity: Granularity,
}

impl IntTensor {
    /// `a + b`, element by element: the integers and the zero points are added, the scales must match.
    ///
    /// # Errors
    /// Other shapes, granularities without a common one, other scales; a result beyond the stated type or 64 bits.
    ///
    /// ```
    /// use fewbit::formats::Uint8;
    /// use fewbit::tensor::{BitGrowth, Granularity, QuantTensor, ScaleMatch};
    /// use ndarray::{arr0, array};
    /// let codes = array![255u8, 3].into_dyn();
    /// let x = QuantTensor::<Uint8>::new(codes, arr0(0.5).into_dyn(), None, Granularity::Tensor)?.to_int()?;
    /// let sum = x.add(&x, BitGrowth::Brevitas, ScaleMatch::Equal)?;
    /// assert_eq!((sum.ints(), sum.data_type().bits), (&array![510i64, 6].into_dyn(), 9));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn add(
        &self,
        other: &Self,
        growth: BitGrowth,
        scales: ScaleMatch,
    ) -> Result<Self, IntError> {
        let operation = "a sum";
        let stated = brevitas::sum(self.data_type, other.data_type);
        let extent = self.extent.sum(other.extent);
        self.sum_of(other, 1, stated, extent, operation, scales)?.state(growth)
    }

    /// `a - b`, element by element: see [`Self::add`]. Brevitas states the type of `a + (-b)`, with `-b` a bit wider where
    /// `b` is unsigned.
    ///
    /// # Errors
    /// As [`Self::add`].
    pub fn sub(
        &self,
        other: &Self,
        growth: BitGrowth,
        scales: ScaleMatch,
    ) -> Result<Self, IntError> {
        let operation = "a difference";
        let stated = brevitas::sum(self.data_type, brevitas::negated(other.data_type));
        let extent = self.extent.sum(other.extent.negated());
        self.sum_of(other, -1, stated, extent, operation, scales)?.state(growth)
    }

    /// `-a`: the integers and the zero points are negated.
    ///
    /// # Errors
    /// A result beyond the stated type: the least integer of a signed one under [`BitGrowth::Brevitas`].
    pub fn neg(&self, growth: BitGrowth) -> Result<Self, IntError> {
        let zero_point = self.zero_point.as_ref().map(|zero_point| -zero_point);
        let brevitas = brevitas::negated(self.data_type);
        self.mapped("a negation", |int| -int, brevitas, self.extent.negated(), zero_point)
            .state(growth)
    }

    /// `|a|`, for scales of either sign.
    ///
    /// # Errors
    /// A zero point; a result beyond the stated type.
    pub fn abs(&self, growth: BitGrowth) -> Result<Self, IntError> {
        let operation = "an absolute value";
        if self.zero_point.is_some() {
            return Err(IntError::ZeroPoint { operation });
        }
        let Extent { low, high } = self.extent;
        let least = if low <= 0 && high >= 0 { 0 } else { low.abs().min(high.abs()) };
        let extent = Extent::new(least, low.abs().max(high.abs()));
        let brevitas = brevitas::absolute(self.data_type);
        let mut outcome = self.mapped(operation, i128::abs, brevitas, extent, None);
        outcome.scale.mapv_inplace(f64::abs);
        outcome.state(growth)
    }

    /// `a * b`, element by element: integers and scales are multiplied.
    ///
    /// # Errors
    /// Other shapes, granularities without a common one, a zero point; a result beyond the stated type or 64 bits.
    pub fn mul(&self, other: &Self, growth: BitGrowth) -> Result<Self, IntError> {
        let operation = "a product";
        if self.zero_point.is_some() || other.zero_point.is_some() {
            return Err(IntError::ZeroPoint { operation });
        }
        let Pair { a, b, granularity } = self.pair(other, operation)?;
        let products = a.codes.iter().zip(&b.codes).map(|(&a, &b)| i128::from(a) * i128::from(b));
        Outcome {
            operation,
            values: products.collect(),
            shape: self.shape().to_vec(),
            brevitas: brevitas::product(self.data_type, other.data_type),
            extent: self.extent.product(other.extent),
            scale: a.scale * b.scale,
            zero_point: None,
            granularity,
        }
        .state(growth)
    }

    /// `max(a, 0)`: integers below their zero point become the zero point. Brevitas keeps type and sign.
    ///
    /// # Errors
    /// A scale that is not positive, a zero point that is not a whole number or not within 64 bits.
    pub fn relu(&self, growth: BitGrowth) -> Result<Self, IntError> {
        let operation = "a rectifier";
        self.check_positive_scales(operation)?;
        let zero_points = self.whole_zero_points(operation)?;
        let extent = match zero_points.iter().min().zip(zero_points.iter().max()) {
            None => Extent::new(self.extent.low.max(0), self.extent.high.max(0)),
            Some((least, most)) => {
                Extent::new(self.extent.low.max(*least), self.extent.high.max(*most))
            }
        };
        let zero = self.zero_point.as_ref().map(|zero_point| self.expand(zero_point));
        let mut zeros = zero.iter().flatten().map(|&zero| zero as i128);
        let values = self.ints.iter().map(|&int| i128::from(int).max(zeros.next().unwrap_or(0)));
        Outcome {
            operation,
            values: values.collect(),
            shape: self.shape().to_vec(),
            brevitas: self.data_type,
            extent: Some(extent),
            scale: self.scale.clone(),
            zero_point: self.zero_point.clone(),
            granularity: self.granularity,
        }
        .state(growth)
    }

    /// The same values with integers from which the zero points have been subtracted, in the least type that holds them
    /// whatever the codes.
    ///
    /// # Errors
    /// A zero point that is not a whole number or not within 64 bits.
    ///
    /// ```
    /// use fewbit::formats::Uint8;
    /// use fewbit::tensor::{Granularity, QuantTensor};
    /// use ndarray::{arr0, array};
    /// let (codes, zero) = (array![0u8, 255].into_dyn(), Some(arr0(128f32).into_dyn()));
    /// let t = QuantTensor::<Uint8>::new(codes, arr0(0.5).into_dyn(), zero, Granularity::Tensor)?;
    /// let folded = t.to_int()?.without_zero_point()?;
    /// assert_eq!(folded.ints(), array![-128i64, 127].into_dyn());
    /// assert_eq!(folded.data_type().bits, 8);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn without_zero_point(&self) -> Result<Self, IntError> {
        let operation = "subtracting a zero point";
        let zero_points = self.whole_zero_points(operation)?;
        let Some((least, most)) = zero_points.iter().min().zip(zero_points.iter().max()) else {
            return Ok(Self { zero_point: None, ..self.clone() });
        };
        let extent = self.extent.sum(Extent::new(-most, -least));
        let zero = self.zero_point.as_ref().map(|zero_point| self.expand(zero_point));
        let mut zeros = zero.iter().flatten().map(|&zero| zero as i128);
        let values = self.ints.iter().map(|&int| i128::from(int) - zeros.next().unwrap_or(0));
        Outcome {
            operation,
            values: values.collect(),
            shape: self.shape().to_vec(),
            brevitas: self.data_type,
            extent,
            scale: self.scale.clone(),
            zero_point: None,
            granularity: self.granularity,
        }
        .state(BitGrowth::Range)
    }

    fn sum_of(
        &self,
        other: &Self,
        sign: i8,
        brevitas: DataType,
        extent: Option<Extent>,
        operation: &'static str,
        scales: ScaleMatch,
    ) -> Result<Outcome, IntError> {
        let Pair { a, b, granularity } = self.pair(other, operation)?;
        let mut scale = a.scale.clone();
        for (index, (a, &b)) in scale.iter_mut().zip(&b.scale).enumerate() {
            let same = *a == b || a.is_nan() && b.is_nan();
            match scales {
                _ if same => {}
                ScaleMatch::Close if (*a - b).abs() <= 1e-8 + 1e-5 * b.abs() => *a = (*a + b) / 2.0,
                _ => return Err(IntError::Scales { operation, index, a: *a, b }),
            }
        }
        let none = || filled(scale.shape(), 0.0);
        let zero_point = match (a.zero_point, b.zero_point) {
            (None, None) => None,
            (a, b) => Some(a.unwrap_or_else(none) + b.unwrap_or_else(none) * f64::from(sign)),
        };
        let sign = i128::from(sign);
        let sums = a.codes.iter().zip(&b.codes);
        let values = sums.map(|(&a, &b)| i128::from(a) + sign * i128::from(b)).collect();
        let shape = self.shape().to_vec();
        Ok(Outcome { operation, values, shape, brevitas, extent, scale, zero_point, granularity })
    }

    fn mapped(
        &self,
        operation: &'static str,
        f: impl Fn(i128) -> i128,
        brevitas: DataType,
        extent: Extent,
        zero_point: Option<ArrayD<f64>>,
    ) -> Outcome {
        Outcome {
            operation,
            values: self.ints.iter().map(|&int| f(int.into())).collect(),
            shape: self.shape().to_vec(),
            brevitas,
            extent: Some(extent),
            scale: self.scale.clone(),
            zero_point,
            granularity: self.granularity,
        }
    }

    /// Both operands with the granularity of the finer one.
    fn pair(&self, other: &Self, operation: &'static str) -> Result<Pair, IntError> {
        if self.shape() != other.shape() {
            return Err(IntError::Shapes {
                operation,
                a: self.shape().to_vec(),
                b: other.shape().to_vec(),
                expected: "the same shape",
            });
        }
        let (a, b) = (self.parts(), other.parts());
        let of = |granularity| Sharing::of(self.shape(), granularity);
        let (ours, theirs) = (of(self.granularity)?, of(other.granularity)?);
        let granularity = if ours == theirs || theirs == Sharing::All {
            self.granularity
        } else if ours == Sharing::All {
            other.granularity
        } else {
            let (a, b) = (self.granularity.to_string(), other.granularity.to_string());
            return Err(IntError::Granularities { operation, a, b });
        };
        Ok(Pair { a: a.refined(granularity)?, b: b.refined(granularity)?, granularity })
    }

    pub(super) fn check_positive_scales(&self, operation: &'static str) -> Result<(), IntError> {
        let positive = |scale: f64| scale > 0.0;
        match self.scale.iter().enumerate().find(|(_, scale)| !positive(**scale)) {
            None => Ok(()),
            Some((index, &value)) => Err(IntError::Scale { operation, index, value }),
        }
    }

    /// The zero points as integers; none where there are none.
    pub(super) fn whole_zero_points(&self, operation: &'static str) -> Result<Vec<i128>, IntError> {
        let limit = 2f64.powi(63);
        let whole = |(index, &value): (usize, &f64)| {
            if value.trunc() == value && value.abs() <= limit {
                return Ok(value as i128);
            }
            Err(IntError::FractionalZeroPoint { operation, index, value })
        };
        self.zero_point.iter().flatten().enumerate().map(whole).collect()
    }
}
