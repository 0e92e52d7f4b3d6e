//! From a file's graph to ours: names to values, nodes to operators, what a branch sees of the graph around it to inputs.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use fewbit::Accumulator;

use crate::graph::{Graph, GraphError, Node, ValueId};
use crate::ops::{
    Attribute, Attributes, Constant, Fact, If, Op, OpError, Read, Scan, ScanDirection,
};

use super::super::proto::{GraphProto, NodeProto};
use super::super::{ACCUMULATOR, OnnxError};
use super::attribute::attributes;
use super::survey::{OPSETS, domain, node_name, operator};
use super::tensor::tensor;
use super::value::fact;

/// What all graphs of a file have in common.
pub(super) struct File<'a> {
    /// The operator set of each domain.
    pub(super) opsets: BTreeMap<String, i64>,
    /// Where external tensors lie.
    pub(super) folder: Option<&'a Path>,
}

impl File<'_> {
    fn opset(&self, domain: &str) -> i64 {
        let default = if domain.is_empty() { *OPSETS.end() } else { 1 };
        self.opsets.get(domain).copied().unwrap_or(default)
    }
}

/// The graph of a file.
pub(super) fn graph(file: &File<'_>, proto: &GraphProto) -> Result<Graph, OnnxError> {
    let mut builder = Builder::new(file, proto);
    builder.build(proto, &mut |_| None)?;
    builder.graph.sort()?;
    Ok(builder.graph)
}

/// What a name means in the graph around: what is known of the value.
type Outer<'a> = dyn FnMut(&str) -> Option<Fact> + 'a;

struct Builder<'a> {
    file: &'a File<'a>,
    graph: Graph,
    names: HashMap<String, ValueId>,
    node_names: HashSet<String>,
    /// Names of the graph around that are used, in the order of their first use.
    captured: Vec<String>,
}

impl<'a> Builder<'a> {
    fn new(file: &'a File<'a>, proto: &GraphProto) -> Self {
        let node_names = proto.node.iter().filter_map(|node| node.name.clone());
        Self {
            file,
            graph: Graph::new(proto.name.clone().unwrap_or_default()),
            names: HashMap::new(),
            node_names: node_names.filter(|name| !name.is_empty()).collect(),
            captured: Vec::new(),
        }
    }

    fn build(&mut self, proto: &GraphProto, outer: &mut Outer<'_>) -> Result<(), OnnxError> {
        if !proto.sparse_initializer.is_empty() {
            let name = self.graph.name.clone();
            return Err(OnnxError::Tensor { name, problem: "a sparse initializer".into() });
        }
        let initializers: HashSet<&str> =
            proto.initializer.iter().filter_map(|tensor| tensor.name.as_deref()).collect();
        for info in &proto.input {
            let name = info.name.as_deref().unwrap_or_default();
            if !initializers.contains(name) {
                let id = self.declare(name, fact(info)?)?;
                self.graph.push_input(id);
            }
        }
        for proto in &proto.initializer {
            let data = tensor(proto, self.file.folder)?;
            let name = proto.name.as_deref().unwrap_or_default();
            let id = self.declare(name, Fact::of(&data).without_known())?;
            self.graph.value_mut(id).data = Some(data);
        }
        let mut infos = HashMap::new();
        for info in proto.value_info.iter().chain(&proto.output) {
            infos.insert(info.name.as_deref().unwrap_or_default(), fact(info)?);
        }
        for node in &proto.node {
            for output in node.output.iter().filter(|output| !output.is_empty()) {
                let fact = infos.get(output.as_str()).cloned().unwrap_or_default();
                self.declare(output, fact)?;
            }
        }
        let mut used_names = HashSet::new();
        for (number, node) in proto.node.iter().enumerate() {
            self.node(node, number, &mut used_names, outer)?;
        }
        for info in &proto.output {
            let name = info.name.as_deref().unwrap_or_default();
            let id = self.resolve(name, outer)?;
            self.graph.add_output(id);
        }
        Ok(())
    }

    fn declare(&mut self, name: &str, fact: Fact) -> Result<ValueId, OnnxError> {
        if name.is_empty() {
            let problem = "it has no name".into();
            return Err(OnnxError::Value { name: String::new(), problem });
        }
        let id = self.graph.push_value(name.to_owned(), fact);
        match self.names.insert(name.to_owned(), id) {
            None => Ok(id),
            Some(_) => Err(GraphError::Duplicate { what: "values", name: name.into() }.into()),
        }
    }

    /// The value of a name: of this graph, or an input that stands for one of the graph around.
    fn resolve(&mut self, name: &str, outer: &mut Outer<'_>) -> Result<ValueId, OnnxError> {
        if let Some(&id) = self.names.get(name) {
            return Ok(id);
        }
        let fact = outer(name).ok_or_else(|| GraphError::NoProducer(name.to_owned()))?;
        let id = self.declare(name, fact)?;
        self.graph.push_input(id);
        self.captured.push(name.to_owned());
        Ok(id)
    }

    /// A name that no other node has: the file's, or the operator's with a number.
    fn node_name(&mut self, node: &NodeProto, number: usize, used: &mut HashSet<String>) -> String {
        let given = node.name.clone().filter(|name| !name.is_empty());
        if let Some(name) = given.clone().filter(|name| !used.contains(name)) {
            used.insert(name.clone());
            return name;
        }
        let op = node.op_type.clone().unwrap_or_default();
        let base = given.unwrap_or(op);
        let taken = |name: &String| used.contains(name) || self.node_names.contains(name);
        let name = (number..).map(|n| format!("{base}_{n}")).find(|name| !taken(name));
        let name = name.unwrap_or(base);
        used.insert(name.clone());
        name
    }

    fn node(
        &mut self,
        node: &NodeProto,
        number: usize,
        used: &mut HashSet<String>,
        outer: &mut Outer<'_>,
    ) -> Result<(), OnnxError> {
        let (domain, op) = (domain(node.domain.as_deref()), operator(node));
        let wrong =
            |source: OpError| OnnxError::Node { node: node_name(node), op: op.to_owned(), source };
        let mut all = attributes(node, self.file.folder, &wrong)?;
        let mut inputs: Vec<Option<ValueId>> = Vec::with_capacity(node.input.len());
        for input in &node.input {
            inputs.push(match input.is_empty() {
                true => None,
                false => Some(self.resolve(input, outer)?),
            });
        }
        let outputs: Vec<Option<ValueId>> =
            node.output.iter().map(|output| self.names.get(output).copied()).collect();
        let name = self.node_name(node, number, used);
        let opset = self.file.opset(domain);
        // Only the node itself says how many parts there are.
        let equal_parts = opset < 18 && inputs.get(1).copied().flatten().is_none();
        if (domain, op) == ("", "Split") && equal_parts && !all.contains("split") {
            all.insert("num_outputs", Attribute::Int(outputs.len() as i64));
        }
        let read = if (domain, op) == ("", "If") {
            let (op, captured) = self.branches(node, &wrong, outer)?;
            inputs.truncate(1);
            inputs.extend(captured.into_iter().map(Some));
            Read::from(Op::from(op))
        } else if (domain, op) == ("", "Scan") {
            let (op, captured) = self.loop_body(node, inputs.len(), &mut all, &wrong, outer)?;
            inputs.extend(captured.into_iter().map(Some));
            Read::from(Op::from(op))
        } else {
            let read = Op::read(domain, op, &mut all, opset);
            let unknown = || OpError::Unsupported("there is no such operator".into());
            read.ok_or_else(|| wrong(unknown()))?.map_err(&wrong)?
        };
        if let Some((left, _)) = all.iter().next() {
            let problem = format!("the operator has none of this name in operator set {opset}");
            return Err(wrong(OpError::attribute(left, problem)));
        }
        if let (Op::Constant(Constant { value }), [Some(output)]) = (&read.op, &outputs[..]) {
            let made = self.graph.value_mut(*output);
            made.fact = Fact::of(value).without_known();
            made.data = Some(value.clone());
            return Ok(());
        }
        for (place, tensor) in read.inputs {
            if inputs.get(place).copied().flatten().is_some() {
                let problem = format!("input {place} is there as an attribute too");
                return Err(wrong(OpError::Shape(problem)));
            }
            inputs.resize(inputs.len().max(place + 1), None);
            let base = format!("{name}_input_{place}");
            let mut names =
                std::iter::once(base.clone()).chain((1..).map(|n| format!("{base}_{n}")));
            let free = names.find(|name| !self.names.contains_key(name)).unwrap_or(base);
            let id = self.declare(&free, Fact::of(&tensor).without_known())?;
            self.graph.value_mut(id).data = Some(tensor);
            inputs[place] = Some(id);
        }
        while inputs.last() == Some(&None) {
            inputs.pop();
        }
        let accumulator =
            node.metadata_props.iter().find(|entry| entry.key.as_deref() == Some(ACCUMULATOR));
        let accumulator = accumulator.map(|entry| {
            let text = entry.value.as_deref().unwrap_or_default();
            let parsed = text.parse::<Accumulator>();
            parsed.map_err(|error| wrong(OpError::attribute(ACCUMULATOR, error.to_string())))
        });
        let id = self.graph.push_node(Node { name, op: read.op, inputs, outputs });
        if let Some(accumulator) = accumulator {
            self.graph.set_accumulator(id, accumulator?);
        }
        Ok(())
    }

    /// The body of a `Scan`, with what it sees of the graph around behind its own inputs, and these values.
    fn loop_body(
        &mut self,
        node: &NodeProto,
        given: usize,
        all: &mut Attributes,
        wrong: &dyn Fn(OpError) -> OnnxError,
        outer: &mut Outer<'_>,
    ) -> Result<(Scan, Vec<ValueId>), OnnxError> {
        let found = node.attribute.iter().find(|a| a.name.as_deref() == Some("body"));
        let proto = found.and_then(|attribute| attribute.g.as_deref());
        let proto = proto.ok_or_else(|| wrong(OpError::attribute("body", "there is no graph")))?;
        let sequences = all.int("num_scan_inputs").map_err(wrong)?.unwrap_or_default();
        let sequences = usize::try_from(sequences).ok().filter(|&n| n > 0 && n <= given);
        let sequences = sequences.ok_or_else(|| {
            wrong(OpError::attribute("num_scan_inputs", format!("it is not one of 1 to {given}")))
        })?;
        let mut directions = Vec::new();
        for name in ["scan_input_directions", "scan_output_directions"] {
            directions.extend(all.ints(name).map_err(wrong)?.unwrap_or_default());
        }
        for name in ["scan_input_axes", "scan_output_axes"] {
            let axes = all.ints(name).map_err(wrong)?.unwrap_or_default();
            if axes.iter().any(|&axis| axis != 0) {
                let problem = format!("{axes:?}: sequences along the first axis are supported");
                return Err(wrong(OpError::attribute(name, problem)));
            }
        }
        let mut body = Builder::new(self.file, proto);
        body.build(proto, &mut |name| {
            let id = self.resolve(name, outer).ok()?;
            Some(self.graph.value(id).fact.clone())
        })?;
        body.graph.sort()?;
        let (graph, captured) = (body.graph, body.captured);
        if graph.inputs().len() != given + captured.len() {
            let found = graph.inputs().len() - captured.len();
            let problem = format!("{found} inputs, and the node has {given}");
            return Err(wrong(OpError::attribute("body", problem)));
        }
        let states = given - sequences;
        if graph.outputs().len() < states {
            let problem = format!("{} outputs for {states} states", graph.outputs().len());
            return Err(wrong(OpError::attribute("body", problem)));
        }
        let sequences_out = graph.outputs().len() - states;
        let direction = match directions.iter().filter(|&&d| d == 1).count() {
            0 => ScanDirection::Forward,
            n if n == sequences + sequences_out => ScanDirection::Backward,
            _ => {
                let problem = "some sequences forward and some backward are not supported";
                return Err(wrong(OpError::attribute("scan_input_directions", problem)));
            }
        };
        let ids = captured.iter().map(|name| self.resolve(name, outer));
        let ids = ids.collect::<Result<Vec<_>, _>>()?;
        Ok((Scan { body: graph, states, sequences, direction }, ids))
    }

    /// The branches of an `If`, with what both see of the graph around as their inputs, and these values.
    fn branches(
        &mut self,
        node: &NodeProto,
        wrong: &dyn Fn(OpError) -> OnnxError,
        outer: &mut Outer<'_>,
    ) -> Result<(If, Vec<ValueId>), OnnxError> {
        let mut captured: Vec<String> = Vec::new();
        let mut graphs = Vec::new();
        for name in ["then_branch", "else_branch"] {
            let found =
                node.attribute.iter().find(|attribute| attribute.name.as_deref() == Some(name));
            let proto = found.and_then(|attribute| attribute.g.as_deref());
            let proto =
                proto.ok_or_else(|| wrong(OpError::attribute(name, "there is no graph")))?;
            if !proto.input.is_empty() {
                return Err(wrong(OpError::attribute(name, "a branch has no inputs of its own")));
            }
            let mut branch = Builder::new(self.file, proto);
            branch.build(proto, &mut |name| {
                let id = self.resolve(name, outer).ok()?;
                Some(self.graph.value(id).fact.clone())
            })?;
            captured.extend(
                branch
                    .captured
                    .iter()
                    .filter(|n| !captured.contains(n))
                    .cloned()
                    .collect::<Vec<_>>(),
            );
            graphs.push(branch);
        }
        let mut finished = Vec::new();
        for mut branch in graphs {
            let mut inputs = Vec::new();
            for name in &captured {
                inputs.push(branch.resolve(name, &mut |name| {
                    let id = self.resolve(name, outer).ok()?;
                    Some(self.graph.value(id).fact.clone())
                })?);
            }
            branch.graph.set_inputs(inputs);
            branch.graph.sort()?;
            finished.push(branch.graph);
        }
        let ids = captured.iter().map(|name| self.resolve(name, outer));
        let ids = ids.collect::<Result<Vec<_>, _>>()?;
        let mut finished = finished.into_iter();
        match (finished.next(), finished.next()) {
            (Some(then_branch), Some(else_branch)) => Ok((If { then_branch, else_branch }, ids)),
            _ => Err(wrong(OpError::Unsupported("a branch is missing".into()))),
        }
    }
}
