//! Operations that move values, and codes with them.

use fewbit::tensor::{AnyQuantTensor, Granularity};
use ndarray::{ArrayD, ArrayViewD, Axis, IxDyn, Slice, concatenate};

use super::{LayerError, QuantValue};

/// A rearrangement of the elements of an array.
trait Move {
    /// The elements in their new places.
    fn array<T: Copy>(&self, array: ArrayViewD<'_, T>) -> Option<ArrayD<T>>;

    /// The axis that the channels of an axis come to lie along, whole and in their order, if they do.
    fn channels(&self, axis: usize) -> Option<usize>;
}

struct Reshape<'a>(&'a [usize]);

impl Move for Reshape<'_> {
    fn array<T: Copy>(&self, array: ArrayViewD<'_, T>) -> Option<ArrayD<T>> {
        ArrayD::from_shape_vec(IxDyn(self.0), array.iter().copied().collect()).ok()
    }

    fn channels(&self, _: usize) -> Option<usize> {
        None
    }
}

struct Permute<'a>(&'a [usize]);

impl Move for Permute<'_> {
    fn array<T: Copy>(&self, array: ArrayViewD<'_, T>) -> Option<ArrayD<T>> {
        let mut sorted = self.0.to_vec();
        sorted.sort_unstable();
        if !sorted.into_iter().eq(0..array.ndim()) {
            return None;
        }
        Some(array.permuted_axes(self.0.to_vec()).as_standard_layout().into_owned())
    }

    fn channels(&self, axis: usize) -> Option<usize> {
        self.0.iter().position(|&from| from == axis)
    }
}

struct Part {
    axis: usize,
    from: usize,
    to: usize,
}

impl Move for Part {
    fn array<T: Copy>(&self, array: ArrayViewD<'_, T>) -> Option<ArrayD<T>> {
        let Self { axis, from, to } = *self;
        if from > to || *array.shape().get(axis)? < to {
            return None;
        }
        let part = array.slice_axis(Axis(axis), Slice::from(from..to));
        Some(part.as_standard_layout().into_owned())
    }

    fn channels(&self, axis: usize) -> Option<usize> {
        (axis != self.axis).then_some(axis)
    }
}

struct Rows<'a>(&'a ArrayD<usize>);

impl Move for Rows<'_> {
    fn array<T: Copy>(&self, array: ArrayViewD<'_, T>) -> Option<ArrayD<T>> {
        let mut out = Vec::new();
        for &row in self.0 {
            if row >= *array.shape().first()? {
                return None;
            }
            out.extend(array.index_axis(Axis(0), row).iter().copied());
        }
        let mut shape = self.0.shape().to_vec();
        shape.extend(&array.shape()[1..]);
        ArrayD::from_shape_vec(IxDyn(&shape), out).ok()
    }

    fn channels(&self, _: usize) -> Option<usize> {
        None
    }
}

impl QuantValue {
    fn moved(&self, by: &impl Move, what: &str) -> Result<Self, LayerError> {
        let shape = self.values.shape();
        let wrong = || LayerError::Shape(format!("{what} of a value of shape {shape:?}"));
        let values = by.array(self.values.view()).ok_or_else(wrong)?;
        let codes = match &self.codes {
            None => None,
            Some(codes) => {
                let granularity = match codes.granularity() {
                    Granularity::Tensor => Some(Granularity::Tensor),
                    Granularity::Channel { axis } => {
                        let axis = usize::try_from(axis).ok().and_then(|axis| by.channels(axis));
                        axis.map(|axis| Granularity::Channel { axis: axis as isize })
                    }
                    _ => None,
                };
                let moved = granularity.zip(by.array(codes.codes().view()));
                moved.map(|(granularity, moved)| rebuilt(codes, moved, granularity)).transpose()?
            }
        };
        Ok(Self { values, codes })
    }

    /// The same elements in row-major order in another shape.
    ///
    /// # Errors
    /// A shape of another number of elements.
    pub fn reshape(&self, shape: &[usize]) -> Result<Self, LayerError> {
        self.moved(&Reshape(shape), &format!("the shape {shape:?}"))
    }

    /// One axis for the channels and all positions of each sample: `[samples, ...]` to `[samples, elements]`.
    ///
    /// # Errors
    /// A value without axes.
    pub fn flatten(&self) -> Result<Self, LayerError> {
        let samples = self.values.shape().first().copied().unwrap_or(1);
        let elements = self.values.len().checked_div(samples).unwrap_or(0);
        self.reshape(&[samples, elements])
    }

    /// The axes in another order.
    ///
    /// # Errors
    /// What is no order of the axes.
    pub fn permute(&self, order: &[usize]) -> Result<Self, LayerError> {
        self.moved(&Permute(order), &format!("the order {order:?}"))
    }

    /// The elements from one index of an axis up to another one.
    ///
    /// # Errors
    /// No such axis or indices.
    pub fn slice(&self, axis: usize, from: usize, to: usize) -> Result<Self, LayerError> {
        self.moved(&Part { axis, from, to }, &format!("indices {from} to {to} of axis {axis}"))
    }

    /// The element of an index of the first axis for every index.
    pub(super) fn rows(&self, rows: &ArrayD<usize>) -> Result<Self, LayerError> {
        self.moved(&Rows(rows), "rows")
    }

    /// Values side by side along an axis; the codes stay where all have one format, scale and zero point.
    ///
    /// # Errors
    /// None to put together; shapes that do not fit.
    pub fn concatenate(parts: &[Self], axis: usize) -> Result<Self, LayerError> {
        let wrong = |error: ndarray::ShapeError| {
            let shapes: Vec<&[usize]> = parts.iter().map(|part| part.values.shape()).collect();
            LayerError::Shape(format!("{shapes:?} side by side along axis {axis}: {error}"))
        };
        let first = parts.first();
        let first = first.ok_or_else(|| LayerError::Shape("nothing to put together".into()))?;
        if axis >= first.values.ndim() {
            return Err(LayerError::Shape(format!("there is no axis {axis}")));
        }
        let views: Vec<_> = parts.iter().map(|part| part.values.view()).collect();
        let values = concatenate(Axis(axis), &views).map_err(wrong)?;
        let like = first.codes.as_ref().filter(|codes| match codes.granularity() {
            Granularity::Tensor => true,
            Granularity::Channel { axis: channels } => channels != axis as isize,
            _ => false,
        });
        let same = |codes: &AnyQuantTensor| {
            like.is_some_and(|like| {
                codes.format() == like.format()
                    && codes.granularity() == like.granularity()
                    && codes.scale() == like.scale()
                    && codes.zero_point() == like.zero_point()
            })
        };
        let all: Option<Vec<ArrayD<u32>>> = parts
            .iter()
            .map(|part| part.codes.as_ref().filter(|codes| same(codes)).map(AnyQuantTensor::codes))
            .collect();
        let codes = match (like, all) {
            (Some(like), Some(all)) => {
                let views: Vec<_> = all.iter().map(|codes| codes.view()).collect();
                let joined = concatenate(Axis(axis), &views).map_err(wrong)?;
                Some(rebuilt(like, joined, like.granularity())?)
            }
            _ => None,
        };
        Ok(Self { values, codes })
    }
}

/// Codes with the scales of others.
fn rebuilt(
    like: &AnyQuantTensor,
    codes: ArrayD<u32>,
    granularity: Granularity,
) -> Result<AnyQuantTensor, LayerError> {
    let shape = |parameter: &ArrayD<f32>| -> Result<ArrayD<f32>, LayerError> {
        let Granularity::Channel { axis } = granularity else { return Ok(parameter.clone()) };
        let mut shape = vec![1; codes.ndim()];
        if let Some(extent) = shape.get_mut(axis as usize) {
            *extent = parameter.len();
        }
        let parameter = ArrayD::from_shape_vec(IxDyn(&shape), parameter.iter().copied().collect());
        parameter.map_err(|error| LayerError::Shape(error.to_string()))
    };
    let (scale, zero) = (shape(like.scale())?, like.zero_point().map(shape).transpose()?);
    AnyQuantTensor::new(like.format(), &codes.view(), scale, zero, granularity)
        .map_err(|error| LayerError::Shape(error.to_string()))
}

#[cfg(test)]
mod tests {
    use ndarray::{arr1, array};

    use super::super::{Activation, QuantActivation};
    use super::*;

    fn quantized(values: ArrayD<f32>, preset: &str) -> QuantValue {
        let identity = QuantActivation::new(Activation::Identity, Some(preset)).unwrap();
        identity.forward(&QuantValue::from(values)).unwrap()
    }

    fn agree(value: &QuantValue) {
        assert_eq!(value.codes.as_ref().unwrap().dequantize(), value.values);
    }

    #[test]
    fn codes_move_with_their_values() {
        let x = array![[[1.0f32, -2.0, 3.0], [0.5, 0.25, -4.0]]].into_dyn();
        for preset in ["Int8ActPerTensorFloat", "Fp8e4m3OCPActPerTensorFloat"] {
            let x = quantized(x.clone(), preset);
            agree(&x.reshape(&[3, 2]).unwrap());
            agree(&x.flatten().unwrap());
            agree(&x.permute(&[2, 0, 1]).unwrap());
            agree(&x.slice(2, 1, 3).unwrap());
            agree(&x.rows(&arr1(&[0, 0]).into_dyn()).unwrap());
            agree(&QuantValue::concatenate(&[x.clone(), x], 1).unwrap());
        }
    }

    #[test]
    fn channels_keep_their_scales() {
        let x =
            quantized(array![[1.0f32, -2.0], [30.0, 40.0]].into_dyn(), "Int8WeightPerChannelFloat");
        agree(&x.permute(&[1, 0]).unwrap());
        agree(&x.slice(1, 0, 1).unwrap());
        assert!(x.slice(0, 0, 1).unwrap().codes.is_none());
        assert!(x.reshape(&[4]).unwrap().codes.is_none());
    }

    #[test]
    fn other_scales_side_by_side_are_no_codes() {
        let (x, y) = (array![[1.0f32]].into_dyn(), array![[3.0f32]].into_dyn());
        let (x, y) = (quantized(x, "Int8ActPerTensorFloat"), quantized(y, "Int8ActPerTensorFloat"));
        assert!(QuantValue::concatenate(&[x, y], 0).unwrap().codes.is_none());
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let x = QuantValue::from(array![[1.0f32, 2.0]]);
        assert!(x.reshape(&[3]).is_err());
        assert!(x.permute(&[0, 0]).is_err());
        assert!(x.slice(2, 0, 1).is_err());
        assert!(x.slice(1, 1, 3).is_err());
        assert!(QuantValue::concatenate(&[], 0).is_err());
        assert!(QuantValue::concatenate(&[x], 2).is_err());
    }
}
