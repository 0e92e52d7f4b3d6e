//! Codes, scales, zero points: what happens to all of them when a tensor is cut, turned, reshaped or joined.
//!
//! Quantized tensors and integer tensors differ in the types of their numbers and not in this.

use std::ops::Range;

use ndarray::{ArrayD, ArrayViewD, Axis, IxDyn, Slice, concatenate};

use super::granularity::{Arrangement, array};
use super::{Granularity, TensorError, shape, sharing};
use crate::layout::resolve_axis;

/// A number that scales and zero points are.
pub(crate) trait Number: Copy + PartialEq + std::fmt::Debug + Into<f64> {
    /// 0
    const ZERO: Self;
}

impl Number for f32 {
    const ZERO: Self = 0.0;
}

impl Number for f64 {
    const ZERO: Self = 0.0;
}

/// Codes of scales and zero points.
impl Number for u32 {
    const ZERO: Self = 0;
}

/// Equal, or both NaN.
fn same<S: Number>(a: S, b: S) -> bool {
    a == b || a.into().is_nan() && b.into().is_nan()
}

/// The parts of a tensor, borrowed.
#[derive(Clone, Debug)]
pub(crate) struct Parts<'a, C, S> {
    pub(crate) codes: ArrayViewD<'a, C>,
    pub(crate) scale: ArrayViewD<'a, S>,
    pub(crate) zero_point: Option<ArrayViewD<'a, S>>,
    pub(crate) granularity: Granularity,
}

/// The parts of a tensor.
#[derive(Clone, Debug)]
pub(crate) struct OwnedParts<C, S> {
    pub(crate) codes: ArrayD<C>,
    pub(crate) scale: ArrayD<S>,
    pub(crate) zero_point: Option<ArrayD<S>>,
    pub(crate) granularity: Granularity,
}

impl<C: Copy, S: Number> Parts<'_, C, S> {
    /// The parts of the tensor whose axis `i` is axis `order[i]` of this one.
    pub(crate) fn permuted(&self, order: &[usize]) -> Result<OwnedParts<C, S>, TensorError> {
        let shape = self.codes.shape();
        check_order(order, shape.len())?;
        let place = |axis: usize| order.iter().position(|&a| a == axis).unwrap_or(axis) as isize;
        let last = shape.len().saturating_sub(1);
        let granularity = match self.granularity {
            Granularity::Tensor => Granularity::Tensor,
            Granularity::Channel { axis } => {
                Granularity::Channel { axis: place(resolve_axis(axis, shape)?) }
            }
            Granularity::Group { axis, size } => {
                Granularity::Group { axis: place(resolve_axis(axis, shape)?), size }
            }
            Granularity::Row if shape.is_empty() || place(last) as usize == last => {
                Granularity::Row
            }
            Granularity::Row => Granularity::Group { axis: place(last), size: shape[last].max(1) },
        };
        let new: Vec<usize> = order.iter().map(|&axis| shape[axis]).collect();
        let expected = Arrangement::new(&new, granularity)?;
        let parameter = |parameter: &ArrayViewD<'_, S>| {
            if parameter.ndim() == 0 {
                return Ok(parameter.to_owned());
            }
            let turned = turned(parameter, order);
            if turned.shape() == expected.scale_shape() {
                return Ok(turned);
            }
            // A row without elements has a scale, a group without elements has none.
            array(expected.scale_shape(), Vec::new())
        };
        Ok(OwnedParts {
            codes: turned(&self.codes, order),
            scale: parameter(&self.scale)?,
            zero_point: self.zero_point.as_ref().map(parameter).transpose()?,
            granularity,
        })
    }

    /// The parts of the elements with these indices on an axis.
    pub(crate) fn sliced(
        &self,
        axis: isize,
        range: Range<usize>,
    ) -> Result<OwnedParts<C, S>, TensorError> {
        let shape = self.codes.shape();
        let place = resolve_axis(axis, shape)?;
        let size = match self.granularity {
            Granularity::Group { axis: of, size } if resolve_axis(of, shape)? == place => size,
            _ => 1,
        };
        check_range(axis, &range, shape[place], size)?;
        let shared = !self.separates(place);
        let parameter = |parameter: &ArrayViewD<'_, S>| match shared {
            true => parameter.to_owned(),
            false => cut(parameter, place, unit_range(&range, size)),
        };
        Ok(OwnedParts {
            codes: cut(&self.codes, place, range.clone()),
            scale: parameter(&self.scale),
            zero_point: self.zero_point.as_ref().map(parameter),
            granularity: self.granularity,
        })
    }

    /// The parts in another shape.
    pub(crate) fn reshaped(&self, new: &[usize]) -> Result<OwnedParts<C, S>, TensorError> {
        let codes = array(new, self.codes.iter().copied().collect())?;
        let granularity = sharing::reshaped(self.codes.shape(), self.granularity, new)?;
        self.shared(codes, granularity)
    }

    /// As [`Self::reshaped`], in a shape in which this granularity keeps every element at its scale.
    pub(super) fn reshaped_to(
        &self,
        new: &[usize],
        granularity: Granularity,
    ) -> Result<OwnedParts<C, S>, TensorError> {
        self.shared(array(new, self.codes.iter().copied().collect())?, granularity)
    }

    /// The same numbers for codes of another shape.
    fn shared(
        &self,
        codes: ArrayD<C>,
        granularity: Granularity,
    ) -> Result<OwnedParts<C, S>, TensorError> {
        let new = codes.shape();
        let arrangement = Arrangement::new(new, granularity)?;
        // A tensor without elements may need another number of scales; those that are left are the first.
        let parameter = |parameter: &ArrayViewD<'_, S>| {
            let scales = arrangement.scales();
            let filled = parameter.iter().copied().chain(std::iter::repeat(S::ZERO));
            array(arrangement.scale_shape(), filled.take(scales).collect())
        };
        Ok(OwnedParts {
            codes,
            scale: parameter(&self.scale)?,
            zero_point: self.zero_point.as_ref().map(parameter).transpose()?,
            granularity,
        })
    }

    /// The parts with scales that fewer elements share.
    pub(crate) fn refined(
        &self,
        granularity: Granularity,
    ) -> Result<OwnedParts<C, S>, TensorError> {
        let shape = self.codes.shape();
        let numbers = (0..self.scale.len()).collect();
        let numbers = shape::expand(
            &array(self.scale.shape(), numbers)?,
            shape,
            self.granularity,
            usize::MAX,
        );
        let arrangement = Arrangement::new(shape, granularity)?;
        let arranged = arrangement.arrange(numbers.view());
        let error = || TensorError::Refine {
            from: self.granularity.to_string(),
            to: granularity.to_string(),
            shape: shape.to_vec(),
        };
        let one = |group: &[usize]| match group.split_first() {
            Some((first, rest)) if rest.iter().all(|other| other == first) => Ok(*first),
            _ => Err(error()),
        };
        let mut sources: Vec<usize> =
            arrangement.split(&arranged).map(one).collect::<Result<_, _>>()?;
        // Without elements there may be scales all the same, and then there is a first one to take.
        sources.resize(arrangement.scales(), 0);
        let parameter = |parameter: &ArrayViewD<'_, S>| {
            let values: Vec<S> = parameter.iter().copied().collect();
            let of = |&source: &usize| values.get(source).copied().unwrap_or(S::ZERO);
            arrangement.restore_scales(sources.iter().map(of).collect())
        };
        Ok(OwnedParts {
            codes: self.codes.to_owned(),
            scale: parameter(&self.scale)?,
            zero_point: self.zero_point.as_ref().map(parameter).transpose()?,
            granularity,
        })
    }

    /// The parts of several tensors, one behind the other along an axis.
    pub(crate) fn concatenated(
        axis: isize,
        tensors: &[Self],
    ) -> Result<OwnedParts<C, S>, TensorError> {
        let [first, others @ ..] = tensors else {
            return Err(TensorError::ConcatenateNothing);
        };
        let shape = first.codes.shape();
        let place = resolve_axis(axis, shape)?;
        let resolved = |tensor: &Self| resolved(tensor.granularity, tensor.codes.shape());
        let granularity = resolved(first)?;
        let error =
            |tensor: usize, reason: String| TensorError::Concatenate { axis, tensor, reason };
        for (index, tensor) in (1..).zip(others) {
            let found = tensor.codes.shape();
            let other_axes = |shape: &[usize]| {
                let rest = shape.iter().enumerate().filter(|(i, _)| *i != place);
                rest.map(|(_, n)| *n).collect::<Vec<_>>()
            };
            if found.len() != shape.len() || other_axes(found) != other_axes(shape) {
                return Err(error(
                    index,
                    format!("its shape is {found:?}, that of the first {shape:?}"),
                ));
            }
            let theirs = resolved(tensor)?;
            if theirs != granularity {
                return Err(error(index, format!("it has {theirs}, the first {granularity}")));
            }
        }
        let size = match granularity {
            Granularity::Group { axis, size } if axis == place as isize => size,
            _ => 1,
        };
        for (index, tensor) in tensors.iter().enumerate().take(others.len()) {
            let extent = tensor.codes.len_of(Axis(place));
            if !extent.is_multiple_of(size) {
                let reason = format!(
                    "its {extent} elements are not whole groups of {size}, so the next one's first group would be cut"
                );
                return Err(error(index, reason));
            }
        }
        let joined = first.separates(place);
        let scale: Vec<_> = tensors.iter().map(|tensor| tensor.scale.view()).collect();
        let scale = join("scale", joined, axis, place, &scale)?;
        let zero_point = if tensors.iter().all(|tensor| tensor.zero_point.is_none()) {
            None
        } else {
            let zeros: Vec<ArrayD<S>> = tensors.iter().map(Self::zeros).collect();
            let views: Vec<_> = zeros.iter().map(|zeros| zeros.view()).collect();
            Some(join("zero point", joined, axis, place, &views)?)
        };
        let codes: Vec<_> = tensors.iter().map(|tensor| tensor.codes.view()).collect();
        let codes = concatenate(Axis(place), &codes)
            .map_err(|_| TensorError::ConcatenateNothing)?
            .as_standard_layout()
            .into_owned();
        Ok(OwnedParts { codes, scale, zero_point, granularity })
    }

    /// The zero points, as numbers where there are none.
    fn zeros(&self) -> ArrayD<S> {
        let none = || ArrayD::from_elem(IxDyn(self.scale.shape()), S::ZERO);
        self.zero_point.as_ref().map_or_else(none, |zero_point| zero_point.to_owned())
    }

    /// Whether elements that differ in this index have scales of their own.
    fn separates(&self, place: usize) -> bool {
        let axes = self.codes.ndim();
        match self.granularity {
            Granularity::Tensor => false,
            Granularity::Channel { axis } => resolve_axis(axis, self.codes.shape()) == Ok(place),
            Granularity::Row => place + 1 != axes,
            Granularity::Group { .. } => true,
        }
    }
}

/// The scales of several tensors as those of one.
fn join<S: Number>(
    what: &'static str,
    joined: bool,
    axis: isize,
    place: usize,
    parts: &[ArrayViewD<'_, S>],
) -> Result<ArrayD<S>, TensorError> {
    if joined {
        let whole = concatenate(Axis(place), parts).map_err(|_| TensorError::ConcatenateNothing)?;
        return Ok(whole.as_standard_layout().into_owned());
    }
    let [first, others @ ..] = parts else {
        return Err(TensorError::ConcatenateNothing);
    };
    for (tensor, other) in (1..).zip(others) {
        if let Some((a, b)) = first.iter().zip(other).find(|(a, b)| !same(**a, **b)) {
            let (a, b): (f64, f64) = ((*a).into(), (*b).into());
            let reason = format!(
                "its {what} is {b:e}, that of the first {a:e}, and axis {axis} shares one; give both one per index of \
                 the axis (`with_granularity`)"
            );
            return Err(TensorError::Concatenate { axis, tensor, reason });
        }
    }
    Ok(first.to_owned())
}

/// A granularity with its axis counted from the front.
pub(crate) fn resolved(
    granularity: Granularity,
    shape: &[usize],
) -> Result<Granularity, TensorError> {
    Ok(match granularity {
        Granularity::Channel { axis } => {
            Granularity::Channel { axis: resolve_axis(axis, shape)? as isize }
        }
        Granularity::Group { axis, size } => {
            Granularity::Group { axis: resolve_axis(axis, shape)? as isize, size }
        }
        other => other,
    })
}

/// Whether `order` names each axis once.
pub(crate) fn check_order(order: &[usize], axes: usize) -> Result<(), TensorError> {
    let once = |axis| order.iter().filter(|&&a| a == axis).count() == 1;
    if order.len() == axes && (0..axes).all(once) {
        return Ok(());
    }
    Err(TensorError::Permutation { order: order.to_vec(), axes })
}

/// Whether a range of an axis cuts no group of `unit` elements but the last of the range.
pub(crate) fn check_range(
    axis: isize,
    range: &Range<usize>,
    extent: usize,
    unit: usize,
) -> Result<(), TensorError> {
    let Range { start, end } = *range;
    let inside = start <= end && end <= extent;
    // A range within one group is a group, only shorter.
    let within = start < end && start / unit == (end - 1) / unit;
    if inside && (start.is_multiple_of(unit) || within) {
        return Ok(());
    }
    Err(TensorError::Slice { axis, start, end, extent, unit })
}

/// The groups of a range that [`check_range`] has let through.
pub(crate) fn unit_range(range: &Range<usize>, unit: usize) -> Range<usize> {
    let start = range.start / unit;
    if range.is_empty() { start..start } else { start..range.end.div_ceil(unit) }
}

/// A part of an array, row-major.
pub(crate) fn cut<T: Copy>(x: &ArrayViewD<'_, T>, place: usize, range: Range<usize>) -> ArrayD<T> {
    x.slice_axis(Axis(place), Slice::from(range)).as_standard_layout().into_owned()
}

/// An array with other axes, row-major.
pub(crate) fn turned<T: Copy>(x: &ArrayViewD<'_, T>, order: &[usize]) -> ArrayD<T> {
    x.view().permuted_axes(IxDyn(order)).as_standard_layout().into_owned()
}
