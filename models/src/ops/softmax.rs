//! `Softmax` and `LogSoftmax`.

use crate::tensor::Tensor;

use super::functions::exp;
use super::parallel::change;
use super::reduce::along;
use super::set::attributes;
use super::shape::axis;
use super::sums::{greatest, sum, sum_of};
use super::unary::like_first;
use super::{AttributeSet, Attributes, Fact, Inputs, OpError, Operator, Read};

/// What a sum goes over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SoftmaxExtent {
    /// The axis.
    #[default]
    Axis,
    /// The axis and all behind it, as until operator set 12.
    Rest,
}

impl AttributeSet for SoftmaxExtent {
    fn from_attributes(_: &mut Attributes) -> Result<Self, OpError> {
        Ok(Self::Axis)
    }

    fn put_attributes(&self, _: &mut Attributes) {}
}

attributes! {
    /// e^x over the sum of all along an axis.
    Softmax {
        /// The axis.
        "axis" axis: i64 = -1;
        flatten
        /// What the sum goes over.
        extent: SoftmaxExtent;
    }
    /// The logarithm of `Softmax`.
    LogSoftmax {
        /// The axis.
        "axis" axis: i64 = -1;
        flatten
        /// What the sum goes over.
        extent: SoftmaxExtent;
    }
    /// 1 at the first of the greatest along an axis, else 0.
    Hardmax {
        /// The axis.
        "axis" axis: i64 = -1;
        flatten
        /// What is compared.
        extent: SoftmaxExtent;
    }
}

/// e^x over the sum of all, in place.
pub(crate) fn softmax(x: &mut [f32]) {
    let max = greatest(x);
    change(x, move |x| exp(x - max));
    let sum = sum(x);
    change(x, move |x| x / sum);
}

fn log_softmax(x: &mut [f32]) {
    let max = greatest(x);
    let log = sum_of(x, |x| exp(x - max)).ln();
    change(x, move |x| x - max - log);
}

fn hardmax(x: &mut [f32]) {
    let mut at = 0;
    for i in 1..x.len() {
        if x[i] > x[at] {
            at = i;
        }
    }
    x.iter_mut().enumerate().for_each(|(i, x)| *x = if i == at { 1.0 } else { 0.0 });
}

macro_rules! softmaxes {
    ($($name:ident $f:ident;)*) => {$(
        impl Operator for $name {
            /// Until 12, the default is 1, and all axes behind count too.
            fn read(attributes: &mut Attributes, opset: i64) -> Result<Read<Self>, OpError> {
                if opset < 13 {
                    let axis = attributes.int("axis")?.unwrap_or(1);
                    return Ok(Self { axis, extent: SoftmaxExtent::Rest }.into());
                }
                Ok(Self::from_attributes(attributes)?.into())
            }

            fn since(&self) -> i64 {
                if self.extent == SoftmaxExtent::Axis { 13 } else { i64::MAX }
            }

            fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
                like_first(inputs)
            }

            fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
                let x = inputs.array::<f32>(0, "input")?;
                if x.ndim() == 0 {
                    let mut one = [x.first().copied().unwrap_or_default()];
                    $f(&mut one);
                    return Ok(vec![Tensor::scalar(one[0])]);
                }
                let first = axis(self.axis, x.ndim())?;
                let last = match self.extent {
                    SoftmaxExtent::Axis => first + 1,
                    SoftmaxExtent::Rest => x.ndim(),
                };
                let axes: Vec<usize> = (first..last).collect();
                Ok(vec![along(x, &axes, $f)?.into()])
            }
        }
    )*};
}

softmaxes! {
    Softmax softmax;
    LogSoftmax log_softmax;
    Hardmax hardmax;
}
