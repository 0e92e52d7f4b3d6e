//! What stands behind a node that gives sums, where it comes down to codes: ReLU, if there is one, and a quantizer.

use std::collections::HashMap;

use crate::graph::{Graph, Node, NodeId, ValueId};
use crate::ops::{Op, Quantize};

use super::finish::Finish;

/// The nodes between sums and codes, none of whose other values anybody needs.
#[derive(Clone, Debug)]
pub(super) struct Tail {
    /// What they make of a sum.
    pub(super) finish: Finish,
    /// The codes.
    pub(super) output: ValueId,
    /// The nodes that need not run.
    pub(super) nodes: Vec<NodeId>,
}

/// The tails behind convolutions and additions; quantizers whose outputs are in `same` do what another one does.
pub(super) fn tails(graph: &Graph, same: &HashMap<ValueId, ValueId>) -> HashMap<NodeId, Tail> {
    let mut users: HashMap<ValueId, Vec<NodeId>> = HashMap::new();
    for (id, node) in graph.nodes() {
        if node.output(0).is_some_and(|output| same.contains_key(&output)) {
            continue;
        }
        node.inputs.iter().flatten().for_each(|&input| users.entry(input).or_default().push(id));
    }
    // Outputs of the network are wanted as they are.
    graph.outputs().iter().for_each(|output| drop(users.remove(output)));
    let only_user = |value: ValueId| match users.get(&value).map(Vec::as_slice) {
        Some(&[user]) => Some((user, graph.node(user))),
        _ => None,
    };
    let tail = |node: &Node| {
        let mut nodes = Vec::new();
        let (mut id, mut next) = only_user(node.output(0)?)?;
        let rectifies = matches!(next.op, Op::Relu(_));
        if rectifies {
            nodes.push(id);
            (id, next) = only_user(next.output(0)?)?;
        }
        let Op::Quantize(quantize) = &next.op else { return None };
        nodes.push(id);
        let finish = finish(quantize, rectifies)?;
        Some(Tail { finish, output: next.output(0)?, nodes })
    };
    let sums = |node: &Node| matches!(node.op, Op::Conv(_) | Op::Add(_));
    let found = graph.nodes().filter(|(_, node)| sums(node));
    found.filter_map(|(id, node)| Some((id, tail(node)?))).collect()
}

fn finish(quantize: &Quantize, rectifies: bool) -> Option<Finish> {
    let finish = Finish::of(&quantize.quantizer)?;
    Some(if rectifies { finish.rectified() } else { finish })
}
