//! Quantizers inside attention.

use fewbit::quantize::Quantizer;

use crate::graph::{Graph, Node, NodeId, ValueId};
use crate::ops::{Op, Quantize, Transpose};

use super::{PassError, PassReport};

/// The quantizers of `softmax(q k') v`; what has none stays a float.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SdpaQuantizers {
    /// Of queries `[.., L, D]`.
    pub q: Option<Quantizer>,
    /// Of keys `[.., S, D]`: a scale per row is one per token.
    pub k: Option<Quantizer>,
    /// Of values, transposed, `[.., D, S]`: a scale per row is one per channel, for it is tokens that the product sums over.
    pub v: Option<Quantizer>,
    /// Of probabilities `[.., L, S]`.
    pub probabilities: Option<Quantizer>,
}

/// Puts quantizers on what the two products of every attention take, which [`decompose_attention`](super::decompose_attention)
/// made of it.
///
/// # Errors
/// A graph that cannot be put in order.
pub fn insert_attention_quantizers(
    graph: &mut Graph,
    quantizers: &SdpaQuantizers,
) -> Result<PassReport, PassError> {
    let found: Vec<Pair> =
        graph.nodes().filter_map(|(id, node)| Pair::of(graph, id, node)).collect();
    for pair in &found {
        if let Some(quantizer) = &quantizers.q {
            put_in_front(graph, pair.scores, 0, quantizer, "q");
        }
        if let Some(quantizer) = &quantizers.k {
            // Keys are quantized as they lie before they are transposed.
            let keys = graph.node(pair.scores).input(1).and_then(|k| graph.producer(k));
            let transposed = keys.map(|(id, _)| id);
            match transposed.filter(|&id| matches!(graph.node(id).op, Op::Transpose(_))) {
                Some(id) => put_in_front(graph, id, 0, quantizer, "k"),
                None => put_in_front(graph, pair.scores, 1, quantizer, "k"),
            }
        }
        if let Some(quantizer) = &quantizers.probabilities {
            put_in_front(graph, pair.attended, 0, quantizer, "probabilities");
        }
        if let Some(quantizer) = &quantizers.v {
            put_transposed(graph, pair.attended, quantizer);
        }
    }
    graph.sort()?;
    graph.infer()?;
    Ok(PassReport::new("insert attention quantizers", found.len(), "attentions"))
}

/// The products of one attention.
struct Pair {
    scores: NodeId,
    attended: NodeId,
}

impl Pair {
    /// Those of which a node is the second: a product whose first operand a softmax makes of the other's.
    fn of(graph: &Graph, id: NodeId, node: &Node) -> Option<Self> {
        if !matches!(node.op, Op::MatMul(_)) {
            return None;
        }
        let (softmax, _) = graph.producer(node.input(0)?)?;
        if !matches!(graph.node(softmax).op, Op::Softmax(_)) {
            return None;
        }
        // Back through what scales and masks scores.
        let mut at = softmax;
        while !matches!(graph.node(at).op, Op::MatMul(_)) {
            let node = graph.node(at);
            let passes = matches!(
                node.op,
                Op::Softmax(_) | Op::Add(_) | Op::Mul(_) | Op::Div(_) | Op::Tanh(_)
            );
            if !passes {
                return None;
            }
            at = graph.producer(node.input(0)?)?.0;
        }
        Some(Self { scores: at, attended: id })
    }
}

/// Puts a quantizer on an input of a node.
fn put_in_front(graph: &mut Graph, id: NodeId, place: usize, quantizer: &Quantizer, what: &str) {
    let Some(input) = graph.node(id).input(place) else { return };
    let name = format!("{}.{what}.quantizer", graph.node(id).name);
    let quantized = graph.add(&name, Quantize::new(quantizer.clone()), &[input]);
    graph.node_mut(id).inputs[place] = Some(quantized);
}

/// Puts a quantizer on the transposed second operand of a product.
fn put_transposed(graph: &mut Graph, id: NodeId, quantizer: &Quantizer) {
    let node = graph.node(id);
    let Some(input) = node.input(1) else { return };
    let name = node.name.clone();
    let rank = graph.value(input).fact.rank().unwrap_or(4);
    let mut order: Vec<i64> = (0..rank as i64).collect();
    order.swap(rank - 1, rank - 2);
    let mut add = |what: &str, op: Op, x: ValueId| graph.add(&format!("{name}.v.{what}"), op, &[x]);
    let turned = add("transposed", Transpose { order: order.clone() }.into(), input);
    let codes = add("quantizer", Quantize::new(quantizer.clone()).into(), turned);
    let back = add("back", Transpose { order }.into(), codes);
    graph.node_mut(id).inputs[1] = Some(back);
}
