//! What follows from constants is computed once.

use crate::ops::{Fact, Inputs, Known, Op};
use crate::tensor::{ElementType, Tensor};

use super::{Graph, GraphError, NodeId};

/// Elements that folding may always add.
const ALLOWANCE: usize = 1 << 20;

impl Graph {
    /// Makes initializers of what nodes compute from initializers alone, and of extents that are known.
    ///
    /// Operators that quantize stay: their numbers are what a quantized network is about. So does what would need more
    /// elements than the initializers have together, and a million. Branches are folded too. Returns how many nodes became
    /// initializers; what that makes known, [`Self::infer`] finds.
    ///
    /// # Errors
    /// Inputs that an operator cannot have.
    pub fn fold(&mut self) -> Result<usize, GraphError> {
        let stored = self.values().filter_map(|(_, value)| value.data.as_ref());
        let mut room = stored.map(Tensor::len).sum::<usize>() + ALLOWANCE;
        let mut folded = Vec::new();
        let mut inside = 0;
        for id in self.order.clone() {
            for graph in self.node_mut(id).op.graphs_mut() {
                inside += graph.fold()?;
            }
            if let Some(outputs) = self.folded(id, room)? {
                room = room.saturating_sub(outputs.iter().map(Tensor::len).sum());
                let places = self.node(id).outputs.clone();
                for (place, tensor) in places.into_iter().zip(outputs) {
                    if let Some(place) = place {
                        let value = self.value_mut(place);
                        value.fact = Fact::of(&tensor).without_known();
                        value.data = Some(tensor);
                    }
                }
                folded.push(id);
            }
        }
        folded.iter().for_each(|&id| self.nodes[id.0 as usize] = None);
        let nodes = &self.nodes;
        self.order.retain(|id| nodes[id.0 as usize].is_some());
        Ok(folded.len() + inside)
    }

    /// What a node computes, where that is known and small enough.
    fn folded(&self, id: NodeId, room: usize) -> Result<Option<Vec<Tensor>>, GraphError> {
        let node = self.node(id);
        if keeps(&node.op) {
            return Ok(None);
        }
        let facts = node.outputs.iter().map(|output| output.map(|id| &self.value(id).fact));
        let known = facts.clone().map(|fact| fact.and_then(whole)).collect::<Option<Vec<_>>>();
        if let (Some(known), false) = (known, node.outputs.is_empty()) {
            return Ok(Some(known));
        }
        let inputs = node.inputs.iter().flatten();
        if inputs.clone().any(|&input| self.data(input).is_none()) {
            return Ok(None);
        }
        let given: usize = inputs.filter_map(|&input| self.data(input)).map(Tensor::len).sum();
        let size = |fact: Option<&Fact>| match fact.and_then(Fact::sizes) {
            Some(sizes) => sizes.iter().try_fold(1usize, |n, &size| n.checked_mul(size)),
            // What cannot be foreseen is at most as much as goes in, but for a few operators.
            None if grows(&node.op) => None,
            None => Some(given),
        };
        let sizes = facts.filter(Option::is_some).map(size);
        let total = sizes.sum::<Option<usize>>();
        if total.is_none_or(|total| total > room) {
            return Ok(None);
        }
        let tensors: Vec<Option<&Tensor>> =
            node.inputs.iter().map(|input| input.and_then(|id| self.data(id))).collect();
        let outputs = node.op.run(Inputs::new(&tensors)).map_err(|source| GraphError::Node {
            node: node.name.clone(),
            op: node.op.name(),
            source,
        })?;
        let enough = outputs.len() >= node.outputs.len();
        Ok(Some(outputs).filter(|_| enough))
    }
}

/// All elements of a value, where inference knows them.
fn whole(fact: &Fact) -> Option<Tensor> {
    match fact.known.as_ref()? {
        Known::Tensor(tensor) => Some(tensor.clone()),
        Known::Dims(dims) => {
            if fact.element != Some(ElementType::I64) {
                return None;
            }
            let sizes: Option<Vec<i64>> = dims.iter().map(|dim| Some(dim.size()? as i64)).collect();
            Tensor::vector(sizes?).reshaped(&fact.sizes()?).ok()
        }
    }
}

/// Whether a node stays although its inputs are known.
fn keeps(op: &Op) -> bool {
    op.is_quantizer() || matches!(op, Op::If(_) | Op::Scan(_) | Op::Quantize(_))
}

/// Whether what comes out may be more than what goes in.
fn grows(op: &Op) -> bool {
    const NAMES: &[&str] = &[
        "ConstantOfShape",
        "Expand",
        "Tile",
        "Range",
        "OneHot",
        "Pad",
        "Resize",
        "Upsample",
        "Einsum",
        "MatMul",
        "ConvTranspose",
        "Conv",
    ];
    NAMES.contains(&op.name())
}
