//! The inputs of an operator.

use ndarray::{ArcArray, IxDyn};

use crate::tensor::{Element, Tensor};

use super::OpError;

/// The inputs of an operator, some of which may be left out.
#[derive(Debug)]
pub struct Inputs<'a, T>(&'a [Option<&'a T>]);

impl<T> Clone for Inputs<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Inputs<'_, T> {}

impl<'a, T> Inputs<'a, T> {
    /// Inputs in their order.
    #[must_use]
    pub fn new(inputs: &'a [Option<&'a T>]) -> Self {
        Self(inputs)
    }

    /// How many places there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The input, if it is there.
    #[must_use]
    pub fn optional(&self, index: usize) -> Option<&'a T> {
        self.0.get(index).copied().flatten()
    }

    /// The input.
    ///
    /// # Errors
    /// It is not there.
    pub fn required(&self, index: usize, name: &'static str) -> Result<&'a T, OpError> {
        self.optional(index).ok_or(OpError::Missing { index, name })
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = Option<&'a T>> {
        self.0.iter().copied()
    }
}

impl<'a> Inputs<'a, Tensor> {
    /// The array of an input of this type.
    ///
    /// # Errors
    /// It is not there, or of another type.
    pub fn array<T: Element>(
        &self,
        index: usize,
        name: &'static str,
    ) -> Result<&'a ArcArray<T, IxDyn>, OpError> {
        let tensor = self.required(index, name)?;
        tensor.get::<T>().map_err(|source| OpError::Input { name, source })
    }

    /// The integers of an input of any integer type, if it is there.
    ///
    /// # Errors
    /// It is no integer.
    pub fn integers(&self, index: usize, name: &'static str) -> Result<Option<Vec<i64>>, OpError> {
        let integers = self.optional(index).map(Tensor::integers).transpose();
        integers.map_err(|source| OpError::Input { name, source })
    }
}
