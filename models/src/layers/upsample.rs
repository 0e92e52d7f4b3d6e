//! Upsampling of images.

use ndarray::ArrayD;

use super::{LayerError, QuantValue};

/// How values between the inputs are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum UpsampleMode {
    /// The input at `floor(i step)`; codes stay.
    #[default]
    Nearest,
    /// Lines between the inputs, whose pixels are areas: `(i + 1/2) step - 1/2`, at least 0.
    Bilinear,
    /// Lines between the inputs, with the corners in the corners: `i (n - 1) / (m - 1)`.
    BilinearCorners,
}

/// How many outputs there are.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum UpsampleTo {
    /// Rows and columns.
    Size([usize; 2]),
    /// Times as many, rounded down; a step from output to output is the inverse of the factor.
    Factor([f64; 2]),
}

/// Images with more rows and columns. Values of lines are rounded to the scale that the codes have, whatever the zero point.
///
/// Lines are sums of four corners, whose parts are products: the upper right one, then fused the upper left, lower left and
/// lower right ones, as torch 2.8 computes them where the processor fuses. Rounding then sees the same numbers.
///
/// ```
/// use fewbit_models::layers::{QuantUpsample, UpsampleMode, UpsampleTo};
/// use ndarray::array;
/// let layer = QuantUpsample { mode: UpsampleMode::Nearest, to: UpsampleTo::Factor([1.0, 2.0]) };
/// let y = layer.forward(&array![[[[1.0f32, 2.0]]]].into())?;
/// assert_eq!(y.values, array![[[[1.0, 1.0, 2.0, 2.0]]]].into_dyn());
/// # Ok::<(), fewbit_models::layers::LayerError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QuantUpsample {
    /// How values between the inputs are found.
    pub mode: UpsampleMode,
    /// How many outputs there are.
    pub to: UpsampleTo,
}

/// The two inputs that an output lies between, and their parts of it.
#[derive(Clone, Copy)]
struct Between {
    low: usize,
    high: usize,
    of_low: f32,
    of_high: f32,
}

impl QuantUpsample {
    /// The larger images.
    ///
    /// # Errors
    /// Other axes than `[samples, channels, rows, columns]`; no outputs; lines between values without one scale.
    pub fn forward(&self, x: &QuantValue) -> Result<QuantValue, LayerError> {
        let &[samples, channels, rows, columns] = x.values.shape() else {
            let found = x.values.shape();
            let expected = "[samples, channels, rows, columns]";
            return Err(LayerError::Shape(format!("an image of {found:?}: expected {expected}")));
        };
        let (down, across) = (self.axis(0, rows)?, self.axis(1, columns)?);
        let shape = vec![samples, channels, down.len(), across.len()];
        let at = |n: usize, c: usize, row: usize, column: usize| x.values[[n, c, row, column]];
        if self.mode == UpsampleMode::Nearest {
            let values =
                ArrayD::from_shape_fn(shape, |i| at(i[0], i[1], down[i[2]].low, across[i[3]].low));
            return x.on_grid(values);
        }
        let scale = x.codes.as_ref().map(|codes| codes.scale().clone());
        let Some(scale) = scale.filter(|scale| scale.len() == 1) else {
            let problem = "lines between values need one scale to round to: quantize them first";
            return Err(LayerError::Integer(problem.into()));
        };
        let scale = scale.first().copied().unwrap_or(1.0);
        let values = ArrayD::from_shape_fn(shape, |i| {
            let (y, z) = (down[i[2]], across[i[3]]);
            let corner = |row, column| at(i[0], i[1], row, column);
            let sum = (y.of_low * z.of_high) * corner(y.low, z.high);
            let sum = (y.of_low * z.of_low).mul_add(corner(y.low, z.low), sum);
            let sum = (y.of_high * z.of_low).mul_add(corner(y.high, z.low), sum);
            let value = (y.of_high * z.of_high).mul_add(corner(y.high, z.high), sum);
            (value / scale).round_ties_even() * scale
        });
        x.on_grid(values)
    }

    /// Where the outputs of an axis lie.
    fn axis(&self, axis: usize, inputs: usize) -> Result<Vec<Between>, LayerError> {
        let (outputs, factor) = match self.to {
            UpsampleTo::Size(size) => (size[axis], None),
            UpsampleTo::Factor(factor) => {
                let outputs = (inputs as f64 * factor[axis]).floor();
                if !(1.0..=1e9).contains(&outputs) {
                    let factor = factor[axis];
                    return Err(LayerError::Shape(format!("{inputs} inputs times {factor}")));
                }
                (outputs as usize, Some(factor[axis]))
            }
        };
        if inputs == 0 || outputs == 0 {
            return Err(LayerError::Shape(format!("{outputs} outputs of {inputs} inputs")));
        }
        let step = match factor {
            Some(factor) => (1.0 / factor) as f32,
            None => inputs as f32 / outputs as f32,
        };
        let last = inputs - 1;
        let between = |i: usize| {
            let place = match self.mode {
                UpsampleMode::Nearest => (i as f32 * step).floor(),
                UpsampleMode::Bilinear => step.mul_add(i as f32 + 0.5, -0.5).max(0.0),
                UpsampleMode::BilinearCorners => {
                    let step = if outputs > 1 { last as f32 / (outputs - 1) as f32 } else { 0.0 };
                    i as f32 * step
                }
            };
            let low = (place as usize).min(last);
            let of_high = (place - low as f32).clamp(0.0, 1.0);
            Between { low, high: (low + 1).min(last), of_low: 1.0 - of_high, of_high }
        };
        Ok((0..outputs).map(between).collect())
    }
}
