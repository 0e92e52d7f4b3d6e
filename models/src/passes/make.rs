//! Nodes that take the place of one.

use crate::graph::{Graph, Node, ValueId};
use crate::ops::Op;
use crate::tensor::Tensor;

/// Adds nodes whose names begin with that of the node that they replace.
pub(super) struct Make<'a> {
    pub(super) graph: &'a mut Graph,
    pub(super) name: &'a str,
}

impl Make<'_> {
    /// A node with one output.
    pub(super) fn add(&mut self, name: &str, op: impl Into<Op>, inputs: &[ValueId]) -> ValueId {
        self.graph.add(&format!("{}.{name}", self.name), op, inputs)
    }

    /// A node that computes a value that is there.
    pub(super) fn compute(
        &mut self,
        name: &str,
        op: Op,
        inputs: &[ValueId],
        output: ValueId,
    ) -> ValueId {
        self.graph.add_node(Node {
            name: format!("{}.{name}", self.name),
            op,
            inputs: inputs.iter().map(|&input| Some(input)).collect(),
            outputs: vec![Some(output)],
        });
        output
    }

    /// A constant.
    pub(super) fn constant(&mut self, name: &str, tensor: impl Into<Tensor>) -> ValueId {
        self.graph.add_constant(&format!("{}.{name}", self.name), tensor)
    }
}
