//! Values that can be rotated together: what makes them and what takes them.

use std::collections::BTreeSet;

use crate::graph::{Graph, NodeId, Product, ValueId};

use super::commute::{Role, role};

/// A constant at a place of a node, to be multiplied with R along an axis: every vector `v` along it becomes `v R`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Use {
    /// The node.
    pub(super) node: NodeId,
    /// The place among its inputs.
    pub(super) place: usize,
    /// The axis of the constant.
    pub(super) axis: usize,
}

impl Use {
    /// The constant.
    pub(super) fn constant(&self, graph: &Graph) -> Option<ValueId> {
        graph.node(self.node).input(self.place)
    }

    /// The weights of a product, along the channels that it takes.
    pub(super) fn sink(product: &Product) -> Self {
        Self { node: product.node, place: 1, axis: product.input_axis() }
    }
}

/// Values `x` that may all become `x R`, block by block.
#[derive(Clone, Debug, Default)]
pub(super) struct Stream {
    /// Channels of a block: the size of R.
    pub(super) block: usize,
    /// The values.
    pub(super) values: BTreeSet<ValueId>,
    /// Constants of what makes them.
    pub(super) sources: BTreeSet<Use>,
    /// Weights of what takes them.
    pub(super) sinks: BTreeSet<Use>,
    waiting: Vec<ValueId>,
}

impl Stream {
    /// The stream through a value, with rotations of this size; or why there is none.
    ///
    /// From the value the walk goes to what makes it and what takes it, through everything that commutes with rotations.
    pub(super) fn through(graph: &Graph, value: ValueId, block: usize) -> Result<Self, String> {
        let mut stream = Self { block, ..Self::default() };
        stream.add(value);
        while let Some(value) = stream.waiting.pop() {
            stream.check_extent(graph, value)?;
            stream.maker(graph, value)?;
            for (id, at) in graph.consumers(value) {
                stream.taker(graph, id, at)?;
            }
        }
        let is_empty = stream.sources.is_empty() || stream.sinks.is_empty();
        if is_empty { Err("nothing makes or takes it".into()) } else { Ok(stream) }
    }

    fn add(&mut self, value: ValueId) {
        if self.values.insert(value) {
            self.waiting.push(value);
        }
    }

    fn check_extent(&self, graph: &Graph, value: ValueId) -> Result<(), String> {
        let name = graph.name_of(value);
        if graph.is_output(value) {
            return Err(format!("`{name}` is an output of the network"));
        }
        let dims = graph.value(value).fact.shape.as_deref().unwrap_or_default();
        match dims.last().and_then(|dim| dim.size()) {
            Some(size) if size > 0 && size.is_multiple_of(self.block) => Ok(()),
            Some(size) => {
                Err(format!("`{name}` has {size} channels, no multiple of {}", self.block))
            }
            None => Err(format!("`{name}` has channels of unknown number")),
        }
    }

    fn maker(&mut self, graph: &Graph, value: ValueId) -> Result<(), String> {
        let Some((id, _)) = graph.producer(value) else {
            return Err(format!("`{}` is an input of the network", graph.name_of(value)));
        };
        match role(graph, id, self.block)? {
            Role::Product(product) => {
                self.sources.insert(Use { node: id, place: 1, axis: product.output_axis() });
                match product.bias {
                    Some(_) => self.constant(graph, id, 2),
                    None => Ok(()),
                }
            }
            Role::Commutes { inputs, .. } => {
                for at in inputs {
                    match graph.node(id).input(at) {
                        Some(input) if graph.data(input).is_none() => self.add(input),
                        Some(_) => self.constant(graph, id, at)?,
                        None => {}
                    }
                }
                Ok(())
            }
            Role::Extents => Err(format!("`{}` are extents", graph.name_of(value))),
        }
    }

    /// A constant with the channels along its last axis.
    fn constant(&mut self, graph: &Graph, node: NodeId, place: usize) -> Result<(), String> {
        let Some(id) = graph.node(node).input(place) else { return Ok(()) };
        let shape = graph.data(id).map(|data| data.shape()).unwrap_or_default();
        match shape.last() {
            Some(last) if last.is_multiple_of(self.block) && *last > 0 => {
                self.sources.insert(Use { node, place, axis: shape.len() - 1 });
                Ok(())
            }
            _ => Err(format!("`{}` has not one number for each channel", graph.name_of(id))),
        }
    }

    fn taker(&mut self, graph: &Graph, id: NodeId, at: usize) -> Result<(), String> {
        match role(graph, id, self.block)? {
            Role::Product(product) if at == 0 => {
                self.sinks.insert(Use::sink(&product));
                Ok(())
            }
            Role::Commutes { inputs, outputs } if inputs.contains(&at) => {
                outputs.into_iter().for_each(|output| self.add(output));
                Ok(())
            }
            Role::Extents => Ok(()),
            _ => {
                let node = graph.node(id);
                Err(format!("`{}` ({}) does not commute with rotations", node.name, node.op.name()))
            }
        }
    }
}
