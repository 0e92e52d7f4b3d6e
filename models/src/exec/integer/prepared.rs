//! What a network that runs in integers makes of its constants once.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::exec::ExecError;
use crate::graph::{Graph, NodeId, Product, ValueId, products};
use crate::ops::Op;

use super::datum::Datum;
use super::requantize::quantized;
use super::weights::Weights;

/// The weights of a network as its products in integers take them: codes, packed matrices and sums, made once for all batches.
///
/// They stay right while values and quantizers of the graph do; accumulators may change. Several threads may use them at once:
/// what a kind of accumulator needs besides is made at its first use and kept.
#[derive(Debug)]
pub struct IntegerWeights {
    /// What the quantizers of constants give.
    constants: HashMap<ValueId, Datum>,
    products: BTreeMap<NodeId, (Product, Arc<Weights>)>,
    /// Outputs of quantizers that do what another one does with the same input, and that one's output.
    same: HashMap<ValueId, ValueId>,
    /// The same of the graphs within a node.
    within: HashMap<NodeId, Vec<IntegerWeights>>,
    /// The place in the order of the last node that uses each value; beyond all of an output of the network.
    last: HashMap<ValueId, usize>,
}

impl IntegerWeights {
    /// The weights of a graph.
    ///
    /// # Errors
    /// Constants that their quantizer refuses.
    pub fn of(graph: &Graph) -> Result<Self, ExecError> {
        let mut constants = HashMap::new();
        for (_, node) in graph.nodes() {
            let data = node.input(0).and_then(|input| graph.data(input));
            let (Op::Quantize(op), Some(data), Some(output)) = (&node.op, data, node.output(0))
            else {
                continue;
            };
            let datum = quantized(op, &Datum::Plain(data.clone()), None);
            let datum =
                datum.map_err(|problem| ExecError::Node { node: node.name.clone(), problem })?;
            constants.insert(output, datum);
        }
        let mut made: HashMap<(ValueId, usize, bool), Arc<Weights>> = HashMap::new();
        let mut all = BTreeMap::new();
        for product in products(graph) {
            let Some(value) = graph.node(product.node).input(1) else { continue };
            let layout = product.layout;
            let key = (value, layout.output_axis(), layout.is_convolution());
            let weights = made
                .entry(key)
                .or_insert_with(|| Arc::new(Weights::new(layout, constants.get(&value).cloned())));
            all.insert(product.node, (product.clone(), Arc::clone(weights)));
        }
        let mut within = HashMap::new();
        for (id, node) in graph.nodes() {
            let graphs = node.op.graphs().into_iter().map(Self::of);
            let graphs = graphs.collect::<Result<Vec<_>, _>>()?;
            if !graphs.is_empty() {
                within.insert(id, graphs);
            }
        }
        let same = same(graph);
        let mut last = HashMap::new();
        for (place, (_, node)) in graph.nodes().enumerate() {
            for input in node.inputs.iter().flatten() {
                last.insert(*same.get(input).unwrap_or(input), place);
            }
        }
        for output in graph.outputs() {
            last.insert(*same.get(output).unwrap_or(output), usize::MAX);
        }
        Ok(Self { constants, products: all, same, within, last })
    }

    /// What the quantizer of a constant gives.
    pub(super) fn constant(&self, value: ValueId) -> Option<&Datum> {
        self.constants.get(&value)
    }

    /// A node that multiplies with weights.
    pub(super) fn product(&self, node: NodeId) -> Option<(&Product, &Arc<Weights>)> {
        self.products.get(&node).map(|(product, weights)| (product, weights))
    }

    /// What the graphs within a node have.
    pub(super) fn within(&self, node: NodeId) -> &[Self] {
        self.within.get(&node).map(Vec::as_slice).unwrap_or_default()
    }

    /// The value that holds what this one stands for.
    pub(super) fn held(&self, value: ValueId) -> ValueId {
        *self.same.get(&value).unwrap_or(&value)
    }

    /// Whether the node at this place is the last one that uses a value.
    pub(super) fn is_last(&self, value: ValueId, place: usize) -> bool {
        self.last.get(&self.held(value)) == Some(&place)
    }
}

/// The quantizers that do the same with the same value: all but the first, by their outputs, with the first one's.
fn same(graph: &Graph) -> HashMap<ValueId, ValueId> {
    let mut first: HashMap<ValueId, Vec<(NodeId, ValueId)>> = HashMap::new();
    let mut same = HashMap::new();
    for (id, node) in graph.nodes() {
        let (Op::Quantize(op), Some(input), Some(output)) =
            (&node.op, node.input(0), node.output(0))
        else {
            continue;
        };
        let others = first.entry(input).or_default();
        let equal = |&&(other, _): &&(NodeId, ValueId)| match &graph.node(other).op {
            Op::Quantize(other) => other.quantizer == op.quantizer,
            _ => false,
        };
        match others.iter().find(equal) {
            Some(&(_, held)) => {
                same.insert(output, held);
            }
            None => others.push((id, output)),
        }
    }
    same
}
