//! Numbers without gaps.

use std::collections::HashMap;

use super::{Graph, Node, NodeId, ValueId};

impl Graph {
    /// The same graph without what nothing uses any more, numbered anew: inputs, then node by node what it uses and what it
    /// computes. Two graphs that are the same but for numbers are equal then.
    #[must_use]
    pub fn compacted(&self) -> Self {
        let mut new = Self::new(self.name.clone());
        let mut places: HashMap<ValueId, ValueId> = HashMap::new();
        let mut place = |new: &mut Self, id: ValueId| {
            *places.entry(id).or_insert_with(|| {
                let to = ValueId(new.values.len() as u32);
                new.values.push(self.value(id).clone());
                to
            })
        };
        for &id in &self.inputs {
            let id = place(&mut new, id);
            new.inputs.push(id);
        }
        for (old, node) in self.nodes() {
            if let Some(accumulator) = self.accumulators.get(&old) {
                let id = NodeId(new.nodes.len() as u32);
                new.accumulators.insert(id, accumulator.clone());
            }
            let mut all = |ids: &[Option<ValueId>]| -> Vec<Option<ValueId>> {
                ids.iter().map(|id| id.map(|id| place(&mut new, id))).collect()
            };
            let (inputs, outputs) = (all(&node.inputs), all(&node.outputs));
            let (name, mut op) = (node.name.clone(), node.op.clone());
            for graph in op.graphs_mut() {
                *graph = graph.compacted();
            }
            new.order.push(NodeId(new.nodes.len() as u32));
            new.nodes.push(Some(Node { name, op, inputs, outputs }));
        }
        for &id in &self.outputs {
            let id = place(&mut new, id);
            new.outputs.push(id);
        }
        new
    }
}
