//! Quantizers within loops: on gates, functions and states.

use std::collections::{BTreeMap, BTreeSet};

use crate::graph::{Graph, NodeId, Product, ValueId, products};
use crate::ops::{Op, Quantize, Scan};

use super::insert::{ActivationQuantizers, is_float, put_behind};
use super::solve::source_quantizer;
use super::{PassError, PassReport};

/// Puts quantizers into the body of every loop over a sequence, as Brevitas's recurrent layers have them:
///
/// 1. on every state, where a step begins with it and where it makes the next one: the same scale for both;
/// 2. on what a product takes;
/// 3. on what a function takes (the sums of a gate), and on what it gives;
/// 4. on products and sums of such elements; those that meet in an addition share its scale (a cell state and its two summands).
///
/// A quantizer is unsigned where its values cannot be negative. One behind the loop, on its sequence of states, gets the scale of
/// the state.
///
/// # Errors
/// A graph that cannot be put in order.
pub fn insert_recurrent_quantizers(
    graph: &mut Graph,
    quantizers: &ActivationQuantizers,
) -> Result<PassReport, PassError> {
    let mut count = 0;
    let loops: Vec<(NodeId, String)> = graph
        .nodes()
        .filter(|(_, node)| matches!(node.op, Op::Scan(_)))
        .map(|(id, node)| (id, node.name.clone()))
        .collect();
    for (id, name) in loops {
        let groups = shared_behind(graph, id);
        let Op::Scan(op) = &mut graph.node_mut(id).op else { continue };
        let behind = insert(op, &name, quantizers, &groups, &mut count)?;
        for (quantizer, group) in behind {
            if let Op::Quantize(op) = &mut graph.node_mut(quantizer).op {
                op.shared_scale = Some(group);
            }
        }
    }
    graph.sort()?;
    Ok(PassReport::new("insert recurrent quantizers", count, "values within loops"))
}

/// Quantizers that take what a loop gives, by the place of its output, with the group whose scale they share.
type Behind = Vec<(usize, NodeId, Option<String>)>;

fn shared_behind(graph: &Graph, id: NodeId) -> Behind {
    let mut found = Vec::new();
    for (other, node) in graph.nodes() {
        let Op::Quantize(op) = &node.op else { continue };
        let mut value = node.input(0);
        while let Some(at) = value {
            let Some((maker, place)) = graph.producer(at) else { break };
            if maker == id {
                found.push((place, other, op.shared_scale.clone()));
                break;
            }
            let node = graph.node(maker);
            value = node.input(0).filter(|_| node.op.moves_values());
        }
    }
    found
}

/// Puts quantizers into a body; those behind the loop that are to share a scale, with its name.
fn insert(
    op: &mut Scan,
    name: &str,
    quantizers: &ActivationQuantizers,
    behind: &Behind,
    count: &mut usize,
) -> Result<Vec<(NodeId, String)>, PassError> {
    let sites = Sites::find(op);
    let body = &mut op.body;
    // Names of groups are names in the whole network.
    let mut names: BTreeMap<ValueId, String> = BTreeMap::new();
    let mut others = Vec::new();
    for (place, quantizer, own) in behind {
        let Some(value) = body.outputs().get(*place).copied() else { continue };
        let Some(site) = sites.site_of(body, value) else { continue };
        let root = sites.root(site);
        let group = names.entry(root).or_insert_with(|| {
            own.clone().unwrap_or_else(|| format!("{name}/{}", body.name_of(root)))
        });
        others.push((*quantizer, group.clone()));
    }
    for (value, is_unsigned) in sites.values.clone() {
        let quantizer = if is_unsigned { &quantizers.unsigned } else { &quantizers.signed };
        let mut quantize = Quantize::new(quantizer.clone());
        let root = sites.root(value);
        if sites.is_shared(root) || names.contains_key(&root) {
            let group = names.entry(root);
            let group = group.or_insert_with(|| format!("{name}/{}", body.name_of(root)));
            quantize.shared_scale = Some(group.clone());
        }
        put_behind(body, value, quantize);
        *count += 1;
    }
    body.sort()?;
    Ok(others)
}

/// Values of a body that get a quantizer.
struct Sites {
    /// Whether they are never negative.
    values: BTreeMap<ValueId, bool>,
    /// From a value to another one whose scale it shares.
    up: BTreeMap<ValueId, ValueId>,
}

impl Sites {
    fn find(op: &Scan) -> Self {
        let body = &op.body;
        let taken: BTreeMap<NodeId, Product> =
            products(body).into_iter().map(|product| (product.node, product)).collect();
        let states = &body.inputs()[..op.states.min(body.inputs().len())];
        let mut sites = Self { values: BTreeMap::new(), up: BTreeMap::new() };
        for &state in states.iter().filter(|&&state| is_float(body, state)) {
            sites.values.insert(state, false);
        }
        // In the order in which they run: what a node takes is decided before it.
        for (id, node) in body.nodes() {
            let Some(output) = node.output(0).filter(|&output| is_float(body, output)) else {
                continue;
            };
            let inputs: Vec<ValueId> = node.inputs.iter().flatten().copied().collect();
            let computed = || inputs.iter().copied().filter(|&input| body.data(input).is_none());
            if let Some(product) = taken.get(&id) {
                sites.take(body, product.input);
                continue;
            }
            match &node.op {
                op if is_gate_function(op) => {
                    sites.take(body, inputs[0]);
                    sites.values.insert(output, is_positive(op));
                }
                Op::Mul(_) | Op::Sub(_) | Op::Add(_) => {
                    let is_product = matches!(node.op, Op::Mul(_));
                    let known = |sites: &Self| {
                        computed().map(|x| sites.site_of(body, x)).collect::<Vec<_>>()
                    };
                    if is_product && known(&sites).iter().any(Option::is_some) {
                        computed().for_each(|x| sites.take(body, x));
                    }
                    let Some(from) = known(&sites).into_iter().collect::<Option<Vec<_>>>() else {
                        continue;
                    };
                    if from.is_empty() {
                        continue;
                    }
                    let positive = match &node.op {
                        Op::Sub(_) => is_rest(body, &inputs),
                        _ => from.iter().all(|site| sites.values.get(site) == Some(&true)),
                    };
                    sites.values.insert(output, positive);
                    if matches!(node.op, Op::Add(_)) {
                        from.into_iter().for_each(|site| sites.join(output, site));
                    }
                }
                _ => {}
            }
        }
        for (place, &state) in states.iter().enumerate() {
            let next = body.outputs().get(place).and_then(|&next| sites.site_of(body, next));
            if let Some(next) = next {
                sites.join(state, next);
            }
        }
        sites
    }

    /// Makes a site of a value that is none yet, where it is made.
    fn take(&mut self, body: &Graph, value: ValueId) {
        if self.site_of(body, value).is_none() && source_quantizer(body, value).is_none() {
            self.values.insert(value, false);
        }
    }

    /// The site that a value comes from, back through what only moves values.
    fn site_of(&self, body: &Graph, value: ValueId) -> Option<ValueId> {
        let (mut at, mut seen) = (value, BTreeSet::new());
        while seen.insert(at) {
            if self.values.contains_key(&at) {
                return Some(at);
            }
            let (id, _) = body.producer(at)?;
            let node = body.node(id);
            at = node.input(0).filter(|_| node.op.moves_values())?;
        }
        None
    }

    fn root(&self, mut value: ValueId) -> ValueId {
        while let Some(&up) = self.up.get(&value) {
            value = up;
        }
        value
    }

    fn join(&mut self, one: ValueId, other: ValueId) {
        let (one, other) = (self.root(one), self.root(other));
        if one != other {
            self.up.insert(one.max(other), one.min(other));
        }
    }

    /// Whether several sites share a scale.
    fn is_shared(&self, root: ValueId) -> bool {
        self.up.values().any(|&up| up == root)
    }
}

/// Whether a difference is 1 less what lies between 0 and 1.
fn is_rest(body: &Graph, inputs: &[ValueId]) -> bool {
    let &[one, other] = inputs else { return false };
    let ones = body.data(one).and_then(|data| data.get::<f32>().ok());
    let maker = body.producer(other).map(|(id, _)| &body.node(id).op);
    ones.is_some_and(|ones| ones.iter().all(|&x| x == 1.0))
        && matches!(maker, Some(Op::Sigmoid(_) | Op::HardSigmoid(_)))
}

/// What recurrent cells make of the sums of a gate.
fn is_gate_function(op: &Op) -> bool {
    is_positive(op) || matches!(op, Op::Tanh(_) | Op::Softsign(_))
}

/// Whether a function is never negative.
fn is_positive(op: &Op) -> bool {
    matches!(op, Op::Sigmoid(_) | Op::HardSigmoid(_) | Op::Relu(_) | Op::Softplus(_))
}
