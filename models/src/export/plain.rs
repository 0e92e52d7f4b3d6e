//! Whether a network is, but for its quantizers, what a checkpoint of its architecture is built into.

use std::collections::BTreeMap;

use crate::graph::{Graph, Node, ValueId};
use crate::language::{
    BuildOptions, Checkpoint, KeyValueCache, LanguageConfig, LanguageError, LogitsToKeep,
    Tokenizer, build,
};
use crate::ops::Op;
use crate::tensor::Tensor;

use super::ExportError;

/// The constant that a value is, perhaps through a quantizer.
pub(super) fn constant_of(graph: &Graph, value: ValueId) -> Option<(ValueId, Option<&Node>)> {
    if graph.data(value).is_some() {
        return Some((value, None));
    }
    let node = graph.node(graph.producer(value)?.0);
    let input = node.input(0).filter(|&input| graph.data(input).is_some())?;
    matches!(node.op, Op::Quantize(_)).then_some((input, Some(node)))
}

/// A network of a plain architecture: each weight by Hugging Face's name.
pub(super) struct PlainModel<'a> {
    graph: &'a Graph,
    config: LanguageConfig,
    nodes: BTreeMap<&'a str, &'a Node>,
    names: Vec<String>,
}

impl<'a> PlainModel<'a> {
    /// The network as one of the architecture.
    pub(super) fn of(graph: &'a Graph, config: &LanguageConfig) -> Result<Self, ExportError> {
        let nodes: BTreeMap<&str, &Node> =
            graph.nodes().map(|(_, node)| (node.name.as_str(), node)).collect();
        let input = |node: &str, place: usize| nodes.get(node).and_then(|node| node.input(place));
        let (embedding, last) = (input("model.embed_tokens", 0), input("lm_head", 1));
        let first = |part: &str| input(&format!("model.layers.0.{part}"), 2).is_some();
        let config = LanguageConfig {
            // A last layer that is rounded otherwise than the embedding is a matrix of its own.
            tie_word_embeddings: embedding.is_some() && embedding == last,
            attention_bias: first("self_attn.q_proj"),
            mlp_bias: first("mlp.gate_proj"),
            ..config.clone()
        };
        let mut model = Self { graph, config, nodes, names: Vec::new() };
        let wrong = |problem: String| ExportError::Structure {
            architecture: model.config.architecture.to_string(),
            problem,
        };
        let has = |name: &str| graph.inputs().iter().any(|&id| graph.name_of(id) == name);
        let options = BuildOptions {
            cache: match has("past_key_values.0.key") {
                true => KeyValueCache::Inputs,
                false => KeyValueCache::None,
            },
            logits: match has("logits_to_keep") {
                true => LogitsToKeep::Chosen,
                false => LogitsToKeep::All,
            },
        };
        let built = build(&model, &options, &mut |_, _| ());
        let built = built.map_err(|error| wrong(error.to_string()))?;
        let mut stripped = graph.clone();
        for id in graph.order() {
            if matches!(graph.node(*id).op, Op::Quantize(_)) {
                stripped.bypass(*id);
            }
        }
        same(&stripped, &built).map_err(wrong)?;
        let is_weight = |name: &str| name.ends_with(".weight") || name.ends_with(".bias");
        model.names = built
            .values()
            .filter(|(_, value)| value.data.is_some() && is_weight(&value.name))
            .map(|(_, value)| value.name.clone())
            .collect();
        Ok(model)
    }

    /// The architecture, with what the network has of biases and of a last layer.
    pub(super) fn config(&self) -> &LanguageConfig {
        &self.config
    }

    /// The weights by name, each with the node that takes it and the place among its inputs.
    pub(super) fn weights(&self) -> Vec<(String, &'a Node, usize)> {
        let found = self.names.iter().filter_map(|name| {
            let (node, place) = self.place(name)?;
            Some((name.clone(), node, place))
        });
        found.collect()
    }

    fn place(&self, name: &str) -> Option<(&'a Node, usize)> {
        let (node, what) = name.rsplit_once('.')?;
        let place = match (node, what) {
            ("model.embed_tokens", "weight") => 0,
            (_, "weight") => 1,
            (_, "bias") => 2,
            _ => return None,
        };
        Some((*self.nodes.get(node)?, place))
    }
}

/// The network's own weights, so that none is read again.
impl Checkpoint for PlainModel<'_> {
    fn config(&self) -> &LanguageConfig {
        &self.config
    }

    fn names(&self) -> Vec<String> {
        self.names.clone()
    }

    fn tensor(&self, name: &str) -> Result<Tensor, LanguageError> {
        let place = self.place(name);
        let input = place.and_then(|(node, place)| node.input(place));
        let constant = input.and_then(|input| constant_of(self.graph, input));
        let data = constant.and_then(|(value, _)| self.graph.data(value)).cloned();
        data.ok_or_else(|| LanguageError::Tensor {
            name: name.into(),
            problem: "the network has none under this name".into(),
        })
    }

    fn tokenizer(&self) -> Result<Tokenizer, LanguageError> {
        Err(LanguageError::Tokenizer("a network has none".into()))
    }
}

/// What a node is without its weights: operator, and where its inputs come from.
#[derive(PartialEq)]
struct Shape<'a> {
    op: &'a Op,
    inputs: Vec<Source<'a>>,
}

/// Where an input comes from.
#[derive(PartialEq)]
enum Source<'a> {
    None,
    /// A list of extents, or of other integers.
    Integers(Vec<i64>),
    /// Floats of a shape.
    Floats(&'a [usize]),
    /// An output of a node.
    Node(&'a str, usize),
    /// An input of the network.
    Input(&'a str),
}

fn shapes<'a>(graph: &'a Graph) -> BTreeMap<&'a str, Shape<'a>> {
    let producers: BTreeMap<ValueId, (&str, usize)> = graph
        .nodes()
        .flat_map(|(_, node)| {
            let outputs = node.outputs.iter().enumerate();
            outputs.filter_map(|(place, value)| Some(((*value)?, (node.name.as_str(), place))))
        })
        .collect();
    let source = |input: &Option<ValueId>| {
        let Some(id) = *input else { return Source::None };
        match (graph.data(id), producers.get(&id)) {
            (Some(data), _) => match data.integers() {
                Ok(integers) => Source::Integers(integers),
                Err(_) => Source::Floats(data.shape()),
            },
            (None, Some((node, place))) => Source::Node(node, *place),
            (None, None) => Source::Input(graph.name_of(id)),
        }
    };
    let shape = |(_, node): (_, &'a Node)| {
        let inputs = node.inputs.iter().map(source).collect();
        (node.name.as_str(), Shape { op: &node.op, inputs })
    };
    graph.nodes().map(shape).collect()
}

/// Whether two networks have the same nodes; the first that differs.
fn same(found: &Graph, expected: &Graph) -> Result<(), String> {
    let (found, expected) = (shapes(found), shapes(expected));
    for (name, shape) in &found {
        match expected.get(name) {
            None => {
                let op = shape.op.name();
                return Err(format!(
                    "the node `{name}` ({op}) is none of it: quantize without rotations that are computed, and without low-rank parts"
                ));
            }
            Some(other) if other != shape => {
                return Err(format!(
                    "the node `{name}` computes something else, or of other values"
                ));
            }
            Some(_) => {}
        }
    }
    match expected.keys().find(|name| !found.contains_key(*name)) {
        Some(name) => Err(format!("the node `{name}` is missing")),
        None => Ok(()),
    }
}
