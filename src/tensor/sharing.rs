//! Which elements share a scale, as a function of their row-major index alone.
//!
//! A reshape keeps that index, so it keeps the scales exactly where the new shape has a granularity with the same
//! function.

use super::{Granularity, TensorError};
use crate::layout::resolve_axis;

/// The row-major index of the scale of element `i`, as a function in normal form: equal functions are equal values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sharing {
    /// 0
    All,
    /// `i / run`
    Runs { run: usize },
    /// `i / (unit * behind) * behind + i % behind`
    Strided { unit: usize, behind: usize },
    /// As [`Sharing::Strided`], beginning anew every `length * behind` elements, where `unit` does not divide `length`.
    Ragged { unit: usize, length: usize, behind: usize },
    /// `i / behind % channels`
    Channels { channels: usize, behind: usize },
}

impl Sharing {
    /// The function of a tensor of this shape.
    ///
    /// # Errors
    /// An axis that the shape does not have; a group of no elements.
    pub(crate) fn of(shape: &[usize], granularity: Granularity) -> Result<Self, TensorError> {
        let around = |axis: usize| {
            let before: usize = shape[..axis].iter().product();
            let behind: usize = shape[axis + 1..].iter().product();
            (before, shape[axis], behind)
        };
        let elements: usize = shape.iter().product();
        let sharing = match granularity {
            Granularity::Tensor => Self::All,
            Granularity::Row => shape.last().map_or(Self::All, |&run| Self::runs(run, elements)),
            Granularity::Channel { axis } => {
                let (before, channels, behind) = around(resolve_axis(axis, shape)?);
                match (before, channels, behind) {
                    (_, 1, _) => Self::All,
                    (1, _, _) => Self::runs(behind, elements),
                    (_, _, 1) => Self::Strided { unit: before, behind: channels },
                    _ => Self::Channels { channels, behind },
                }
            }
            Granularity::Group { size: 0, .. } => return Err(TensorError::GroupSize),
            Granularity::Group { axis, size } => {
                let (before, length, behind) = around(resolve_axis(axis, shape)?);
                let unit = size.min(length);
                match behind {
                    _ if unit <= 1 => Self::runs(1, elements),
                    _ if !length.is_multiple_of(unit) && before > 1 => {
                        Self::Ragged { unit, length, behind }
                    }
                    1 => Self::runs(unit, elements),
                    _ => Self::Strided { unit, behind },
                }
            }
        };
        Ok(if elements == 0 { Self::All } else { sharing })
    }

    fn runs(run: usize, elements: usize) -> Self {
        if run >= elements { Self::All } else { Self::Runs { run } }
    }

    /// Elements of a group, where groups are what there is.
    fn unit(self) -> Option<usize> {
        match self {
            Self::Runs { run } => Some(run),
            Self::Strided { unit, .. } | Self::Ragged { unit, .. } => Some(unit),
            Self::All | Self::Channels { .. } => None,
        }
    }
}

/// The granularity under which a tensor keeps its scales when it takes another shape of as many elements; of several the
/// one of the same kind.
///
/// # Errors
/// An axis that the shape does not have; a new shape without such a granularity.
pub(crate) fn reshaped(
    shape: &[usize],
    granularity: Granularity,
    new: &[usize],
) -> Result<Granularity, TensorError> {
    let sharing = Sharing::of(shape, granularity)?;
    let axes = 0..new.len() as isize;
    let channels = axes.clone().map(|axis| Granularity::Channel { axis });
    let size = match granularity {
        Granularity::Group { size, .. } => Some(size),
        _ => sharing.unit(),
    };
    let groups = axes.flat_map(|axis| {
        let sizes = [size, sharing.unit()];
        sizes.into_iter().flatten().map(move |size| Granularity::Group { axis, size })
    });
    let rank = |candidate: &Granularity| {
        let same = std::mem::discriminant(candidate) == std::mem::discriminant(&granularity);
        usize::from(!same)
    };
    let mut candidates: Vec<Granularity> =
        [Granularity::Tensor, Granularity::Row].into_iter().chain(channels).chain(groups).collect();
    candidates.sort_by_key(rank);
    let fits = |candidate: &Granularity| Sharing::of(new, *candidate) == Ok(sharing);
    candidates.into_iter().find(fits).ok_or_else(|| TensorError::Reshape {
        from: shape.to_vec(),
        to: new.to_vec(),
        granularity: granularity.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::Arrangement;
    use crate::tensor::shape::expand;
    use ndarray::{ArrayD, IxDyn};

    const SHAPES: &[&[usize]] = &[
        &[],
        &[1],
        &[6],
        &[12],
        &[1, 12],
        &[12, 1],
        &[2, 6],
        &[6, 2],
        &[3, 4],
        &[4, 3],
        &[2, 3, 2],
        &[1, 12, 1],
        &[3, 2, 2],
        &[2, 5, 3],
        &[5, 6],
        &[6, 5],
        &[30],
        &[10, 3],
    ];

    fn granularities(shape: &[usize]) -> Vec<Granularity> {
        let axes = 0..shape.len() as isize;
        let mut all = vec![Granularity::Tensor, Granularity::Row];
        for axis in axes {
            all.push(Granularity::Channel { axis });
            all.extend((1..8).map(|size| Granularity::Group { axis, size }));
        }
        all
    }

    /// The scale of each element in row-major order, as `expand` has it.
    fn indices(shape: &[usize], granularity: Granularity) -> Vec<usize> {
        let scale_shape = Arrangement::new(shape, granularity).unwrap().scale_shape().to_vec();
        let mut next = 0..;
        let numbers = ArrayD::from_shape_simple_fn(IxDyn(&scale_shape), || next.next().unwrap());
        expand(&numbers, shape, granularity, usize::MAX).iter().copied().collect()
    }

    #[test]
    fn normal_forms_are_equal_where_the_functions_are() {
        let mut all = Vec::new();
        for shape in SHAPES {
            for granularity in granularities(shape) {
                let sharing = Sharing::of(shape, granularity).unwrap();
                all.push((shape, granularity, sharing, indices(shape, granularity)));
            }
        }
        for (shape, granularity, sharing, indices) in &all {
            for (other_shape, other, other_sharing, other_indices) in &all {
                if indices.len() == other_indices.len() {
                    assert_eq!(
                        sharing == other_sharing,
                        indices == other_indices,
                        "{shape:?} {granularity}, {other_shape:?} {other}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_granularity_is_found_wherever_there_is_one() {
        for shape in SHAPES {
            for granularity in granularities(shape) {
                let before = indices(shape, granularity);
                for new in SHAPES
                    .iter()
                    .filter(|new| new.iter().product::<usize>() == shape.iter().product::<usize>())
                {
                    match reshaped(shape, granularity, new) {
                        Ok(found) => assert_eq!(indices(new, found), before),
                        Err(_) => assert!(
                            granularities(new).iter().all(|&g| indices(new, g) != before),
                            "{shape:?} {granularity} to {new:?}"
                        ),
                    }
                }
            }
        }
    }
}
