//! Regions of channels that can be scaled where they are made and where they are taken.

use std::collections::BTreeSet;

use crate::graph::{Graph, Node, NodeId, Product, ValueId, products};
use crate::ops::Op;

/// Channels that some products make and others take, with nothing between them but what commutes with positive factors.
#[derive(Clone, Debug, PartialEq)]
pub struct Region {
    /// The products that make the channels.
    pub sources: Vec<Product>,
    /// The products that take them.
    pub sinks: Vec<Product>,
}

/// The regions of a graph, each once.
///
/// From a product's output the walk goes through functions `f` with `f(c x) = c f(x)` for positive `c` (ReLU, pooling,
/// reshaping) and through additions, there to the other inputs as well. A walk that meets anything else (a sigmoid, an input
/// or an output of the network) gives no region.
#[must_use]
pub fn regions(graph: &Graph) -> Vec<Region> {
    let products = products(graph);
    let mut seen: BTreeSet<ValueId> = BTreeSet::new();
    let mut regions = Vec::new();
    for product in &products {
        if seen.contains(&product.output) {
            continue;
        }
        let mut walk = Walk::default();
        walk.add(product.output);
        walk.run(graph, &products);
        seen.extend(&walk.values);
        if walk.valid && !walk.sources.is_empty() && !walk.sinks.is_empty() {
            let pick = |ids: &BTreeSet<NodeId>| -> Vec<Product> {
                products.iter().filter(|p| ids.contains(&p.node)).cloned().collect()
            };
            let region = Region { sources: pick(&walk.sources), sinks: pick(&walk.sinks) };
            if fits(graph, &region) {
                regions.push(region);
            }
        }
    }
    regions
}

/// The values of one region.
struct Walk {
    values: BTreeSet<ValueId>,
    waiting: Vec<ValueId>,
    sources: BTreeSet<NodeId>,
    sinks: BTreeSet<NodeId>,
    valid: bool,
}

impl Default for Walk {
    fn default() -> Self {
        let (values, waiting) = (BTreeSet::new(), Vec::new());
        Self { values, waiting, sources: BTreeSet::new(), sinks: BTreeSet::new(), valid: true }
    }
}

impl Walk {
    fn add(&mut self, value: ValueId) {
        if self.values.insert(value) {
            self.waiting.push(value);
        }
    }

    fn run(&mut self, graph: &Graph, products: &[Product]) {
        let of = |id: NodeId| products.iter().find(|product| product.node == id);
        while let Some(value) = self.waiting.pop() {
            self.valid &= !graph.is_output(value);
            match graph.producer(value) {
                None => self.valid = false,
                Some((id, _)) => match of(id) {
                    Some(_) => {
                        self.sources.insert(id);
                    }
                    None => self.through(graph, graph.node(id)),
                },
            }
            for (id, at) in graph.consumers(value) {
                match of(id) {
                    Some(_) if at == 0 => {
                        self.sinks.insert(id);
                    }
                    Some(_) => self.valid = false,
                    None => self.through(graph, graph.node(id)),
                }
            }
        }
    }

    /// Goes on to the inputs and outputs of a node that commutes with factors.
    fn through(&mut self, graph: &Graph, node: &Node) {
        let inputs = match &node.op {
            op if commutes(op) => 1,
            Op::Add(_) => 2,
            _ => {
                self.valid = false;
                return;
            }
        };
        for at in 0..inputs {
            match node.input(at) {
                Some(input) if graph.data(input).is_none() => self.add(input),
                // A constant summand is not scaled with the channels.
                _ => self.valid = false,
            }
        }
        node.outputs.iter().flatten().for_each(|&output| self.add(output));
    }
}

/// Whether `f(c x) = c f(x)` for positive factors of the channels.
fn commutes(op: &Op) -> bool {
    matches!(
        op,
        Op::Relu(_)
            | Op::LeakyRelu(_)
            | Op::MaxPool(_)
            | Op::AveragePool(_)
            | Op::GlobalAveragePool(_)
            | Op::GlobalMaxPool(_)
            | Op::Flatten(_)
            | Op::Reshape(_)
            | Op::Squeeze(_)
            | Op::Identity(_)
            | Op::Dropout(_)
    ) || matches!(op, Op::ReduceMean(_))
}

/// Whether all products of a region see the same channels, each a whole number of times.
fn fits(graph: &Graph, region: &Region) -> bool {
    let shape = |product: &Product| {
        graph.data(product.weight).map(|data| data.shape().to_vec()).unwrap_or_default()
    };
    let channels: BTreeSet<usize> =
        region.sources.iter().map(|source| source.outputs(&shape(source))).collect();
    let [channels] = channels.into_iter().collect::<Vec<_>>()[..] else { return false };
    let quantized = |product: &Product| product.weight_quantizer.is_some();
    let both = region.sources.iter().chain(&region.sinks);
    channels > 0
        && both.clone().all(|product| graph.consumers(product.weight).len() == 1)
        && !both.clone().any(quantized)
        && region.sinks.iter().all(|sink| {
            let inputs = sink.inputs(&shape(sink));
            // Behind a Flatten each channel has several inputs, side by side; a product with a kernel has one.
            inputs == channels || shape(sink).len() == 2 && inputs.is_multiple_of(channels)
        })
}
