//! The grid of a scalar format with fixed scales and zero points, per tensor, channel, or group.

use fewbit_formats::{Format, NanPolicy, Overflow, Policy, Rounding};
use ndarray::{Array2, ArrayD, ArrayView2, Ix2, IxDyn};

use crate::quantize::{Granularity, Parameters, Scheme};
use crate::tensor::AnyQuantTensor;

use super::grid::{Chosen, Grid, IntegerGrid, Limits, Point};
use super::linalg::Real;
use super::{AlgorithmError, error::check_finite};

/// A scalar format scaled per run of columns: `value = (decode(code) - zero_point) * scale`, in f32 as dequantizing does.
///
/// Covers integers (symmetric and asymmetric, full and narrow), fixed point, binary, ternary, minifloats, and the elements
/// of MX and NVFP4 groups with their scales. Rounding is to nearest, ties to even, then saturation:
/// `code = encode(y / scale + zero_point)`. Where a scale is 0, as group formats may have it for a block of zeros, every
/// code stands for 0 and the one of the zero point is taken.
///
/// ```
/// use fewbit::algorithms::{Grid, ScaledGrid};
/// use fewbit_formats::Format;
/// use ndarray::array;
/// let grid = ScaledGrid::new(Format::INT4, 3, array![[0.5]], None, 3)?;
/// let (mut codes, mut values) = ([0], [0.0]);
/// grid.round(0, 2, &[-1.3f64], &mut codes, &mut values);
/// assert_eq!((codes[0], values[0]), (0b1101, -1.5)); // -2.6 -> -3
/// # Ok::<(), fewbit::algorithms::AlgorithmError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ScaledGrid {
    format: Format,
    inputs: usize,
    group: usize,
    /// `[groups, rows]`, so that a lane reads a run.
    scale: Array2<f32>,
    /// What is divided by: the scale, or infinity where that is 0.
    divisor: Array2<f32>,
    zero_point: Option<Array2<f32>>,
    elements: Elements,
}

/// How the elements are rounded.
#[derive(Clone, Debug, PartialEq)]
enum Elements {
    /// Whole numbers from `min` to `max`; codes in the low bits given by `mask`.
    Integer { min: f32, max: f32, mask: u32 },
    /// Everything else, by the format's own encoder; for the levels all finite values in ascending order.
    Encoded { unit: f64, table: Vec<(i64, u32)> },
}

impl ScaledGrid {
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
        let zero_point = self.zero_point.as_ref().map(|z| z.t().to_owned());
        Self::new(self.format, self.inputs, scale, zero_point, self.group)
    }

    /// The value of a code at an element.
    pub fn dequantize(&self, row: usize, col: usize, code: u32) -> f32 {
        let (scale, zero) = self.affine(row, col);
        (self.format.decode(code) as f32 - zero) * scale
    }

    /// The integer that a datapath multiplies for this code; `None` for codes of formats without one.
    pub fn level(&self, code: u32) -> Option<i64> {
        match &self.elements {
            Elements::Integer { .. } => Some(self.format.decode(code) as i64),
            Elements::Encoded { unit, table } => {
                (!table.is_empty()).then(|| (self.format.decode(code) / unit) as i64)
            }
        }
    }

    fn affine(&self, row: usize, col: usize) -> (f32, f32) {
        let at = [col / self.group, row];
        (self.scale[at], self.zero_point.as_ref().map_or(0.0, |z| z[at]))
    }

    fn encode(&self, y: f64, rounding: Rounding) -> u32 {
        let policy = Policy::new(rounding, Overflow::Saturate).with_nan(NanPolicy::Zero);
        // Infinity, NaN: the solvers' sums of finite numbers have neither unless they overflow, and then any code will do.
        let y = if y.is_nan() { 0.0 } else { y.clamp(-f64::MAX, f64::MAX) };
        // Saturation is defined for every format: nothing is left to refuse.
        self.format.encode(y, &policy, 0).map_or(0, |encoded| encoded.code)
    }
}

impl Elements {
    fn new(format: Format) -> Self {
        match format {
            Format::Int(int) if int.bits() <= 22 => Self::Integer {
                min: int.min() as f32,
                max: int.max() as f32,
                mask: ((1u64 << int.bits()) - 1) as u32,
            },
            _ => Self::Encoded { unit: format.smallest_positive(), table: levels(format) },
        }
    }
}

/// All finite values of a narrow format as multiples of its smallest, ascending; empty where they are too many or too far
/// apart for `i64`.
fn levels(format: Format) -> Vec<(i64, u32)> {
    let unit = format.smallest_positive();
    let reach = format.max_finite().max(-format.min_finite()) / unit;
    // A format without a positive value gives NaN here.
    let too_far = reach.is_nan() || reach >= 1e18;
    if format.bits() > 16 || too_far || !format.has_zero() {
        return Vec::new();
    }
    let values = (0..format.code_count() as u32).map(|code| (format.decode(code), code));
    let mut table: Vec<(i64, u32)> =
        values.filter(|(v, _)| v.is_finite()).map(|(v, code)| ((v / unit) as i64, code)).collect();
    table.sort_unstable();
    table.dedup_by_key(|entry| entry.0);
    table
}

impl<T: Real> Grid<T> for ScaledGrid {
    fn dim(&self) -> (usize, usize) {
        (self.scale.ncols(), self.inputs)
    }

    fn round(&self, row: usize, col: usize, y: &[T], codes: &mut [u32], values: &mut [T]) {
        let start = col / self.group * self.scale.ncols() + row;
        let lanes = start..start + y.len();
        // Both are in standard layout.
        let Some(scale) = self.scale.as_slice().and_then(|s| s.get(lanes.clone())) else { return };
        let divisor = self.divisor.as_slice().and_then(|s| s.get(lanes.clone()));
        let Some(divisor) = divisor else { return };
        let zero = self.zero_point.as_ref().and_then(|z| z.as_slice()?.get(lanes));
        let results = y.iter().zip(scale.iter().zip(divisor)).zip(codes.iter_mut().zip(values));
        match (&self.elements, zero) {
            (Elements::Integer { min, max, mask }, None) => {
                let (min, max) = (T::of(f64::from(*min)), T::of(f64::from(*max)));
                for ((y, (s, d)), (code, value)) in results {
                    let level = (*y / T::of(f64::from(*d))).max(min).min(max).round_small();
                    let level = level.to_double() as f32;
                    *code = level as i32 as u32 & mask;
                    *value = T::of(f64::from(level * s));
                }
            }
            (Elements::Integer { min, max, mask }, Some(zero)) => {
                let (min, max) = (T::of(f64::from(*min)), T::of(f64::from(*max)));
                for (((y, (s, d)), (code, value)), z) in results.zip(zero) {
                    let level = *y / T::of(f64::from(*d)) + T::of(f64::from(*z));
                    let level = level.max(min).min(max).round_small().to_double() as f32;
                    *code = level as i32 as u32 & mask;
                    *value = T::of(f64::from((level - z) * s));
                }
            }
            (Elements::Encoded { .. }, zero) => {
                for (i, ((y, (s, d)), (code, value))) in results.enumerate() {
                    let z = zero.map_or(0.0, |z| z[i]);
                    let level = *y / T::of(f64::from(*d)) + T::of(f64::from(z));
                    *code = self.encode(level.to_double(), Rounding::TiesEven);
                    *value = T::of(f64::from((self.format.decode(*code) as f32 - z) * s));
                }
            }
        }
    }

    fn integers(&self) -> Option<&dyn IntegerGrid<T>> {
        match &self.elements {
            Elements::Encoded { table, .. } if table.is_empty() => None,
            _ => Some(self),
        }
    }

    fn neighbours(
        &self,
        row: usize,
        col: usize,
        y: T,
        levels: Option<(i64, i64)>,
    ) -> [Point<T>; 2] {
        let (_, zero) = self.affine(row, col);
        let divisor = self.divisor[[col / self.group, row]];
        let x = y.to_double() / f64::from(divisor) + f64::from(zero);
        let point = |code: u32, level: i64| Point {
            code,
            level,
            value: T::of(self.dequantize(row, col, code).into()),
        };
        let (low, high) = levels.unwrap_or((i64::MIN, i64::MAX));
        match &self.elements {
            Elements::Integer { min, max, mask } => {
                let (min, max) = (low.max(*min as i64), high.min(*max as i64));
                // `as` saturates.
                [x.floor(), x.ceil()].map(|x| {
                    let level = (x as i64).max(min).min(max);
                    point(level as u32 & mask, level)
                })
            }
            Elements::Encoded { unit, table } if !table.is_empty() => {
                let first = table.partition_point(|entry| entry.0 < low);
                let end = table.partition_point(|entry| entry.0 <= high);
                let allowed = table.get(first..end).unwrap_or(&[]);
                let above = allowed.partition_point(|entry| entry.0 as f64 * unit < x);
                let below = allowed.partition_point(|entry| entry.0 as f64 * unit <= x);
                [below.saturating_sub(1), above.min(allowed.len().saturating_sub(1))].map(|at| {
                    let (level, code) = allowed.get(at).copied().unwrap_or((0, 0));
                    point(code, level)
                })
            }
            Elements::Encoded { .. } => {
                [Rounding::Down, Rounding::Up].map(|rounding| point(self.encode(x, rounding), 0))
            }
        }
    }

    fn value_of(&self, row: usize, col: usize, code: u32, factor: f32) -> f32 {
        let (scale, zero) = self.affine(row, col);
        (self.format.decode(code) as f32 - zero) * (scale * factor)
    }
}

impl<T: Real> IntegerGrid<T> for ScaledGrid {
    fn step(&self, row: usize, col: usize) -> T {
        T::of(f64::from(self.divisor[[col / self.group, row]].abs()) * self.unit())
    }

    fn value(&self, row: usize, col: usize, level: i64) -> T {
        let (scale, zero) = self.affine(row, col);
        T::of((level as f64 * self.unit() - f64::from(zero)) * f64::from(scale))
    }

    fn round_within(
        &self,
        row: usize,
        col: usize,
        y: &[T],
        limits: Limits<'_>,
        chosen: Chosen<'_, T>,
    ) {
        Grid::round(self, row, col, y, chosen.codes, chosen.values);
        for i in 0..y.len() {
            let nearest = self.level(chosen.codes[i]).unwrap_or(0);
            let held = nearest.clamp(limits.low[i], limits.high[i]);
            chosen.levels[i] = nearest;
            if held != nearest {
                let (level, code) = self.toward_zero(held);
                chosen.levels[i] = level;
                chosen.codes[i] = code;
                chosen.values[i] = T::of(self.dequantize(row + i, col, code).into());
            }
        }
    }
}

impl ScaledGrid {
    fn unit(&self) -> f64 {
        match &self.elements {
            Elements::Integer { .. } => 1.0,
            Elements::Encoded { unit, .. } => *unit,
        }
    }

    /// The representable level between 0 and `level` that is nearest to `level`.
    fn toward_zero(&self, level: i64) -> (i64, u32) {
        match &self.elements {
            Elements::Integer { min, max, mask } => {
                let level = level.clamp(*min as i64, *max as i64);
                (level, level as u32 & mask)
            }
            Elements::Encoded { table, .. } if level >= 0 => {
                let above = table.partition_point(|entry| entry.0 <= level);
                table.get(above.wrapping_sub(1)).copied().unwrap_or((0, 0))
            }
            Elements::Encoded { table, .. } => {
                let at = table.partition_point(|entry| entry.0 < level);
                table.get(at).copied().unwrap_or((0, 0))
            }
        }
    }
}
