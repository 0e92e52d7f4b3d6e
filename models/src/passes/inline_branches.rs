//! Branches that calibration data always take, in the place of their conditions.

use std::collections::{BTreeMap, HashMap};

use crate::exec::branch_conditions;
use crate::graph::{Graph, Node, NodeId, ValueId};
use crate::ops::Op;
use crate::tensor::Tensor;

use super::{PassError, PassReport};

/// Puts in the place of every `If` the branch that all calibration data take, so that it is quantized with the network around it;
/// the other branch is left out, and the report names it. An `If` that takes both ways, or that no data reach, stays, and its
/// branches stay in floats.
///
/// # Errors
/// Batches that the network cannot take.
pub fn inline_branches(
    graph: &mut Graph,
    batches: &[Vec<Tensor>],
) -> Result<PassReport, PassError> {
    let has = graph.nodes().any(|(_, node)| matches!(node.op, Op::If(_)));
    let mut report = PassReport::new("inline branches", 0, "conditions");
    if !has {
        return Ok(report);
    }
    let mut taken: BTreeMap<Vec<NodeId>, Option<bool>> = BTreeMap::new();
    for batch in batches {
        branch_conditions(graph, batch, &mut |path, found| {
            let known = taken.entry(path.to_vec()).or_insert(Some(found));
            *known = known.filter(|&known| known == found);
        })?;
    }
    let mut said = Said::default();
    inline(graph, &mut Vec::new(), &taken, &mut said)?;
    graph.sort()?;
    graph.infer()?;
    graph.fold()?;
    graph.infer()?;
    graph.remove_unused();
    report =
        PassReport::new("inline branches", said.count, "conditions that these data never change");
    if !said.dropped.is_empty() {
        report.detail = format!(
            "{}; what the network computes otherwise is left out: {}",
            report.detail,
            said.dropped.join(", ")
        );
    }
    if !said.left.is_empty() {
        let left = said.left.join(", ");
        report.detail =
            format!("{}; in floats, for these data take both ways: {left}", report.detail);
    }
    Ok(report)
}

/// What the report says.
#[derive(Default)]
struct Said {
    count: usize,
    dropped: Vec<String>,
    left: Vec<String>,
}

fn inline(
    graph: &mut Graph,
    path: &mut Vec<NodeId>,
    taken: &BTreeMap<Vec<NodeId>, Option<bool>>,
    said: &mut Said,
) -> Result<(), PassError> {
    for id in graph.order().to_vec() {
        let node = graph.node(id).clone();
        let Op::If(op) = node.op else { continue };
        path.push(id);
        let found = taken.get(path).copied().flatten();
        match found {
            None => said.left.push(node.name.clone()),
            Some(found) => {
                let (mut branch, other) = match found {
                    true => (op.then_branch, "else"),
                    false => (op.else_branch, "then"),
                };
                inline(&mut branch, path, taken, said)?;
                graph.remove(id);
                splice(graph, &branch, &node.inputs[1..], &node.outputs);
                said.count += 1;
                // What only cuts or adds axes is no other computation.
                if branch_computes(&branch) {
                    said.dropped.push(format!("`{other}` of `{}`", node.name));
                }
            }
        }
        path.pop();
    }
    Ok(())
}

/// Whether a branch does more than moving values.
fn branch_computes(branch: &Graph) -> bool {
    branch.nodes().any(|(_, node)| {
        node.op.is_arithmetic() || matches!(node.op, Op::Conv(_) | Op::MatMul(_) | Op::Gemm(_))
    })
}

/// Puts the nodes of a branch into the graph around, in the place of a node that has been taken out.
fn splice(
    graph: &mut Graph,
    branch: &Graph,
    inputs: &[Option<ValueId>],
    outputs: &[Option<ValueId>],
) {
    let mut places: HashMap<ValueId, ValueId> = HashMap::new();
    for (&inner, outer) in branch.inputs().iter().zip(inputs) {
        if let Some(outer) = *outer {
            places.insert(inner, outer);
        }
    }
    let mut place = |graph: &mut Graph, id: ValueId| {
        *places.entry(id).or_insert_with(|| {
            let value = branch.value(id);
            match &value.data {
                Some(data) => graph.add_constant(&value.name, data.clone()),
                None => graph.add_value(&value.name, value.fact.clone().without_known()),
            }
        })
    };
    for (_, node) in branch.nodes() {
        let mut all = |ids: &[Option<ValueId>]| -> Vec<Option<ValueId>> {
            ids.iter().map(|id| id.map(|id| place(graph, id))).collect()
        };
        let (inputs, outputs) = (all(&node.inputs), all(&node.outputs));
        graph.add_node(Node { name: node.name.clone(), op: node.op.clone(), inputs, outputs });
    }
    for (&inner, outer) in branch.outputs().iter().zip(outputs) {
        let Some(outer) = *outer else { continue };
        let inner = place(graph, inner);
        let was_output = graph.is_output(outer);
        graph.replace_uses(outer, inner);
        if was_output {
            graph.swap_names(outer, inner);
        }
    }
}
