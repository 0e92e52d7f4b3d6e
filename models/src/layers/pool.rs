//! Pools.

use fewbit::formats::{Format, Signedness};
use fewbit::quantize::Truncation;
use ndarray::ArrayD;

use crate::ops::{AveragePool, MaxPool};

use super::products::run;
use super::value::sum_codes;
use super::{LayerError, QuantValue, TruncAccumulator};

/// The greatest of each window; codes stay.
///
/// ```
/// use fewbit_models::layers::{QuantMaxPool, QuantValue};
/// use fewbit_models::ops::MaxPool;
/// use ndarray::array;
/// let pool = QuantMaxPool { op: MaxPool { kernel: vec![2], ..MaxPool::default() } };
/// let y = pool.forward(&QuantValue::from(array![[[1.0f32, 3.0, 2.0]]]))?;
/// assert_eq!(y.values, array![[[3.0, 3.0]]].into_dyn());
/// # Ok::<(), fewbit_models::layers::LayerError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QuantMaxPool {
    /// Extents, strides, padding.
    pub op: MaxPool,
}

impl QuantMaxPool {
    /// The greatest of each window.
    ///
    /// # Errors
    /// A shape that the windows do not fit.
    pub fn forward(&self, x: &QuantValue) -> Result<QuantValue, LayerError> {
        x.on_grid(run(&self.op.clone().into(), &[&x.values])?)
    }
}

/// The mean of each window as the sum of its codes, cut to fewer bits: the division becomes a shift.
///
/// ```text
/// sum of n codes: scale / n, ceil(log2((2^b - 1) n)) bits, the zero point of the codes       then as TruncAccumulator
/// ```
/// A value without codes, or a pool without truncation, is a mean of floats.
///
/// ```
/// use fewbit_models::layers::{Activation, QuantActivation, TruncAvgPool};
/// use fewbit_models::ops::AveragePool;
/// use ndarray::array;
/// let codes = QuantActivation::new(Activation::Relu, Some("Uint8ActPerTensorFloat"))?
///     .set("scale.source", serde_json::json!({ "given": 1.0 }))?;
/// let x = codes.forward(&array![[[10.0f32, 11.0]]].into())?;
/// let op = AveragePool { kernel: vec![2], ..AveragePool::default() };
/// let y = TruncAvgPool::new(op, Some("TruncTo8bit"))?.forward(&x)?;
/// assert_eq!(y.values, array![[[10.0]]].into_dyn()); // 21 of 9 bits, shifted by one: 10, of scale 1
/// # Ok::<(), fewbit_models::layers::LayerError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct TruncAvgPool {
    /// Extents, strides, padding.
    pub op: AveragePool,
    /// How sums become codes again.
    pub truncation: Option<Truncation>,
}

impl TruncAvgPool {
    /// A pool with the preset of this name; Brevitas's default is `RoundTo8bit`.
    ///
    /// # Errors
    /// No such preset, or one that is no truncation.
    pub fn new(op: AveragePool, preset: Option<&str>) -> Result<Self, LayerError> {
        Ok(Self { op, truncation: truncation(preset)? })
    }

    /// The means.
    ///
    /// # Errors
    /// A shape that the windows do not fit; codes that are no integers with one scale.
    pub fn forward(&self, x: &QuantValue) -> Result<QuantValue, LayerError> {
        let means = run(&self.op.clone().into(), &[&x.values])?;
        truncated(x, means, self.op.kernel.iter().product(), self.truncation.as_ref())
    }
}

/// The mean of as many windows as outputs are asked for, cut to fewer bits as those of [`TruncAvgPool`].
///
/// Output `i` of `n` over `m` inputs is the mean of the inputs `floor(i m / n)` up to `ceil((i + 1) m / n)`. Where `n` does not
/// divide `m`, windows have several extents, and the one that scale and width are stated for is `m - (n - 1) floor(m / n)`, as
/// in Brevitas: sums are then off the grid and are rounded to it.
///
/// ```
/// use fewbit_models::layers::TruncAdaptiveAvgPool2d;
/// use ndarray::array;
/// let pool = TruncAdaptiveAvgPool2d::new([1, 1], None)?;
/// assert_eq!(pool.forward(&array![[[[1.0f32, 2.0], [3.0, 6.0]]]].into())?.values, array![[[[3.0]]]].into_dyn());
/// # Ok::<(), fewbit_models::layers::LayerError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct TruncAdaptiveAvgPool2d {
    /// Rows and columns of the output.
    pub output: [usize; 2],
    /// How sums become codes again.
    pub truncation: Option<Truncation>,
}

impl TruncAdaptiveAvgPool2d {
    /// A pool with the preset of this name; Brevitas's default is `RoundTo8bit`.
    ///
    /// # Errors
    /// No such preset, or one that is no truncation.
    pub fn new(output: [usize; 2], preset: Option<&str>) -> Result<Self, LayerError> {
        Ok(Self { output, truncation: truncation(preset)? })
    }

    /// The means.
    ///
    /// # Errors
    /// Other axes than `[samples, channels, rows, columns]`; codes that are no integers with one scale.
    pub fn forward(&self, x: &QuantValue) -> Result<QuantValue, LayerError> {
        let &[samples, channels, rows, columns] = x.values.shape() else {
            let found = x.values.shape();
            let expected = "[samples, channels, rows, columns]";
            return Err(LayerError::Shape(format!("an image of {found:?}: expected {expected}")));
        };
        let [high, wide] = self.output;
        if high == 0 || wide == 0 || rows == 0 || columns == 0 {
            let output = self.output;
            return Err(LayerError::Shape(format!("{output:?} outputs of {rows} x {columns}")));
        }
        let range = |i: usize, n: usize, m: usize| (i * m / n, ((i + 1) * m).div_ceil(n));
        let means = ArrayD::from_shape_fn(vec![samples, channels, high, wide], |at| {
            let (top, bottom) = range(at[2], high, rows);
            let (left, right) = range(at[3], wide, columns);
            let mut sum = 0.0f32;
            for row in top..bottom {
                for column in left..right {
                    sum += x.values[[at[0], at[1], row, column]];
                }
            }
            // One division per axis.
            sum / (bottom - top) as f32 / (right - left) as f32
        });
        let extent = |n: usize, m: usize| (m + m / n).saturating_sub(n * (m / n));
        truncated(x, means, extent(high, rows) * extent(wide, columns), self.truncation.as_ref())
    }
}

fn truncation(preset: Option<&str>) -> Result<Option<Truncation>, LayerError> {
    Ok(preset.map(TruncAccumulator::new).transpose()?.map(|layer| layer.truncation))
}

/// Means of `count` codes as sums, truncated; as they are where there is nothing to truncate.
fn truncated(
    x: &QuantValue,
    means: ArrayD<f32>,
    count: usize,
    truncation: Option<&Truncation>,
) -> Result<QuantValue, LayerError> {
    let (Some(codes), Some(truncation)) = (&x.codes, truncation) else {
        return Ok(QuantValue::from(means));
    };
    let Format::Int(format) = codes.format() else {
        let format = codes.format();
        return Err(LayerError::Integer(format!(
            "a mean of codes of {format}: integers are needed"
        )));
    };
    let scale = codes.scale().mapv(|scale| scale / count as f32);
    let most = (2f32.powi(format.bits() as i32) - 1.0) * count as f32;
    let bits = most.log2().ceil() as u32;
    let signedness = if format.is_signed() { Signedness::Signed } else { Signedness::Unsigned };
    let zero = codes.zero_point().cloned();
    let sums = sum_codes(&means, (scale, codes.granularity()), zero, (bits.max(2), signedness))?;
    TruncAccumulator { truncation: truncation.clone() }
        .forward(&QuantValue { values: means, codes: sums })
}
