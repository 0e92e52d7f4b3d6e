//! Attention as its parts.

use crate::graph::{Graph, Node, NodeId, ValueId};
use crate::ops::{
    Add, Attention, Concat, ConstantOfShape, Dim, Div, Gather, Identity, MatMul, Mul, Op, Reshape,
    Shape, Softmax, Tanh, Transpose, Trilu, Unsqueeze, Where,
};
use crate::tensor::{ElementType, Tensor};

use super::make::Make;
use super::{PassError, PassReport};

/// Replaces `Attention` by two products and a softmax, so that quantizers stand on queries, keys, values and probabilities, and
/// each product has an accumulator.
///
/// ```text
/// s = (q k') scale      s = softcap tanh(s / softcap)      y = softmax(s + mask) v      head by head
/// ```
/// Heads of queries that share one of keys are a batch of their own, `[B, K, H / K, L, D]`: keys are not copied. What a causal mask
/// hides is -infinity; where a mask hides every key from a query, the result is NaN and not 0.
///
/// Nodes with windows, with lengths of keys, or whose products are an output stay, and so do those whose sizes of heads are not
/// known.
///
/// # Errors
/// A graph that cannot be put in order.
pub fn decompose_attention(graph: &mut Graph) -> Result<PassReport, PassError> {
    let found: Vec<(NodeId, Parts)> = graph
        .nodes()
        .filter_map(|(id, node)| match &node.op {
            Op::Attention(op) => Some((id, Parts::of(graph, node, op)?)),
            _ => None,
        })
        .collect();
    for (id, parts) in &found {
        let node = graph.node(*id).clone();
        graph.remove(*id);
        parts.build(graph, &node);
    }
    graph.sort()?;
    graph.infer()?;
    Ok(PassReport::new("decompose attention", found.len(), "nodes of attention"))
}

/// What is known of a node of attention.
struct Parts {
    op: Attention,
    /// Whether heads lie side by side in the last of three axes.
    is_flat: bool,
    /// Heads of queries, and of keys and values.
    heads: [usize; 2],
    /// Elements of a head of queries and keys, and of values.
    sizes: [usize; 2],
}

impl Parts {
    fn of(graph: &Graph, node: &Node, op: &Attention) -> Option<Self> {
        let plain =
            (op.left, op.right) == (-1, -1) && node.input(6).is_none() && node.output(3).is_none();
        let dims = |place: usize| graph.value(node.input(place)?).fact.shape.clone();
        let (q, k, v) = (dims(0)?, dims(1)?, dims(2)?);
        let is_flat = q.len() == 3;
        let extent = |dims: &[Dim], axis: usize| dims.get(axis).and_then(Dim::size);
        let heads = match is_flat {
            true => [op.query_heads, op.key_heads],
            false => [extent(&q, 1)?, extent(&k, 1)?],
        };
        let divides = heads[1] > 0 && heads[0] > 0 && heads[0].is_multiple_of(heads[1]);
        if !plain || !divides || k.len() != q.len() || v.len() != q.len() {
            return None;
        }
        let size = |dims: &[Dim], heads: usize| {
            let last = extent(dims, dims.len() - 1)?;
            Some(if is_flat { last / heads } else { last })
        };
        let sizes = [size(&q, heads[0])?, size(&v, heads[1])?];
        // A mask over fewer keys than there are hides the others.
        let reaches = match (node.input(3), node.input(4)) {
            (None, _) => true,
            (Some(mask), None) => {
                let mask = graph.value(mask).fact.shape.clone()?;
                let keys = k.get(k.len() - 2)?;
                let last = mask.last()?;
                let heads_fit = heads[0] == heads[1]
                    || mask.len() < 3
                    || mask.get(mask.len() - 3).and_then(Dim::size) == Some(1);
                heads_fit && mask.len() >= 2 && (last == keys || last.size().is_none())
            }
            (Some(mask), Some(_)) => graph.value(mask).fact.rank() == Some(2),
        };
        (reaches && sizes[0] > 0 && sizes[1] > 0).then(|| Self {
            op: op.clone(),
            is_flat,
            heads,
            sizes,
        })
    }

    fn build(&self, graph: &mut Graph, node: &Node) {
        let [queries, own] = self.heads;
        let mut make = Make { graph, name: &node.name };
        let input = |place: usize| node.input(place);
        let (Some(q), Some(k), Some(v), Some(y)) = (input(0), input(1), input(2), node.output(0))
        else {
            return;
        };
        let q = if self.is_flat { make.by_heads("q", q, queries) } else { q };
        let mut k = if self.is_flat { make.by_heads("k", k, own) } else { k };
        let mut v = if self.is_flat { make.by_heads("v", v, own) } else { v };
        for (place, past, value, name) in [(1, 4, &mut k, "keys"), (2, 5, &mut v, "values")] {
            let all = input(past).map(|past| (Op::from(Concat { axis: 2 }), vec![past, *value]));
            match (all, node.output(place)) {
                (None, None) => {}
                (all, present) => {
                    let (op, inputs) = all.unwrap_or((Identity {}.into(), vec![*value]));
                    *value = match present {
                        Some(present) => make.compute(name, op, &inputs, present),
                        None => make.add(name, op, &inputs),
                    };
                }
            }
        }
        let grouped = queries != own;
        let q = match grouped {
            true => {
                let shape = [0, own as i64, (queries / own) as i64, -1, self.sizes[0] as i64];
                make.reshaped("queries_by_group", q, &shape)
            }
            false => q,
        };
        let order = if grouped { vec![0, 1, 2, 4, 3] } else { vec![0, 1, 3, 2] };
        if grouped {
            let axis = make.constant("group_axis", Tensor::vector(vec![2i64]));
            k = make.add("keys_by_group", Unsqueeze {}, &[k, axis]);
            v = make.add("values_by_group", Unsqueeze {}, &[v, axis]);
        }
        let k = make.add("transposed_keys", Transpose { order }, &[k]);
        let mut s = make.add("scores", MatMul {}, &[q, k]);
        let scale = self.op.scale.unwrap_or(1.0 / (self.sizes[0] as f32).sqrt());
        let factor = make.constant("scale", Tensor::scalar(scale));
        s = make.add("scaled_scores", Mul {}, &[s, factor]);
        if self.op.softcap > 0.0 {
            let cap = make.constant("softcap", Tensor::scalar(self.op.softcap));
            s = make.add("scores_by_cap", Div {}, &[s, cap]);
            s = make.add("tanh_of_scores", Tanh {}, &[s]);
            s = make.add("capped_scores", Mul {}, &[s, cap]);
        }
        if let Some(mask) = input(3) {
            let added = make.mask(mask, grouped);
            s = make.add("masked_scores", Add {}, &[s, added]);
        }
        if self.op.causal {
            let hidden = make.hidden(s, input(4));
            s = make.add("causal_scores", Add {}, &[s, hidden]);
        }
        let p = make.add("probabilities", Softmax { axis: -1, ..Softmax::default() }, &[s]);
        match (grouped, self.is_flat) {
            (false, false) => {
                make.compute("attended", MatMul {}.into(), &[p, v], y);
            }
            _ => {
                let mut o = make.add("attended", MatMul {}, &[p, v]);
                if grouped {
                    let shape = [0, queries as i64, -1, self.sizes[1] as i64];
                    let shape = make.constant("heads", Tensor::vector(shape.to_vec()));
                    let op = Reshape::default();
                    if !self.is_flat {
                        make.compute("by_heads", op.into(), &[o, shape], y);
                        return;
                    }
                    o = make.add("by_heads", op, &[o, shape]);
                }
                o = make.add("by_places", Transpose { order: vec![0, 2, 1, 3] }, &[o]);
                let shape = make.constant("flat", Tensor::vector(vec![0i64, 0, -1]));
                make.compute("side_by_side", Reshape::default().into(), &[o, shape], y);
            }
        }
    }
}

impl Make<'_> {
    fn reshaped(&mut self, name: &str, x: ValueId, shape: &[i64]) -> ValueId {
        let shape = self.constant(&format!("{name}.shape"), Tensor::vector(shape.to_vec()));
        self.add(name, Reshape::default(), &[x, shape])
    }

    /// `[batch, heads, places, size]` of heads side by side.
    fn by_heads(&mut self, name: &str, x: ValueId, heads: usize) -> ValueId {
        let x = self.reshaped(name, x, &[0, 0, heads as i64, -1]);
        self.add(&format!("{name}_by_heads"), Transpose { order: vec![0, 2, 1, 3] }, &[x])
    }

    /// What a mask adds to products.
    fn mask(&mut self, mask: ValueId, grouped: bool) -> ValueId {
        let fact = self.graph.value(mask).fact.clone();
        let mut mask = mask;
        if fact.element == Some(ElementType::Bool) {
            let seen = self.constant("seen", Tensor::scalar(0.0f32));
            let hidden = self.constant("unseen", Tensor::scalar(f32::NEG_INFINITY));
            mask = self.add("mask", Where {}, &[mask, seen, hidden]);
        }
        if let (true, Some(rank @ 3..)) = (grouped, fact.rank()) {
            // The axis of the heads is one of 1: groups broadcast beside it.
            let axis = self.constant("mask_axis", Tensor::vector(vec![rank as i64 - 2]));
            mask = self.add("mask_by_group", Unsqueeze {}, &[mask, axis]);
        }
        mask
    }

    /// -infinity where a key lies behind a query's own place: above the diagonal that begins behind the past keys.
    fn hidden(&mut self, scores: ValueId, past: Option<ValueId>) -> ValueId {
        let one = self.constant("one", Tensor::scalar(1i64));
        let diagonal = match past {
            None => one,
            Some(past) => {
                let shape = self.add("past_shape", Shape::default(), &[past]);
                let place = self.constant("past_axis", Tensor::scalar(2i64));
                let length = self.add("past_length", Gather::default(), &[shape, place]);
                self.add("first_hidden", Add {}, &[length, one])
            }
        };
        let shape = self.add("scores_shape", Shape::default(), &[scores]);
        let last = self.constant("last_axes", Tensor::vector(vec![-2i64, -1]));
        let shape = self.add("mask_shape", Gather::default(), &[shape, last]);
        let fill = ConstantOfShape { value: Tensor::vector(vec![f32::NEG_INFINITY]) };
        let all = self.add("all_hidden", fill, &[shape]);
        self.add("hidden", Trilu { upper: true }, &[all, diagonal])
    }
}
