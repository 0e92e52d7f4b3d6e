//! Operands of products as matrices of codes, whatever their quantizer.

use fewbit::formats::Format;
use fewbit::reference::{FloatOperand, Scales as BlockScales};
use fewbit::tensor::{AnyQuantTensor, Granularity};
use ndarray::{ArcArray, Array2, ArrayD, ArrayView2, ArrayViewD, Axis, Ix2, IxDyn, Slice};

use super::datum::Datum;
use super::ints::{Ints, each, map_ints};
use super::row_codes::RowCodes;

/// The rows of a left operand, or the columns of a right one: codes `[lines, K]`, with scales and zero points in blocks along K.
///
/// ```text
/// value[i, k] = outer (code[i, k] - zero point[i, k / block]) scale[i, k / block]
/// ```
#[derive(Clone, Debug)]
pub(super) struct Lines {
    pub(super) elements: Elements,
    pub(super) format: Format,
    /// `[lines, ceil(K / block)]`, or one line for all.
    pub(super) scales: Array2<f32>,
    /// That of a scale.
    pub(super) scale_format: Format,
    /// Of the shape of the scales; `None` where all are 0.
    pub(super) zero_points: Option<Array2<f32>>,
    /// Neighbours along K that share a scale; K where all of a line do.
    pub(super) block: usize,
    /// What all scales are multiplied with.
    pub(super) outer: f64,
}

/// Codes, `[lines, K]`.
#[derive(Clone, Debug)]
pub(super) enum Elements {
    /// Whole numbers.
    Ints(Ints),
    /// Codes of a format that is no integer's.
    Codes(Array2<u32>),
}

impl Lines {
    /// The lines of codes along an axis; `None` where a datum holds no codes.
    pub(super) fn of(datum: &Datum, along: usize) -> Result<Option<Self>, String> {
        match datum {
            Datum::Codes(codes) => Self::of_rows(&codes.rows()?, along).map(Some),
            Datum::Rows(rows) => Self::of_rows(rows, along).map(Some),
            Datum::Coded(tensor) => Self::of_tensor(tensor, along).map(Some),
            Datum::Plain(_) | Datum::Sums(_) | Datum::Table(_) => Ok(None),
        }
    }

    fn of_rows(rows: &RowCodes, along: usize) -> Result<Self, String> {
        let shape = rows.ints.shape().to_vec();
        let k = *shape.get(along).ok_or("an operand without axes")?;
        let block = if rows.scales.shape()[along] == 1 { k.max(1) } else { 1 };
        let parameter = |array: &ArrayD<f32>| matrix(array, &shape, along);
        Ok(Self {
            elements: Elements::Ints(map_ints!(&rows.ints, a => shared(a, along)?)),
            format: Format::Int(rows.format),
            scales: parameter(&rows.scales)?,
            scale_format: Format::F32,
            zero_points: rows.zero_points.as_ref().map(parameter).transpose()?,
            block,
            outer: 1.0,
        })
    }

    fn of_tensor(tensor: &AnyQuantTensor, along: usize) -> Result<Self, String> {
        let shape = tensor.shape().to_vec();
        let k = *shape.get(along).ok_or("an operand without axes")?;
        let (mut block, mut scales) = (k.max(1), tensor.scale().clone());
        let mut zero_points = tensor.zero_point().cloned();
        match tensor.granularity() {
            Granularity::Group { axis, size } if axis == along as isize => block = size,
            Granularity::Group { .. } => {
                // Groups along another axis: every element has its own.
                scales = tensor.expand(&scales);
                zero_points = zero_points.map(|zero| tensor.expand(&zero));
                block = 1;
            }
            _ if scales.ndim() == shape.len() && scales.shape()[along] > 1 => block = 1,
            _ => {}
        }
        // Codes of scales are scales of their format, under one number for the whole tensor.
        let coded = tensor.scale_codes().filter(|_| block > 1 || k == 1);
        let outer = coded.and_then(|codes| codes.outer_values());
        let (mut scale_format, mut factor) = (Format::F32, 1.0);
        if let Some(codes) = coded
            && outer.as_ref().is_none_or(|outer| outer.len() == 1)
        {
            scale_format = codes.format.scale().format;
            scales = codes.scales.mapv(|code| scale_format.decode(code) as f32);
            factor = outer.and_then(|outer| outer.first().copied()).map_or(1.0, f64::from);
        } else if scales.iter().all(|&scale| is_power_of_two(scale)) {
            scale_format = Format::E8M0FNU;
        }
        let parameter = |array: &ArrayD<f32>| matrix(array, &shape, along);
        let elements = match tensor.format() {
            Format::Int(format) => {
                let ints = tensor.ints().map_err(|error| error.to_string())?;
                let ints = Ints::new(&ints, (format.min(), format.max()));
                Elements::Ints(map_ints!(&ints, a => shared(a, along)?))
            }
            _ => Elements::Codes(flat(&tensor.codes().view(), along)?),
        };
        Ok(Self {
            elements,
            format: tensor.format(),
            scales: parameter(&scales)?,
            scale_format,
            zero_points: zero_points.as_ref().map(parameter).transpose()?,
            block,
            outer: factor,
        })
    }

    /// `(lines, K)`.
    pub(super) fn dim(&self) -> (usize, usize) {
        match &self.elements {
            Elements::Ints(ints) => (ints.shape()[0], ints.shape()[1]),
            Elements::Codes(codes) => codes.dim(),
        }
    }

    /// Whether a line has one scale.
    pub(super) fn is_whole(&self) -> bool {
        self.block >= self.dim().1
    }

    /// Some of the lines.
    pub(super) fn part(&self, first: usize, count: usize) -> Self {
        let slice = Slice::from(first..first + count);
        let some = |array: &Array2<f32>| match array.nrows() {
            1 => array.clone(),
            _ => array.slice_axis(Axis(0), slice).to_owned(),
        };
        let elements = match &self.elements {
            Elements::Ints(ints) => Elements::Ints(map_ints!(ints, a => {
                let mut part = a.clone();
                part.slice_axis_inplace(Axis(0), slice);
                part
            })),
            Elements::Codes(codes) => Elements::Codes(codes.slice_axis(Axis(0), slice).to_owned()),
        };
        let zero_points = self.zero_points.as_ref().map(some);
        Self { elements, scales: some(&self.scales), zero_points, ..*self }
    }

    /// The first k and the one behind the last of blocks of a size.
    pub(super) fn places(&self, size: usize) -> impl Iterator<Item = (usize, usize)> {
        let k = self.dim().1;
        (0..k).step_by(size.max(1)).map(move |first| (first, (first + size).min(k)))
    }

    /// The codes between two k, whose scales are 1.
    pub(super) fn bare(&self, first: usize, end: usize) -> Self {
        let slice = Slice::from(first..end);
        let elements = match &self.elements {
            Elements::Ints(ints) => Elements::Ints(map_ints!(ints, a => {
                let mut part = a.clone();
                part.slice_axis_inplace(Axis(1), slice);
                part
            })),
            Elements::Codes(codes) => Elements::Codes(codes.slice_axis(Axis(1), slice).to_owned()),
        };
        let (scales, block) = (Array2::ones((1, 1)), (end - first).max(1));
        Self { elements, scales, zero_points: None, block, outer: 1.0, ..*self }
    }

    /// The scale of block `at` of a line, as a number.
    pub(super) fn scale(&self, line: usize, at: usize) -> f64 {
        f64::from(self.scales[[if self.scales.nrows() == 1 { 0 } else { line }, at]]) * self.outer
    }

    /// The zero point of block `at` of a line.
    pub(super) fn zero_point(&self, line: usize, at: usize) -> f64 {
        let zero = |zero: &Array2<f32>| zero[[if zero.nrows() == 1 { 0 } else { line }, at]];
        self.zero_points.as_ref().map_or(0.0, |points| zero(points).into())
    }

    /// The sum of the codes of every line between two places, where these are whole numbers.
    pub(super) fn sums(&self, first: usize, end: usize) -> Vec<f64> {
        match &self.elements {
            Elements::Codes(_) => vec![0.0; self.dim().0],
            Elements::Ints(ints) => each!(ints, array => {
                let part = array.slice_axis(Axis(1), Slice::from(first..end));
                let rows = part.axis_iter(Axis(0));
                rows.map(|row| row.iter().map(|&x| i64::from(x)).sum::<i64>() as f64).collect()
            }),
        }
    }

    /// The greatest magnitude of a code, where these are whole numbers.
    pub(super) fn magnitude(&self) -> u64 {
        match self.format {
            Format::Int(format) => format.min().unsigned_abs().max(format.max().unsigned_abs()),
            _ => u64::MAX,
        }
    }

    /// The operand of a product through float registers: `[lines, K]` on the left, `[K, lines]` on the right. Scales of blocks are
    /// its own; those of whole lines, and what multiplies all, are left out.
    pub(super) fn operand(&self, side: Side) -> Result<FloatOperand, String> {
        let turned = |view: ArrayView2<'_, u32>| match side {
            Side::Left => view.to_owned(),
            Side::Right => view.reversed_axes().as_standard_layout().into_owned(),
        };
        let codes = match (&self.elements, self.format) {
            (Elements::Codes(codes), _) => turned(codes.view()),
            (Elements::Ints(ints), Format::Int(format)) => {
                let codes = each!(ints, array => array.mapv(|x| format.code(x.into())));
                let codes =
                    codes.into_dimensionality::<Ix2>().map_err(|error| error.to_string())?;
                turned(codes.view())
            }
            _ => return Err(format!("whole numbers that are no codes of {}", self.format)),
        };
        let operand = FloatOperand::from_codes(codes.view(), self.format);
        let operand = operand.map_err(|error| error.to_string())?;
        if self.is_whole() {
            return Ok(operand);
        }
        let (lines, _) = self.dim();
        let row = |line: usize| if self.scales.nrows() == 1 { 0 } else { line };
        let scale = |line: usize, at: usize| f64::from(self.scales[[row(line), at]]);
        let blocks = self.scales.ncols();
        let values = match side {
            Side::Left => Array2::from_shape_fn((lines, blocks), |(line, at)| scale(line, at)),
            Side::Right => Array2::from_shape_fn((blocks, lines), |(at, line)| scale(line, at)),
        };
        let (format, block) = (self.scale_format, self.block);
        Ok(operand.with_scales(BlockScales { format, block, values }))
    }
}

/// On which side of a product an operand stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
}

/// Whether E8M0 has a number.
fn is_power_of_two(scale: f32) -> bool {
    scale.is_normal() && scale > 0.0 && scale.to_bits() & 0x7f_ffff == 0
}

/// An array as `[lines, along]`, the same memory where it lies so.
fn shared<T: Copy>(array: &ArcArray<T, IxDyn>, along: usize) -> Result<ArcArray<T, IxDyn>, String> {
    let k = array.shape()[along];
    if along + 1 == array.ndim() && array.is_standard_layout() && k > 0 {
        let lines = array.len() / k;
        let lines = array.clone().into_shape_with_order(IxDyn(&[lines, k]));
        return lines.map_err(|error| error.to_string());
    }
    Ok(flat(&array.view(), along)?.into_dyn().into_shared())
}

/// An array as `[lines, along]`.
fn flat<T: Copy>(array: &ArrayViewD<'_, T>, along: usize) -> Result<Array2<T>, String> {
    let mut order: Vec<usize> = (0..array.ndim()).filter(|&axis| axis != along).collect();
    order.push(along);
    let moved = array.view().permuted_axes(order);
    let k = moved.shape().last().copied().unwrap_or(0);
    let lines = moved.len().checked_div(k).unwrap_or(0);
    let elements = match moved.to_slice() {
        Some(elements) => elements.to_vec(),
        None => moved.iter().copied().collect(),
    };
    Array2::from_shape_vec((lines, k), elements).map_err(|error| error.to_string())
}

/// Parameters as `[lines, blocks]`, or one line where all lines have the same ones; `shape` is that of the codes.
fn matrix(parameter: &ArrayD<f32>, shape: &[usize], along: usize) -> Result<Array2<f32>, String> {
    if parameter.len() == 1 {
        let only = parameter.iter().copied().collect();
        return Array2::from_shape_vec((1, 1), only).map_err(|error| error.to_string());
    }
    let mut whole = shape.to_vec();
    whole[along] = parameter.shape().get(along).copied().unwrap_or(1);
    let broadcast = parameter.broadcast(IxDyn(&whole));
    let found = parameter.shape();
    let broadcast =
        broadcast.ok_or_else(|| format!("scales of shape {found:?} for codes of {shape:?}"))?;
    flat(&broadcast, along)
}
