//! What is done to weights and inputs alike before the weights are quantized.

use ndarray::{Array1, Array2, ArrayView2};

use super::job::Equalization;
use super::rotation::LayerRotation;
use crate::algorithms::AlgorithmError;
use crate::algorithms::equalize::{Smoothing, smoothquant};
use crate::algorithms::rotate::Rotation;

/// Scales per input, then a rotation: `W -> (W diag(s)) R`, `X -> (X diag(s)^-1) R`, so that `X Wᵀ` stays.
#[derive(Clone, Debug, Default)]
pub struct LayerTransform {
    smoothing: Option<Smoothing>,
    rotation: Option<Rotation>,
}

impl LayerTransform {
    /// Scales for inputs of these greatest magnitudes.
    pub(super) fn equalize(
        &mut self,
        equalization: &Equalization,
        weights: ArrayView2<'_, f32>,
        abs_max: &Array1<f64>,
    ) -> Result<(), AlgorithmError> {
        let Equalization::SmoothQuant(params) = equalization;
        self.smoothing = Some(smoothquant(&[weights], abs_max.view(), params)?);
        Ok(())
    }

    /// This rotation.
    pub(super) fn rotate(
        &mut self,
        rotation: LayerRotation,
        inputs: usize,
        seed: u64,
    ) -> Result<(), AlgorithmError> {
        self.rotation = Some(rotation.of_inputs(inputs, seed)?);
        Ok(())
    }

    /// Whether it does nothing.
    #[must_use]
    pub fn is_identity(&self) -> bool {
        self.smoothing.is_none() && self.rotation.is_none()
    }

    /// `s`, one per input; `None` where inputs are not scaled.
    #[must_use]
    pub fn channel_scale(&self) -> Option<&Array1<f32>> {
        self.smoothing.as_ref().map(|smoothing| &smoothing.scale)
    }

    /// The weights that algorithms see, of `[out, in]` ones; an expansion has more inputs.
    ///
    /// # Errors
    /// Another number of inputs.
    pub fn weights(&self, mut weights: Array2<f32>) -> Result<Array2<f32>, AlgorithmError> {
        if let Some(smoothing) = &self.smoothing {
            smoothing.scale_weights(weights.view_mut())?;
        }
        match &self.rotation {
            Some(rotation) => rotation.rotate(weights.view()),
            None => Ok(weights),
        }
    }

    /// The inputs that the quantized weights take, of `[samples, in]` ones.
    ///
    /// # Errors
    /// Another number of inputs.
    pub fn inputs(&self, mut x: Array2<f32>) -> Result<Array2<f32>, AlgorithmError> {
        if let Some(smoothing) = &self.smoothing {
            smoothing.scale_inputs(x.view_mut())?;
        }
        match &self.rotation {
            Some(rotation) => rotation.rotate(x.view()),
            None => Ok(x),
        }
    }

    /// The matrix that acts on the inputs as they were as `values` do on the transformed ones, `Q Rᵀ diag(s)^-1`.
    ///
    /// # Errors
    /// Another number of inputs.
    pub fn effective(&self, values: ArrayView2<'_, f32>) -> Result<Array2<f32>, AlgorithmError> {
        let mut weights = match &self.rotation {
            Some(rotation) => rotation.unrotate(values)?,
            None => values.to_owned(),
        };
        if let Some(smoothing) = &self.smoothing {
            smoothing.scale_inputs(weights.view_mut())?;
        }
        Ok(weights)
    }
}
