//! `TopK`, `CumSum`, `NonZero`.

use std::cmp::Ordering;

use crate::tensor::{ElementType, Tensor};

use super::binary::Number;
use super::set::attributes;
use super::shape::{Odometer, around, axis, elements};
use super::typed::{array, dense, same_number};
use super::{AttributeSet, Attributes, Dim, Fact, Inputs, OpError, Operator, Read};

attributes! {
    /// The greatest along an axis, so many as the second input says, and where they are.
    TopK {
        /// The axis.
        "axis" axis: i64 = -1;
        /// Whether the greatest, and not the least.
        "largest" largest: bool = true;
        /// Whether they come in their order.
        "sorted" sorted: bool = true;
    }
    /// Sums of all up to each along an axis, which is the second input.
    CumSum {
        /// Whether each one's own element is left out.
        "exclusive" exclusive: bool = false;
        /// Whether from the other end on.
        "reverse" reverse: bool = false;
    }
    /// The places of elements that are not 0, a column each.
    NonZero {}
}

fn one(list: Option<Vec<i64>>, name: &'static str) -> Result<i64, OpError> {
    match list.as_deref() {
        Some(&[one]) => Ok(one),
        Some(other) => Err(OpError::Shape(format!("{name} is {other:?}, and not one number"))),
        None => Err(OpError::Missing { index: 1, name }),
    }
}

impl Operator for TopK {
    /// Until 9, how many is an attribute.
    fn read(attributes: &mut Attributes, opset: i64) -> Result<Read<Self>, OpError> {
        let k = if opset < 10 { attributes.int("k")? } else { None };
        let read = Read::from(Self::from_attributes(attributes)?);
        Ok(read.with(1, k.map(|k| Tensor::vector(vec![k]))))
    }

    fn since(&self) -> i64 {
        if self.largest && self.sorted { 10 } else { 11 }
    }

    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        let (x, k) = (inputs.required(0, "X")?, inputs.required(1, "K")?);
        let k = k.tensor().and_then(|k| k.integers().ok()).and_then(|k| k.first().copied());
        let size = k.and_then(|k| usize::try_from(k).ok()).map_or(Dim::Unknown, Dim::Size);
        let shape = match x.shape.clone() {
            Some(mut shape) => {
                let at = axis(self.axis, shape.len())?;
                shape[at] = size;
                Some(shape)
            }
            None => None,
        };
        let values = Fact { element: x.element, shape, known: None };
        let places = Fact { element: Some(ElementType::I64), ..values.clone() };
        Ok(vec![values, places])
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let x = inputs.required(0, "X")?;
        let k = one(inputs.integers(1, "K")?, "K")?;
        let at = axis(self.axis, x.shape().len())?;
        let (outer, size, inner) = around(x.shape(), at);
        let fits = usize::try_from(k).ok().filter(|&k| k <= size);
        let k = fits.ok_or_else(|| OpError::Shape(format!("{k} of {size} elements")))?;
        let mut shape = x.shape().to_vec();
        shape[at] = k;
        let mut places = vec![0i64; elements(&shape)?];
        let values = same_number!("TopK", &[x], a => {
            let data = dense(a[0]);
            let mut values = vec![Default::default(); places.len()];
            let mut order: Vec<usize> = Vec::new();
            for row in 0..outer * inner {
                let from = |i: usize| data[(row / inner * size + i) * inner + row % inner];
                order.clear();
                order.extend(0..size);
                order.sort_by(|&i, &j| {
                    let (a, b) = (from(i), from(j));
                    let order = a.partial_cmp(&b).unwrap_or(Ordering::Equal);
                    let order = if self.largest { order.reverse() } else { order };
                    order.then(i.cmp(&j))
                });
                for (to, &i) in order.iter().take(k).enumerate() {
                    let to = (row / inner * k + to) * inner + row % inner;
                    values[to] = from(i);
                    places[to] = i as i64;
                }
            }
            array(&shape, values)?
        });
        Ok(vec![values, array(&shape, places)?.into()])
    }
}

impl Operator for CumSum {
    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        Ok(vec![inputs.required(0, "x")?.clone().without_known()])
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let x = inputs.required(0, "x")?;
        let at = axis(one(inputs.integers(1, "axis")?, "axis")?, x.shape().len())?;
        let (outer, size, inner) = around(x.shape(), at);
        Ok(vec![same_number!("CumSum", &[x], a => {
            let data = dense(a[0]);
            let mut out = vec![Default::default(); data.len()];
            for row in 0..outer * inner {
                let mut sum = Default::default();
                for i in 0..size {
                    let i = if self.reverse { size - 1 - i } else { i };
                    let place = (row / inner * size + i) * inner + row % inner;
                    let next = Number::add(sum, data[place]);
                    out[place] = if self.exclusive { sum } else { next };
                    sum = next;
                }
            }
            array(a[0].shape(), out)?
        })])
    }
}

impl Operator for NonZero {
    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        let rank = inputs.required(0, "X")?.rank();
        let shape = vec![rank.map_or(Dim::Unknown, Dim::Size), Dim::Unknown];
        Ok(vec![Fact::new(ElementType::I64, shape)])
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let x = inputs.required(0, "X")?;
        let truth = super::cast::cast(x, ElementType::Bool, &super::cast::policy(true))?;
        let Tensor::Bool(truth) = truth else { return Ok(vec![]) };
        let rank = truth.ndim();
        let mut places: Vec<Vec<i64>> = vec![Vec::new(); rank];
        let mut at = Odometer::new(x.shape());
        for &here in &truth {
            if here {
                places.iter_mut().zip(&at.at).for_each(|(places, &at)| places.push(at as i64));
            }
            at.step();
        }
        let count = places.first().map_or(0, Vec::len);
        Ok(vec![array(&[rank, count], places.concat())?.into()])
    }
}
