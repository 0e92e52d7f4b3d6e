//! Tensors of groups turned, reshaped and joined: codes go with their elements, no value changes.

use ndarray::{ArrayD, ArrayViewD, Axis, concatenate};

use super::{GroupCodes, GroupTensor};
use crate::layout::resolve_axis;
use crate::tensor::granularity::array;
use crate::tensor::parts::{check_order, turned};
use crate::tensor::sharing::Sharing;
use crate::tensor::{Granularity, TensorError};

impl GroupTensor {
    /// The tensor whose axis `i` is axis `order[i]` of this one; groups go with their axis.
    ///
    /// # Errors
    /// An order that does not name each axis once.
    ///
    /// ```
    /// use fewbit::convert::GroupEncoder;
    /// use fewbit::formats::{GroupFormat, Preset};
    /// use fewbit::tensor::GroupTensor;
    /// use ndarray::Array2;
    ///
    /// let policy = "ocp-1.0".parse::<Preset>()?.group_policy(&GroupFormat::MXFP4);
    /// let encoder = GroupEncoder::new(GroupFormat::MXFP4, policy)?;
    /// let x = Array2::from_shape_fn((3, 70), |(i, j)| (i * j) as f32);
    /// let t = GroupTensor::quantize(&encoder, &x.view(), 1)?.permuted_axes(&[1, 0])?;
    /// assert_eq!((t.axis(), t.shape(), t.scale().shape()), (0, &[70, 3][..], &[3, 3][..]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn permuted_axes(&self, order: &[usize]) -> Result<Self, TensorError> {
        check_order(order, self.shape().len())?;
        let place = resolve_axis(self.axis, self.shape())?;
        let axis = order.iter().position(|&axis| axis == place).unwrap_or(place) as isize;
        let codes = self.to_codes();
        let turned = |codes: ArrayD<u32>| match codes.ndim() {
            0 => codes,
            _ => turned(&codes.view(), order),
        };
        let codes = GroupCodes {
            elements: turned(codes.elements),
            scales: turned(codes.scales),
            zero_points: codes.zero_points.map(turned),
            outer: codes.outer.map(turned),
        };
        Self::new(self.format, axis, codes)
    }

    /// The tensor with its axes in reverse order: for a matrix, the transposed one.
    ///
    /// # Errors
    /// None in practice: the reverse order names each axis once.
    pub fn transposed(&self) -> Result<Self, TensorError> {
        let order: Vec<usize> = (0..self.shape().len()).rev().collect();
        self.permuted_axes(&order)
    }

    /// The same elements, in row-major order, in another shape, with the groups along the axis where they stay whole.
    ///
    /// # Errors
    /// Another number of elements; a shape without such an axis.
    pub fn reshaped(&self, shape: &[usize]) -> Result<Self, TensorError> {
        let sharing = |shape: &[usize], axis| {
            let of = |size| Sharing::of(shape, Granularity::Group { axis, size });
            Ok::<_, TensorError>((of(self.format.size())?, of(self.outer_size())?))
        };
        let codes = self.to_codes();
        let elements = array(shape, codes.elements.iter().copied().collect())?;
        let kept = sharing(self.shape(), self.axis)?;
        let axis = (0..shape.len() as isize).find(|&axis| sharing(shape, axis) == Ok(kept));
        let axis = axis.ok_or_else(|| TensorError::GroupReshape {
            format: self.format,
            axis: self.axis,
            from: self.shape().to_vec(),
            to: shape.to_vec(),
        })?;
        let along = |size: usize| {
            let mut shape = shape.to_vec();
            if let Some(extent) = shape.get_mut(axis as usize) {
                *extent = extent.div_ceil(size);
            }
            shape
        };
        let again = |codes: ArrayD<u32>, size: usize| match codes.ndim() {
            0 => Ok(codes),
            _ => array(&along(size), codes.iter().copied().collect()),
        };
        let codes = GroupCodes {
            elements,
            scales: again(codes.scales, self.format.size())?,
            zero_points: codes.zero_points.map(|c| again(c, self.format.size())).transpose()?,
            outer: codes.outer.map(|c| again(c, self.outer_size())).transpose()?,
        };
        Self::new(self.format, axis, codes)
    }

    /// Tensors one behind the other along an axis.
    ///
    /// # Errors
    /// No tensor; another format, group axis or shape than that of the first; a tensor that ends within a group, or within
    /// the span of an outer scale, and is not the last; outer scales of whole tensors that differ.
    pub fn concatenate(axis: isize, tensors: &[&Self]) -> Result<Self, TensorError> {
        let [first, others @ ..] = tensors else {
            return Err(TensorError::ConcatenateNothing);
        };
        let place = resolve_axis(axis, first.shape())?;
        let group_axis = resolve_axis(first.axis, first.shape())?;
        let error =
            |tensor: usize, reason: String| Err(TensorError::Concatenate { axis, tensor, reason });
        for (index, tensor) in (1..).zip(others) {
            if tensor.format != first.format {
                let (theirs, ours) = (tensor.format, first.format);
                return error(index, format!("its format is {theirs}, that of the first {ours}"));
            }
            let rest = |shape: &[usize]| {
                let others = shape.iter().enumerate().filter(|(i, _)| *i != place);
                others.map(|(_, n)| *n).collect::<Vec<_>>()
            };
            let (shape, expected) = (tensor.shape(), first.shape());
            if shape.len() != expected.len() || rest(shape) != rest(expected) {
                let reason = format!("its shape is {shape:?}, that of the first {expected:?}");
                return error(index, reason);
            }
            if resolve_axis(tensor.axis, shape)? != group_axis {
                let (theirs, ours) = (tensor.axis, first.axis);
                let reason =
                    format!("its groups run along axis {theirs}, those of the first along {ours}");
                return error(index, reason);
            }
            let outer = |tensor: &Self| tensor.outer.as_ref().map(|outer| outer.codes.clone());
            if let (Some(theirs), Some(ours)) = (outer(tensor), outer(first))
                && theirs.ndim() == 0
                && theirs != ours
            {
                return error(index, "its outer scale is not that of the first".into());
            }
        }
        let unit = if place == group_axis { first.outer_size() } else { 1 };
        for (index, tensor) in tensors.iter().enumerate().take(others.len()) {
            let extent = tensor.shape()[place];
            if !extent.is_multiple_of(unit) {
                let reason = format!(
                    "its {extent} elements are not whole groups of {unit}, so the next one's first group would be cut"
                );
                return error(index, reason);
            }
        }
        let codes: Vec<GroupCodes> = tensors.iter().map(|tensor| tensor.to_codes()).collect();
        let join = |part: &dyn Fn(&GroupCodes) -> Option<&ArrayD<u32>>| {
            let parts: Option<Vec<ArrayViewD<'_, u32>>> =
                codes.iter().map(|codes| part(codes).map(|codes| codes.view())).collect();
            let Some(parts) = parts else { return Ok(None) };
            match parts.first() {
                Some(first) if first.ndim() == 0 => Ok(Some(first.to_owned())),
                _ => concatenate(Axis(place), &parts)
                    .map(|whole| Some(whole.as_standard_layout().into_owned()))
                    .map_err(|_| TensorError::ConcatenateNothing),
            }
        };
        let none = TensorError::ConcatenateNothing;
        let codes = GroupCodes {
            elements: join(&|codes| Some(&codes.elements))?.ok_or(none.clone())?,
            scales: join(&|codes| Some(&codes.scales))?.ok_or(none)?,
            zero_points: join(&|codes| codes.zero_points.as_ref())?,
            outer: join(&|codes| codes.outer.as_ref())?,
        };
        Self::new(first.format, first.axis, codes)
    }
}
