//! The codes of the activations.

use fewbit::accumulate::bounds::InputRange;
use fewbit::quantize::{QuantizeError, Quantizer};
use ndarray::parallel::prelude::*;
use ndarray::{Array2, ArrayView2, Axis, Ix2, array};

use crate::error::CliError;
use crate::sweep::CodeFormat;

/// Rows of a parallel task.
const ROWS: usize = 32;

/// A static quantizer of all of a layer's inputs.
#[derive(Clone)]
pub(super) struct Acts {
    quantizer: Quantizer,
    range: InputRange,
}

impl Acts {
    /// The quantizer that covers inputs from `low` to `high`.
    pub(super) fn new(format: CodeFormat, (low, high): (f32, f32)) -> Result<Self, CliError> {
        let quantizer = format.quantizer()?;
        // Scale and zero point depend on the extremes alone.
        let parameters = quantizer.parameters(&array![low, high].view())?;
        Ok(Self { quantizer: quantizer.with_parameters(parameters)?, range: format.range() })
    }

    /// All codes that there are.
    pub(super) fn range(&self) -> InputRange {
        self.range
    }

    /// The codes of some rows, as an integer datapath multiplies them.
    pub(super) fn codes(&self, x: ArrayView2<'_, f32>) -> Result<Array2<i64>, CliError> {
        let mut codes = Array2::zeros(x.dim());
        codes
            .axis_chunks_iter_mut(Axis(0), ROWS)
            .into_par_iter()
            .zip(x.axis_chunks_iter(Axis(0), ROWS))
            .try_for_each(|(mut to, x)| {
                let found = self.quantizer.quantize(&x)?.ints().map_err(QuantizeError::from)?;
                to.assign(&found.into_dimensionality::<Ix2>()?);
                Ok::<(), CliError>(())
            })?;
        Ok(codes)
    }

    /// The values of the codes of some rows.
    pub(super) fn values(&self, x: ArrayView2<'_, f32>) -> Result<Array2<f32>, CliError> {
        let mut values = Array2::zeros(x.dim());
        values
            .axis_chunks_iter_mut(Axis(0), ROWS)
            .into_par_iter()
            .zip(x.axis_chunks_iter(Axis(0), ROWS))
            .try_for_each(|(mut to, x)| {
                let found = self.quantizer.quantize(&x)?.dequantize();
                to.assign(&found.into_dimensionality::<Ix2>()?);
                Ok::<(), CliError>(())
            })?;
        Ok(values)
    }
}
