//! `Gather`, `GatherElements`, `GatherND`.

use ndarray::{ArcArray, IxDyn};

use crate::tensor::Tensor;

use super::set::attributes;
use super::shape::{Odometer, around, axis, elements, strides};
use super::typed::{array, dense, map_tensor};
use super::{Dim, Fact, Inputs, Known, OpError, Operator};

attributes! {
    /// The entries along an axis that the second input counts out.
    Gather {
        /// The axis.
        "axis" axis: i64 = 0;
    }
    /// One element per index, each in its own place on the other axes.
    GatherElements {
        /// The axis.
        "axis" axis: i64 = 0;
    }
    /// The parts that the last axis of the second input counts out.
    GatherND {
        /// Axes that both have in common.
        "batch_dims" batch: usize = 0;
    }
}

/// An index, counted from the end if negative.
pub(crate) fn index(i: i64, size: usize) -> Result<usize, OpError> {
    let from_start = if i < 0 { i.saturating_add(size as i64) } else { i };
    let found = usize::try_from(from_start).ok().filter(|&i| i < size);
    found.ok_or_else(|| OpError::Shape(format!("index {i} into {size} entries")))
}

fn indices(inputs: Inputs<'_, Tensor>) -> Result<Vec<i64>, OpError> {
    let indices = inputs.integers(1, "indices")?;
    indices.ok_or(OpError::Missing { index: 1, name: "indices" })
}

fn gather<T: Copy>(
    x: &ArcArray<T, IxDyn>,
    at: usize,
    indices: &[usize],
    shape: &[usize],
) -> Result<ArcArray<T, IxDyn>, OpError> {
    let (outer, size, inner) = around(x.shape(), at);
    let data = dense(x);
    let mut out = Vec::with_capacity(elements(shape)?);
    for o in 0..outer {
        for &i in indices {
            out.extend_from_slice(&data[(o * size + i) * inner..][..inner]);
        }
    }
    array(shape, out)
}

impl Operator for Gather {
    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        let (x, i) = (inputs.required(0, "data")?, inputs.required(1, "indices")?);
        let shape = match (&x.shape, &i.shape) {
            (Some(x), Some(i)) => {
                let at = axis(self.axis, x.len())?;
                Some([&x[..at], i, &x[at + 1..]].concat())
            }
            _ => None,
        };
        let known = match (x.dims(), i.tensor().and_then(|tensor| tensor.integers().ok())) {
            (Some(dims), Some(places)) if x.rank() == Some(1) && places.len() < 64 => {
                let entry = |&i: &i64| Ok(dims[index(i, dims.len())?].clone());
                Some(Known::Dims(places.iter().map(entry).collect::<Result<_, OpError>>()?))
            }
            _ => None,
        };
        Ok(vec![Fact { element: x.element, shape, known }])
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let x = inputs.required(0, "data")?;
        let at = axis(self.axis, x.shape().len())?;
        let size = x.shape()[at];
        let found: Vec<usize> =
            indices(inputs)?.into_iter().map(|i| index(i, size)).collect::<Result<_, _>>()?;
        let places = inputs.required(1, "indices")?.shape();
        let shape = [&x.shape()[..at], places, &x.shape()[at + 1..]].concat();
        Ok(vec![map_tensor!(x, a => gather(a, at, &found, &shape)?)])
    }
}

impl Operator for GatherElements {
    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        let (x, i) = (inputs.required(0, "data")?, inputs.required(1, "indices")?);
        Ok(vec![Fact { element: x.element, shape: i.shape.clone(), known: None }])
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let x = inputs.required(0, "data")?;
        let places = inputs.required(1, "indices")?;
        let found = element_places(x.shape(), places.shape(), &indices(inputs)?, self.axis)?;
        Ok(vec![map_tensor!(x, a => {
            let data = dense(a);
            array(places.shape(), found.iter().map(|&i| data[i]).collect())?
        })])
    }
}

/// Where in the data each index of `GatherElements` and `ScatterElements` points.
pub(crate) fn element_places(
    data: &[usize],
    places: &[usize],
    indices: &[i64],
    over: i64,
) -> Result<Vec<usize>, OpError> {
    let at = axis(over, data.len())?;
    let fits = data.len() == places.len()
        && data.iter().zip(places).enumerate().all(|(i, (&d, &p))| i == at || p <= d);
    if !fits {
        return Err(OpError::Shape(format!("data of shape {data:?}, indices of {places:?}")));
    }
    let steps = strides(data);
    let mut place = Odometer::new(places);
    let mut found = Vec::with_capacity(indices.len());
    for &i in indices {
        let i = index(i, data[at])?;
        let own = place.at.iter().zip(&steps).enumerate();
        found.push(own.map(|(axis, (&p, &step))| step * if axis == at { i } else { p }).sum());
        place.step();
    }
    Ok(found)
}

/// Where in the data each row of indices of `GatherND` and `ScatterND` points, and how many elements lie there.
pub(crate) fn part_places(
    data: &[usize],
    places: &[usize],
    indices: &[i64],
    batch: usize,
) -> Result<(Vec<usize>, usize), OpError> {
    let wrong = || OpError::Shape(format!("data of shape {data:?}, indices of {places:?}"));
    let depth = *places.last().ok_or_else(wrong)?;
    if batch >= places.len() || batch + depth > data.len() || data[..batch] != places[..batch] {
        return Err(wrong());
    }
    let steps = strides(data);
    let size = data[batch + depth..].iter().product();
    let rows: usize = places[..places.len() - 1].iter().product();
    let batches: usize = data[..batch].iter().product();
    let per_batch = rows / batches.max(1);
    let whole: usize = data[batch..].iter().product();
    let mut found = Vec::with_capacity(rows);
    for row in 0..rows {
        let mut at = row / per_batch.max(1) * whole;
        for (k, &i) in indices[row * depth..][..depth].iter().enumerate() {
            at += index(i, data[batch + k])? * steps[batch + k];
        }
        found.push(at);
    }
    Ok((found, size))
}

impl Operator for GatherND {
    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        let (x, i) = (inputs.required(0, "data")?, inputs.required(1, "indices")?);
        let shape = match (&x.shape, &i.shape) {
            (Some(x), Some(i)) => match i.last().and_then(Dim::size) {
                Some(depth) if self.batch + depth <= x.len() => {
                    Some([&i[..i.len() - 1], &x[self.batch + depth..]].concat())
                }
                _ => None,
            },
            _ => None,
        };
        Ok(vec![Fact { element: x.element, shape, known: None }])
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let x = inputs.required(0, "data")?;
        let places = inputs.required(1, "indices")?.shape();
        let (found, size) = part_places(x.shape(), places, &indices(inputs)?, self.batch)?;
        let depth = places[places.len() - 1];
        let shape = [&places[..places.len() - 1], &x.shape()[self.batch + depth..]].concat();
        Ok(vec![map_tensor!(x, a => {
            let data = dense(a);
            let mut out = Vec::with_capacity(elements(&shape)?);
            found.iter().for_each(|&i| out.extend_from_slice(&data[i..i + size]));
            array(&shape, out)?
        })])
    }
}
