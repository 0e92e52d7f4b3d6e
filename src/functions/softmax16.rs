//! The numbers of TFLite's softmax of int16.

use super::error::FunctionError;
use super::table::{Function, ScaledFormat, Table, TableError, TablePreset};
use crate::requantize::{Excess, MultiplierShift, RequantizePolicy};
use fewbit_formats::Format;

/// TFLite's softmax of int16: the exponential and `1 / (1 + x)` from interpolated tables of 513 entries.
///
/// [`reference::functions::softmax_tflite_int16`](crate::reference::functions::softmax_tflite_int16) computes it. As in
/// `SoftmaxPrepare` of `tensorflow/lite/micro/kernels/softmax_common.cc`: the tables' range is 65535 codes, exp from -10 to 0
/// and `1 / (1 + x)` from 0 to 1, both in units of 2/65535; differences are brought to the first one's unit.
///
/// ```
/// use fewbit::functions::TfliteSoftmax16;
/// let softmax = TfliteSoftmax16::new(1.0, 0.001)?;
/// assert_eq!(softmax.exp().entries().len(), 513);
/// # Ok::<(), fewbit::functions::FunctionError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct TfliteSoftmax16 {
    to_exp: MultiplierShift,
    exp: Table,
    reciprocal: Table,
}

impl TfliteSoftmax16 {
    /// Of real factors: inputs are in units of `scale`, and multiplied with `beta` before the exponential.
    ///
    /// # Errors
    /// `beta` or `scale` that is not above 0 and finite; a product of 2^30 codes of the table or more.
    pub fn new(beta: f64, scale: f64) -> Result<Self, FunctionError> {
        for (what, value) in [("beta", beta), ("input scale", scale)] {
            if !(value > 0.0 && value.is_finite()) {
                let expected = "above 0 and finite";
                return Err(FunctionError::Number { what, value, expected });
            }
        }
        // A code is 10 / 65535; the first product is float32's in TFLite.
        let factor = f64::from(scale as f32 * beta as f32) / (10.0 / 65535.0);
        let to_exp = RequantizePolicy::Gemmlowp(Excess::Wrap).derive(factor).map_err(|_| {
            let (what, expected) = ("product of beta and input scale", "below 2^30 * 10 / 65535");
            FunctionError::Number { what, value: beta * scale, expected }
        })?;
        let table = |function, scale: f32, zero: i64| -> Result<Table, TableError> {
            let unit = f64::from(2.0f32 / 65535.0);
            let input = ScaledFormat::new(Format::INT16, scale.into(), zero)?;
            let output = ScaledFormat::new(Format::INT16, unit, 0)?;
            Table::new(TablePreset::TfliteInt16.spec(function, input, output, None)?)
        };
        let exp = table(Function::Exp, 10.0 / 65535.0, 32767)?;
        let next = table(Function::ReciprocalOfNext, 1.0 / 65535.0, -32768)?;
        Ok(Self { to_exp, exp, reciprocal: next })
    }

    /// Multiplier and shift that bring differences to the exponential's unit.
    #[must_use]
    pub const fn to_exp(&self) -> MultiplierShift {
        self.to_exp
    }

    /// `exp x` for x from -10 to 0.
    #[must_use]
    pub const fn exp(&self) -> &Table {
        &self.exp
    }

    /// `1 / (1 + x)` for x from 0 to 1.
    #[must_use]
    pub const fn reciprocal(&self) -> &Table {
        &self.reciprocal
    }
}
