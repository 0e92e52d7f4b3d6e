//! Making a graph.

use crate::ops::{Fact, Op};
use crate::tensor::Tensor;

use super::{Graph, Node, NodeId, Value, ValueId};

impl Graph {
    /// A value that is neither an input nor an initializer; a name that is taken gets a number.
    pub fn add_value(&mut self, name: &str, fact: Fact) -> ValueId {
        let name = self.fresh_value_name(name);
        let id = ValueId(self.values.len() as u32);
        self.values.push(Value { name, fact, data: None });
        id
    }

    /// An input.
    pub fn add_input(&mut self, name: &str, fact: Fact) -> ValueId {
        let id = self.add_value(name, fact);
        self.inputs.push(id);
        id
    }

    /// An initializer.
    pub fn add_constant(&mut self, name: &str, tensor: impl Into<Tensor>) -> ValueId {
        let tensor = tensor.into();
        let id = self.add_value(name, Fact::of(&tensor).without_known());
        self.value_mut(id).data = Some(tensor);
        id
    }

    /// A value of a name that the caller knows to be free.
    pub(crate) fn push_value(&mut self, name: String, fact: Fact) -> ValueId {
        let id = ValueId(self.values.len() as u32);
        self.values.push(Value { name, fact, data: None });
        id
    }

    /// A node of a name that the caller knows to be free.
    pub(crate) fn push_node(&mut self, node: Node) -> NodeId {
        let id = NodeId(self.nodes.len() as u32);
        self.order.push(id);
        self.nodes.push(Some(node));
        id
    }

    /// Makes a value an input.
    pub(crate) fn push_input(&mut self, value: ValueId) {
        self.inputs.push(value);
    }

    /// Makes these values the inputs.
    pub(crate) fn set_inputs(&mut self, values: Vec<ValueId>) {
        self.inputs = values;
    }

    /// An output.
    pub fn add_output(&mut self, value: ValueId) {
        self.outputs.push(value);
    }

    /// A node of one output, which has the node's name, behind all others.
    pub fn add(&mut self, name: &str, op: impl Into<Op>, inputs: &[ValueId]) -> ValueId {
        let output = self.add_value(name, Fact::default());
        let inputs = inputs.iter().map(|&id| Some(id)).collect();
        self.add_node(Node {
            name: name.into(),
            op: op.into(),
            inputs,
            outputs: vec![Some(output)],
        });
        output
    }

    /// A node behind all others; a name that is taken gets a number.
    pub fn add_node(&mut self, node: Node) -> NodeId {
        let name = self.fresh_node_name(&node.name);
        let id = NodeId(self.nodes.len() as u32);
        self.nodes.push(Some(Node { name, ..node }));
        self.order.push(id);
        id
    }

    fn fresh_value_name(&self, name: &str) -> String {
        fresh(name, |name| self.values.iter().any(|value| value.name == name))
    }

    fn fresh_node_name(&self, name: &str) -> String {
        fresh(name, |name| self.nodes.iter().flatten().any(|node| node.name == name))
    }
}

/// The name, with a number where it is taken.
fn fresh(name: &str, is_taken: impl Fn(&str) -> bool) -> String {
    if !is_taken(name) {
        return name.to_owned();
    }
    let mut numbered = (1..).map(|n| format!("{name}_{n}"));
    numbered.find(|name| !is_taken(name)).unwrap_or_default()
}
