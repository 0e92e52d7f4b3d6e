//! From our graphs to a file's.

use std::collections::{HashMap, HashSet};

use crate::graph::{Graph, Node, NodeId, ValueId};
use crate::ops::{Attribute, Dim, Fact, If, Op, OpError, Scan, ScanDirection};

use super::super::ACCUMULATOR;
use super::super::OnnxError;
use super::super::proto::{
    AttributeProto, DimensionProto, GraphProto, NodeProto, StringStringEntryProto,
    TensorAnnotation, TensorShapeProto, TensorTypeProto, TypeProto, ValueInfoProto,
    attribute_type as kind,
};
use super::datatype::{KEY, finn_datatypes};
use super::external::ExternalData;
use super::tensor::{external, number, tensor};

/// A graph as a file has it.
pub(super) fn graph(
    graph: &Graph,
    opset: i64,
    external: Option<&ExternalData>,
) -> Result<GraphProto, OnnxError> {
    Scope { graph, opset, external, names: HashMap::new(), taken: HashSet::new() }.write(&[])
}

/// A graph and the names of its values in the file.
struct Scope<'a> {
    graph: &'a Graph,
    opset: i64,
    /// Initializers that are not in the file itself.
    external: Option<&'a ExternalData>,
    names: HashMap<ValueId, String>,
    /// The names of the graphs around, and of this one.
    taken: HashSet<String>,
}

impl Scope<'_> {
    /// Writes it; these inputs have names in the graph around, and are not written.
    fn write(mut self, captured: &[(ValueId, String)]) -> Result<GraphProto, OnnxError> {
        let graph = self.graph;
        self.names.extend(captured.iter().cloned());
        // In the order of their first use, each once.
        let mut values = graph.inputs().to_vec();
        for (_, node) in graph.nodes() {
            values.extend(node.inputs.iter().chain(&node.outputs).flatten());
        }
        values.extend(graph.outputs());
        let mut seen = HashSet::new();
        values.retain(|&id| seen.insert(id));
        for &id in &values {
            if !self.names.contains_key(&id) {
                let name = self.free(graph.name_of(id));
                self.taken.insert(name.clone());
                self.names.insert(id, name);
            }
        }
        let own = |id: &ValueId| !captured.iter().any(|(other, _)| other == id);
        let mut proto = GraphProto { name: Some(name_of(graph)), ..GraphProto::default() };
        for &id in graph.inputs().iter().filter(|id| own(id)) {
            proto.input.push(self.info(id)?);
        }
        let mut given: HashSet<ValueId> = graph.inputs().iter().copied().collect();
        for &id in values.iter().filter(|id| own(id)) {
            if let Some(data) = graph.data(id) {
                let name = &self.names[&id];
                let place = self.external.and_then(|external| {
                    Some((&external.location, external.places.get(graph.name_of(id))?))
                });
                proto.initializer.push(match place {
                    Some((location, place)) => external(name, data, location, place)?,
                    None => tensor(name, data)?,
                });
                given.insert(id);
            }
        }
        for (id, node) in graph.nodes() {
            let mut made = self.node(node)?;
            made.metadata_props = metadata(graph, id);
            proto.node.push(made);
        }
        for (id, datatype) in finn_datatypes(graph) {
            proto.quantization_annotation.push(TensorAnnotation {
                tensor_name: Some(self.names[&id].clone()),
                quant_parameter_tensor_names: vec![entry(KEY, datatype)],
            });
        }
        for &id in graph.outputs() {
            proto.output.push(self.info(id)?);
        }
        for &id in &values {
            let fact = &graph.value(id).fact;
            let says = fact.element.is_some() || fact.shape.is_some();
            if says && !given.contains(&id) && !graph.is_output(id) {
                proto.value_info.push(self.info(id)?);
            }
        }
        Ok(proto)
    }

    fn free(&self, name: &str) -> String {
        let numbered = (1..).map(|n| format!("{name}_{n}"));
        let mut names = std::iter::once(name.to_owned()).chain(numbered);
        names.find(|name| !self.taken.contains(name)).unwrap_or_default()
    }

    fn info(&self, id: ValueId) -> Result<ValueInfoProto, OnnxError> {
        let name = self.names[&id].clone();
        let Fact { element, shape, .. } = &self.graph.value(id).fact;
        let elem_type = element.map(|element| number(&name, element)).transpose()?;
        let dim = |dim: &Dim| match dim {
            Dim::Size(size) => DimensionProto { dim_value: Some(*size as i64), dim_param: None },
            Dim::Named(name) => {
                DimensionProto { dim_value: None, dim_param: Some(name.to_string()) }
            }
            Dim::Unknown => DimensionProto::default(),
        };
        let shape =
            shape.as_ref().map(|dims| TensorShapeProto { dim: dims.iter().map(dim).collect() });
        let tensor_type = Some(TensorTypeProto { elem_type, shape });
        let r#type = Some(TypeProto { tensor_type, ..TypeProto::default() });
        Ok(ValueInfoProto { name: Some(name), r#type: r#type.filter(|_| elem_type.is_some()) })
    }

    fn node(&self, node: &Node) -> Result<NodeProto, OnnxError> {
        let op = node.op.name();
        let wrong = |source| OnnxError::Node { node: node.name.clone(), op: op.into(), source };
        let since = node.op.since();
        if node.op.domain().is_empty() && since > self.opset {
            let problem = match since {
                i64::MAX => {
                    "this form of the operator, which newer operator sets do not have".into()
                }
                since => format!("this form of {op} is in operator sets from {since} on"),
            };
            return Err(wrong(OpError::Unsupported(problem)));
        }
        let names = |ids: &[Option<ValueId>]| {
            let name = |id: &Option<ValueId>| id.map(|id| self.names[&id].clone());
            ids.iter().map(|id| name(id).unwrap_or_default()).collect::<Vec<_>>()
        };
        let mut input = names(&node.inputs);
        let mut attribute = Vec::new();
        for (name, value) in node.op.attributes().iter() {
            attribute.push(self.attribute(&node.name, name, value)?);
        }
        if let Op::If(op) = &node.op {
            let captured = input.split_off(1.min(input.len()));
            attribute = self.branches(op, &captured)?;
        }
        if let Op::Scan(op) = &node.op {
            let captured = input.split_off((op.states + op.sequences).min(input.len()));
            attribute = self.loop_body(op, &captured)?;
        }
        Ok(NodeProto {
            input,
            output: names(&node.outputs),
            name: Some(node.name.clone()),
            op_type: Some(op.into()),
            attribute,
            domain: Some(node.op.domain().to_owned()).filter(|domain| !domain.is_empty()),
            metadata_props: Vec::new(),
        })
    }

    fn branches(&self, op: &If, captured: &[String]) -> Result<Vec<AttributeProto>, OnnxError> {
        let both = [("then_branch", &op.then_branch), ("else_branch", &op.else_branch)];
        both.into_iter().map(|(name, graph)| self.inner(name, graph, 0, captured)).collect()
    }

    fn loop_body(&self, op: &Scan, captured: &[String]) -> Result<Vec<AttributeProto>, OnnxError> {
        let outputs = op.body.outputs().len().saturating_sub(op.states);
        let mut attributes = vec![
            self.inner("body", &op.body, op.states + op.sequences, captured)?,
            self.attribute("", "num_scan_inputs", &Attribute::Int(op.sequences as i64))?,
        ];
        if op.direction == ScanDirection::Backward {
            let counts =
                [("scan_input_directions", op.sequences), ("scan_output_directions", outputs)];
            for (name, count) in counts {
                attributes.push(self.attribute("", name, &Attribute::Ints(vec![1; count]))?);
            }
        }
        Ok(attributes)
    }

    /// A graph within a node, whose inputs from a place on have names in this graph.
    fn inner(
        &self,
        name: &str,
        graph: &Graph,
        place: usize,
        captured: &[String],
    ) -> Result<AttributeProto, OnnxError> {
        let (opset, names, taken) = (self.opset, HashMap::new(), self.taken.clone());
        let scope = Scope { graph, opset, external: None, names, taken };
        let ids = graph.inputs().iter().skip(place).copied();
        let captured: Vec<(ValueId, String)> = ids.zip(captured.iter().cloned()).collect();
        Ok(AttributeProto {
            name: Some(name.to_owned()),
            g: Some(Box::new(scope.write(&captured)?)),
            r#type: Some(kind::GRAPH),
            ..AttributeProto::default()
        })
    }

    fn attribute(
        &self,
        node: &str,
        name: &str,
        value: &Attribute,
    ) -> Result<AttributeProto, OnnxError> {
        let mut proto = AttributeProto { name: Some(name.to_owned()), ..AttributeProto::default() };
        let bytes = |text: &String| text.clone().into_bytes().into();
        proto.r#type = Some(match value {
            Attribute::Int(value) => {
                proto.i = Some(*value);
                kind::INT
            }
            Attribute::Float(value) => {
                proto.f = Some(*value);
                kind::FLOAT
            }
            Attribute::Text(text) => {
                proto.s = Some(bytes(text));
                kind::STRING
            }
            Attribute::Ints(values) => {
                proto.ints.clone_from(values);
                kind::INTS
            }
            Attribute::Floats(values) => {
                proto.floats.clone_from(values);
                kind::FLOATS
            }
            Attribute::Texts(texts) => {
                proto.strings = texts.iter().map(bytes).collect();
                kind::STRINGS
            }
            Attribute::Tensor(value) => {
                proto.t = Some(Box::new(tensor(&format!("{node}_{name}"), value)?));
                kind::TENSOR
            }
        });
        Ok(proto)
    }
}

/// What is written beside a node: its accumulator, if it has one of its own.
fn metadata(graph: &Graph, node: NodeId) -> Vec<StringStringEntryProto> {
    let accumulator = graph.accumulator(node);
    accumulator.map(|accumulator| entry(ACCUMULATOR, accumulator.to_string())).into_iter().collect()
}

fn entry(key: &str, value: String) -> StringStringEntryProto {
    StringStringEntryProto { key: Some(key.to_owned()), value: Some(value) }
}

/// A graph has a name in ONNX.
fn name_of(graph: &Graph) -> String {
    if graph.name.is_empty() { "graph".into() } else { graph.name.clone() }
}
