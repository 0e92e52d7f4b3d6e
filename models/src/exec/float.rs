//! Execution in floats: nodes in order, each value freed after its last use.

use std::collections::{BTreeMap, HashMap};

use crate::graph::{Graph, GraphError, Node, NodeId, ValueId};
use crate::ops::{Dim, Inputs, Op, OpError, Packed};
use crate::tensor::Tensor;

use super::ExecError;
use super::execution::QuantizerMode;
use super::scan::{run_scan, unwatched};

/// The outputs of a network, in the order of [`Graph::outputs`].
///
/// Results do not depend on the number of threads.
///
/// ```
/// use std::collections::BTreeMap;
/// use fewbit_models::{exec::run_float, graph::Graph, ops::{Fact, Relu}, tensor::{ElementType, Tensor}};
/// let mut graph = Graph::new("rectifier");
/// let x = graph.add_input("x", Fact::new(ElementType::F32, vec![2.into()]));
/// let y = graph.add("y", Relu {}, &[x]);
/// graph.add_output(y);
/// let inputs = BTreeMap::from([(x, Tensor::vector(vec![-1.0f32, 2.0]))]);
/// assert_eq!(run_float(&graph, &inputs)?, [Tensor::vector(vec![0.0f32, 2.0])]);
/// # Ok::<(), fewbit_models::exec::ExecError>(())
/// ```
///
/// # Errors
/// Inputs that are missing or of another type or shape than the network's; a node that cannot be computed.
pub fn run_float(
    graph: &Graph,
    inputs: &BTreeMap<ValueId, Tensor>,
) -> Result<Vec<Tensor>, ExecError> {
    run_float_observed(graph, inputs, &mut |_, _| ())
}

/// The same; every value that is put in or computed, of the graph itself and not of branches, is shown as soon as it is there.
///
/// # Errors
/// As [`run_float`].
pub fn run_float_observed(
    graph: &Graph,
    inputs: &BTreeMap<ValueId, Tensor>,
    observe: &mut dyn FnMut(ValueId, &Tensor),
) -> Result<Vec<Tensor>, ExecError> {
    check(graph, inputs)?;
    let values = inputs.iter().map(|(&id, tensor)| (id, tensor.clone())).collect();
    run(graph, values, QuantizerMode::Apply, observe)
}

/// Inputs in the order of the graph's, checked, by their values.
///
/// # Errors
/// Another number of inputs, or other types or shapes.
pub(super) fn placed(
    graph: &Graph,
    inputs: &[Tensor],
) -> Result<BTreeMap<ValueId, Tensor>, ExecError> {
    let (expected, found) = (graph.inputs().len(), inputs.len());
    if expected != found {
        return Err(ExecError::Count { expected, found });
    }
    let placed = graph.inputs().iter().copied().zip(inputs.iter().cloned()).collect();
    check(graph, &placed)?;
    Ok(placed)
}

/// Types and shapes of inputs; a name of an extent stands for one number.
fn check(graph: &Graph, inputs: &BTreeMap<ValueId, Tensor>) -> Result<(), ExecError> {
    let mut named: HashMap<&str, usize> = HashMap::new();
    for &id in graph.inputs() {
        let value = graph.value(id);
        let wrong = |problem| ExecError::Input { name: value.name.clone(), problem };
        let tensor = inputs.get(&id).ok_or_else(|| wrong("it is missing".into()))?;
        let found = tensor.element_type();
        if let Some(expected) = value.fact.element.filter(|&expected| expected != found) {
            return Err(wrong(format!("elements are {found}: expected {expected}")));
        }
        let Some(expected) = &value.fact.shape else { continue };
        let shape = tensor.shape();
        let differs = || {
            let expected: Vec<String> = expected.iter().map(Dim::to_string).collect();
            wrong(format!("the shape is {shape:?}: expected [{}]", expected.join(", ")))
        };
        if shape.len() != expected.len() {
            return Err(differs());
        }
        for (&size, expected) in shape.iter().zip(expected) {
            match expected {
                Dim::Size(expected) if *expected != size => return Err(differs()),
                Dim::Named(name) => {
                    let first = *named.entry(name).or_insert(size);
                    if first != size {
                        return Err(wrong(format!("`{name}` is {size} here and {first} before")));
                    }
                }
                Dim::Size(_) | Dim::Unknown => {}
            }
        }
    }
    if let Some(id) = inputs.keys().find(|id| !graph.inputs().contains(id)) {
        let known = graph.values().any(|(other, _)| other == *id);
        let name = if known { graph.name_of(*id).to_owned() } else { format!("{id:?}") };
        return Err(ExecError::Input { name, problem: "the network has no such input".into() });
    }
    Ok(())
}

/// Runs the nodes.
fn run(
    graph: &Graph,
    mut values: HashMap<ValueId, Tensor>,
    mode: QuantizerMode,
    observe: &mut dyn FnMut(ValueId, &Tensor),
) -> Result<Vec<Tensor>, ExecError> {
    let mut uses: HashMap<ValueId, usize> = HashMap::new();
    let used = graph.nodes().flat_map(|(_, node)| node.inputs.iter().flatten());
    used.chain(graph.outputs()).for_each(|&id| *uses.entry(id).or_default() += 1);
    values.iter().for_each(|(&id, tensor)| observe(id, tensor));
    for (_, node) in graph.nodes() {
        let found = match mode.skips(graph, node) {
            Some(input) => {
                let found = values.get(&input).or_else(|| graph.data(input)).cloned();
                let missing = || GraphError::NoProducer(graph.name_of(input).to_owned());
                vec![found.ok_or_else(missing)?]
            }
            None => compute(graph, node, &values, None, mode)?,
        };
        for &id in node.inputs.iter().flatten() {
            if let Some(left) = uses.get_mut(&id) {
                *left -= 1;
                if *left == 0 {
                    values.remove(&id);
                }
            }
        }
        for (&output, tensor) in node.outputs.iter().zip(found) {
            if let Some(id) = output {
                observe(id, &tensor);
                if uses.contains_key(&id) {
                    values.insert(id, tensor);
                }
            }
        }
    }
    let output = |&id| {
        let tensor = values.get(&id).or_else(|| graph.data(id)).cloned();
        tensor.ok_or_else(|| GraphError::NoProducer(graph.name_of(id).into()).into())
    };
    graph.outputs().iter().map(output).collect()
}

/// Runs a network on one batch and tells which way every condition goes: the nodes of the `If`s, outermost first, and whether
/// the condition holds.
///
/// # Errors
/// As [`run_float`].
pub(crate) fn branch_conditions(
    graph: &Graph,
    inputs: &[Tensor],
    hear: &mut dyn FnMut(&[NodeId], bool),
) -> Result<(), ExecError> {
    let values = placed(graph, inputs)?.into_iter().collect();
    conditions(graph, values, &mut Vec::new(), hear).map(drop)
}

fn conditions(
    graph: &Graph,
    mut values: HashMap<ValueId, Tensor>,
    path: &mut Vec<NodeId>,
    hear: &mut dyn FnMut(&[NodeId], bool),
) -> Result<Vec<Tensor>, ExecError> {
    let find = |values: &HashMap<ValueId, Tensor>, id: ValueId| {
        let found = values.get(&id).or_else(|| graph.data(id)).cloned();
        found.ok_or_else(|| ExecError::NotComputed(graph.name_of(id).into()))
    };
    for (id, node) in graph.nodes() {
        let found = match &node.op {
            Op::If(op) => {
                let inputs = node.inputs.iter().flatten().map(|&input| find(&values, input));
                let inputs = inputs.collect::<Result<Vec<_>, _>>()?;
                let wrong = |source| GraphError::Node { node: node.name.clone(), op: "If", source };
                let condition = inputs
                    .first()
                    .ok_or_else(|| wrong(OpError::Missing { index: 0, name: "cond" }))?;
                let branch = op.branch(condition).map_err(wrong)?;
                path.push(id);
                hear(path, std::ptr::eq(branch, &op.then_branch));
                let given = branch.inputs().iter().copied().zip(inputs.into_iter().skip(1));
                let outputs = conditions(branch, given.collect(), path, hear)?;
                path.pop();
                outputs
            }
            _ => compute(graph, node, &values, None, QuantizerMode::Apply)?,
        };
        for (output, tensor) in node.outputs.iter().zip(found) {
            if let Some(output) = output {
                values.insert(*output, tensor);
            }
        }
    }
    graph.outputs().iter().map(|&id| find(&values, id)).collect()
}

/// The outputs of one node; `packed` is of its inputs, if there is such; `mode` is for quantizers in graphs within it.
pub(crate) fn compute(
    graph: &Graph,
    node: &Node,
    values: &HashMap<ValueId, Tensor>,
    packed: Option<&Packed>,
    mode: QuantizerMode,
) -> Result<Vec<Tensor>, ExecError> {
    let wrong = |source| GraphError::Node { node: node.name.clone(), op: node.op.name(), source };
    let mut inputs: Vec<Option<&Tensor>> = Vec::with_capacity(node.inputs.len());
    for input in &node.inputs {
        inputs.push(match input {
            Some(id) => {
                let tensor = values.get(id).or_else(|| graph.data(*id));
                let missing = || GraphError::NoProducer(graph.name_of(*id).into());
                Some(tensor.ok_or_else(missing)?)
            }
            None => None,
        });
    }
    let found = match &node.op {
        Op::If(op) => {
            let condition = Inputs::new(&inputs).required(0, "cond").map_err(wrong)?;
            let branch = op.branch(condition).map_err(wrong)?;
            let given = branch.inputs().iter().zip(inputs.iter().skip(1));
            let given = given.filter_map(|(&id, tensor)| Some((id, (*tensor)?.clone())));
            run(branch, given.collect(), mode, &mut |_, _| ())?
        }
        Op::Scan(op) => run_scan(op, &inputs, mode, &mut unwatched)?,
        op => {
            let wanted = node.outputs.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
            let inputs = Inputs::new(&inputs);
            match packed {
                Some(packed) => op.run_packed(inputs, packed).map_err(wrong)?,
                None => op.run_first(wanted, inputs).map_err(wrong)?,
            }
        }
    };
    if let Some(place) = (found.len()..node.outputs.len()).find(|&at| node.outputs[at].is_some()) {
        return Err(wrong(OpError::Unsupported(format!("output {place} is not computed"))).into());
    }
    Ok(found)
}
