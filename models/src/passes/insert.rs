//! Quantizers on activations: which values get one, of which sign, and which share a scale.

use std::collections::{BTreeMap, BTreeSet};

use fewbit::quantize::Quantizer;

use crate::graph::{Graph, Node, NodeId, Product, ValueId, products};
use crate::ops::{Op, Quantize};
use crate::tensor::{ElementType, Tensor};

use super::activations::bounds;
use super::functions::Functions;
use super::{PassError, PassReport};

/// The quantizers of activations.
#[derive(Clone, Debug, PartialEq)]
pub struct ActivationQuantizers {
    /// For values of either sign.
    pub signed: Quantizer,
    /// For values that are never negative.
    pub unsigned: Quantizer,
    /// Whether the network's outputs are rounded to codes as well; else they are the sums of the last products.
    pub outputs: OutputCodes,
}

/// What the outputs of a network are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OutputCodes {
    /// Sums, with the products' scales.
    #[default]
    Sums,
    /// Codes of the activations' quantizer.
    Codes,
}

/// Puts quantizers on activations, as the graph demands them.
///
/// 1. Inputs of the network and outputs of activation functions get one, but where all that takes them is a multiplication
///    with constants in front of a product: its output gets it.
/// 2. What a product, a mean or an addition takes must come from one; the search goes back through what only moves values
///    (pooling by maximum, reshaping), to the place where they are made.
/// 3. What a product, a mean or an addition makes gets one, unless an activation function is all that follows.
/// 4. Nothing is rounded within a function of one value that the graph spells out (GELU, a layer norm, a softmax).
/// 5. Quantizers that meet in an addition share their scale; those that meet in a concatenation their sign as well.
///
/// A quantizer is unsigned where its values cannot be negative: behind ReLU, sigmoid and the like, and behind means and additions
/// of such.
/// No value gets two.
///
/// # Errors
/// A graph that cannot be put in order.
pub fn insert_activation_quantizers(
    graph: &mut Graph,
    quantizers: &ActivationQuantizers,
) -> Result<PassReport, PassError> {
    let sites = Sites::find(graph, quantizers.outputs);
    let count = sites.values.len();
    for (&value, &is_unsigned) in &sites.values {
        let quantizer = if is_unsigned { &quantizers.unsigned } else { &quantizers.signed };
        let mut op = Quantize::new(quantizer.clone());
        if let Some(&group) = sites.groups.get(&value) {
            op.shared_scale = Some(graph.name_of(group).to_owned());
        }
        put_behind(graph, value, op);
    }
    graph.sort()?;
    Ok(PassReport::new("insert activation quantizers", count, "values"))
}

/// Puts a quantizer in front of the input of every product that is not in `except`: products that take the same value take the same
/// codes, nothing else is quantized.
///
/// # Errors
/// A graph that cannot be put in order.
pub fn insert_input_quantizers(
    graph: &mut Graph,
    quantizer: &Quantizer,
    except: &[NodeId],
) -> Result<PassReport, PassError> {
    let products = products(graph).into_iter().filter(|product| !except.contains(&product.node));
    let mut quantized: BTreeMap<ValueId, ValueId> = BTreeMap::new();
    let mut count = 0;
    for product in products {
        let output = match quantized.get(&product.input) {
            Some(&output) => output,
            None => {
                let name = format!("{}.input", graph.node(product.node).name);
                graph.add(&name, Quantize::new(quantizer.clone()), &[product.input])
            }
        };
        quantized.insert(product.input, output);
        graph.node_mut(product.node).inputs[0] = Some(output);
        count += 1;
    }
    graph.sort()?;
    Ok(PassReport::new("insert input quantizers", count, "inputs of products"))
}

/// Puts a quantizer behind a value: everything that used the value uses its output, which is an output of the network under
/// the old name if the value was one.
pub(super) fn put_behind(graph: &mut Graph, value: ValueId, op: Quantize) -> NodeId {
    let name = graph.name_of(value).to_owned();
    let is_output = graph.is_output(value);
    let fact = graph.value(value).fact.clone().without_known();
    let quantized = graph.add_value(&format!("{name}.quantized"), fact);
    graph.replace_uses(value, quantized);
    if is_output {
        graph.swap_names(value, quantized);
    }
    graph.add_node(Node {
        name: format!("{name}.quantizer"),
        op: op.into(),
        inputs: vec![Some(value)],
        outputs: vec![Some(quantized)],
    })
}

/// Values that get a quantizer.
struct Sites {
    /// Whether they are never negative.
    values: BTreeMap<ValueId, bool>,
    /// The first value of the group that shares a scale, for groups of more than one.
    groups: BTreeMap<ValueId, ValueId>,
}

impl Sites {
    fn find(graph: &Graph, outputs: OutputCodes) -> Self {
        let products: BTreeMap<NodeId, Product> =
            products(graph).into_iter().map(|product| (product.node, product)).collect();
        let functions = Functions::of(graph);
        let search = Search { graph, products: &products, functions: &functions };
        let mut values: BTreeSet<ValueId> = BTreeSet::new();
        let rounded = |&id: &ValueId| is_float(graph, id) && !search.is_scaled(id);
        values.extend(graph.inputs().iter().filter(|&id| rounded(id)).filter(|&&id| {
            // Inputs that no arithmetic takes (indices, lengths), and masks, stay as they are.
            graph.consumers(id).iter().any(|&(user, _)| {
                let node = graph.node(user);
                !matches!(node.op, Op::Shape(_)) && !search.is_mask(node)
            }) && !search.is_state(id)
        }));
        let mut unions: Vec<(Vec<ValueId>, Meeting)> = Vec::new();
        for (id, node) in graph.nodes() {
            match search.kind(id, node) {
                Kind::Activation => {
                    values.extend(node.output(0).filter(rounded));
                }
                Kind::Takes { inputs } => {
                    let sources: Vec<_> =
                        inputs.iter().filter_map(|&input| search.source(input)).collect();
                    values.extend(&sources);
                    if let Some(output) = node.output(0)
                        && is_float(graph, output)
                        && search.needs_codes(output, outputs)
                    {
                        values.insert(output);
                    }
                    if matches!(node.op, Op::Add(_)) && sources.len() > 1 {
                        unions.push((sources, Meeting::Addition));
                    }
                }
                Kind::Joins => {
                    let inputs = node.inputs.iter().flatten();
                    let sources: Vec<_> = inputs
                        .filter_map(|&input| search.source(input))
                        // Last states are rounded within their loop.
                        .filter(|&source| !search.is_last_state(source))
                        .collect();
                    values.extend(&sources);
                    unions.push((sources, Meeting::Concatenation));
                }
                Kind::Moves | Kind::Other => {}
            }
        }
        let mut values: BTreeMap<ValueId, bool> =
            values.into_iter().map(|value| (value, search.is_unsigned(value))).collect();
        let mut groups: BTreeMap<ValueId, ValueId> = BTreeMap::new();
        let root = |groups: &BTreeMap<ValueId, ValueId>, mut value: ValueId| {
            while let Some(&next) = groups.get(&value).filter(|&&next| next != value) {
                value = next;
            }
            value
        };
        for (members, meeting) in &unions {
            if members.iter().collect::<BTreeSet<_>>().len() < 2 {
                continue;
            }
            let roots: BTreeSet<_> = members.iter().map(|&member| root(&groups, member)).collect();
            let Some(&first) = roots.first() else { continue };
            for other in roots {
                groups.insert(other, first);
            }
            if *meeting == Meeting::Concatenation {
                let all = members.iter().all(|member| values.get(member) == Some(&true));
                for member in members {
                    values.insert(*member, all);
                }
            }
        }
        let groups = groups.keys().map(|&value| (value, root(&groups, value))).collect();
        Self { values, groups }
    }
}

/// Whether a value is, or may be, of floats: extents and indices are never rounded.
pub(super) fn is_float(graph: &Graph, value: ValueId) -> bool {
    let element = graph.value(value).fact.element;
    element.is_none() || element == Some(ElementType::F32)
}

/// Whether a mean is one over all positions of images: any other one is arithmetic of a normalization, whose numbers codes of a
/// few bits would not hold.
fn is_pool(graph: &Graph, node: &Node) -> bool {
    let axes = node.input(1).and_then(|axes| graph.data(axes)?.integers().ok());
    let rank = node.input(0).and_then(|x| graph.value(x).fact.rank());
    let (Some(axes), Some(rank)) = (axes, rank) else { return false };
    let place = |axis: i64| if axis < 0 { axis + rank as i64 } else { axis };
    let found: BTreeSet<i64> = axes.into_iter().map(place).collect();
    rank > 2 && found == (2..rank as i64).collect()
}

/// Where quantizers meet.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Meeting {
    Addition,
    Concatenation,
}

/// What a node is to quantizers.
enum Kind {
    /// An activation function, whose output is rounded.
    Activation,
    /// Arithmetic that takes codes.
    Takes {
        /// The inputs that must be codes.
        inputs: Vec<ValueId>,
    },
    /// A concatenation.
    Joins,
    /// It moves values and makes none.
    Moves,
    /// Anything else.
    Other,
}

struct Search<'a> {
    graph: &'a Graph,
    products: &'a BTreeMap<NodeId, Product>,
    functions: &'a Functions,
}

impl Search<'_> {
    fn kind(&self, id: NodeId, node: &Node) -> Kind {
        if let Some(product) = self.products.get(&id) {
            return Kind::Takes { inputs: vec![product.input] };
        }
        if self.functions.has(id) {
            return Kind::Other;
        }
        let variable = || -> Vec<ValueId> {
            let inputs = node.inputs.iter().flatten().copied();
            inputs.filter(|&input| self.graph.data(input).is_none()).collect()
        };
        match &node.op {
            Op::Relu(_) | Op::Sigmoid(_) | Op::HardSigmoid(_) | Op::Clip(_) | Op::Tanh(_) => {
                Kind::Activation
            }
            Op::AveragePool(_) | Op::GlobalAveragePool(_) => {
                Kind::Takes { inputs: node.input(0).into_iter().collect() }
            }
            Op::ReduceMean(_) if is_pool(self.graph, node) => {
                Kind::Takes { inputs: node.input(0).into_iter().collect() }
            }
            Op::MatMul(_) => Kind::Takes { inputs: variable() },
            Op::Add(_) if self.is_mask(node) => Kind::Other,
            Op::Add(_) if variable().len() == 2 => Kind::Takes { inputs: variable() },
            Op::Concat(_) => Kind::Joins,
            op if op.moves_values() => Kind::Moves,
            _ => Kind::Other,
        }
    }

    /// Whether a node adds a mask: what it makes goes to a softmax alone. Its -infinity is no number to round, and a softmax takes
    /// floats.
    fn is_mask(&self, node: &Node) -> bool {
        let Some(output) = node.output(0).filter(|_| matches!(node.op, Op::Add(_))) else {
            return false;
        };
        let consumers = self.graph.consumers(output);
        let to_softmax = |&(id, _): &(NodeId, usize)| {
            let node = self.graph.node(id);
            matches!(node.op, Op::Softmax(_) | Op::LogSoftmax(_)) || self.is_mask(node)
        };
        !consumers.is_empty() && consumers.iter().all(to_softmax)
    }

    /// Where a value is made, back through what only moves values; `None` for a constant, and for what is no float.
    fn source(&self, value: ValueId) -> Option<ValueId> {
        if self.graph.data(value).is_some() || !is_float(self.graph, value) {
            return None;
        }
        let Some((id, _)) = self.graph.producer(value) else { return Some(value) };
        let node = self.graph.node(id);
        match self.kind(id, node) {
            Kind::Moves => self.source(node.input(0)?),
            // Its inputs are codes of one scale already, but for last states, which have scales of their own.
            Kind::Joins => {
                let inputs = node.inputs.iter().flatten();
                let mut sources = inputs.filter_map(|&input| self.source(input));
                sources.any(|source| self.is_last_state(source)).then_some(value)
            }
            _ => Some(value),
        }
    }

    /// Whether a value is the state of a loop behind its last step.
    fn is_last_state(&self, value: ValueId) -> bool {
        let Some((id, place)) = self.graph.producer(value) else { return false };
        matches!(&self.graph.node(id).op, Op::Scan(op) if place < op.states)
    }

    /// Whether all that takes a value, behind what only moves it, is a loop whose state it is: that rounds it itself.
    fn is_state(&self, value: ValueId) -> bool {
        let consumers = self.graph.consumers(value);
        let takes = |&(id, place): &(NodeId, usize)| {
            let node = self.graph.node(id);
            match &node.op {
                Op::Scan(op) => place < op.states,
                Op::Shape(_) => true,
                op => {
                    op.moves_values() && node.output(0).is_some_and(|output| self.is_state(output))
                }
            }
        };
        !consumers.is_empty() && !self.graph.is_output(value) && consumers.iter().all(takes)
    }

    /// Whether all that takes a value, behind what only moves it, is a multiplication with constants in front of products.
    fn is_scaled(&self, value: ValueId) -> bool {
        let consumers = self.graph.consumers(value);
        let scales = |(id, _): &(NodeId, usize)| {
            let node = self.graph.node(*id);
            let Some(output) = node.output(0) else { return false };
            match (&node.op, self.kind(*id, node)) {
                (Op::Mul(_), _) => self.factors(node).is_some() && self.is_for_products(output),
                (_, Kind::Moves) => self.is_scaled(output),
                _ => false,
            }
        };
        !consumers.is_empty() && !self.graph.is_output(value) && consumers.iter().all(scales)
    }

    fn is_for_products(&self, value: ValueId) -> bool {
        let consumers = self.graph.consumers(value);
        let is_product = |(id, at): &(NodeId, usize)| *at == 0 && self.products.contains_key(id);
        !self.graph.is_output(value) && consumers.iter().all(is_product)
    }

    /// The constant of a multiplication, and the other factor.
    fn factors(&self, node: &Node) -> Option<(ValueId, ValueId)> {
        let (a, b) = (node.input(0)?, node.input(1)?);
        match (self.graph.data(a).is_some(), self.graph.data(b).is_some()) {
            (true, false) => Some((a, b)),
            (false, true) => Some((b, a)),
            _ => None,
        }
    }

    /// Whether something other than an activation function takes a value.
    fn needs_codes(&self, value: ValueId, outputs: OutputCodes) -> bool {
        let consumers = self.graph.consumers(value);
        self.graph.is_output(value) && outputs == OutputCodes::Codes
            || consumers.into_iter().any(|(id, _)| {
                let node = self.graph.node(id);
                match self.kind(id, node) {
                    Kind::Activation => false,
                    Kind::Moves => {
                        node.output(0).is_some_and(|output| self.needs_codes(output, outputs))
                    }
                    Kind::Takes { .. } | Kind::Joins => true,
                    Kind::Other => outputs == OutputCodes::Codes,
                }
            })
    }

    /// Whether a value is never negative, whatever the input.
    fn is_unsigned(&self, value: ValueId) -> bool {
        let Some((id, _)) = self.graph.producer(value) else { return false };
        let node = self.graph.node(id);
        match &node.op {
            Op::Relu(_)
            | Op::Sigmoid(_)
            | Op::HardSigmoid(_)
            | Op::Softmax(_)
            | Op::Softplus(_)
            | Op::Sqrt(_)
            | Op::Exp(_)
            | Op::Abs(_)
            | Op::OneHot(_) => true,
            Op::Cast(_) => {
                let input = node.input(0).map(|input| &self.graph.value(input).fact);
                input.is_some_and(|fact| fact.element == Some(ElementType::Bool))
            }
            Op::Clip(_) => bounds(self.graph, node).0.is_some_and(|low| low >= 0.0),
            Op::Mul(_) => self.factors(node).is_some_and(|(constant, other)| {
                let positive = |data: &Tensor| {
                    data.get::<f32>().is_ok_and(|data| data.iter().all(|&x| x >= 0.0))
                };
                self.graph.data(constant).is_some_and(positive) && self.is_unsigned(other)
            }),
            Op::AveragePool(_) | Op::GlobalAveragePool(_) | Op::ReduceMean(_) | Op::Add(_) => {
                let inputs = node.inputs.iter().flatten().copied();
                let mut inputs = inputs.filter(|&input| self.graph.data(input).is_none());
                inputs.all(|input| self.is_unsigned(input))
            }
            _ => match self.kind(id, node) {
                Kind::Moves => node.input(0).is_some_and(|input| self.is_unsigned(input)),
                Kind::Joins => node.inputs.iter().flatten().all(|&input| self.is_unsigned(input)),
                _ => false,
            },
        }
    }
}
