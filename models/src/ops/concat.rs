//! `Concat` and `Split`.

use ndarray::{ArcArray, IxDyn};

use crate::tensor::Tensor;

use super::set::attributes;
use super::shape::{around, axis, elements};
use super::typed::{array, dense, map_tensor, same_type};
use super::{
    Attribute, AttributeSet, Attributes, Dim, Fact, Inputs, Known, OpError, Operator, Read,
};

attributes! {
    /// All inputs behind each other along an axis.
    Concat {
        /// The axis.
        "axis" axis: i64 = 0;
    }
    /// Parts along an axis: of the extents that the second input says, or of equal ones, the last one smaller.
    Split {
        /// The axis.
        "axis" axis: i64 = 0;
        /// The number of parts, where their extents are not given.
        "num_outputs" parts: Option<usize> = None;
    }
}

/// All arrays behind each other along an axis.
pub(crate) fn concat<T: Copy>(
    arrays: &[&ArcArray<T, IxDyn>],
    at: usize,
) -> Result<ArcArray<T, IxDyn>, OpError> {
    let Some(first) = arrays.first() else {
        return Err(OpError::Shape("there is nothing to put together".into()));
    };
    let mut shape = first.shape().to_vec();
    shape[at] = 0;
    for other in arrays {
        let mut own = other.shape().to_vec();
        if own.len() == shape.len() {
            shape[at] += own[at];
            own[at] = shape[at];
        }
        if own != shape {
            let (a, b) = (first.shape(), other.shape());
            return Err(OpError::Shape(format!("{a:?} and {b:?} along axis {at}")));
        }
    }
    let parts: Vec<_> =
        arrays.iter().map(|array| (dense(array), around(array.shape(), at))).collect();
    let mut out = Vec::with_capacity(elements(&shape)?);
    for outer in 0..shape[..at].iter().product() {
        for (data, (_, size, inner)) in &parts {
            let row = size * inner;
            out.extend_from_slice(&data[outer * row..][..row]);
        }
    }
    array(&shape, out)
}

impl Operator for Concat {
    /// The axis is an attribute that must be there, also where it is 0.
    fn attributes(&self) -> Attributes {
        Attributes::new().with("axis", Attribute::Int(self.axis))
    }

    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        let facts: Vec<&Fact> = inputs.iter().flatten().collect();
        let first = inputs.required(0, "inputs")?;
        let mut shape = first.shape.clone();
        let mut size = Some(0);
        for fact in &facts {
            shape = match (shape, &fact.shape) {
                (Some(mut shape), Some(other)) => {
                    if shape.len() != other.len() {
                        let (a, b) = (shape.len(), other.len());
                        return Err(OpError::Shape(format!("{a} axes and {b} axes put together")));
                    }
                    let at = axis(self.axis, shape.len())?;
                    size = size.zip(other[at].size()).map(|(a, b)| a + b);
                    for (place, (dim, other)) in shape.iter_mut().zip(other).enumerate() {
                        if place != at && dim.size().is_none() && other.size().is_some() {
                            *dim = other.clone();
                        }
                    }
                    shape[at] = size.map_or(Dim::Unknown, Dim::Size);
                    Some(shape)
                }
                _ => None,
            };
        }
        let rank = shape.as_ref().map_or(first.rank(), |shape| Some(shape.len()));
        let lists = facts.iter().map(|fact| fact.dims().filter(|dims| dims.len() < 64));
        let known = match rank {
            Some(1) => lists.collect::<Option<Vec<_>>>().map(|lists| Known::Dims(lists.concat())),
            _ => None,
        };
        Ok(vec![Fact { element: first.element, shape, known }])
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let first = inputs.required(0, "inputs")?;
        let at = axis(self.axis, first.shape().len())?;
        let all: Vec<&Tensor> = inputs.iter().flatten().collect();
        Ok(vec![same_type!(&all, arrays => concat(&arrays, at)?)])
    }
}

impl Split {
    fn sizes(&self, size: usize, given: Option<&[i64]>) -> Result<Vec<usize>, OpError> {
        if let Some(given) = given {
            let sizes: Option<Vec<usize>> =
                given.iter().map(|&size| usize::try_from(size).ok()).collect();
            let sum = |sizes: &Vec<usize>| {
                sizes.iter().try_fold(0usize, |sum, &part| sum.checked_add(part))
            };
            return sizes.filter(|sizes| sum(sizes) == Some(size)).ok_or_else(|| {
                OpError::Shape(format!("an extent of {size} in parts of {given:?}"))
            });
        }
        let parts = self.parts.filter(|&parts| parts > 0 && parts <= 1 << 16);
        let parts = parts
            .ok_or_else(|| OpError::attribute("num_outputs", "no number of parts is given"))?;
        let each = size.div_ceil(parts);
        Ok((0..parts).map(|i| each.min(size.saturating_sub(i * each))).collect())
    }
}

impl Operator for Split {
    fn read(attributes: &mut Attributes, opset: i64) -> Result<Read<Self>, OpError> {
        let sizes = if opset < 13 { attributes.ints("split")? } else { None };
        Ok(Read::from(Self::from_attributes(attributes)?).with(1, sizes.map(Tensor::vector)))
    }

    fn since(&self) -> i64 {
        if self.parts.is_some() { 18 } else { 13 }
    }

    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        let x = inputs.required(0, "input")?;
        let given = inputs.optional(1).map(|fact| fact.tensor().and_then(|t| t.integers().ok()));
        let sizes = match (&x.shape, &given) {
            (_, Some(None)) => return Ok(vec![]),
            (_, Some(Some(given))) => {
                let size = |&size: &i64| usize::try_from(size).ok();
                let sizes: Option<Vec<usize>> = given.iter().map(size).collect();
                sizes.unwrap_or_default().into_iter().map(Dim::Size).collect()
            }
            (Some(shape), None) => match shape[axis(self.axis, shape.len())?].size() {
                Some(size) => self.sizes(size, None)?.into_iter().map(Dim::Size).collect(),
                None => vec![Dim::Unknown; self.parts.unwrap_or(0).min(1 << 16)],
            },
            (None, None) => vec![Dim::Unknown; self.parts.unwrap_or(0).min(1 << 16)],
        };
        let part = |size: Dim| {
            let shape = match x.shape.clone() {
                Some(mut shape) => {
                    let at = axis(self.axis, shape.len())?;
                    shape[at] = size;
                    Some(shape)
                }
                None => None,
            };
            Ok(Fact { element: x.element, shape, known: None })
        };
        sizes.into_iter().map(part).collect()
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let x = inputs.required(0, "input")?;
        let at = axis(self.axis, x.shape().len())?;
        let given = inputs.integers(1, "split")?;
        let sizes = self.sizes(x.shape()[at], given.as_deref())?;
        let mut from = 0;
        let part = |size: usize| {
            let start = from;
            from += size;
            Ok(map_tensor!(x, a => part(a, at, start, size)?))
        };
        sizes.into_iter().map(part).collect()
    }
}

/// Some of the entries along an axis.
pub(crate) fn part<T: Copy>(
    x: &ArcArray<T, IxDyn>,
    at: usize,
    from: usize,
    size: usize,
) -> Result<ArcArray<T, IxDyn>, OpError> {
    let (outer, all, inner) = around(x.shape(), at);
    let data = dense(x);
    let mut shape = x.shape().to_vec();
    shape[at] = size;
    let mut out = Vec::with_capacity(elements(&shape)?);
    for o in 0..outer {
        out.extend_from_slice(&data[(o * all + from) * inner..][..size * inner]);
    }
    array(&shape, out)
}
