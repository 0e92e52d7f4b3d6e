//! Tensors made of little: extents, constants, ranges.

use crate::tensor::{ElementType, Tensor};

use super::binary::Number;
use super::gather::index;
use super::set::attributes;
use super::shape::elements;
use super::typed::{array, dense, map_tensor, same_number, same_type};
use super::{
    Attribute, AttributeSet, Attributes, Dim, Fact, Inputs, Known, OpError, Operator, Read,
};

attributes! {
    /// The extents of its input.
    Shape {
        /// The first axis.
        "start" start: i64 = 0;
        /// The axis behind the last one; none for all.
        "end" end: Option<i64> = None;
    }
    /// The number of elements of its input.
    Size {}
    /// Numbers from the first input up to the second, in steps of the third.
    Range {}
    /// 1 (the second of the third input) at the places of the first input along a new axis, else 0 (the first of it).
    OneHot {
        /// The axis.
        "axis" axis: i64 = -1;
    }
    /// The triangle above a diagonal, or that below it.
    Trilu {
        /// Whether that above it.
        "upper" upper: bool = true;
    }
}

impl Shape {
    fn range(&self, rank: usize) -> std::ops::Range<usize> {
        let place = |at: i64| {
            let at = if at < 0 { at.saturating_add(rank as i64) } else { at };
            at.clamp(0, rank as i64) as usize
        };
        let (start, end) = (place(self.start), place(self.end.unwrap_or(rank as i64)));
        start..end.max(start)
    }
}

impl Operator for Shape {
    fn since(&self) -> i64 {
        if self.start == 0 && self.end.is_none() { 1 } else { 15 }
    }

    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        let x = inputs.required(0, "data")?;
        let dims = x.shape.as_ref().map(|shape| shape[self.range(shape.len())].to_vec());
        let length = dims.as_ref().map_or(Dim::Unknown, |dims| Dim::Size(dims.len()));
        let fact = Fact::new(ElementType::I64, vec![length]);
        let sizes = |dims: &Vec<Dim>| dims.iter().map(|dim| Some(dim.size()? as i64)).collect();
        let known = match dims.as_ref().and_then(sizes) {
            Some(sizes) => Some(Known::Tensor(Tensor::vector::<i64>(sizes))),
            None => dims.map(Known::Dims),
        };
        Ok(vec![Fact { known, ..fact }])
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let shape = inputs.required(0, "data")?.shape();
        let shape = &shape[self.range(shape.len())];
        Ok(vec![Tensor::vector(shape.iter().map(|&size| size as i64).collect())])
    }
}

impl Operator for Size {
    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        let _ = inputs.required(0, "data")?;
        Ok(vec![Fact::new(ElementType::I64, vec![])])
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        Ok(vec![Tensor::scalar(inputs.required(0, "data")?.len() as i64)])
    }
}

/// A tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Constant {
    /// It.
    pub value: Tensor,
}

impl AttributeSet for Constant {
    fn from_attributes(attributes: &mut Attributes) -> Result<Self, OpError> {
        for name in ["value", "value_float", "value_int", "value_floats", "value_ints"] {
            if let Some(value) = attributes.take(name) {
                let value = match value {
                    Attribute::Tensor(tensor) => tensor,
                    Attribute::Float(x) => Tensor::scalar(x),
                    Attribute::Int(x) => Tensor::scalar(x),
                    Attribute::Floats(x) => Tensor::vector(x),
                    Attribute::Ints(x) => Tensor::vector(x),
                    Attribute::Text(_) | Attribute::Texts(_) => {
                        return Err(OpError::attribute(name, "a text is no tensor"));
                    }
                };
                return Ok(Self { value });
            }
        }
        Err(OpError::attribute("value", "there is none, or it is a text or sparse"))
    }

    fn put_attributes(&self, attributes: &mut Attributes) {
        attributes.insert("value", Attribute::Tensor(self.value.clone()));
    }
}

impl Operator for Constant {
    fn infer(&self, _: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        Ok(vec![Fact::of(&self.value)])
    }

    fn run(&self, _: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        Ok(vec![self.value.clone()])
    }
}

/// One number everywhere, in a shape that is its input.
#[derive(Clone, Debug, PartialEq)]
pub struct ConstantOfShape {
    /// The number, as a tensor of one element.
    pub value: Tensor,
}

impl AttributeSet for ConstantOfShape {
    fn from_attributes(attributes: &mut Attributes) -> Result<Self, OpError> {
        let value = match attributes.take("value") {
            None => Tensor::vector(vec![0.0f32]),
            Some(Attribute::Tensor(value)) if value.len() == 1 => value,
            Some(other) => {
                return Err(OpError::attribute("value", format!("{other:?} is not one number")));
            }
        };
        Ok(Self { value })
    }

    fn put_attributes(&self, attributes: &mut Attributes) {
        attributes.insert("value", Attribute::Tensor(self.value.clone()));
    }
}

/// Extents, none of them negative.
pub(crate) fn extents(
    inputs: Inputs<'_, Tensor>,
    place: usize,
    name: &'static str,
) -> Result<Vec<usize>, OpError> {
    let given = inputs.integers(place, name)?.ok_or(OpError::Missing { index: place, name })?;
    let extent = |&n: &i64| {
        let problem = |_| OpError::Shape(format!("{n} is no extent"));
        usize::try_from(n).map_err(problem)
    };
    given.iter().map(extent).collect()
}

impl Operator for ConstantOfShape {
    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        let shape = inputs.required(0, "input")?.dims();
        Ok(vec![Fact { element: Some(self.value.element_type()), shape, known: None }])
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let shape = extents(inputs, 0, "input")?;
        let count = elements(&shape)?;
        Ok(vec![map_tensor!(&self.value, a => {
            let value = a.first().copied().unwrap_or_default();
            array(&shape, vec![value; count])?
        })])
    }
}

/// Numbers from one up to another.
fn range<T: Number>(start: T, limit: T, step: T) -> Result<Vec<T>, OpError> {
    let (from, to, by) = (start.wide(), limit.wide(), step.wide());
    let count = ((to - from) / by).ceil();
    if by == 0.0 || !count.is_finite() || count > 1e9 {
        return Err(OpError::Shape(format!("a range from {from} to {to} in steps of {by}")));
    }
    let mut numbers = Vec::with_capacity(count.max(0.0) as usize);
    let mut next = start;
    for _ in 0..count.max(0.0) as usize {
        numbers.push(next);
        next = Number::add(next, step);
    }
    Ok(numbers)
}

impl Operator for Range {
    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        let element = inputs.required(0, "start")?.element;
        Ok(vec![Fact { element, shape: Some(vec![Dim::Unknown]), known: None }])
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let all = [
            inputs.required(0, "start")?,
            inputs.required(1, "limit")?,
            inputs.required(2, "delta")?,
        ];
        Ok(vec![same_number!("Range", &all, a => {
            let number = |i: usize| {
                a[i].first().copied().ok_or_else(|| OpError::Shape("a range without ends".into()))
            };
            let numbers = range(number(0)?, number(1)?, number(2)?)?;
            array(&[numbers.len()], numbers)?
        })])
    }
}

impl Operator for OneHot {
    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        let (x, values) = (inputs.required(0, "indices")?, inputs.required(2, "values")?);
        let shape = match x.shape.clone() {
            Some(mut shape) => {
                let at = super::shape::axis(self.axis, shape.len() + 1)?;
                shape.insert(at, Dim::Unknown);
                Some(shape)
            }
            None => None,
        };
        Ok(vec![Fact { element: values.element, shape, known: None }])
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let f32 = ElementType::F32;
        let whole = |tensor: &Tensor| match tensor.element_type() == f32 {
            true => super::cast::cast(tensor, ElementType::I64, &super::cast::policy(true)),
            false => Ok(tensor.clone()),
        };
        let x = whole(inputs.required(0, "indices")?)?;
        let depth = whole(inputs.required(1, "depth")?)?;
        let integers = |tensor: &Tensor| {
            tensor.integers().map_err(|source| OpError::Input { name: "indices", source })
        };
        let depth = integers(&depth)?.first().copied().unwrap_or(0);
        let depth = usize::try_from(depth).ok().filter(|&depth| depth > 0);
        let depth = depth.ok_or_else(|| OpError::Shape("a depth below 1".into()))?;
        let at = super::shape::axis(self.axis, x.shape().len() + 1)?;
        let mut shape = x.shape().to_vec();
        shape.insert(at, depth);
        let count = elements(&shape)?;
        let inner: usize = shape[at + 1..].iter().product();
        let values = inputs.required(2, "values")?;
        let places = integers(&x)?;
        Ok(vec![same_type!(&[values], a => {
            let values = dense(a[0]);
            let [off, on] = values[..] else {
                return Err(OpError::Shape("values are two numbers, off and on".into()));
            };
            let mut out = vec![off; count];
            for (i, &place) in places.iter().enumerate() {
                // What lies outside is nowhere.
                if let Ok(place) = index(place, depth) {
                    out[(i / inner * depth + place) * inner + i % inner] = on;
                }
            }
            array(&shape, out)?
        })])
    }
}

impl Operator for Trilu {
    fn since(&self) -> i64 {
        14
    }

    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        Ok(vec![inputs.required(0, "input")?.clone().without_known()])
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let x = inputs.required(0, "input")?;
        let k = inputs.integers(1, "k")?.and_then(|k| k.first().copied()).unwrap_or(0);
        let [.., height, width] = *x.shape() else {
            return Err(OpError::Shape("a triangle takes 2 axes".into()));
        };
        let _ = height;
        Ok(vec![map_tensor!(x, a => {
            let mut out = dense(a).into_owned();
            for (i, row) in out.chunks_mut(width.max(1)).enumerate() {
                let y = (i % height.max(1)) as i64;
                for (x, value) in row.iter_mut().enumerate() {
                    let right = (x as i64).saturating_sub(y);
                    if if self.upper { right < k } else { right > k } {
                        *value = Default::default();
                    }
                }
            }
            array(a.shape(), out)?
        })])
    }
}

attributes! {
    /// The same; the second output, where nothing is dropped, is true everywhere.
    Dropout {
        /// The seed in training.
        "seed" seed: Option<i64> = None;
    }
}

impl Operator for Dropout {
    /// Until 11, the ratio is an attribute; it does not matter.
    fn read(attributes: &mut Attributes, opset: i64) -> Result<Read<Self>, OpError> {
        if opset < 12 {
            let _ = attributes.float("ratio")?;
        }
        Ok(Self::from_attributes(attributes)?.into())
    }

    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        let x = inputs.required(0, "data")?.clone().without_known();
        let mask = Fact { element: Some(ElementType::Bool), ..x.clone() };
        Ok(vec![x, mask])
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        if let Some(Tensor::Bool(training)) = inputs.optional(2)
            && training.iter().any(|&training| training)
        {
            return Err(OpError::Unsupported("Dropout in training".into()));
        }
        let x = inputs.required(0, "data")?;
        Ok(vec![x.clone(), array(x.shape(), vec![true; x.len()])?.into()])
    }
}
