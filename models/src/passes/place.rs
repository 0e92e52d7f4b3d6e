//! Where a quantizer stands: in the network, or in the body of one of its loops.

use crate::graph::{Graph, Node, NodeId};
use crate::ops::{Op, Quantize};

/// A node of a network, or of the body of one of its loops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// The node; the loop, where it lies in one.
    pub(super) node: NodeId,
    /// The node of the loop's body.
    pub(super) inner: Option<NodeId>,
}

impl Place {
    /// All quantizers, in the order in which they run, and whether they are of a constant.
    pub(super) fn of_quantizers(graph: &Graph) -> Vec<(Self, &Quantize, bool)> {
        let mut found = Vec::new();
        let is_constant =
            |graph: &Graph, node: &Node| node.input(0).is_some_and(|x| graph.data(x).is_some());
        for (node, at) in graph.nodes() {
            match &at.op {
                Op::Quantize(op) => {
                    found.push((Self { node, inner: None }, op, is_constant(graph, at)));
                }
                Op::Scan(scan) => {
                    for (inner, at) in scan.body.nodes() {
                        let Op::Quantize(op) = &at.op else { continue };
                        let place = Self { node, inner: Some(inner) };
                        found.push((place, op, is_constant(&scan.body, at)));
                    }
                }
                _ => {}
            }
        }
        found
    }

    /// The node.
    pub(super) fn node(self, graph: &Graph) -> &Node {
        let node = graph.node(self.node);
        match (self.inner, &node.op) {
            (Some(inner), Op::Scan(scan)) => scan.body.node(inner),
            _ => node,
        }
    }

    /// The quantizer, to be changed.
    pub(super) fn quantizer_mut(self, graph: &mut Graph) -> Option<&mut Quantize> {
        let op = match (self.inner, &mut graph.node_mut(self.node).op) {
            (Some(inner), Op::Scan(scan)) => &mut scan.body.node_mut(inner).op,
            (_, op) => op,
        };
        match op {
            Op::Quantize(op) => Some(op),
            _ => None,
        }
    }
}
