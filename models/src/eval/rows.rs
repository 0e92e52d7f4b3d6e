//! The products that a report has a row for.

use fewbit::Accumulator;

use crate::graph::{Graph, NodeId, Product, ValueId};
use crate::ops::Op;
use crate::passes::source_quantizer;

/// A product with a row of its own.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// Its name.
    pub(super) name: String,
    /// Its node; the loop in whose body it lies, if it lies in one.
    pub(super) node: NodeId,
    /// Its node in the loop's body.
    pub(super) inner: Option<NodeId>,
    /// Its weights, if it has some; else it multiplies two activations.
    pub(super) product: Option<Product>,
}

impl Row {
    /// All of a network, in the order in which they run: products with constant weights, products of two values that both come
    /// from quantizers, and those in the bodies of loops.
    pub(super) fn all(graph: &Graph) -> Vec<Self> {
        let mut rows = Vec::new();
        for (id, node) in graph.nodes() {
            if let Op::Scan(scan) = &node.op {
                let inner = Self::all(&scan.body).into_iter();
                rows.extend(inner.filter(|row| row.inner.is_none()).map(|row| Self {
                    node: id,
                    inner: Some(row.node),
                    ..row
                }));
                continue;
            }
            let product = Product::of(graph, id, node);
            let of_codes = |place: usize| {
                node.input(place).is_some_and(|input| source_quantizer(graph, input).is_some())
            };
            let multiplies = matches!(node.op, Op::MatMul(_)) && of_codes(0) && of_codes(1);
            if product.is_some() || multiplies {
                rows.push(Self { name: node.name.clone(), node: id, inner: None, product });
            }
        }
        rows
    }

    /// Whether quantizers round both of its operands, as far as they are known to.
    pub(super) fn is_quantized(&self) -> bool {
        self.product.as_ref().is_none_or(|product| product.weight_quantizer.is_some())
    }

    /// What it gives, in the graph in which it lies.
    pub(super) fn output(&self, graph: &Graph) -> Option<ValueId> {
        let node = graph.node(self.node);
        match (self.inner, &node.op) {
            (Some(inner), Op::Scan(scan)) => scan.body.node(inner).output(0),
            _ => node.output(0),
        }
    }

    /// Gives it an accumulator.
    pub(super) fn set_accumulator(&self, graph: &mut Graph, accumulator: Accumulator) {
        match self.inner {
            None => graph.set_accumulator(self.node, accumulator),
            Some(inner) => {
                if let Op::Scan(scan) = &mut graph.node_mut(self.node).op {
                    scan.body.set_accumulator(inner, accumulator);
                }
            }
        }
    }
}
