//! Functions of one value that a graph spells out in several nodes: GELU, x sigmoid(x), layer norms, softmax.

use std::collections::{BTreeSet, HashMap};

use crate::graph::{Graph, Node, NodeId, ValueId};
use crate::ops::Op;
use crate::tensor::ElementType;

/// The nodes that are parts of a function of one value.
///
/// Where two ways from a value meet again, with nothing on either but arithmetic of elements, reductions and what moves values,
/// everything between is one function of that value: `x Φ(x)`, `(x - mean x) / sqrt(var x)`, `e^(x - max x) / sum`. What such
/// a function computes on its way is not rounded, as nothing is within a layer of a framework that computes it in one: its numbers
/// (squares, differences, factors near 1) are seen by nobody else.
#[derive(Clone, Debug, Default)]
pub(super) struct Functions {
    parts: BTreeSet<NodeId>,
}

/// Where a value comes from.
#[derive(Clone, Copy)]
struct Origin {
    /// The nearest value that every way to it goes through.
    through: Option<ValueId>,
    /// How many such values there are on the way.
    depth: usize,
}

impl Functions {
    /// Those of a graph.
    pub(super) fn of(graph: &Graph) -> Self {
        let mut origins: HashMap<ValueId, Origin> = HashMap::new();
        let mut makers: HashMap<ValueId, NodeId> = HashMap::new();
        let mut functions = Self::default();
        for (id, node) in graph.nodes() {
            let inputs = operands(graph, node);
            let meeting = meeting(&origins, &inputs);
            for &output in node.outputs.iter().flatten() {
                makers.insert(output, id);
                if let Some(through) = meeting {
                    let depth = origins.get(&through).map_or(0, |origin| origin.depth) + 1;
                    origins.insert(output, Origin { through: Some(through), depth });
                }
            }
            if let (Some(through), 2..) = (meeting, inputs.len()) {
                functions.parts.insert(id);
                functions.between(graph, &makers, &inputs, through);
            }
        }
        functions
    }

    /// Whether a node is a part of a function, or its last one.
    pub(super) fn has(&self, node: NodeId) -> bool {
        self.parts.contains(&node)
    }

    /// Adds the nodes on all ways from a value to others.
    fn between(
        &mut self,
        graph: &Graph,
        makers: &HashMap<ValueId, NodeId>,
        to: &[ValueId],
        from: ValueId,
    ) {
        let mut waiting = to.to_vec();
        let mut seen = BTreeSet::from([from]);
        while let Some(value) = waiting.pop() {
            if !seen.insert(value) {
                continue;
            }
            if let Some(&id) = makers.get(&value) {
                self.parts.insert(id);
                waiting.extend(operands(graph, graph.node(id)));
            }
        }
    }
}

/// The nearest value that every way to these goes through; `None` where there is none, and for no values.
fn meeting(origins: &HashMap<ValueId, Origin>, values: &[ValueId]) -> Option<ValueId> {
    let depth = |value: ValueId| origins.get(&value).map_or(0, |origin| origin.depth);
    let up = |value: ValueId| origins.get(&value).and_then(|origin| origin.through);
    let mut found = *values.first()?;
    for &other in &values[1..] {
        let mut other = other;
        while found != other {
            if depth(found) > depth(other) {
                found = up(found)?;
            } else {
                other = up(other)?;
            }
        }
    }
    Some(found)
}

/// The values that a node of arithmetic computes its outputs from, without constants, extents and conditions; none for any other
/// node.
fn operands(graph: &Graph, node: &Node) -> Vec<ValueId> {
    let is_float = |value: &ValueId| {
        let element = graph.value(*value).fact.element;
        graph.data(*value).is_none() && (element.is_none() || element == Some(ElementType::F32))
    };
    let inputs = node.inputs.iter().flatten().copied();
    match &node.op {
        op if is_elementwise(op) => inputs.filter(is_float).collect(),
        op if is_reduction(op) || (op.moves_values() && !matches!(op, Op::MaxPool(_))) => {
            inputs.take(1).filter(is_float).collect()
        }
        _ => Vec::new(),
    }
}

/// Whether each element comes from the elements at its place.
fn is_elementwise(op: &Op) -> bool {
    op.is_arithmetic() || op.is_function()
}

fn is_reduction(op: &Op) -> bool {
    matches!(
        op,
        Op::ReduceMean(_)
            | Op::ReduceSum(_)
            | Op::ReduceSumSquare(_)
            | Op::ReduceMax(_)
            | Op::ReduceMin(_)
            | Op::ReduceL1(_)
            | Op::ReduceL2(_)
            | Op::ReduceLogSumExp(_)
            | Op::GlobalAveragePool(_)
    )
}
