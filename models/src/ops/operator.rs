//! What an operator is.

use crate::tensor::Tensor;

use super::{AttributeSet, Attributes, Fact, Inputs, OpError};

/// An operator: attributes and what they mean.
pub trait Operator: AttributeSet {
    /// The operator that a file describes.
    ///
    /// `opset` is that of the operator's domain. Attributes that are understood are taken out of `attributes`; what is left
    /// is an error of the reader.
    ///
    /// # Errors
    /// Attributes that are missing or cannot be.
    fn read(attributes: &mut Attributes, _opset: i64) -> Result<Read<Self>, OpError> {
        Ok(Self::from_attributes(attributes)?.into())
    }

    /// Its attributes in the newest form, without those that have the default.
    fn attributes(&self) -> Attributes {
        let mut attributes = Attributes::new();
        self.put_attributes(&mut attributes);
        attributes
    }

    /// The first operator set that has this form, as far as the reader needs to know it.
    fn since(&self) -> i64 {
        1
    }

    /// Types and shapes of the outputs, as far as they follow from those of the inputs; known elements where that is what
    /// the operator is for (`Shape` and what is done to extents).
    ///
    /// # Errors
    /// Inputs that cannot be.
    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError>;

    /// The outputs.
    ///
    /// # Errors
    /// Inputs that cannot be.
    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError>;

    /// The first so many outputs; more may come. For operators whose later ones cost something.
    ///
    /// # Errors
    /// As [`Self::run`].
    fn run_first(
        &self,
        _outputs: usize,
        inputs: Inputs<'_, Tensor>,
    ) -> Result<Vec<Tensor>, OpError> {
        self.run(inputs)
    }
}

/// An operator as it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Read<O> {
    /// The operator.
    pub op: O,
    /// What older operator sets wrote as attributes and newer ones take as inputs, with the place of the input. A place that
    /// the file already uses is an error of the reader.
    pub inputs: Vec<(usize, Tensor)>,
}

impl<O> Read<O> {
    /// With an input that was an attribute.
    pub(crate) fn with(mut self, place: usize, tensor: Option<Tensor>) -> Self {
        self.inputs.extend(tensor.map(|tensor| (place, tensor)));
        self
    }
}

impl<O> From<O> for Read<O> {
    fn from(op: O) -> Self {
        Self { op, inputs: Vec::new() }
    }
}
