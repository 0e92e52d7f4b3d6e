//! Nodes.

use crate::ops::Op;

use super::ValueId;

/// The number of a node in its graph; it stays the same while other nodes come and go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub(super) u32);

/// An operator with its inputs and outputs.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Its name, which no other node of the graph has.
    pub name: String,
    /// What it computes.
    pub op: Op,
    /// Its inputs; `None` for one that is left out.
    pub inputs: Vec<Option<ValueId>>,
    /// Its outputs; `None` for one that nobody asks for.
    pub outputs: Vec<Option<ValueId>>,
}

impl Node {
    /// The input at a place, if it is there.
    #[must_use]
    pub fn input(&self, index: usize) -> Option<ValueId> {
        self.inputs.get(index).copied().flatten()
    }

    /// The output at a place, if it is asked for.
    #[must_use]
    pub fn output(&self, index: usize) -> Option<ValueId> {
        self.outputs.get(index).copied().flatten()
    }
}
