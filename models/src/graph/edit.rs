//! Changing a graph.

use crate::ops::Fact;
use crate::tensor::Tensor;

use super::{Graph, NodeId, ValueId};

impl Graph {
    /// Gives an initializer other elements.
    pub fn set_data(&mut self, id: ValueId, tensor: impl Into<Tensor>) {
        let tensor = tensor.into();
        let value = self.value_mut(id);
        value.fact = Fact::of(&tensor).without_known();
        value.data = Some(tensor);
    }

    /// Gives a product this bias.
    pub fn set_bias(&mut self, node: NodeId, bias: ValueId) {
        let node = self.node_mut(node);
        node.inputs.resize(node.inputs.len().max(3), None);
        node.inputs[2] = Some(bias);
    }

    /// Gives each of two values the name of the other.
    pub fn swap_names(&mut self, one: ValueId, other: ValueId) {
        let name = std::mem::take(&mut self.value_mut(one).name);
        let name = std::mem::replace(&mut self.value_mut(other).name, name);
        self.value_mut(one).name = name;
    }

    /// Lets every node and output that uses `from` use `to` instead.
    pub fn replace_uses(&mut self, from: ValueId, to: ValueId) {
        self.replace_uses_but(from, to, &[]);
    }

    /// The same, but for some nodes.
    pub fn replace_uses_but(&mut self, from: ValueId, to: ValueId, but: &[NodeId]) {
        for index in 0..self.nodes.len() {
            if but.contains(&NodeId(index as u32)) {
                continue;
            }
            let Some(node) = &mut self.nodes[index] else { continue };
            for input in node.inputs.iter_mut().filter(|input| **input == Some(from)) {
                *input = Some(to);
            }
        }
        for output in self.outputs.iter_mut().filter(|output| **output == from) {
            *output = to;
        }
    }

    /// Takes every accumulator away, in graphs within nodes too.
    pub fn clear_accumulators(&mut self) {
        self.accumulators.clear();
        for node in self.nodes.iter_mut().flatten() {
            node.op.graphs_mut().into_iter().for_each(Self::clear_accumulators);
        }
    }

    /// Takes a node out.
    pub fn remove(&mut self, id: NodeId) {
        self.nodes[id.0 as usize] = None;
        self.order.retain(|&other| other != id);
        self.accumulators.remove(&id);
    }

    /// Takes out a node of one input that matters and one output: what used the output uses that input.
    pub fn bypass(&mut self, id: NodeId) {
        let node = self.node(id);
        if let (Some(input), Some(output)) = (node.input(0), node.output(0)) {
            self.replace_uses(output, input);
        }
        self.remove(id);
    }

    /// Takes out the nodes whose outputs nobody uses, until there are none.
    pub fn remove_unused(&mut self) {
        loop {
            let used = |value: ValueId| self.is_output(value) || !self.consumers(value).is_empty();
            let unused = self
                .nodes()
                .filter(|(_, node)| !node.outputs.iter().flatten().any(|&output| used(output)))
                .map(|(id, _)| id)
                .collect::<Vec<_>>();
            if unused.is_empty() {
                return;
            }
            unused.into_iter().for_each(|id| self.remove(id));
        }
    }
}
