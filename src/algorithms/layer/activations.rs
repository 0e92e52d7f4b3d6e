//! The codes of the activations: a static quantizer of all of a layer's inputs.

use ndarray::{Array2, ArrayD, ArrayView2, Axis, array};
use serde::Serialize;

use crate::accumulate::bounds::InputRange;
use crate::quantize::{CodeFormat, QuantizeError, Quantizer};
use crate::tasks;
use crate::tensor::AnyQuantTensor;

/// Rows of a parallel task.
const ROWS: usize = 32;

/// A quantizer whose one scale covers all inputs.
#[derive(Clone)]
pub(super) struct ActivationCodes {
    quantizer: Quantizer,
    range: InputRange,
    affine: ActivationScale,
}

/// The static scale of a layer's inputs: `x = (code - zero_point) * scale`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ActivationScale {
    /// What codes are multiplied by.
    pub scale: f32,
    /// The code of 0.
    pub zero_point: f32,
}

impl ActivationCodes {
    /// The quantizer that covers inputs from `low` to `high`.
    pub(super) fn new(format: CodeFormat, (low, high): (f32, f32)) -> Result<Self, QuantizeError> {
        let quantizer = format.quantizer()?;
        // Scale and zero point depend on the extremes alone.
        let parameters = quantizer.parameters(&array![low, high].view())?;
        let first = |values: &ArrayD<f32>| values.iter().copied().next();
        let affine = ActivationScale {
            scale: first(&parameters.scale).unwrap_or(1.0),
            zero_point: parameters.zero_point.as_ref().and_then(first).unwrap_or(0.0),
        };
        let quantizer = quantizer.with_parameters(parameters)?;
        Ok(Self { quantizer, range: format.range(), affine })
    }

    /// Scale and zero point.
    pub(super) fn affine(&self) -> ActivationScale {
        self.affine
    }

    /// All codes that there are.
    pub(super) fn range(&self) -> InputRange {
        self.range
    }

    /// The codes of some rows, as an integer datapath multiplies them.
    pub(super) fn codes(&self, x: ArrayView2<'_, f32>) -> Result<Array2<i64>, QuantizeError> {
        self.map(x, |tensor| tensor.ints().map_err(QuantizeError::from))
    }

    /// The values of the codes of some rows.
    pub(super) fn values(&self, x: ArrayView2<'_, f32>) -> Result<Array2<f32>, QuantizeError> {
        self.map(x, |tensor| Ok(tensor.dequantize()))
    }

    fn map<T: Copy + Default + Send + Sync>(
        &self,
        x: ArrayView2<'_, f32>,
        of_tensor: impl Fn(&AnyQuantTensor) -> Result<ArrayD<T>, QuantizeError> + Sync,
    ) -> Result<Array2<T>, QuantizeError> {
        let mut all = Array2::default(x.dim());
        let rows = all.axis_chunks_iter_mut(Axis(0), ROWS).zip(x.axis_chunks_iter(Axis(0), ROWS));
        tasks::try_for_each(rows, |(mut to, x)| {
            let found = of_tensor(&self.quantizer.quantize(&x)?)?;
            to.iter_mut().zip(&found).for_each(|(to, found)| *to = *found);
            Ok::<(), QuantizeError>(())
        })?;
        Ok(all)
    }
}
