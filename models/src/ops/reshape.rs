//! The same elements in another shape.

use crate::tensor::Tensor;

use super::set::attributes;
use super::shape::{axes, axis, elements};
use super::{AttributeSet, Attributes, Dim, Fact, Inputs, Known, OpError, Operator, Read};

attributes! {
    /// The shape that the second input says: 0 for the extent that is there, -1 for what is left.
    Reshape {
        /// Whether 0 stands for an extent of 0.
        "allowzero" zero: bool = false;
    }
    /// A matrix: the axes before one, and that one with those behind.
    Flatten {
        /// The axis.
        "axis" axis: i64 = 1;
    }
    /// Without axes of extent 1: those of the second input, or all.
    Squeeze {}
    /// With axes of extent 1 at the places of the second input.
    Unsqueeze {}
    /// The same.
    Identity {}
}

fn reshape(x: &Tensor, shape: &[usize]) -> Result<Vec<Tensor>, OpError> {
    let reshaped = x.reshaped(shape);
    Ok(vec![reshaped.map_err(|source| OpError::Input { name: "data", source })?])
}

impl Reshape {
    fn shape(&self, x: &[usize], wanted: &[i64]) -> Result<Vec<usize>, OpError> {
        let wrong = || OpError::Shape(format!("shape {x:?} does not become {wanted:?}"));
        let mut rest = None;
        let mut shape = Vec::with_capacity(wanted.len());
        for (at, &size) in wanted.iter().enumerate() {
            shape.push(match size {
                -1 if rest.is_none() => {
                    rest = Some(at);
                    1
                }
                0 if !self.zero => *x.get(at).ok_or_else(wrong)?,
                size => usize::try_from(size).map_err(|_| wrong())?,
            });
        }
        let (have, others) = (elements(x)?, elements(&shape)?);
        if let Some(at) = rest {
            if others == 0 || have % others != 0 {
                return Err(wrong());
            }
            shape[at] = have / others;
        } else if have != others {
            return Err(wrong());
        }
        Ok(shape)
    }

    fn dims(&self, x: &[Dim], wanted: &[Dim], given: Option<&[i64]>) -> Result<Vec<Dim>, OpError> {
        let sizes: Option<Vec<usize>> = x.iter().map(Dim::size).collect();
        if let (Some(sizes), Some(given)) = (&sizes, given) {
            return Ok(self.shape(sizes, given)?.into_iter().map(Dim::Size).collect());
        }
        let Some(given) = given else { return Ok(wanted.to_vec()) };
        let mut rest = None;
        let mut shape = Vec::new();
        for (at, &size) in given.iter().enumerate() {
            shape.push(match size {
                -1 => {
                    rest = Some(at);
                    Dim::Unknown
                }
                0 if !self.zero => x.get(at).cloned().unwrap_or(Dim::Unknown),
                size => usize::try_from(size).map_or(Dim::Unknown, Dim::Size),
            });
        }
        if let Some(at) = rest {
            shape[at] = remainder(x, &shape, at);
        }
        Ok(shape)
    }
}

/// The extent that is left: names on both sides cancel.
fn remainder(x: &[Dim], shape: &[Dim], at: usize) -> Dim {
    let mut names: Vec<&Dim> = x.iter().filter(|dim| dim.size().is_none()).collect();
    let have = x.iter().filter_map(Dim::size).fold(1usize, usize::saturating_mul);
    let mut others = 1usize;
    for (_, dim) in shape.iter().enumerate().filter(|&(i, _)| i != at) {
        match dim {
            Dim::Size(size) => others = others.saturating_mul(*size),
            Dim::Unknown => return Dim::Unknown,
            name => match names.iter().position(|other| *other == name) {
                Some(place) => drop(names.remove(place)),
                None => return Dim::Unknown,
            },
        }
    }
    match names.as_slice() {
        [] if others > 0 && have % others == 0 => Dim::Size(have / others),
        [Dim::Named(name)] if have == others => Dim::Named(name.clone()),
        _ => Dim::Unknown,
    }
}

impl Operator for Reshape {
    fn since(&self) -> i64 {
        if self.zero { 14 } else { 5 }
    }

    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        let (x, wanted) = (inputs.required(0, "data")?, inputs.required(1, "shape")?);
        let given = wanted.tensor().and_then(|tensor| tensor.integers().ok());
        let shape = match (&x.shape, wanted.dims(), &given) {
            (Some(x), dims, Some(given)) => {
                Some(self.dims(x, &dims.unwrap_or_default(), Some(given))?)
            }
            // Extents that come from `Shape` are none of 0 and -1 where they have names.
            (_, Some(dims), None) => Some(dims),
            (None, _, Some(given)) => {
                let dim = |&n: &i64| match usize::try_from(n) {
                    Ok(n) if n > 0 => Dim::Size(n),
                    _ => Dim::Unknown,
                };
                Some(given.iter().map(dim).collect())
            }
            _ => wanted.sizes().map(|sizes| {
                vec![
                    Dim::Unknown;
                    sizes.iter().copied().fold(1usize, usize::saturating_mul).min(64)
                ]
            }),
        };
        let known = x.known.clone().filter(|_| shape.as_ref().is_some_and(|shape| shape.len() < 2));
        Ok(vec![Fact { element: x.element, shape, known: only_dims(known) }])
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let x = inputs.required(0, "data")?;
        let wanted = inputs.integers(1, "shape")?;
        let wanted = wanted.ok_or(OpError::Missing { index: 1, name: "shape" })?;
        reshape(x, &self.shape(x.shape(), &wanted)?)
    }
}

/// Extents alone: a whole tensor is computed, not inferred.
pub(crate) fn only_dims(known: Option<Known>) -> Option<Known> {
    known.filter(|known| matches!(known, Known::Dims(_)))
}

/// The product of extents, as far as it is known.
fn product(dims: &[Dim]) -> Dim {
    let sizes: usize = dims.iter().filter_map(Dim::size).fold(1, usize::saturating_mul);
    let mut names = dims.iter().filter(|dim| dim.size().is_none());
    match (names.next(), names.next(), sizes) {
        (None, _, sizes) => Dim::Size(sizes),
        (Some(name), None, 1) => name.clone(),
        (Some(_), _, 0) => Dim::Size(0),
        _ => Dim::Unknown,
    }
}

impl Operator for Flatten {
    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        let x = inputs.required(0, "input")?;
        let shape = match &x.shape {
            Some(shape) => {
                let at = split_at(self.axis, shape.len())?;
                Some(vec![product(&shape[..at]), product(&shape[at..])])
            }
            None => Some(vec![Dim::Unknown, Dim::Unknown]),
        };
        Ok(vec![Fact { element: x.element, shape, known: None }])
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let x = inputs.required(0, "input")?;
        let at = split_at(self.axis, x.shape().len())?;
        let (rows, columns) = x.shape().split_at(at);
        reshape(x, &[rows.iter().product(), columns.iter().product()])
    }
}

/// A place between axes, up to behind the last one.
fn split_at(at: i64, rank: usize) -> Result<usize, OpError> {
    if at == rank as i64 { Ok(rank) } else { axis(at, rank) }
}

impl Squeeze {
    fn over(&self, dims: &[Dim], given: Option<Vec<i64>>) -> Result<Vec<usize>, OpError> {
        match given {
            Some(given) => axes(&given, dims.len()),
            None => Ok((0..dims.len()).filter(|&at| dims[at] == Dim::Size(1)).collect()),
        }
    }
}

impl Operator for Squeeze {
    fn read(attributes: &mut Attributes, opset: i64) -> Result<Read<Self>, OpError> {
        let axes = if opset < 13 { attributes.ints("axes")? } else { None };
        Ok(Read::from(Self::from_attributes(attributes)?).with(1, axes.map(Tensor::vector)))
    }

    fn since(&self) -> i64 {
        13
    }

    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        let x = inputs.required(0, "data")?;
        let given = inputs.optional(1).map(|fact| fact.tensor().and_then(|t| t.integers().ok()));
        let shape = match (&x.shape, given) {
            (Some(shape), given) if given != Some(None) => {
                let over = self.over(shape, given.flatten())?;
                let kept = shape.iter().enumerate().filter(|(at, _)| !over.contains(at));
                Some(kept.map(|(_, dim)| dim.clone()).collect())
            }
            _ => None,
        };
        Ok(vec![Fact { element: x.element, shape, known: only_dims(x.known.clone()) }])
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let x = inputs.required(0, "data")?;
        let dims: Vec<Dim> = x.shape().iter().map(|&size| size.into()).collect();
        let over = self.over(&dims, inputs.integers(1, "axes")?)?;
        if let Some(&at) = over.iter().find(|&&at| x.shape()[at] != 1) {
            let size = x.shape()[at];
            return Err(OpError::Shape(format!("axis {at} of extent {size} cannot be left out")));
        }
        let kept = x.shape().iter().enumerate().filter(|(at, _)| !over.contains(at));
        reshape(x, &kept.map(|(_, &size)| size).collect::<Vec<_>>())
    }
}

/// Extents with 1 put in at some places of the result.
fn unsqueezed<T: Clone>(shape: &[T], given: &[i64], one: T) -> Result<Vec<T>, OpError> {
    let places = axes(given, shape.len() + given.len())?;
    let mut old = shape.iter().cloned();
    let at = |at| if places.contains(&at) { Some(one.clone()) } else { old.next() };
    Ok((0..shape.len() + given.len()).filter_map(at).collect())
}

impl Operator for Unsqueeze {
    fn read(attributes: &mut Attributes, opset: i64) -> Result<Read<Self>, OpError> {
        let axes = if opset < 13 { attributes.ints("axes")? } else { None };
        Ok(Read::from(Self::from_attributes(attributes)?).with(1, axes.map(Tensor::vector)))
    }

    fn since(&self) -> i64 {
        13
    }

    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        let x = inputs.required(0, "data")?;
        let given = inputs.required(1, "axes")?.tensor().and_then(|t| t.integers().ok());
        let shape = match (&x.shape, given) {
            (Some(shape), Some(given)) => Some(unsqueezed(shape, &given, Dim::Size(1))?),
            _ => None,
        };
        let known = only_dims(x.known.clone()).filter(|_| x.rank() == Some(0));
        Ok(vec![Fact { element: x.element, shape, known }])
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let x = inputs.required(0, "data")?;
        let given = inputs.integers(1, "axes")?;
        let given = given.ok_or(OpError::Missing { index: 1, name: "axes" })?;
        reshape(x, &unsqueezed(x.shape(), &given, 1)?)
    }
}

impl Operator for Identity {
    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        let x = inputs.required(0, "input")?.clone();
        Ok(vec![Fact { known: only_dims(x.known.clone()), ..x }])
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        Ok(vec![inputs.required(0, "input")?.clone()])
    }
}
