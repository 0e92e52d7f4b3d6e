//! Regions of channels that can be scaled where they are made and where they are taken.

use std::collections::BTreeSet;

use crate::graph::{Graph, Node, NodeId, Product, ValueId, products};
use crate::ops::{Dim, Op};

use super::PassError;
use super::channel_runs::ChannelRuns;
use super::source::{Source, factors, floats};

/// Channels that some nodes make and products take, with nothing between them but what commutes with positive factors.
#[derive(Clone, Debug, PartialEq)]
pub struct Region {
    /// What makes the channels: products, and normalizations by the factors that they end with.
    pub sources: Vec<Source>,
    /// Constants that are added to the channels, one number each, as the bias of a matrix product is.
    pub summands: Vec<ValueId>,
    /// The products that take them.
    pub sinks: Vec<Product>,
    /// Whether a `Reshape`, whose extents are numbers, is on the way.
    pub is_reshaped: bool,
}

impl Region {
    /// How many there are.
    #[must_use]
    pub fn channels(&self, graph: &Graph) -> usize {
        self.sources.first().map_or(0, |source| source.channels(graph))
    }

    /// The greatest magnitude of the weights that take each channel.
    pub(super) fn taken(&self, graph: &Graph) -> Result<Vec<f32>, PassError> {
        let channels = self.channels(graph);
        let mut taken = vec![0f32; channels];
        for sink in &self.sinks {
            let w = floats(graph, sink.weight)?;
            ChannelRuns::of_inputs(sink, w.shape(), channels).maxima(&w, &mut taken);
        }
        Ok(taken)
    }

    /// Multiplies each channel with a factor where it is made and divides by it where it is taken.
    pub(super) fn scale(&self, graph: &mut Graph, by: &[f32]) -> Result<(), PassError> {
        for source in &self.sources {
            let mut w = floats(graph, source.weight())?;
            let runs = ChannelRuns::of_source(source, w.shape());
            runs.map(&mut w, |w, channel| w * by[channel]);
            graph.set_data(source.weight(), w);
        }
        let biases = self.sources.iter().filter_map(Source::bias);
        for constant in biases.chain(self.summands.iter().copied()).collect::<Vec<_>>() {
            let mut b = floats(graph, constant)?;
            b.iter_mut().zip(by).for_each(|(b, c)| *b *= c);
            graph.set_data(constant, b);
        }
        for sink in &self.sinks {
            let mut w = floats(graph, sink.weight)?;
            // A depthwise product may be source and sink of one region in turn; here it is a sink alone.
            let runs = ChannelRuns::of_inputs(sink, w.shape(), by.len());
            runs.map(&mut w, |w, channel| w / by[channel]);
            graph.set_data(sink.weight, w);
        }
        Ok(())
    }
}

/// The regions of a graph, each once.
///
/// From what makes channels the walk goes through functions `f` with `f(c x) = c f(x)` for positive `c` (ReLU, pooling,
/// reshaping) and through additions, there to the other inputs as well. A walk that meets anything else (a sigmoid, an input
/// or an output of the network) gives no region.
#[must_use]
pub fn regions(graph: &Graph) -> Vec<Region> {
    let products = products(graph);
    let mut seen: BTreeSet<ValueId> = BTreeSet::new();
    let mut regions = Vec::new();
    for (id, node) in graph.nodes() {
        let Some(source) = source(graph, &products, id, node) else { continue };
        if seen.contains(&source.output()) {
            continue;
        }
        let mut walk = Walk::default();
        walk.add(source.output());
        walk.run(graph, &products);
        seen.extend(&walk.values);
        if walk.valid && !walk.sources.is_empty() && !walk.sinks.is_empty() {
            let sinks = products.iter().filter(|p| walk.sinks.contains(&p.node)).cloned();
            let sources = graph.nodes().filter(|(id, _)| walk.sources.contains(id));
            let region = Region {
                sources: sources
                    .filter_map(|(id, node)| self::source(graph, &products, id, node))
                    .collect(),
                summands: walk.summands.iter().copied().collect(),
                sinks: sinks.collect(),
                is_reshaped: walk.reshaped.iter().any(|&value| is_reshape(graph, value)),
            };
            if fits(graph, &region, &walk.reshaped) {
                regions.push(region);
            }
        }
    }
    regions
}

/// What a node is as a source of channels, if it is one.
fn source(graph: &Graph, products: &[Product], id: NodeId, node: &Node) -> Option<Source> {
    match products.iter().find(|product| product.node == id) {
        Some(product) => Some(Source::Product(product.clone())),
        None => factors(graph, id, node).map(Source::Factors),
    }
}

/// The values of one region.
struct Walk {
    values: BTreeSet<ValueId>,
    waiting: Vec<ValueId>,
    sources: BTreeSet<NodeId>,
    summands: BTreeSet<ValueId>,
    sinks: BTreeSet<NodeId>,
    /// What nodes give that may change the shape.
    reshaped: BTreeSet<ValueId>,
    valid: bool,
}

impl Default for Walk {
    fn default() -> Self {
        Self {
            values: BTreeSet::new(),
            waiting: Vec::new(),
            sources: BTreeSet::new(),
            summands: BTreeSet::new(),
            sinks: BTreeSet::new(),
            reshaped: BTreeSet::new(),
            valid: true,
        }
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
                Some((id, _)) => match source(graph, products, id, graph.node(id)) {
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
        let is_sum = matches!(node.op, Op::Add(_));
        if !is_sum && !commutes(&node.op) {
            self.valid = false;
            return;
        }
        for at in 0..if is_sum { 2 } else { 1 } {
            match node.input(at) {
                Some(input) if graph.data(input).is_none() => self.add(input),
                // A constant summand is scaled with the channels.
                Some(input) if is_sum => {
                    self.summands.insert(input);
                }
                _ => self.valid = false,
            }
        }
        let outputs = node.outputs.iter().flatten();
        if reshapes(&node.op) {
            self.reshaped.extend(outputs.clone());
        }
        outputs.for_each(|&output| self.add(output));
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
            | Op::Identity(_)
            | Op::Dropout(_)
    ) || reshapes(op)
}

/// Whether the result may have other extents in other places.
fn reshapes(op: &Op) -> bool {
    matches!(op, Op::Flatten(_) | Op::Reshape(_) | Op::Squeeze(_) | Op::ReduceMean(_))
}

fn is_reshape(graph: &Graph, value: ValueId) -> bool {
    graph.producer(value).is_some_and(|(id, _)| matches!(graph.node(id).op, Op::Reshape(_)))
}

/// Whether all products of a region see the same channels, each a whole number of times.
fn fits(graph: &Graph, region: &Region, reshaped: &BTreeSet<ValueId>) -> bool {
    let shape = |product: &Product| {
        graph.data(product.weight).map(|data| data.shape().to_vec()).unwrap_or_default()
    };
    let channels: BTreeSet<usize> =
        region.sources.iter().map(|source| source.channels(graph)).collect();
    let [channels] = channels.into_iter().collect::<Vec<_>>()[..] else { return false };
    let is_used_once = |&id: &ValueId| graph.consumers(id).len() == 1;
    let constants = region.sources.iter().flat_map(Source::constants);
    let constants = constants.chain(region.sinks.iter().map(|sink| sink.weight));
    let quantized = |product: &Product| product.weight_quantizer.is_some();
    let products = region.sources.iter().filter_map(Source::product).chain(&region.sinks);
    // Channels along the last axis stay apart only where that axis stays whole.
    let by_rows = region.sources.iter().any(|source| !source.is_convolution());
    let stays = |&value: &ValueId| {
        let last = graph.value(value).fact.shape.as_ref().and_then(|shape| shape.last().cloned());
        last == Some(Dim::Size(channels))
    };
    channels > 0
        && constants.chain(region.summands.iter().copied()).all(|id| is_used_once(&id))
        && region.summands.iter().all(|&id| is_per_channel(graph, id, channels, by_rows))
        && !products.clone().any(quantized)
        && (!by_rows
            || reshaped.iter().all(stays) && !region.sinks.iter().any(Product::is_convolution))
        && region.sinks.iter().all(|sink| {
            let inputs = sink.inputs(&shape(sink));
            // Behind a Flatten each channel has several inputs, side by side; a product with a kernel has one.
            inputs == channels
                || !by_rows && shape(sink).len() == 2 && inputs.is_multiple_of(channels)
        })
}

/// Whether a constant has one number per channel, along the axis on which the channels lie.
fn is_per_channel(graph: &Graph, constant: ValueId, channels: usize, by_rows: bool) -> bool {
    let Some(data) = graph.data(constant) else { return false };
    let shape = data.shape();
    match by_rows {
        true => data.len() == channels && shape.last() == Some(&channels),
        // `[C, 1, 1]` and `[1, C, 1, 1]`.
        false => data.len() == channels && shape.len() > 2 && shape[shape.len() - 3] == channels,
    }
}
