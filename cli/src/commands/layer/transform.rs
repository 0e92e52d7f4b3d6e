//! What is done to weights and inputs alike before the weights are quantized.

use std::fmt;
use std::str::FromStr;

use fewbit::algorithms::AlgorithmError;
use fewbit::algorithms::equalize::{SmoothParams, Smoothing, smoothquant};
use fewbit::algorithms::rotate::{Orders, Rotation};
use ndarray::{Array1, Array2, ArrayView2};

use crate::error::CliError;

/// A rotation of the inputs by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RotateChoice {
    /// A matrix of this kind, over all inputs or in blocks.
    Matrix(Matrix, Option<usize>),
    /// A Hadamard matrix of the order that so many steps lead to.
    Expansion(usize),
}

/// A kind of orthogonal matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Matrix {
    Hadamard,
    RandomHadamard,
    Orthogonal,
}

impl Matrix {
    const ALL: [(&str, Self); 3] = [
        ("hadamard", Self::Hadamard),
        ("random-hadamard", Self::RandomHadamard),
        ("orthogonal", Self::Orthogonal),
    ];

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, matrix)| *matrix == self).map_or("", |(name, _)| name)
    }
}

impl FromStr for RotateChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, number) = match text.split_once(':') {
            None => (text, None),
            Some((name, number)) => (name, Some(number.parse().ok().filter(|&n: &usize| n > 0))),
        };
        let matrix =
            Matrix::ALL.iter().find(|(known, _)| *known == name).map(|(_, matrix)| *matrix);
        match (matrix, name, number) {
            (Some(matrix), _, None) => Ok(Self::Matrix(matrix, None)),
            (Some(matrix), _, Some(Some(block))) => Ok(Self::Matrix(matrix, Some(block))),
            (None, "expansion", None) => Ok(Self::Expansion(1)),
            (None, "expansion", Some(Some(steps))) => Ok(Self::Expansion(steps)),
            _ => Err(format!(
                "`{text}` is none of hadamard, random-hadamard, orthogonal (each also with :N, in blocks of N inputs), \
                 expansion, expansion:STEPS"
            )),
        }
    }
}

impl fmt::Display for RotateChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Matrix(matrix, None) => f.pad(matrix.name()),
            Self::Matrix(matrix, Some(block)) => write!(f, "{}:{block}", matrix.name()),
            Self::Expansion(steps) => write!(f, "expansion:{steps}"),
        }
    }
}

impl RotateChoice {
    fn rotation(self, inputs: usize, seed: u64) -> Result<Rotation, AlgorithmError> {
        match self {
            Self::Expansion(steps) => Rotation::expansion(inputs, steps, Orders::default(), None),
            Self::Matrix(matrix, block) => {
                let order = block.unwrap_or(inputs);
                let rotation = match matrix {
                    Matrix::Hadamard => Rotation::hadamard(order),
                    Matrix::RandomHadamard => Rotation::random_hadamard(order, seed),
                    Matrix::Orthogonal => Rotation::random_orthogonal(order, seed),
                }?;
                if block.is_some() { rotation.per_group(inputs) } else { Ok(rotation) }
            }
        }
    }
}

/// Scales per input, then a rotation: `W -> (W diag(s)) R`, `X -> (X diag(s)^-1) R`.
#[derive(Default)]
pub(super) struct Transform {
    smoothing: Option<Smoothing>,
    rotation: Option<Rotation>,
}

impl Transform {
    /// SmoothQuant's scales for inputs of these greatest magnitudes.
    pub(super) fn smooth(
        &mut self,
        weights: ArrayView2<'_, f32>,
        abs_max: &Array1<f64>,
        alpha: f64,
    ) -> Result<(), CliError> {
        let params = SmoothParams { alpha, ..SmoothParams::default() };
        self.smoothing = Some(smoothquant(&[weights], abs_max.view(), &params)?);
        Ok(())
    }

    /// This rotation.
    pub(super) fn rotate(
        &mut self,
        choice: RotateChoice,
        inputs: usize,
        seed: u64,
    ) -> Result<(), CliError> {
        self.rotation = Some(choice.rotation(inputs, seed)?);
        Ok(())
    }

    /// Whether it does nothing.
    pub(super) fn is_identity(&self) -> bool {
        self.smoothing.is_none() && self.rotation.is_none()
    }

    /// The factors of the weights' inputs.
    pub(super) fn scales(&self) -> Option<&Array1<f32>> {
        self.smoothing.as_ref().map(|smoothing| &smoothing.scale)
    }

    /// The weights that the algorithm sees.
    pub(super) fn weights(&self, mut weights: Array2<f32>) -> Result<Array2<f32>, CliError> {
        if let Some(smoothing) = &self.smoothing {
            smoothing.scale_weights(weights.view_mut())?;
        }
        match &self.rotation {
            Some(rotation) => Ok(rotation.rotate(weights.view())?),
            None => Ok(weights),
        }
    }

    /// The inputs that the quantized weights take.
    pub(super) fn inputs(&self, mut x: Array2<f32>) -> Result<Array2<f32>, CliError> {
        if let Some(smoothing) = &self.smoothing {
            smoothing.scale_inputs(x.view_mut())?;
        }
        match &self.rotation {
            Some(rotation) => Ok(rotation.rotate(x.view())?),
            None => Ok(x),
        }
    }

    /// The matrix that acts on the original inputs as the quantized weights do on the transformed ones.
    pub(super) fn effective(&self, values: &Array2<f32>) -> Result<Array2<f32>, CliError> {
        let mut weights = match &self.rotation {
            Some(rotation) => rotation.unrotate(values.view())?,
            None => values.clone(),
        };
        if let Some(smoothing) = &self.smoothing {
            smoothing.scale_inputs(weights.view_mut())?;
        }
        Ok(weights)
    }
}
