//! Axes and extents.

use super::{Dim, Fact, OpError};

/// More elements than any network has; what a broken file asks for is refused before memory is.
const MOST: usize = 1 << 33;

/// The number of elements of a shape.
pub(crate) fn elements(shape: &[usize]) -> Result<usize, OpError> {
    // Extents of 0 count as 1 first, so that the product of any of them is small too.
    let product = shape.iter().try_fold(1usize, |product, &size| product.checked_mul(size.max(1)));
    let too_large = || OpError::Shape(format!("a tensor of shape {shape:?} is too large"));
    let most = product.filter(|&n| n <= MOST).ok_or_else(too_large)?;
    Ok(if shape.contains(&0) { 0 } else { most })
}

/// An axis, counted from the end if negative.
pub(crate) fn axis(axis: i64, rank: usize) -> Result<usize, OpError> {
    let from_start = if axis < 0 { axis.checked_add(rank as i64) } else { Some(axis) };
    let found = from_start.and_then(|a| usize::try_from(a).ok()).filter(|&a| a < rank);
    found.ok_or_else(|| OpError::Shape(format!("there is no axis {axis} among {rank} axes")))
}

/// Axes, counted from the end if negative; each once.
pub(crate) fn axes(axes: &[i64], rank: usize) -> Result<Vec<usize>, OpError> {
    let found: Vec<usize> = axes.iter().map(|&a| axis(a, rank)).collect::<Result<_, _>>()?;
    let mut sorted = found.clone();
    sorted.sort_unstable();
    match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(twice) => Err(OpError::Shape(format!("axis {} is there twice", twice[0]))),
        None => Ok(found),
    }
}

/// Products of the extents before, at and after an axis.
pub(crate) fn around(shape: &[usize], axis: usize) -> (usize, usize, usize) {
    let outer = shape[..axis].iter().product();
    let inner = shape[axis + 1..].iter().product();
    (outer, shape[axis], inner)
}

/// Steps from one entry of each axis to the next, in row-major order.
pub(crate) fn strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis].max(1);
    }
    strides
}

/// The shape that two broadcast to.
pub(crate) fn broadcast(a: &[usize], b: &[usize]) -> Result<Vec<usize>, OpError> {
    let rank = a.len().max(b.len());
    let at = |shape: &[usize], i: usize| match (i + shape.len()).checked_sub(rank) {
        Some(i) => shape[i],
        None => 1,
    };
    let one = |i| match (at(a, i), at(b, i)) {
        (x, y) if x == y => Ok(x),
        (1, y) => Ok(y),
        (x, 1) => Ok(x),
        _ => Err(OpError::Shape(format!("{a:?} and {b:?} do not broadcast"))),
    };
    (0..rank).map(one).collect()
}

/// The extents that two lists of extents broadcast to.
pub(crate) fn broadcast_dims(a: &[Dim], b: &[Dim]) -> Result<Vec<Dim>, OpError> {
    let rank = a.len().max(b.len());
    let at = |shape: &[Dim], i: usize| match (i + shape.len()).checked_sub(rank) {
        Some(i) => shape[i].clone(),
        None => Dim::Size(1),
    };
    let one = |i| match (at(a, i), at(b, i)) {
        (x, y) if x == y => Ok(x),
        (Dim::Size(1), y) => Ok(y),
        (x, Dim::Size(1)) => Ok(x),
        (Dim::Size(x), Dim::Size(y)) => {
            Err(OpError::Shape(format!("extents {x} and {y} do not broadcast")))
        }
        (x @ Dim::Size(_), _) | (_, x @ Dim::Size(_)) => Ok(x),
        _ => Ok(Dim::Unknown),
    };
    (0..rank).map(one).collect()
}

/// The shape that some facts broadcast to, if all are known.
pub(crate) fn broadcast_facts<'a>(
    facts: impl IntoIterator<Item = Option<&'a Fact>>,
) -> Result<Option<Vec<Dim>>, OpError> {
    let mut shape = Some(Vec::new());
    for fact in facts.into_iter().flatten() {
        shape = match (shape, &fact.shape) {
            (Some(a), Some(b)) => Some(broadcast_dims(&a, b)?),
            _ => None,
        };
    }
    Ok(shape)
}

/// Goes through all places of a shape in row-major order.
pub(crate) struct Odometer<'a> {
    shape: &'a [usize],
    /// The place.
    pub(crate) at: Vec<usize>,
}

impl<'a> Odometer<'a> {
    /// At the first place.
    pub(crate) fn new(shape: &'a [usize]) -> Self {
        Self { shape, at: vec![0; shape.len()] }
    }

    /// At a place counted in row-major order.
    pub(crate) fn starting(shape: &'a [usize], mut index: usize) -> Self {
        let mut at = vec![0; shape.len()];
        for axis in (0..shape.len()).rev() {
            at[axis] = index % shape[axis].max(1);
            index /= shape[axis].max(1);
        }
        Self { shape, at }
    }

    /// To the next place; `false` behind the last one.
    pub(crate) fn step(&mut self) -> bool {
        for axis in (0..self.shape.len()).rev() {
            self.at[axis] += 1;
            if self.at[axis] < self.shape[axis] {
                return true;
            }
            self.at[axis] = 0;
        }
        false
    }
}
