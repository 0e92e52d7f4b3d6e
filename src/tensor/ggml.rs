//! Blocks of GGUF files.

use fewbit_formats::ggml::{GgmlError, GgmlType};
use fewbit_formats::{Format, GroupFormat, GroupZeroPoint, ScaleFormat};
use ndarray::{ArrayD, ArrayView, Dimension};

use super::granularity::array;
use super::scales::ScaleCodes;
use super::{AnyQuantTensor, Granularity, TensorError};
use crate::tasks;

/// Blocks of one task.
const BLOCKS: usize = 128;

/// The blocks of a tensor's rows along its last axis: the shape of the tensor with the last extent in bytes.
///
/// # Errors
/// A tensor without axes, or rows that are not a whole number of blocks.
///
/// ```
/// use fewbit::formats::ggml::GgmlType;
/// use fewbit::tensor::{ggml_dequantize, ggml_quantize};
/// use ndarray::Array2;
/// let x = Array2::from_shape_fn((2, 64), |(i, j)| (i * 64 + j) as f32);
/// let blocks = ggml_quantize(GgmlType::Q8_0, &x.view())?;
/// assert_eq!(blocks.shape(), [2, 68]);
/// assert_eq!(ggml_dequantize(GgmlType::Q8_0, &blocks.view())?[[1, 63]], 127.0);
/// # Ok::<(), fewbit::tensor::TensorError>(())
/// ```
pub fn ggml_quantize<D: Dimension>(
    kind: GgmlType,
    x: &ArrayView<'_, f32, D>,
) -> Result<ArrayD<u8>, TensorError> {
    let row = last(x.shape(), kind, "elements")?;
    let mut shape = x.shape().to_vec();
    if let Some(last) = shape.last_mut() {
        *last = kind.row_bytes(row)?;
    }
    let standard = x.as_standard_layout();
    let values = standard.as_slice().unwrap_or_default();
    let mut bytes = vec![0; shape.iter().product()];
    let parts =
        values.chunks(BLOCKS * kind.elements()).zip(bytes.chunks_mut(BLOCKS * kind.bytes()));
    tasks::try_for_each(parts, |(x, bytes)| kind.quantize(x, bytes))?;
    array(&shape, bytes)
}

/// The values of blocks, as [`ggml_quantize`] arranges them.
///
/// # Errors
/// An array without axes, or rows that are not a whole number of blocks.
pub fn ggml_dequantize<D: Dimension>(
    kind: GgmlType,
    blocks: &ArrayView<'_, u8, D>,
) -> Result<ArrayD<f32>, TensorError> {
    let row = last(blocks.shape(), kind, "bytes")?;
    if !row.is_multiple_of(kind.bytes()) {
        return Err(TensorError::GgmlRow { kind, bytes: row });
    }
    let mut shape = blocks.shape().to_vec();
    if let Some(last) = shape.last_mut() {
        *last = row / kind.bytes() * kind.elements();
    }
    let standard = blocks.as_standard_layout();
    let bytes = standard.as_slice().unwrap_or_default();
    let mut values = vec![0.0; shape.iter().product()];
    let parts =
        bytes.chunks(BLOCKS * kind.bytes()).zip(values.chunks_mut(BLOCKS * kind.elements()));
    tasks::try_for_each(parts, |(bytes, values)| kind.dequantize(bytes, values))?;
    array(&shape, values)
}

fn last(shape: &[usize], kind: GgmlType, what: &'static str) -> Result<usize, TensorError> {
    shape.last().copied().ok_or(TensorError::GgmlScalar { kind, what })
}

/// Where the codes of a kind of block lie, and the group format that they are.
struct Form {
    group: GroupFormat,
    /// The place of the scale, its bytes, and the place of the codes.
    scale: (usize, usize),
    codes: usize,
    /// Added to an element's number.
    offset: i64,
}

impl Form {
    fn of(kind: GgmlType) -> Result<Self, TensorError> {
        let group = |element, scale| {
            let size = kind.elements() as u32;
            GroupFormat::new(element, ScaleFormat::new(scale), size, GroupZeroPoint::None)
        };
        let (group, scale, codes, offset) = match kind {
            GgmlType::Q4_0 => (group(Format::INT4, Format::F16), (0, 2), 2, 8),
            GgmlType::Q8_0 => (group(Format::INT8, Format::F16), (0, 2), 2, 0),
            GgmlType::Mxfp4 => (group(Format::E2M1FN, Format::E8M0FNU), (0, 1), 1, 0),
            GgmlType::Tq2_0 => (group(Format::TERNARY, Format::F16), (64, 2), 0, 1),
            GgmlType::Q4_1 => return Err(TensorError::GgmlGroups { kind }),
        };
        Ok(Self {
            group: group.map_err(|_| TensorError::GgmlGroups { kind })?,
            scale,
            codes,
            offset,
        })
    }

    /// The byte of an element's code, and the place of its lowest bit there.
    fn place(&self, kind: GgmlType, i: usize) -> (usize, usize) {
        match kind {
            GgmlType::Q8_0 => (self.codes + i, 0),
            GgmlType::Tq2_0 => (self.codes + i / 128 * 32 + i % 32, i % 128 / 32 * 2),
            _ => (self.codes + i % 16, i / 16 * 4),
        }
    }
}

impl AnyQuantTensor {
    /// The tensor whose rows along its last axis are these blocks, as GGUF files have them.
    ///
    /// `Q4_0` becomes `mx(int4,f16,32)`, `Q8_0` `mx(int8,f16,32)`, `MXFP4` `mxfp4`, `TQ2_0` `mx(ternary,f16,256)`; their
    /// values are those of [`ggml_dequantize`], but for two things in `MXFP4`: code 8 is -0 and not 0, and scale 255 is
    /// NaN and not 2^128.
    ///
    /// # Errors
    /// `Q4_1`, whose minimum is no code; a shape without axes or whose rows are not whole blocks; another number of bytes
    /// than the blocks have; a code that stands for nothing.
    pub fn from_ggml(kind: GgmlType, shape: &[usize], bytes: &[u8]) -> Result<Self, TensorError> {
        let form = Form::of(kind)?;
        let row = last(shape, kind, "elements")?;
        kind.row_bytes(row)?;
        let count: usize = shape.iter().product();
        let expected = count / kind.elements() * kind.bytes();
        if bytes.len() != expected {
            let found = bytes.len();
            return Err(GgmlError::Bytes { kind, elements: count, found, expected }.into());
        }
        let bits = form.group.element().bits();
        let mask = ((1u64 << bits) - 1) as u32;
        let (mut codes, mut scales) = (Vec::with_capacity(count), Vec::new());
        for block in bytes.chunks_exact(kind.bytes()) {
            let (start, length) = form.scale;
            let scale = &block[start..start + length];
            scales.push(scale.iter().rev().fold(0, |code, byte| code << 8 | u32::from(*byte)));
            for i in 0..kind.elements() {
                let (byte, shift) = form.place(kind, i);
                let number = i64::from(u32::from(block[byte]) >> shift & mask) - form.offset;
                codes.push(number as u32 & mask);
            }
        }
        let mut scale_shape = shape.to_vec();
        if let Some(last) = scale_shape.last_mut() {
            *last /= kind.elements();
        }
        let scales = ScaleCodes {
            format: form.group,
            scales: array(&scale_shape, scales)?,
            zero_points: None,
            outer: None,
        };
        Self::of_scale_codes(&array(shape, codes)?.view(), -1, scales)
    }

    /// The blocks of the tensor's rows, as GGUF files have them; the inverse of [`Self::from_ggml`].
    ///
    /// # Errors
    /// Scales that are no codes, another format than the blocks', groups along another axis than the last, or rows that are not whole blocks.
    ///
    /// ```
    /// use fewbit::formats::ggml::GgmlType;
    /// use fewbit::tensor::{AnyQuantTensor, ggml_quantize};
    /// use ndarray::Array2;
    /// let x = Array2::from_shape_fn((3, 64), |(i, j)| (i + j) as f32);
    /// let blocks = ggml_quantize(GgmlType::Q4_0, &x.view())?.into_raw_vec_and_offset().0;
    /// let t = AnyQuantTensor::from_ggml(GgmlType::Q4_0, &[3, 64], &blocks)?;
    /// assert_eq!(t.to_ggml(GgmlType::Q4_0)?, blocks);
    /// # Ok::<(), fewbit::tensor::TensorError>(())
    /// ```
    pub fn to_ggml(&self, kind: GgmlType) -> Result<Vec<u8>, TensorError> {
        let form = Form::of(kind)?;
        let expected = form.group;
        let Some(scales) = self.scale_codes() else {
            return Err(TensorError::GgmlNumbers { kind, expected });
        };
        let found = scales.format;
        let length = self.shape().last().copied().unwrap_or_default();
        let last = Granularity::Group { axis: self.shape().len() as isize - 1, size: found.size() };
        if found != expected || self.granularity() != last {
            return Err(TensorError::GgmlFormat { kind, expected, found });
        }
        kind.row_bytes(length)?;
        let bits = found.element().bits();
        let mask = ((1u64 << bits) - 1) as u32;
        let codes: Vec<u32> = self.codes().iter().copied().collect();
        let mut bytes = vec![0u8; codes.len() / kind.elements() * kind.bytes()];
        let blocks = bytes.chunks_exact_mut(kind.bytes()).zip(codes.chunks_exact(kind.elements()));
        for ((block, codes), scale) in blocks.zip(&scales.scales) {
            let (start, length) = form.scale;
            block[start..start + length].copy_from_slice(&scale.to_le_bytes()[..length]);
            for (i, code) in codes.iter().enumerate() {
                let (byte, shift) = form.place(kind, i);
                let number = (i64::from(*code) + form.offset) as u32 & mask;
                block[byte] |= (number << shift) as u8;
            }
        }
        Ok(bytes)
    }
}
