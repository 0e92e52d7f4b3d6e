//! What a solver needs of a quantizer: the values that it may choose from, with scales and zero points fixed.

mod elements;
mod round;

use fewbit_formats::{Format, Rounding};
use ndarray::{Array2, ArrayD, ArrayView2, Ix2, IxDyn};

pub(super) use self::elements::Direction;
use self::elements::{Elements, encode};
pub(super) use self::round::{Chosen, Point};
use super::AlgorithmError;
use super::error::check_finite;
use crate::quantize::{Granularity, Parameters, Scheme};
use crate::tensor::AnyQuantTensor;

/// The representable values of a weight matrix: a scalar format scaled per run of columns, per tensor, channel, or group.
///
/// `value = (decode(code) - zero_point) * scale`, in f32 as dequantizing does.
///
/// An accumulator multiplies *levels*, integers with `decode(code) = level * unit`, where the unit is 1 for integers and the
/// smallest positive value for other formats of at most 16 bits.
///
/// Covers integers (symmetric and asymmetric, full and narrow), fixed point, binary, ternary, minifloats, and the elements
/// of MX and NVFP4 groups with their scales. Rounding is to nearest, ties to even, then saturation:
/// `code = encode(y / scale + zero_point)`. Where a scale is 0, as group formats may have it for a block of zeros, every
/// code stands for 0 and the one of the zero point is taken.
///
/// ```
/// use fewbit::algorithms::Grid;
/// use fewbit_formats::Format;
/// use ndarray::array;
/// let grid = Grid::new(Format::INT4, 3, array![[0.5]], None, 3)?;
/// let (mut codes, mut values) = ([0], [0.0]);
/// grid.round(0, 2, &[-1.3f64], &mut codes, &mut values);
/// assert_eq!((codes[0], values[0]), (0b1101, -1.5)); // -2.6 -> -3
/// # Ok::<(), fewbit::algorithms::AlgorithmError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    format: Format,
    inputs: usize,
    group: usize,
    /// `[groups, rows]`, so that a lane reads a run.
    scale: Array2<f32>,
    /// What is divided by: the scale, or infinity where that is 0.
    divisor: Array2<f32>,
    zero_point: Option<Array2<f32>>,
    elements: Elements,
    codes: Option<ScaleCode>,
}

/// What scales may be where they are codes: `f32(decode(code) * outer)`.
#[derive(Clone, Copy, Debug, PartialEq)]
struct ScaleCode {
    format: Format,
    outer: f32,
}

impl Grid {
    /// A grid for `[rows, inputs]` weights: `scale` and `zero_point` are `[rows, ceil(inputs / group)]`, one entry per run of
    /// `group` columns of a row (the last may be shorter). A group of `inputs` columns gives one scale per channel.
    ///
    /// # Errors
    /// A scale or a zero point that is not finite, shapes that do not fit, a group of 0.
    pub fn new(
        format: Format,
        inputs: usize,
        scale: Array2<f32>,
        zero_point: Option<Array2<f32>>,
        group: usize,
    ) -> Result<Self, AlgorithmError> {
        if group == 0 {
            return Err(AlgorithmError::Group { group, inputs, what: "the weights" });
        }
        let rows = scale.nrows();
        AlgorithmError::check_shape("the scale", scale.dim(), (rows, inputs.div_ceil(group)))?;
        check_finite("the scale", scale.view(), 0)?;
        if let Some(zero_point) = &zero_point {
            AlgorithmError::check_shape("the zero point", zero_point.dim(), scale.dim())?;
            check_finite("the zero point", zero_point.view(), 0)?;
        }
        let lanes = |m: Array2<f32>| m.reversed_axes().as_standard_layout().into_owned();
        let scale = lanes(scale);
        Ok(Self {
            format,
            inputs,
            group,
            divisor: scale.mapv(|s| if s == 0.0 { f32::INFINITY } else { s }),
            scale,
            zero_point: zero_point.map(lanes),
            elements: Elements::new(format),
            codes: None,
        })
    }

    /// The grid of a matrix that a quantizer with this scheme has given these parameters.
    ///
    /// # Errors
    /// A granularity that is not per tensor, row, output channel, input channel, or along the inputs in groups; the errors
    /// of [`Self::new`].
    pub fn of_scheme(
        scheme: &Scheme,
        parameters: &Parameters,
        (rows, cols): (usize, usize),
    ) -> Result<Self, AlgorithmError> {
        let (groups, group) = match scheme.granularity {
            Granularity::Tensor | Granularity::Row | Granularity::Channel { axis: 0 | -2 } => {
                (1, cols)
            }
            Granularity::Channel { axis: 1 | -1 } => (cols, 1),
            Granularity::Group { axis: 1 | -1, size } => (cols.div_ceil(size.max(1)), size),
            other => return Err(AlgorithmError::Granularity(other.to_string())),
        };
        let expand = |parameter: &ArrayD<f32>, what: &'static str| {
            let shape =
                || AlgorithmError::check_shape(what, (parameter.len(), 1), (rows * groups, 1));
            // Per tensor and per input channel one entry stands for all rows.
            match parameter
                .broadcast(IxDyn(&[rows, groups]))
                .map(|p| p.into_dimensionality::<Ix2>())
            {
                Some(Ok(parameter)) => Ok(parameter.to_owned()),
                _ => Err(shape().err().unwrap_or(AlgorithmError::Granularity(what.into()))),
            }
        };
        let scale = expand(&parameters.scale, "the scale")?;
        let zero_point =
            parameters.zero_point.as_ref().map(|z| expand(z, "the zero point")).transpose()?;
        Self::new(scheme.format, cols, scale, zero_point, group)
    }

    /// The grid of a matrix in groups along the inputs, with the scales and zero points that they have.
    ///
    /// # Errors
    /// A tensor of other than two axes, or whose groups do not run along the inputs; a scale that is not finite.
    pub fn of_groups(tensor: &AnyQuantTensor) -> Result<Self, AlgorithmError> {
        let (&[_, inputs], Granularity::Group { axis: 1, size }) =
            (tensor.shape(), tensor.granularity())
        else {
            return Err(AlgorithmError::Granularity(format!(
                "{} in a tensor of shape {:?}",
                tensor.granularity(),
                tensor.shape()
            )));
        };
        let matrix = |parameter: &ArrayD<f32>| {
            let dim = parameter.shape().to_vec();
            parameter
                .clone()
                .into_dimensionality::<Ix2>()
                .map_err(|_| AlgorithmError::Granularity(format!("parameters of shape {dim:?}")))
        };
        let scale = matrix(tensor.scale())?;
        let zero_point = tensor.zero_point().map(matrix).transpose()?;
        Self::new(tensor.format(), inputs, scale, zero_point, size)
    }

    /// The format of the elements.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Columns that share a scale.
    pub fn group(&self) -> usize {
        self.group
    }

    /// The scales, `[rows, groups]`.
    pub fn scale(&self) -> ArrayView2<'_, f32> {
        self.scale.t()
    }

    /// The zero points, `[rows, groups]`.
    pub fn zero_point(&self) -> Option<ArrayView2<'_, f32>> {
        self.zero_point.as_ref().map(|z| z.t())
    }

    /// The same grid with every scale multiplied by a factor per row.
    ///
    /// # Errors
    /// A product that is not finite; factors that are not one per row.
    pub fn rescaled(&self, factor: &[f32]) -> Result<Self, AlgorithmError> {
        AlgorithmError::check_shape(
            "the list of factors",
            (factor.len(), 1),
            (self.scale.ncols(), 1),
        )?;
        let mut scale = self.scale.t().to_owned();
        for (mut row, factor) in scale.rows_mut().into_iter().zip(factor) {
            row *= *factor;
        }
        self.with_scale(scale)
    }

    /// The same grid with other scales, `[rows, groups]`; where they are codes ([`Self::with_scale_format`]) with the nearest
    /// that there are.
    ///
    /// # Errors
    /// Scales that are not finite or of another shape.
    pub fn with_scale(&self, scale: Array2<f32>) -> Result<Self, AlgorithmError> {
        AlgorithmError::check_shape("the scale", scale.dim(), self.scale.t().dim())?;
        let zero_point = self.zero_point.as_ref().map(|z| z.t().to_owned());
        let scale = scale.mapv_into(|scale| self.nearest_scale(scale));
        let codes = self.codes;
        Ok(Self { codes, ..Self::new(self.format, self.inputs, scale, zero_point, self.group)? })
    }

    /// The same grid for scales that are codes of a format times an outer scale, as those of group formats are: every other
    /// scale that it is given becomes the nearest of these.
    ///
    /// ```
    /// use fewbit::algorithms::Grid;
    /// use fewbit_formats::Format;
    /// use ndarray::array;
    /// let grid = Grid::new(Format::INT4, 2, array![[1.0]], None, 2)?;
    /// let powers = grid.with_scale_format(Format::E8M0FNU, 1.0);
    /// assert_eq!(powers.with_scale(array![[2.9]])?.scale(), array![[2.0]]);
    /// # Ok::<(), fewbit::algorithms::AlgorithmError>(())
    /// ```
    #[must_use]
    pub fn with_scale_format(self, format: Format, outer: f32) -> Self {
        Self { codes: Some(ScaleCode { format, outer }), ..self }
    }

    /// Whether scales are codes.
    pub(super) fn has_scale_codes(&self) -> bool {
        self.codes.is_some()
    }

    /// The scale nearest to a number.
    pub(super) fn nearest_scale(&self, scale: f32) -> f32 {
        match (self.codes, self.scale_code(scale)) {
            (Some(codes), Some(code)) => codes.format.decode(code) as f32 * codes.outer,
            _ => scale,
        }
    }

    /// The code of the scale nearest to a number; `None` where scales are no codes.
    pub(super) fn scale_code(&self, scale: f32) -> Option<u32> {
        let ScaleCode { format, outer } = self.codes?;
        Some(encode(format, f64::from(scale) / f64::from(outer), Rounding::TiesEven))
    }

    /// The value of a code at an element.
    pub fn dequantize(&self, row: usize, col: usize, code: u32) -> f32 {
        self.dequantize_scaled(row, col, code, 1.0)
    }

    /// The value of a code if the scales of its row were multiplied by `factor`.
    pub(super) fn dequantize_scaled(&self, row: usize, col: usize, code: u32, factor: f32) -> f32 {
        let (scale, zero) = self.affine(row, col);
        (self.format.decode(code) as f32 - zero) * (scale * factor)
    }

    /// Rows and columns of the weights.
    pub fn dim(&self) -> (usize, usize) {
        (self.scale.ncols(), self.inputs)
    }

    /// Whether every code stands for a whole number of units, as an integer datapath needs it.
    pub fn has_levels(&self) -> bool {
        self.elements.has_levels()
    }

    /// The integer that a datapath multiplies for this code; `None` for codes of formats without one.
    pub fn level(&self, code: u32) -> Option<i64> {
        self.has_levels().then(|| (self.format.decode(code) / self.elements.unit()) as i64)
    }

    /// The least and the greatest level; of a grid with levels.
    pub(super) fn level_range(&self) -> (i64, i64) {
        self.elements.level_range()
    }

    /// The level above or below another one; `None` at the end.
    pub(super) fn next_level(&self, level: i64, direction: Direction) -> Option<i64> {
        self.elements.next_level(level, direction)
    }

    /// The code of a level.
    pub(super) fn code_of_level(&self, level: i64) -> u32 {
        self.elements.toward_zero(level).1
    }

    pub(super) fn affine(&self, row: usize, col: usize) -> (f32, f32) {
        let at = [col / self.group, row];
        (self.scale[at], self.zero_point.as_ref().map_or(0.0, |z| z[at]))
    }
}
