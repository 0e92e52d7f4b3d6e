//! A node that is gone through backward.

use ndarray::{ArcArray, IxDyn};

use crate::ops::{Inputs, OpError};
use crate::tensor::Tensor;

/// The derivative of a number by each element of a value.
pub type Gradient = ArcArray<f32, IxDyn>;

/// A node with what it got and gave, and the gradients by what it gave.
pub(super) struct Call<'a> {
    pub(super) inputs: Inputs<'a, Tensor>,
    /// The first output.
    pub(super) output: Option<&'a Tensor>,
    /// One per output.
    pub(super) gradients: &'a [Option<&'a Gradient>],
    /// Whether the gradient by an input is asked for.
    pub(super) wants: &'a [bool],
}

/// Gradients by the inputs, in their order; places behind the last one have none.
pub(super) type Found = Result<Vec<Option<Gradient>>, OpError>;

impl<'a> Call<'a> {
    /// The gradient by the first output.
    pub(super) fn gradient(&self) -> Result<&'a Gradient, OpError> {
        let found = self.gradients.first().copied().flatten();
        found.ok_or_else(|| OpError::Unsupported("a gradient of a further output alone".into()))
    }

    /// An input of floats.
    pub(super) fn input(&self, place: usize) -> Result<&'a Gradient, OpError> {
        self.inputs.array(place, "of the gradient")
    }

    /// The first output.
    pub(super) fn output(&self) -> Result<&'a Gradient, OpError> {
        let missing = OpError::Missing { index: 0, name: "the output" };
        let found = self.output.ok_or(missing)?.get::<f32>();
        found.map_err(|source| OpError::Input { name: "the output", source })
    }

    pub(super) fn wants(&self, place: usize) -> bool {
        self.wants.get(place).copied().unwrap_or(false)
    }

    /// Refuses inputs from a place on whose gradients have no rule.
    pub(super) fn only(&self, places: usize) -> Result<(), OpError> {
        match (places..self.wants.len()).find(|&place| self.wants[place]) {
            None => Ok(()),
            Some(place) => Err(OpError::Unsupported(format!("a gradient by input {place}"))),
        }
    }
}
