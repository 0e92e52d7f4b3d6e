//! LayerNormalization as RMSNormalization, where what it gets has mean 0.

use std::collections::BTreeSet;

use ndarray::{ArrayD, Axis};

use crate::graph::{Graph, NodeId, ValueId, products};
use crate::ops::{Op, RMSNormalization};

use super::source::floats;
use super::{PassError, PassReport};

/// Replaces every LayerNormalization without a bias by an RMSNormalization, and makes the mean 0 that it would subtract: what is
/// added up to its input (outputs of matrix products with their biases, rows of tables, constants) is centred over its channels
/// once, in f64.
///
/// ```text
/// mean(x) = 0 for x = sum of x_i with mean(x_i) = 0        W <- W - mean over outputs of W,   b <- b - mean(b)
/// ```
///
/// The float network computes the same function, up to rounding. A stream that something other than such normalizations and
/// additions uses stays as it is; [`merge_norm_affine`](super::merge_norm_affine) takes biases away first.
///
/// # Errors
/// Constants that are no floats.
pub fn layer_norm_to_rms(graph: &mut Graph) -> Result<PassReport, PassError> {
    let norms: Vec<NodeId> = graph
        .nodes()
        .filter(|(_, node)| matches!(node.op, Op::LayerNormalization(_)))
        .map(|(id, _)| id)
        .collect();
    let mut done: BTreeSet<NodeId> = BTreeSet::new();
    for norm in norms {
        if done.contains(&norm) {
            continue;
        }
        let mut stream = Stream::default();
        if let Some(input) = graph.node(norm).input(0) {
            stream.add(input);
        }
        stream.run(graph);
        if stream.valid {
            for &(node, at, axis) in &stream.made {
                centre(graph, node, at, axis)?;
            }
            for &id in &stream.norms {
                let node = graph.node_mut(id);
                if let Op::LayerNormalization(op) = &node.op {
                    node.op = Op::RMSNormalization(RMSNormalization {
                        axis: op.axis,
                        epsilon: op.epsilon,
                        stash_type: op.stash_type,
                    });
                    node.inputs.truncate(2);
                }
            }
            done.extend(&stream.norms);
        }
    }
    graph.sort()?;
    graph.infer()?;
    Ok(PassReport::new("layer norm to rms", done.len(), "layer normalizations of a centred stream"))
}

/// Values that are added up, what makes them, and the normalizations that take them.
struct Stream {
    values: BTreeSet<ValueId>,
    waiting: Vec<ValueId>,
    /// Constants by node and place, with the axis of the channels.
    made: BTreeSet<(NodeId, usize, Channels)>,
    norms: BTreeSet<NodeId>,
    valid: bool,
}

/// The axis of a constant along which the channels lie.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Channels {
    First,
    Last,
}

impl Default for Stream {
    fn default() -> Self {
        let (values, made, norms) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        Self { values, waiting: Vec::new(), made, norms, valid: true }
    }
}

impl Stream {
    fn add(&mut self, value: ValueId) {
        if self.values.insert(value) {
            self.waiting.push(value);
        }
    }

    fn run(&mut self, graph: &Graph) {
        while let Some(value) = self.waiting.pop() {
            self.valid &= !graph.is_output(value);
            match graph.producer(value) {
                None => self.valid = false,
                Some((id, _)) => self.maker(graph, id),
            }
            for (id, at) in graph.consumers(value) {
                let node = graph.node(id);
                match &node.op {
                    Op::LayerNormalization(_) if at == 0 && is_plain(graph, id) => {
                        self.norms.insert(id);
                    }
                    Op::Add(_) | Op::Identity(_) | Op::Dropout(_) => {
                        node.outputs.iter().take(1).flatten().for_each(|&id| self.add(id));
                    }
                    _ => self.valid = false,
                }
            }
        }
    }

    /// What makes a value of the stream.
    fn maker(&mut self, graph: &Graph, id: NodeId) {
        let node = graph.node(id);
        if let Some(product) = products(graph).into_iter().find(|product| product.node == id) {
            self.valid &= !product.is_convolution() && product.weight_quantizer.is_none();
            let axis = if product.output_axis() == 0 { Channels::First } else { Channels::Last };
            self.made.insert((id, 1, axis));
            if product.bias.is_some() {
                self.made.insert((id, 2, Channels::Last));
            }
            return;
        }
        match &node.op {
            Op::Add(_) => {
                for at in 0..2 {
                    match node.input(at) {
                        Some(input) if graph.data(input).is_none() => self.add(input),
                        _ => drop(self.made.insert((id, at, Channels::Last))),
                    }
                }
            }
            Op::Identity(_) | Op::Dropout(_) => match node.input(0) {
                Some(input) => self.add(input),
                None => self.valid = false,
            },
            Op::Gather(gather) => {
                let table = node.input(0).and_then(|table| graph.data(table));
                self.valid &= gather.axis == 0 && table.is_some_and(|t| t.shape().len() == 2);
                self.made.insert((id, 0, Channels::Last));
            }
            _ => self.valid = false,
        }
    }
}

/// Whether a normalization adds nothing and is one over the last axis.
fn is_plain(graph: &Graph, id: NodeId) -> bool {
    let node = graph.node(id);
    let scale = node.input(1).and_then(|scale| graph.data(scale));
    let zero = |bias: ValueId| floats(graph, bias).is_ok_and(|bias| bias.iter().all(|&b| b == 0.0));
    scale.is_some_and(|scale| scale.shape().len() == 1) && node.input(2).is_none_or(zero)
}

/// Subtracts the mean over the channels of a constant that a node uses; others that use it keep the old one.
fn centre(graph: &mut Graph, id: NodeId, at: usize, axis: Channels) -> Result<(), PassError> {
    let Some(constant) = graph.node(id).input(at) else { return Ok(()) };
    let mut array: ArrayD<f32> = floats(graph, constant)?;
    let axis = match axis {
        Channels::First => Axis(0),
        Channels::Last => Axis(array.ndim().saturating_sub(1)),
    };
    for mut lane in array.lanes_mut(axis) {
        let mean = lane.iter().map(|&x| f64::from(x)).sum::<f64>() / lane.len().max(1) as f64;
        lane.mapv_inplace(|x| (f64::from(x) - mean) as f32);
    }
    if graph.consumers(constant).len() == 1 {
        graph.set_data(constant, array);
    } else {
        let name = format!("{}.centred", graph.name_of(constant));
        let own = graph.add_constant(&name, array);
        graph.node_mut(id).inputs[at] = Some(own);
    }
    Ok(())
}
