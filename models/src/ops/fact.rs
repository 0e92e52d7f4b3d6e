//! What is known of a value before a network runs.

use crate::tensor::{ElementType, Tensor};

use super::Dim;

/// What is known of a value before a network runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fact {
    /// The type of its elements.
    pub element: Option<ElementType>,
    /// The extents of its axes; `None` where not even their number is known.
    pub shape: Option<Vec<Dim>>,
    /// Its elements, as far as they are known.
    pub known: Option<Known>,
}

/// Elements that are known before a network runs.
#[derive(Clone, Debug, PartialEq)]
pub enum Known {
    /// All of them.
    Tensor(Tensor),
    /// Those of a list of extents, as `Shape` gives it and `Reshape` takes it.
    Dims(Vec<Dim>),
}

impl Fact {
    /// Type and shape.
    #[must_use]
    pub fn new(element: ElementType, shape: Vec<Dim>) -> Self {
        Self { element: Some(element), shape: Some(shape), known: None }
    }

    /// All of a tensor.
    #[must_use]
    pub fn of(tensor: &Tensor) -> Self {
        let shape = tensor.shape().iter().map(|&size| size.into()).collect();
        let known = Some(Known::Tensor(tensor.clone()));
        Self { known, ..Self::new(tensor.element_type(), shape) }
    }

    /// The same value without its elements.
    #[must_use]
    pub fn without_known(self) -> Self {
        Self { known: None, ..self }
    }

    /// The number of axes.
    #[must_use]
    pub fn rank(&self) -> Option<usize> {
        self.shape.as_ref().map(Vec::len)
    }

    /// The extents, where all are numbers.
    #[must_use]
    pub fn sizes(&self) -> Option<Vec<usize>> {
        self.shape.as_ref()?.iter().map(Dim::size).collect()
    }

    /// The whole tensor, where it is known.
    #[must_use]
    pub fn tensor(&self) -> Option<&Tensor> {
        match &self.known {
            Some(Known::Tensor(tensor)) => Some(tensor),
            _ => None,
        }
    }

    /// Its elements as extents, where they are known: those of a list of integers.
    #[must_use]
    pub fn dims(&self) -> Option<Vec<Dim>> {
        match self.known.as_ref()? {
            Known::Dims(dims) => Some(dims.clone()),
            Known::Tensor(tensor) => {
                let numbers = tensor.integers().ok()?;
                numbers.into_iter().map(|n| usize::try_from(n).ok().map(Dim::Size)).collect()
            }
        }
    }
}
