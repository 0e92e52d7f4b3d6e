//! Values: inputs, initializers, and what nodes compute.

use crate::ops::Fact;
use crate::tensor::Tensor;

/// The number of a value in its graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValueId(pub(super) u32);

/// A value: an input, an initializer, or what a node computes.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    /// Its name, which no other value of the graph has.
    pub name: String,
    /// What is known of it before the network runs.
    pub fact: Fact,
    /// Its elements, if it is an initializer.
    pub data: Option<Tensor>,
}
