//! The graph itself, and what is asked of it.

use std::collections::BTreeMap;

use fewbit::Accumulator;

use crate::tensor::Tensor;

use super::{GraphError, Node, NodeId, Value, ValueId};

/// A network: values and the nodes that compute them.
///
/// Nodes and values have numbers that stay the same while others come and go; [`Self::order`] has the nodes in an order in
/// which they can run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Graph {
    /// Its name.
    pub name: String,
    pub(super) values: Vec<Value>,
    pub(super) nodes: Vec<Option<Node>>,
    pub(super) order: Vec<NodeId>,
    pub(super) inputs: Vec<ValueId>,
    pub(super) outputs: Vec<ValueId>,
    pub(super) accumulators: BTreeMap<NodeId, Accumulator>,
}

impl Graph {
    /// Nothing yet.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// A value of this graph.
    #[must_use]
    pub fn value(&self, id: ValueId) -> &Value {
        &self.values[id.0 as usize]
    }

    /// A value of this graph, to be changed.
    pub fn value_mut(&mut self, id: ValueId) -> &mut Value {
        &mut self.values[id.0 as usize]
    }

    /// The elements of an initializer.
    #[must_use]
    pub fn data(&self, id: ValueId) -> Option<&Tensor> {
        self.value(id).data.as_ref()
    }

    /// The name of a value.
    #[must_use]
    pub fn name_of(&self, id: ValueId) -> &str {
        &self.value(id).name
    }

    /// All values that there ever were, with those that nothing uses any more.
    pub fn values(&self) -> impl Iterator<Item = (ValueId, &Value)> {
        (0..).map(ValueId).zip(&self.values)
    }

    /// The value of this name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<ValueId> {
        self.values().find(|(_, value)| value.name == name).map(|(id, _)| id)
    }

    /// A node of this graph.
    ///
    /// # Panics
    /// A node that was removed.
    #[must_use]
    pub fn node(&self, id: NodeId) -> &Node {
        self.nodes[id.0 as usize].as_ref().expect("a node that was not removed")
    }

    /// A node of this graph, to be changed; [`Self::sort`] again if its inputs or outputs were.
    ///
    /// # Panics
    /// A node that was removed.
    pub fn node_mut(&mut self, id: NodeId) -> &mut Node {
        self.nodes[id.0 as usize].as_mut().expect("a node that was not removed")
    }

    /// Whether a node is in the graph.
    #[must_use]
    pub fn has(&self, id: NodeId) -> bool {
        self.nodes.get(id.0 as usize).is_some_and(Option::is_some)
    }

    /// The accumulator that sums a node's products, if it has one of its own.
    #[must_use]
    pub fn accumulator(&self, id: NodeId) -> Option<&Accumulator> {
        self.accumulators.get(&id)
    }

    /// Sums a node's products with this accumulator.
    pub fn set_accumulator(&mut self, id: NodeId, accumulator: Accumulator) {
        self.accumulators.insert(id, accumulator);
    }

    /// The nodes in an order in which they can run.
    #[must_use]
    pub fn order(&self) -> &[NodeId] {
        &self.order
    }

    /// The nodes, in the order of [`Self::order`].
    pub fn nodes(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        self.order.iter().map(|&id| (id, self.node(id)))
    }

    /// What is put in.
    #[must_use]
    pub fn inputs(&self) -> &[ValueId] {
        &self.inputs
    }

    /// What comes out.
    #[must_use]
    pub fn outputs(&self) -> &[ValueId] {
        &self.outputs
    }

    /// The node that computes a value, and the place among its outputs.
    #[must_use]
    pub fn producer(&self, value: ValueId) -> Option<(NodeId, usize)> {
        self.nodes().find_map(|(id, node)| {
            let place = node.outputs.iter().position(|&output| output == Some(value));
            place.map(|place| (id, place))
        })
    }

    /// The nodes that use a value, each with the place among its inputs; one that uses it twice comes twice.
    #[must_use]
    pub fn consumers(&self, value: ValueId) -> Vec<(NodeId, usize)> {
        let uses = |(id, node): (NodeId, &Node)| -> Vec<_> {
            let places = node.inputs.iter().enumerate();
            places.filter(|(_, input)| **input == Some(value)).map(|(at, _)| (id, at)).collect()
        };
        self.nodes().flat_map(uses).collect()
    }

    /// Whether a value comes out of the network.
    #[must_use]
    pub fn is_output(&self, value: ValueId) -> bool {
        self.outputs.contains(&value)
    }

    /// The input of this name; with one input, that one whatever the name.
    ///
    /// # Errors
    /// No such input.
    pub fn input_named(&self, name: &str) -> Result<ValueId, GraphError> {
        let mut named = self.inputs.iter().filter(|&&id| self.name_of(id) == name);
        match (named.next(), self.inputs.as_slice()) {
            (Some(&id), _) | (None, &[id]) => Ok(id),
            (None, all) => {
                let names: Vec<_> = all.iter().map(|&id| self.name_of(id)).collect();
                let expected = format!("the inputs are {}", names.join(", "));
                Err(GraphError::UnknownValue { name: name.into(), expected })
            }
        }
    }
}
