//! Tensors of groups: block scales with codes of their own, and scales above them.

mod display;
mod ggml;
mod pack;
mod slice;
mod structure;

use fewbit_formats::{BlockScale, Format, GroupFormat, OuterScale, Span, ZeroPoint};
use ndarray::{ArrayD, ArrayView, Dimension, IxDyn};

pub use ggml::{ggml_dequantize, ggml_quantize};

use super::granularity::array;
use super::{AnyQuantTensor, Code, Dynamic, Granularity, QuantTensor, TensorError};
use crate::convert::{GroupDecoder, GroupEncoder, GroupLayout};
use crate::layout::resolve_axis;

/// A tensor in a [`GroupFormat`], its groups along one axis.
///
/// ```text
/// value = f32((decode(code) - zero point) * scale)        scale = f32(decode(scale code) * outer scale)
/// ```
///
/// Codes and scales with their product are a [`QuantTensor`], [`Self::as_quant`], which is what algorithms and products
/// take: for them a group is a granularity like any other. What a file needs besides, the codes of scales, zero points
/// and outer scales, is kept beside it. The last group of the axis may be shorter than the others.
///
/// ```
/// use fewbit::convert::GroupEncoder;
/// use fewbit::formats::{GroupFormat, Preset};
/// use fewbit::tensor::GroupTensor;
/// use ndarray::array;
///
/// let policy = "ocp-1.0".parse::<Preset>()?.group_policy(&GroupFormat::MXFP4);
/// let encoder = GroupEncoder::new(GroupFormat::MXFP4, policy)?;
/// let t = GroupTensor::quantize(&encoder, &array![[12.0f32, -4.0], [0.4, 0.1]].view(), -1)?;
/// assert_eq!(t.scale(), array![[2.0f32], [0.0625]].into_dyn());
/// assert_eq!(t.dequantize()?, array![[12.0, -4.0], [0.375, 0.09375]].into_dyn());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct GroupTensor {
    format: GroupFormat,
    axis: isize,
    tensor: AnyQuantTensor,
    scale_codes: ArrayD<u32>,
    zero_points: Option<ArrayD<u32>>,
    outer: Option<OuterScales>,
}

/// The scales above those of the blocks.
#[derive(Clone, Debug, PartialEq)]
pub struct OuterScales {
    /// Their codes: of shape `[]` for one of the tensor, else that of the scales with the groups that share one counted
    /// as one.
    pub codes: ArrayD<u32>,
    /// Their values.
    pub values: ArrayD<f32>,
}

/// The codes that a [`GroupTensor`] consists of.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupCodes {
    /// One per element.
    pub elements: ArrayD<u32>,
    /// One per group.
    pub scales: ArrayD<u32>,
    /// One per group, in a format with zero points.
    pub zero_points: Option<ArrayD<u32>>,
    /// One per tensor or per span of groups, in a format with outer scales.
    pub outer: Option<ArrayD<u32>>,
}

impl GroupTensor {
    /// The tensor of these codes.
    ///
    /// # Errors
    /// A code that stands for nothing; an array of another shape than the format and the axis ask for, or one too many
    /// or too few; an axis that does not exist.
    pub fn new(format: GroupFormat, axis: isize, codes: GroupCodes) -> Result<Self, TensorError> {
        let GroupCodes { elements, scales, zero_points, outer } = codes;
        let axis = resolve_axis(axis, elements.shape())? as isize;
        let shapes = Shapes::new(&format, elements.shape(), axis)?;
        check(&format, "scale codes", &shapes.scales, format.scale().format, &scales)?;
        match (&zero_points, format.zero_point()) {
            (None, ZeroPoint::None) => {}
            (Some(codes), ZeroPoint::Code) => {
                check(&format, "zero points", &shapes.scales, format.element(), codes)?;
            }
            _ => return Err(TensorError::GroupPart { format, what: "zero points" }),
        }
        let outer = match (outer, format.scale().outer, &shapes.outer) {
            (None, None, _) => None,
            (Some(codes), Some(outer), Some(shape)) => {
                check(&format, "outer scale codes", shape, outer.format, &codes)?;
                let value = |code| format.outer_of_code(code).map_or(f32::NAN, |outer| outer.value);
                Some(OuterScales { values: codes.mapv(value), codes })
            }
            _ => return Err(TensorError::GroupPart { format, what: "outer scales" }),
        };
        let layout = GroupLayout::of_axis(elements.shape(), axis)?;
        let blocks = block_scales(&format, layout, &scales, zero_points.as_ref(), outer.as_ref());
        Self::of_parts(format, axis, &elements, &blocks, outer, shapes)
    }

    /// The tensor that an encoder makes of `x`, in groups along `axis`.
    ///
    /// # Errors
    /// An axis that does not exist; a block that the policy refuses.
    pub fn quantize<D: Dimension>(
        encoder: &GroupEncoder,
        x: &ArrayView<'_, f32, D>,
        axis: isize,
    ) -> Result<Self, TensorError> {
        let layout = GroupLayout::of_axis(x.shape(), axis)?;
        let standard = x.as_standard_layout();
        let values = standard.as_slice().unwrap_or_default();
        let outer = encoder.outer(values, layout)?;
        Self::quantize_with(encoder, x, axis, &outer)
    }

    /// As [`Self::quantize`], with outer scales from elsewhere: those of a calibration, say.
    ///
    /// # Errors
    /// As [`Self::quantize`]; another number of outer scales than the layout has.
    pub fn quantize_with<D: Dimension>(
        encoder: &GroupEncoder,
        x: &ArrayView<'_, f32, D>,
        axis: isize,
        outer: &[OuterScale],
    ) -> Result<Self, TensorError> {
        let format = *encoder.format();
        match format.element().bits() {
            ..=8 => typed::<u8, D>(encoder, x, axis, outer),
            9..=16 => typed::<u16, D>(encoder, x, axis, outer),
            _ => typed::<u32, D>(encoder, x, axis, outer),
        }
    }

    fn of_parts(
        format: GroupFormat,
        axis: isize,
        elements: &ArrayD<u32>,
        blocks: &[BlockScale],
        outer: Option<OuterScales>,
        shapes: Shapes,
    ) -> Result<Self, TensorError> {
        let parameters = Parameters::new(&format, blocks, &shapes)?;
        let granularity = Granularity::Group { axis, size: format.size() };
        let Parameters { scale, scale_codes, zero_points, zero_numbers } = parameters;
        let tensor = AnyQuantTensor::new(
            format.element(),
            &elements.view(),
            scale,
            zero_numbers,
            granularity,
        )?;
        Ok(Self { format, axis, tensor, scale_codes, zero_points, outer })
    }

    /// The format.
    pub fn format(&self) -> &GroupFormat {
        &self.format
    }

    /// The axis along which the groups run, counted from the front, however it was given.
    pub fn axis(&self) -> isize {
        self.axis
    }

    /// The extent of each axis.
    pub fn shape(&self) -> &[usize] {
        self.tensor.shape()
    }

    /// Codes, scales and zero points, as algorithms and products take them; the scales include the outer ones.
    pub fn as_quant(&self) -> &AnyQuantTensor {
        &self.tensor
    }

    /// The same, without what stands beside it.
    pub fn into_quant(self) -> AnyQuantTensor {
        self.tensor
    }

    /// The scales, the outer ones included: the extent of the group axis divided by the group size, rounded up.
    pub fn scale(&self) -> &ArrayD<f32> {
        self.tensor.scale()
    }

    /// The codes of the blocks' own scales, of the shape of the scales.
    pub fn scale_codes(&self) -> &ArrayD<u32> {
        &self.scale_codes
    }

    /// The codes that stand for zero, of the shape of the scales; `None` in a format without.
    pub fn zero_points(&self) -> Option<&ArrayD<u32>> {
        self.zero_points.as_ref()
    }

    /// The outer scales; `None` in a format without.
    pub fn outer(&self) -> Option<&OuterScales> {
        self.outer.as_ref()
    }

    /// Every code.
    pub fn to_codes(&self) -> GroupCodes {
        GroupCodes {
            elements: self.tensor.codes(),
            scales: self.scale_codes.clone(),
            zero_points: self.zero_points.clone(),
            outer: self.outer.as_ref().map(|outer| outer.codes.clone()),
        }
    }

    /// The values.
    ///
    /// # Errors
    /// None in practice: the parts fit each other.
    pub fn dequantize(&self) -> Result<ArrayD<f32>, TensorError> {
        fn typed<C: Code>(
            tensor: &GroupTensor,
            codes: &ArrayD<C>,
        ) -> Result<ArrayD<f32>, TensorError> {
            let layout = GroupLayout::of_axis(codes.shape(), tensor.axis)?;
            let codes = codes.as_standard_layout();
            let codes = codes.as_slice().unwrap_or_default();
            let mut values = vec![0.0; codes.len()];
            GroupDecoder::new(tensor.format).decode(
                codes,
                layout,
                &tensor.block_scales(),
                &mut values,
            )?;
            array(tensor.shape(), values)
        }
        match &self.tensor {
            AnyQuantTensor::U8(tensor) => typed(self, tensor.codes()),
            AnyQuantTensor::U16(tensor) => typed(self, tensor.codes()),
            AnyQuantTensor::U32(tensor) => typed(self, tensor.codes()),
        }
    }

    /// What the elements of each group share, row-major.
    fn block_scales(&self) -> Vec<BlockScale> {
        let parts = self.scale_codes.iter().zip(self.scale());
        let zero_points = self.zero_points.iter().flatten().copied().chain(std::iter::repeat(0));
        parts
            .zip(zero_points)
            .map(|((&code, &value), zero_point)| BlockScale { code, value, zero_point })
            .collect()
    }
}

/// The shapes of what goes with a tensor.
struct Shapes {
    scales: Vec<usize>,
    outer: Option<Vec<usize>>,
}

impl Shapes {
    fn new(format: &GroupFormat, shape: &[usize], axis: isize) -> Result<Self, TensorError> {
        let axis = resolve_axis(axis, shape)?;
        let mut scales = shape.to_vec();
        scales[axis] = shape[axis].div_ceil(format.size());
        let outer = format.scale().outer.map(|outer| match outer.span {
            Span::Tensor => Vec::new(),
            Span::Groups(count) => {
                let mut outer = scales.clone();
                outer[axis] = scales[axis].div_ceil(count as usize);
                outer
            }
        });
        Ok(Self { scales, outer })
    }
}

/// The arrays that a list of block scales holds.
struct Parameters {
    scale: ArrayD<f32>,
    scale_codes: ArrayD<u32>,
    zero_points: Option<ArrayD<u32>>,
    zero_numbers: Option<ArrayD<f32>>,
}

impl Parameters {
    fn new(
        format: &GroupFormat,
        blocks: &[BlockScale],
        shapes: &Shapes,
    ) -> Result<Self, TensorError> {
        let shape = &shapes.scales;
        let scale = array(shape, blocks.iter().map(|block| block.value).collect())?;
        let scale_codes = array(shape, blocks.iter().map(|block| block.code).collect())?;
        let zero_points = match format.zero_point() {
            ZeroPoint::None => None,
            ZeroPoint::Code => {
                Some(array(shape, blocks.iter().map(|block| block.zero_point).collect())?)
            }
        };
        let number = |codes: &ArrayD<u32>| codes.mapv(|code| format.element().decode(code) as f32);
        let zero_numbers = zero_points.as_ref().map(number);
        Ok(Self { scale, scale_codes, zero_points, zero_numbers })
    }
}

fn typed<C: Code, D: Dimension>(
    encoder: &GroupEncoder,
    x: &ArrayView<'_, f32, D>,
    axis: isize,
    outer: &[OuterScale],
) -> Result<GroupTensor, TensorError>
where
    AnyQuantTensor: From<QuantTensor<Dynamic<C>>>,
{
    let format = *encoder.format();
    let (shape, element) = (x.shape(), format.element());
    let axis = resolve_axis(axis, shape)? as isize;
    let shapes = Shapes::new(&format, shape, axis)?;
    let layout = GroupLayout::of_axis(shape, axis)?;
    let standard = x.as_standard_layout();
    let values = standard.as_slice().unwrap_or_default();
    let mut codes = vec![C::default(); values.len()];
    let mut blocks = vec![BlockScale::default(); layout.groups(&format)];
    encoder.encode(values, layout, outer, &mut codes, &mut blocks)?;
    let outer = match &shapes.outer {
        None => None,
        Some(shape) => Some(OuterScales {
            codes: array(shape, outer.iter().map(|outer| outer.code).collect())?,
            values: array(shape, outer.iter().map(|outer| outer.value).collect())?,
        }),
    };
    let Parameters { scale, scale_codes, zero_points, zero_numbers } =
        Parameters::new(&format, &blocks, &shapes)?;
    let granularity = Granularity::Group { axis, size: format.size() };
    let codes = array(shape, codes)?;
    let tensor: QuantTensor<Dynamic<C>> =
        QuantTensor::from_valid_codes(element, codes, scale, zero_numbers, granularity)?;
    Ok(GroupTensor { format, axis, tensor: tensor.into(), scale_codes, zero_points, outer })
}

/// What the elements of each group share, row-major, from codes that were checked.
fn block_scales(
    format: &GroupFormat,
    layout: GroupLayout,
    scales: &ArrayD<u32>,
    zero_points: Option<&ArrayD<u32>>,
    outer: Option<&OuterScales>,
) -> Vec<BlockScale> {
    let zero_points = zero_points.into_iter().flatten().copied().chain(std::iter::repeat(0));
    let outer: Vec<Option<OuterScale>> = outer
        .iter()
        .flat_map(|outer| &outer.codes)
        .map(|&code| format.outer_of_code(code))
        .collect();
    let groups = layout.row_groups(format).max(1);
    let of = |index: usize| match outer.as_slice() {
        [] => None,
        [one] => one.as_ref(),
        all => {
            let (column, rest) = (index % layout.behind, index / layout.behind);
            let count = match format.scale().outer.map(|outer| outer.span) {
                Some(Span::Groups(count)) => count as usize,
                _ => groups,
            };
            let place = rest / groups * groups.div_ceil(count) + rest % groups / count;
            all.get(place * layout.behind + column)?.as_ref()
        }
    };
    let blocks = scales.iter().zip(zero_points).enumerate();
    blocks
        .map(|(index, (&code, zero_point))| format.scale_of_code(code, zero_point, of(index)))
        .collect()
}

/// Whether an array of codes has the shape that it must have, and every code a value.
fn check(
    group: &GroupFormat,
    what: &'static str,
    expected: &[usize],
    format: Format,
    codes: &ArrayD<u32>,
) -> Result<(), TensorError> {
    if codes.shape() != expected {
        let (found, expected) = (codes.shape().to_vec(), expected.to_vec());
        return Err(TensorError::GroupShape { format: *group, what, found, expected });
    }
    let wrong = |code: u32| {
        u64::from(code) >= format.code_count() || format.decode(code).is_nan() && !format.has_nan()
    };
    match codes.indexed_iter().find(|(_, code)| wrong(**code)) {
        None => Ok(()),
        Some((index, &code)) => {
            let index: Vec<usize> = IxDyn::slice(&index).to_vec();
            Err(TensorError::Code { code, index, format })
        }
    }
}
