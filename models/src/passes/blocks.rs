//! Blocks: parts of a network that a pass looks at as a whole.

use std::collections::{BTreeMap, HashSet};

use regex::Regex;

use crate::graph::{Graph, NodeId, ValueId};
use crate::ops::Op;

use super::PassError;

/// Which nodes are a block.
#[derive(Clone, Debug)]
pub enum Blocks {
    /// The regions under a name: `model.layers` has `model.layers.0`, `model.layers.1`, ...
    Regions(String),
    /// The nodes whose names are the same up to the first part that the expression is found in. Parts are between slashes, in
    /// names without any between dots: `layer\d+` makes a block of `/layer1/layer1.0/conv1/Conv` and all else that begins with
    /// `/layer1/`.
    Matching(Regex),
}

/// A block: nodes that run one after the other.
#[derive(Clone, Debug)]
pub(super) struct Block {
    pub(super) name: String,
    /// In order, without quantizers of constants.
    pub(super) nodes: Vec<NodeId>,
    /// What is computed elsewhere, and quantized constants.
    pub(super) inputs: Vec<ValueId>,
    /// What is used elsewhere.
    pub(super) outputs: Vec<ValueId>,
}

impl Blocks {
    /// The block that a node of this name belongs to.
    fn of(&self, node: &str) -> Option<String> {
        match self {
            Self::Regions(name) => {
                let rest = node.strip_prefix(name.as_str())?.strip_prefix('.')?;
                let (part, _) = rest.split_once('.')?;
                Some(format!("{name}.{part}"))
            }
            Self::Matching(expression) => {
                let separator = if node.contains('/') { '/' } else { '.' };
                let mut end = 0;
                for part in node.split(separator) {
                    end += part.len();
                    if expression.is_match(part) {
                        return Some(node[..end].to_owned());
                    }
                    end += 1;
                }
                None
            }
        }
    }

    /// The blocks of a graph, in the order in which they run: from a block's first node to its last one all nodes are part of it.
    ///
    /// # Errors
    /// No block; two of which one begins before the other ends.
    pub(super) fn find(&self, graph: &Graph) -> Result<Vec<Block>, PassError> {
        let is_constant = |id: NodeId| {
            let node = graph.node(id);
            let data = node.input(0).and_then(|input| graph.data(input));
            matches!(node.op, Op::Quantize(_)) && data.is_some()
        };
        let order: Vec<NodeId> =
            graph.order().iter().copied().filter(|&id| !is_constant(id)).collect();
        let mut ranges: BTreeMap<String, (usize, usize)> = BTreeMap::new();
        for (place, &id) in order.iter().enumerate() {
            if let Some(name) = self.of(&graph.node(id).name) {
                ranges.entry(name).or_insert((place, place)).1 = place;
            }
        }
        let mut ranges: Vec<(String, (usize, usize))> = ranges.into_iter().collect();
        ranges.sort_unstable_by_key(|(_, range)| *range);
        if ranges.is_empty() {
            let first = order.first().map_or("", |&id| graph.node(id).name.as_str());
            let problem = format!("no node belongs to a block of {self}; names are as `{first}`");
            return Err(PassError::Missing(problem));
        }
        if let Some(pair) = ranges.windows(2).find(|pair| pair[1].1.0 <= pair[0].1.1) {
            let [a, b] = [&pair[0].0, &pair[1].0];
            let problem = format!("blocks `{a}` and `{b}` overlap: name larger ones");
            return Err(PassError::Missing(problem));
        }
        let block = |(name, (from, to)): (String, (usize, usize))| {
            Block::of(graph, name, order[from..=to].to_vec())
        };
        Ok(ranges.into_iter().map(block).collect())
    }
}

impl std::fmt::Display for Blocks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Regions(name) => f.write_str(name),
            Self::Matching(expression) => expression.fmt(f),
        }
    }
}

impl Block {
    fn of(graph: &Graph, name: String, nodes: Vec<NodeId>) -> Self {
        let inside: HashSet<NodeId> = nodes.iter().copied().collect();
        let made: Vec<ValueId> =
            nodes.iter().flat_map(|&id| graph.node(id).outputs.iter().flatten().copied()).collect();
        let known: HashSet<ValueId> = made.iter().copied().collect();
        let mut inputs = Vec::new();
        for &id in &nodes {
            for &input in graph.node(id).inputs.iter().flatten() {
                let is_given = known.contains(&input) || graph.data(input).is_some();
                if !is_given && !inputs.contains(&input) {
                    inputs.push(input);
                }
            }
        }
        let mut outside: HashSet<ValueId> = graph.outputs().iter().copied().collect();
        for (id, node) in graph.nodes() {
            if !inside.contains(&id) {
                outside.extend(node.inputs.iter().flatten());
            }
        }
        let outputs = made.into_iter().filter(|value| outside.contains(value)).collect();
        Self { name, nodes, inputs, outputs }
    }
}
