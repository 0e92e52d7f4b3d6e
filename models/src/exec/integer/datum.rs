//! What stands between two nodes.

use std::sync::Arc;

use fewbit::formats::IntFormat;
use fewbit::tensor::AnyQuantTensor;
use ndarray::{ArrayD, Axis, IxDyn};

use crate::tensor::Tensor;

use super::ints::Ints;
use super::row_codes::RowCodes;
use super::table::Table;

/// A value of a network that runs in integers.
#[derive(Clone, Debug, PartialEq)]
pub enum Datum {
    /// Anything but codes: floats, indices.
    Plain(Tensor),
    /// Codes of a quantizer.
    Codes(Codes),
    /// Codes with parameters of every row.
    Rows(RowCodes),
    /// Codes of floats, and codes with scales of groups.
    Coded(Arc<AnyQuantTensor>),
    /// Sums of products, or of codes.
    Sums(Sums),
    /// A function of codes, which is a table.
    Table(Table),
}

/// Codes: `value = (code - zero point) * scale`.
#[derive(Clone, Debug, PartialEq)]
pub struct Codes {
    /// The codes as whole numbers.
    pub ints: Ints,
    /// Their format.
    pub format: IntFormat,
    /// The scales.
    pub scales: Scales,
    /// The zero point.
    pub zero_point: i64,
}

/// Sums: `value = sum * scale`.
#[derive(Clone, Debug, PartialEq)]
pub struct Sums {
    /// The sums.
    pub values: ArrayD<i64>,
    /// The scales.
    pub scales: Scales,
}

/// One scale for all, or one per index of an axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Scales {
    /// The scales.
    pub values: Vec<f32>,
    /// The axis, where there are several.
    pub axis: usize,
}

impl Scales {
    /// One for all.
    #[must_use]
    pub fn one(scale: f32) -> Self {
        Self { values: vec![scale], axis: 0 }
    }

    /// The scale, if there is one for all.
    #[must_use]
    pub fn single(&self) -> Option<f32> {
        match self.values[..] {
            [scale] => Some(scale),
            _ => None,
        }
    }

    /// Multiplies values with their scales.
    fn apply(&self, array: &mut ArrayD<f32>) {
        match self.single() {
            Some(scale) => array.mapv_inplace(|x| x * scale),
            None => by_channel(array, self.axis, &self.values, |x, scale| x * scale),
        }
    }
}

/// Changes every element by a number of its index along an axis.
pub(super) fn by_channel<T: Copy, U: Copy>(
    array: &mut ArrayD<T>,
    axis: usize,
    numbers: &[U],
    change: impl Fn(T, U) -> T,
) {
    let run: usize = array.shape()[axis + 1..].iter().product();
    let channels = array.shape()[axis];
    let is_plain = run > 0 && channels > 0 && numbers.len() == channels;
    match array.as_slice_mut().filter(|_| is_plain) {
        Some(elements) => {
            for image in elements.chunks_exact_mut(channels * run) {
                for (part, &number) in image.chunks_exact_mut(run).zip(numbers) {
                    part.iter_mut().for_each(|x| *x = change(*x, number));
                }
            }
        }
        None => {
            for (mut slice, &number) in array.axis_iter_mut(Axis(axis)).zip(numbers) {
                slice.map_inplace(|x| *x = change(*x, number));
            }
        }
    }
}

impl Codes {
    /// What the codes stand for.
    #[must_use]
    pub fn values(&self) -> ArrayD<f32> {
        let mut values = self.ints.to_f32();
        if self.zero_point != 0 {
            let zero = self.zero_point as f32;
            values.mapv_inplace(|x| x - zero);
        }
        self.scales.apply(&mut values);
        values
    }

    /// The same codes with parameters that have their axes.
    pub(super) fn rows(&self) -> Result<RowCodes, String> {
        let mut shape = vec![1; self.ints.shape().len()];
        let scales = &self.scales;
        if let (None, Some(extent)) = (scales.single(), shape.get_mut(scales.axis)) {
            *extent = scales.values.len();
        }
        let array = |values: Vec<f32>| {
            ArrayD::from_shape_vec(IxDyn(&shape), values).map_err(|error| error.to_string())
        };
        let zero_points = match self.zero_point {
            0 => None,
            zero => Some(array(vec![zero as f32; scales.values.len()])?),
        };
        let scales = array(scales.values.clone())?;
        Ok(RowCodes { ints: self.ints.clone(), format: self.format, scales, zero_points })
    }
}

impl Sums {
    /// What the sums stand for: rounded to f32, times the scale.
    #[must_use]
    pub fn values(&self) -> ArrayD<f32> {
        let mut values = self.values.mapv(|x| x as f32);
        self.scales.apply(&mut values);
        values
    }
}

impl Datum {
    /// What it stands for, as a tensor.
    #[must_use]
    pub fn tensor(&self) -> Tensor {
        match self {
            Self::Plain(tensor) => tensor.clone(),
            Self::Codes(codes) => codes.values().into(),
            Self::Rows(rows) => rows.values().into(),
            Self::Coded(tensor) => tensor.dequantize().into(),
            Self::Sums(sums) => sums.values().into(),
            Self::Table(table) => table.values().into(),
        }
    }

    /// The extents of the axes.
    pub(super) fn shape(&self) -> Vec<usize> {
        match self {
            Self::Plain(tensor) => tensor.shape().to_vec(),
            Self::Codes(codes) => codes.ints.shape().to_vec(),
            Self::Rows(rows) => rows.ints.shape().to_vec(),
            Self::Coded(tensor) => tensor.shape().to_vec(),
            Self::Sums(sums) => sums.values.shape().to_vec(),
            Self::Table(table) => table.ints.shape().to_vec(),
        }
    }

    /// The number of axes.
    pub(super) fn rank(&self) -> usize {
        self.shape().len()
    }
}
