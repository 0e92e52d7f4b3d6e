//! `Expand`, `Tile` and `Pad`.

use ndarray::{ArcArray, IxDyn};

use crate::tensor::Tensor;

use super::broadcast::expand;
use super::generate::extents;
use super::set::{attributes, words};
use super::shape::{Odometer, axes, broadcast, broadcast_dims, elements, strides};
use super::typed::{array, dense, map_tensor, same_type};
use super::{Attribute, AttributeSet, Attributes, Dim, Fact, Inputs, OpError, Operator, Read};

words! {
    /// What a tensor is padded with.
    PadMode {
        /// One number.
        Constant = "constant";
        /// The elements in reverse, the edge not repeated.
        Reflect = "reflect";
        /// The elements at the edge.
        Edge = "edge";
        /// The elements from the other end on.
        Wrap = "wrap";
    }
}

attributes! {
    /// Repeated to the shape that it and the second input broadcast to.
    Expand {}
    /// Repeated along each axis, as often as the second input says.
    Tile {}
    /// With elements before and after each axis: so many as the second input says, which may be negative.
    Pad {
        /// What they are.
        "mode" mode: PadMode = PadMode::Constant;
    }
}

impl Operator for Expand {
    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        let (x, to) = (inputs.required(0, "input")?, inputs.required(1, "shape")?);
        let shape = match (&x.shape, to.dims()) {
            (Some(x), Some(to)) => Some(broadcast_dims(x, &to)?),
            _ => None,
        };
        Ok(vec![Fact { element: x.element, shape, known: None }])
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let x = inputs.required(0, "input")?;
        let shape = broadcast(x.shape(), &extents(inputs, 1, "shape")?)?;
        Ok(vec![map_tensor!(x, a => expand(a, &shape)?)])
    }
}

/// Elements of a new shape, each from the place in the old one that its own place says along each axis.
fn picked<T: Copy + Default>(
    x: &ArcArray<T, IxDyn>,
    shape: &[usize],
    fill: T,
    from: &[Vec<Option<usize>>],
) -> Result<ArcArray<T, IxDyn>, OpError> {
    let mut out = vec![fill; elements(shape)?];
    let steps = strides(x.shape());
    let data = dense(x);
    let Some((&width, outer)) = shape.split_last() else {
        return Ok(x.clone());
    };
    let mut place = Odometer::new(outer);
    let last = &from[outer.len()];
    for row in out.chunks_mut(width.max(1)) {
        let start = place.at.iter().zip(from).zip(&steps);
        let start = start.map(|((&at, from), &step)| from[at].map(|from| from * step));
        if let Some(start) = start.sum::<Option<usize>>() {
            for (out, from) in row.iter_mut().zip(last) {
                if let Some(from) = from {
                    *out = data[start + from];
                }
            }
        }
        place.step();
    }
    array(shape, out)
}

impl Operator for Tile {
    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        let (x, repeats) = (inputs.required(0, "input")?, inputs.required(1, "repeats")?);
        let dim = |(dim, times): (&Dim, Dim)| match (dim, times) {
            (dim, Dim::Size(1)) => dim.clone(),
            (Dim::Size(a), Dim::Size(b)) => a.checked_mul(b).map_or(Dim::Unknown, Dim::Size),
            _ => Dim::Unknown,
        };
        let shape = match (&x.shape, repeats.dims()) {
            (Some(shape), Some(times)) => Some(shape.iter().zip(times).map(dim).collect()),
            (Some(shape), None) => Some(vec![Dim::Unknown; shape.len()]),
            _ => None,
        };
        Ok(vec![Fact { element: x.element, shape, known: None }])
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let x = inputs.required(0, "input")?;
        let repeats = extents(inputs, 1, "repeats")?;
        if repeats.len() != x.shape().len() {
            let (n, m) = (repeats.len(), x.shape().len());
            return Err(OpError::Shape(format!("{n} repeats for {m} axes")));
        }
        let shape = x.shape().iter().zip(&repeats).map(|(&size, &n)| size.checked_mul(n));
        let shape: Option<Vec<usize>> = shape.collect();
        let shape = shape.ok_or_else(|| OpError::Shape(format!("{repeats:?} repeats")))?;
        elements(&shape)?;
        let from: Vec<Vec<Option<usize>>> = shape
            .iter()
            .zip(x.shape())
            .map(|(&size, &own)| (0..size).map(|at| Some(at % own)).collect())
            .collect();
        Ok(vec![map_tensor!(x, a => picked(a, &shape, Default::default(), &from)?)])
    }
}

impl Pad {
    /// Elements before and after each axis.
    fn pads(
        &self,
        rank: usize,
        given: &[i64],
        over: Option<Vec<i64>>,
    ) -> Result<Vec<(i64, i64)>, OpError> {
        let over = match over {
            Some(over) => axes(&over, rank)?,
            None => (0..rank).collect(),
        };
        if given.len() != 2 * over.len() {
            let (n, m) = (given.len(), over.len());
            return Err(OpError::Shape(format!("{n} pads for {m} axes")));
        }
        let mut pads = vec![(0, 0); rank];
        for (i, &at) in over.iter().enumerate() {
            pads[at] = (given[i], given[i + over.len()]);
        }
        Ok(pads)
    }

    /// Where each element along an axis comes from.
    fn from(
        &self,
        size: usize,
        (before, after): (i64, i64),
    ) -> Result<Vec<Option<usize>>, OpError> {
        let n = size as i64;
        let total = before.checked_add(after).and_then(|pads| pads.checked_add(n));
        let total = total.filter(|&total| (0..1 << 40).contains(&total));
        let total = total
            .ok_or_else(|| OpError::Shape(format!("an extent of {n} with {before}, {after}")))?;
        elements(&[total as usize])?;
        let place = |at: i64| -> Option<i64> {
            let at = at - before;
            if (0..n).contains(&at) {
                return Some(at);
            }
            match self.mode {
                PadMode::Constant => None,
                PadMode::Edge => Some(at.clamp(0, n - 1)),
                PadMode::Wrap => Some(at.rem_euclid(n.max(1))),
                PadMode::Reflect if n == 1 => Some(0),
                PadMode::Reflect => {
                    let at = at.rem_euclid((2 * (n - 1)).max(1));
                    Some(if at < n { at } else { 2 * (n - 1) - at })
                }
            }
        };
        if n == 0 && self.mode != PadMode::Constant && total > 0 {
            return Err(OpError::Shape("there is nothing to pad with".into()));
        }
        Ok((0..total).map(|at| place(at).map(|at| at as usize)).collect())
    }
}

impl Operator for Pad {
    /// Until 10, pads and value are attributes.
    fn read(attributes: &mut Attributes, opset: i64) -> Result<Read<Self>, OpError> {
        let mut read = Read::from(Self::from_attributes(attributes)?);
        if opset < 11 {
            read = read.with(1, attributes.ints("pads")?.map(Tensor::vector));
            read = read.with(2, attributes.float("value")?.map(Tensor::scalar));
        }
        Ok(read)
    }

    fn attributes(&self) -> Attributes {
        match self.mode {
            PadMode::Constant => Attributes::new(),
            mode => Attributes::new().with("mode", Attribute::Text(mode.to_string())),
        }
    }

    fn since(&self) -> i64 {
        if self.mode == PadMode::Wrap { 19 } else { 11 }
    }

    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        let (x, pads) = (inputs.required(0, "data")?, inputs.required(1, "pads")?);
        let list = |fact: &Fact| fact.tensor().and_then(|tensor| tensor.integers().ok());
        let shape = match (&x.shape, list(pads), inputs.optional(3).map(list)) {
            (Some(shape), Some(pads), over) if over != Some(None) => {
                let pads = self.pads(shape.len(), &pads, over.flatten())?;
                let dim = |(dim, (before, after)): (&Dim, &(i64, i64))| match dim {
                    dim if (*before, *after) == (0, 0) => dim.clone(),
                    Dim::Size(size) => {
                        let total = (*size as i64).saturating_add(*before).saturating_add(*after);
                        usize::try_from(total).map_or(Dim::Unknown, Dim::Size)
                    }
                    _ => Dim::Unknown,
                };
                Some(shape.iter().zip(&pads).map(dim).collect())
            }
            (Some(shape), ..) => Some(vec![Dim::Unknown; shape.len()]),
            _ => None,
        };
        Ok(vec![Fact { element: x.element, shape, known: None }])
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let x = inputs.required(0, "data")?;
        let given = inputs.integers(1, "pads")?;
        let given = given.ok_or(OpError::Missing { index: 1, name: "pads" })?;
        let pads = self.pads(x.shape().len(), &given, inputs.integers(3, "axes")?)?;
        let from = x.shape().iter().zip(&pads).map(|(&size, &pads)| self.from(size, pads));
        let from: Vec<Vec<Option<usize>>> = from.collect::<Result<_, _>>()?;
        let shape: Vec<usize> = from.iter().map(Vec::len).collect();
        if let Some(value) = inputs.optional(2) {
            return Ok(vec![same_type!(&[x, value], a => {
                let value = a[1].first().copied().unwrap_or_default();
                picked(a[0], &shape, value, &from)?
            })]);
        }
        Ok(vec![map_tensor!(x, a => picked(a, &shape, Default::default(), &from)?)])
    }
}
