//! Tensors whose scales are codes: made of codes or by an encoder, taken apart, decoded.

use fewbit_formats::{BlockScale, GroupZeroPoint};
use ndarray::{ArrayD, ArrayView, ArrayViewD, Dimension, IxDyn};

use super::any::AnyQuantTensor;
use super::codes::check_codes;
use super::element::{Dynamic, Element};
use super::error::TensorError;
use super::granularity::{Granularity, array};
use super::parts::{OwnedParts, Parts};
use super::quant_tensor::QuantTensor;
use super::scales::{ScaleCodes, along};
use crate::convert::{Code, GroupDecoder, GroupEncoder};
use crate::layout::{GroupLayout, resolve_axis};

/// Elements without codes of their own.
const NOTHING: &[()] = &[(); usize::MAX];

/// A tensor whose scales are codes, as parts: the elements with the codes of their scales, and what shares an outer one.
pub(super) struct Layers<'a, C> {
    pub(super) elements: Parts<'a, C, u32>,
    pub(super) outer: Option<Parts<'a, (), u32>>,
}

impl<E: Element> QuantTensor<E> {
    /// The tensor as parts, where its scales are codes.
    pub(super) fn layers(&self) -> Option<Layers<'_, E::Code>> {
        let (codes, granularity) = (self.scale_codes()?, self.granularity());
        let Granularity::Group { axis, .. } = granularity else { return None };
        let elements = Parts {
            codes: self.codes().view(),
            scale: codes.scales.view(),
            zero_point: codes.zero_points.as_ref().map(|zero_points| zero_points.view()),
            granularity,
        };
        let outer = match &codes.outer {
            None => None,
            Some(outer) => Some(Parts {
                codes: ArrayViewD::from_shape(IxDyn(self.shape()), &NOTHING[..self.codes().len()])
                    .ok()?,
                scale: outer.view(),
                zero_point: None,
                granularity: codes.outer_granularity(axis),
            }),
        };
        Some(Layers { elements, outer })
    }

    /// The tensor of parts that came out of [`Self::layers`].
    pub(super) fn with_layers(
        &self,
        elements: OwnedParts<E::Code, u32>,
        outer: Option<OwnedParts<(), u32>>,
    ) -> Result<Self, TensorError> {
        let OwnedParts { codes, scale, zero_point, granularity } = elements;
        let (Some(kept), Granularity::Group { axis, .. }) = (self.scale_codes(), granularity)
        else {
            return Err(TensorError::GroupSize);
        };
        let scales = ScaleCodes {
            format: kept.format,
            scales: scale,
            zero_points: zero_point,
            outer: outer.map(|outer| outer.scale),
        };
        Self::of_scale_codes(self.choice(), codes, axis, scales)
    }

    /// The tensor of valid codes and of the codes of its scales, in groups along `axis`.
    fn of_scale_codes(
        choice: E::Choice,
        codes: ArrayD<E::Code>,
        axis: isize,
        scales: ScaleCodes,
    ) -> Result<Self, TensorError> {
        scales.check(codes.shape(), resolve_axis(axis, codes.shape())?)?;
        let layout = GroupLayout::of_axis(codes.shape(), axis)?;
        let values = scales.blocks(layout).iter().map(|block| block.value).collect();
        let values = array(scales.scales.shape(), values)?;
        Self::of_groups(choice, codes, axis, values, scales)
    }

    /// The tensor of valid codes, and of scales with their codes.
    fn of_groups(
        choice: E::Choice,
        codes: ArrayD<E::Code>,
        axis: isize,
        values: ArrayD<f32>,
        scales: ScaleCodes,
    ) -> Result<Self, TensorError> {
        let format = scales.format;
        let number = |codes: &ArrayD<u32>| codes.mapv(|code| format.element().decode(code) as f32);
        let zero_point = scales.zero_points.as_ref().map(number);
        let granularity = Granularity::Group { axis, size: format.size() };
        let tensor = Self::from_valid_codes(choice, codes, values, zero_point, granularity)?;
        Ok(tensor.with_scale_codes(scales))
    }

    /// The values, where the scales are codes.
    pub(super) fn decoded_groups(&self) -> Option<ArrayD<f32>> {
        let scales = self.scale_codes()?;
        let Granularity::Group { axis, .. } = self.granularity() else { return None };
        let layout = GroupLayout::of_axis(self.shape(), axis).ok()?;
        let codes = self.codes().as_standard_layout();
        let blocks: Vec<BlockScale> = scales
            .scales
            .iter()
            .zip(self.scale())
            .zip(scales.zeros())
            .map(|((&code, &value), zero_point)| BlockScale { code, value, zero_point })
            .collect();
        let mut values = vec![0.0; codes.len()];
        let decoder = GroupDecoder::new(scales.format);
        decoder.decode(codes.as_slice()?, layout, &blocks, &mut values).ok()?;
        array(self.shape(), values).ok()
    }
}

impl AnyQuantTensor {
    /// The tensor of these codes, and of the codes of its scales, in groups along `axis`.
    ///
    /// # Errors
    /// A code that stands for nothing; an array of another shape than the format and the axis ask for, or one too many
    /// or too few; an axis that does not exist.
    pub fn of_scale_codes(
        codes: &ArrayViewD<'_, u32>,
        axis: isize,
        scales: ScaleCodes,
    ) -> Result<Self, TensorError> {
        fn typed<C: Code>(
            codes: &ArrayViewD<'_, u32>,
            axis: isize,
            scales: ScaleCodes,
        ) -> Result<QuantTensor<Dynamic<C>>, TensorError> {
            let format = scales.format.element();
            check_codes(format, codes.view())?;
            QuantTensor::of_scale_codes(format, codes.mapv(C::from_u32), axis, scales)
        }
        Ok(match scales.format.element().bits() {
            ..=8 => Self::U8(typed(codes, axis, scales)?),
            9..=16 => Self::U16(typed(codes, axis, scales)?),
            _ => Self::U32(typed(codes, axis, scales)?),
        })
    }

    /// The tensor that an encoder makes of `x`, in groups along `axis`; the last one of the axis may be shorter.
    ///
    /// # Errors
    /// An axis that does not exist; a block that the policy refuses.
    ///
    /// ```
    /// use fewbit::convert::GroupEncoder;
    /// use fewbit::formats::{GroupFormat, Preset};
    /// use fewbit::tensor::AnyQuantTensor;
    /// use ndarray::array;
    ///
    /// let policy = "ocp-1.0".parse::<Preset>()?.group_policy(&GroupFormat::MXFP4);
    /// let encoder = GroupEncoder::new(GroupFormat::MXFP4, policy)?;
    /// let t = AnyQuantTensor::encode(&encoder, &array![[12.0f32, -4.0], [0.4, 0.1]].view(), -1)?;
    /// assert_eq!(t.scale(), array![[2.0f32], [0.0625]].into_dyn());
    /// assert_eq!(t.scale_codes().unwrap().scales, array![[128u32], [123]].into_dyn()); // 2^1, 2^-4
    /// assert_eq!(t.dequantize(), array![[12.0, -4.0], [0.375, 0.09375]].into_dyn());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn encode<D: Dimension>(
        encoder: &GroupEncoder,
        x: &ArrayView<'_, f32, D>,
        axis: isize,
    ) -> Result<Self, TensorError> {
        Ok(match encoder.format().element().bits() {
            ..=8 => Self::U8(encoded(encoder, x, axis)?),
            9..=16 => Self::U16(encoded(encoder, x, axis)?),
            _ => Self::U32(encoded(encoder, x, axis)?),
        })
    }
}

fn encoded<C: Code, D: Dimension>(
    encoder: &GroupEncoder,
    x: &ArrayView<'_, f32, D>,
    axis: isize,
) -> Result<QuantTensor<Dynamic<C>>, TensorError> {
    let (format, shape) = (*encoder.format(), x.shape());
    let place = resolve_axis(axis, shape)?;
    let layout = GroupLayout::of_axis(shape, axis)?;
    let standard = x.as_standard_layout();
    let values = standard.as_slice().unwrap_or_default();
    let outer = encoder.outer(values, layout)?;
    let mut codes = vec![C::default(); values.len()];
    let mut blocks = vec![BlockScale::default(); layout.groups(&format)];
    encoder.encode(values, layout, &outer, &mut codes, &mut blocks)?;
    let along = |size: usize| along(shape, place, size);
    let of = |part: fn(&BlockScale) -> u32| {
        array(&along(format.size()), blocks.iter().map(part).collect())
    };
    let mut scales = ScaleCodes {
        format,
        scales: of(|block| block.code)?,
        zero_points: match format.zero_point() {
            GroupZeroPoint::None => None,
            GroupZeroPoint::Code => Some(of(|block| block.zero_point)?),
        },
        outer: None,
    };
    if format.scale().outer.is_some() {
        let shape = scales.span().map_or_else(Vec::new, along);
        scales.outer = Some(array(&shape, outer.iter().map(|outer| outer.code).collect())?);
    }
    let values = array(scales.scales.shape(), blocks.iter().map(|block| block.value).collect())?;
    QuantTensor::of_groups(format.element(), array(shape, codes)?, axis, values, scales)
}
