//! Recurrent nodes as a product and a loop.

use ndarray::{ArrayD, Axis, Slice};

use crate::graph::{Graph, Node, NodeId, ValueId};
use crate::ops::{
    Activation, Add, Clip, Concat, ConstantOfShape, Direction, Gather, HardSigmoid, Identity,
    MatMul, Mul, Op, Recurrence, Relu, Scan, ScanDirection, Shape, Sigmoid, Softplus, Softsign,
    Split, Sub, Tanh, Transpose, Unsqueeze,
};
use crate::tensor::Tensor;

use super::make::Make;
use super::{PassError, PassReport};

/// Replaces `LSTM`, `GRU` and `RNN` by the product of all inputs with W, and a [`Scan`] over the steps with that of the state with
/// R, so that quantizers stand between gates, functions and states, and each product has an accumulator.
///
/// ```text
/// G = X W' + b                        of all steps at once
/// LSTM:  i, o, f, g = G[t] + h R'     c = σ(f) c + σ(i) tanh(g)            h = σ(o) tanh(c)
/// GRU:   z, r = σ(G[t] + h R')        n = tanh(G[t] + r (h R' + b'))       h = (1 - z) n + z h
///        or, where it is reset before the product,   n = tanh(G[t] + (r h) R' + b')
/// RNN:   h = tanh(G[t] + h R')
/// ```
/// Nodes with peepholes, with lengths of sequences, or with weights that are computed stay as they are; the report names them.
///
/// # Errors
/// A graph that cannot be put in order.
pub fn decompose_recurrent(graph: &mut Graph) -> Result<PassReport, PassError> {
    let recurrent = |graph: &Graph| -> Vec<NodeId> {
        let is = |node: &Node| matches!(node.op, Op::LSTM(_) | Op::GRU(_) | Op::RNN(_));
        graph.nodes().filter(|(_, node)| is(node)).map(|(id, _)| id).collect()
    };
    let found = recurrent(graph);
    let computed = |&id: &NodeId| {
        let node = graph.node(id);
        (1..4).any(|at| node.input(at).is_some_and(|input| graph.data(input).is_none()))
    };
    if found.iter().any(computed) {
        // Weights that follow from constants.
        graph.fold()?;
        graph.infer()?;
    }
    let (mut changed, mut left) = (0, Vec::new());
    for id in recurrent(graph) {
        let node = graph.node(id).clone();
        match Parts::of(graph, &node) {
            Ok(parts) => {
                graph.remove(id);
                parts.build(graph, &node)?;
                changed += 1;
            }
            Err(why) => left.push(format!("`{}` stays in floats: {why}", node.name)),
        }
    }
    graph.sort()?;
    graph.infer()?;
    let mut report = PassReport::new("decompose recurrent", changed, "recurrent nodes");
    if !left.is_empty() {
        report.detail = format!("{}; {}", report.detail, left.join("; "));
    }
    Ok(report)
}

/// What a node computes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cell {
    /// Gates i, o, f, c.
    Lstm {
        /// Whether the input gate is 1 - f.
        coupled: bool,
    },
    /// Gates z, r, h.
    Gru {
        /// Whether the reset gate is applied behind the product.
        reset_after: bool,
    },
    Rnn,
}

impl Cell {
    fn gates(self) -> usize {
        match self {
            Self::Lstm { .. } => 4,
            Self::Gru { .. } => 3,
            Self::Rnn => 1,
        }
    }

    fn functions(self) -> &'static [Activation] {
        match self {
            Self::Lstm { .. } => &[Activation::Sigmoid, Activation::Tanh, Activation::Tanh],
            Self::Gru { .. } => &[Activation::Sigmoid, Activation::Tanh],
            Self::Rnn => &[Activation::Tanh],
        }
    }
}

/// What is known of a node.
struct Parts {
    cell: Cell,
    recurrence: Recurrence,
    hidden: usize,
    w: ArrayD<f32>,
    r: ArrayD<f32>,
    b: Option<ArrayD<f32>>,
    functions: Vec<Activation>,
}

/// The names and constants of one direction.
struct Way<'a> {
    parts: &'a Parts,
    name: String,
    /// Its place among the directions.
    at: usize,
    direction: ScanDirection,
}

impl Parts {
    fn of(graph: &Graph, node: &Node) -> Result<Self, String> {
        let (cell, recurrence) = match &node.op {
            Op::LSTM(op) => (Cell::Lstm { coupled: op.coupled }, &op.recurrence),
            Op::GRU(op) => (Cell::Gru { reset_after: op.reset_after }, &op.recurrence),
            Op::RNN(op) => (Cell::Rnn, &op.recurrence),
            _ => return Err("it is no recurrent node".into()),
        };
        if node.input(4).is_some() {
            return Err("its sequences have lengths of their own".into());
        }
        if node.input(7).is_some() {
            return Err("its cell has peepholes".into());
        }
        let constant = |at: usize, what: &str| -> Result<ArrayD<f32>, String> {
            let data = node.input(at).and_then(|input| graph.data(input));
            let data = data.ok_or_else(|| format!("its weights {what} are no constant"))?;
            data.clone().try_into().map_err(|error| format!("{what}: {error}"))
        };
        let (w, r) = (constant(1, "W")?, constant(2, "R")?);
        let b = match node.input(3) {
            None => None,
            Some(_) => Some(constant(3, "B")?),
        };
        let directions = if recurrence.direction == Direction::Bidirectional { 2 } else { 1 };
        let hidden = r.shape().last().copied().unwrap_or(0);
        let rows = cell.gates() * hidden;
        let fits = r.shape() == [directions, rows, hidden]
            && w.ndim() == 3
            && w.shape()[..2] == [directions, rows]
            && b.as_ref().is_none_or(|b| b.shape() == [directions, 2 * rows])
            && hidden > 0;
        if !fits {
            return Err(format!("W of shape {:?} with R of shape {:?}", w.shape(), r.shape()));
        }
        let own = cell.functions();
        let functions = match recurrence.activations.len() {
            0 => own.repeat(directions),
            n if n == own.len() * directions => recurrence.activations.clone(),
            n => return Err(format!("it has {n} functions for {directions} directions")),
        };
        Ok(Self { cell, recurrence: recurrence.clone(), hidden, w, r, b, functions })
    }

    /// Puts product and loop in the place of a node that has been taken out.
    fn build(&self, graph: &mut Graph, node: &Node) -> Result<(), PassError> {
        let Some(mut x) = node.input(0) else { return Ok(()) };
        let name = &node.name;
        let turned = self.recurrence.layout == 1;
        if turned {
            x = graph.add(&format!("{name}.steps"), Transpose { order: vec![1, 0, 2] }, &[x]);
        }
        let ways = match self.recurrence.direction {
            Direction::Forward => vec![(name.clone(), ScanDirection::Forward)],
            Direction::Reverse => vec![(name.clone(), ScanDirection::Backward)],
            Direction::Bidirectional => vec![
                (format!("{name}.forward"), ScanDirection::Forward),
                (format!("{name}.backward"), ScanDirection::Backward),
            ],
        };
        let mut results: Vec<Vec<ValueId>> = Vec::new();
        for (at, (name, direction)) in ways.into_iter().enumerate() {
            let way = Way { parts: self, name, at, direction };
            results.push(way.build(graph, node, x, turned)?);
        }
        // States come first out of a loop, the sequence last: ONNX has Y, Y_h and Y_c.
        let states = results[0].len() - 1;
        for (place, output) in node.outputs.iter().enumerate() {
            let Some(output) = *output else { continue };
            let (from, axis) = if place == 0 { (states, 1) } else { (place - 1, 0) };
            let suffix = ["y", "y_h", "y_c"][place.min(2)];
            let values: Vec<ValueId> = results.iter().map(|all| all[from]).collect();
            finish(graph, &format!("{name}.{suffix}"), (&values, axis), turned, output);
        }
        Ok(())
    }
}

/// Results of all directions along a new axis, as the output that a node had.
fn finish(
    graph: &mut Graph,
    name: &str,
    (values, axis): (&[ValueId], i64),
    turned: bool,
    output: ValueId,
) {
    let axes = graph.add_constant(&format!("{name}.axes"), Tensor::vector(vec![axis]));
    let mut steps: Vec<(Op, Vec<ValueId>)> = Vec::new();
    match values {
        [only] => steps.push((Unsqueeze {}.into(), vec![*only, axes])),
        all => {
            let with_axis = |(at, &value): (usize, &ValueId)| {
                graph.add(&format!("{name}.{at}"), Unsqueeze {}, &[value, axes])
            };
            let all = all.iter().enumerate().map(with_axis).collect();
            steps.push((Concat { axis }.into(), all));
        }
    }
    if turned {
        let order = if axis == 1 { vec![2, 0, 1, 3] } else { vec![1, 0, 2] };
        steps.push((Transpose { order }.into(), Vec::new()));
    }
    let (last, mut before) = (steps.len() - 1, None);
    for (at, (op, inputs)) in steps.into_iter().enumerate() {
        let inputs = match before {
            Some(value) => vec![value],
            None => inputs,
        };
        if at < last {
            before = Some(graph.add(&format!("{name}.directions"), op, &inputs));
            continue;
        }
        let inputs = inputs.into_iter().map(Some).collect();
        graph.add_node(Node { name: name.to_owned(), op, inputs, outputs: vec![Some(output)] });
    }
}

impl Make<'_> {
    /// Equal parts along the last axis.
    fn split(&mut self, name: &str, value: ValueId, parts: &[(&str, usize)]) -> Vec<ValueId> {
        let sizes: Vec<i64> = parts.iter().map(|&(_, size)| size as i64).collect();
        let sizes = self.constant(&format!("{name}.sizes"), Tensor::vector(sizes));
        let own = self.name;
        let fresh = |graph: &mut Graph, part: &str| {
            graph.add_value(&format!("{own}.{part}"), crate::ops::Fact::default())
        };
        let outputs: Vec<ValueId> =
            parts.iter().map(|&(part, _)| fresh(self.graph, part)).collect();
        self.graph.add_node(Node {
            name: format!("{own}.{name}"),
            op: Split { axis: -1, parts: None }.into(),
            inputs: vec![Some(value), Some(sizes)],
            outputs: outputs.iter().copied().map(Some).collect(),
        });
        outputs
    }

    /// A function of a gate.
    fn function(&mut self, name: &str, function: Activation, x: ValueId) -> ValueId {
        let op: Op = match function {
            Activation::Tanh => Tanh {}.into(),
            Activation::Sigmoid => Sigmoid {}.into(),
            Activation::Relu => Relu {}.into(),
            Activation::Affine => Identity {}.into(),
            Activation::HardSigmoid => HardSigmoid { alpha: 0.2, beta: 0.5 }.into(),
            Activation::Softplus => Softplus {}.into(),
            Activation::Softsign => Softsign {}.into(),
        };
        self.add(name, op, &[x])
    }
}

impl Way<'_> {
    /// The weights of some gates, transposed.
    fn weights(&self, of: &ArrayD<f32>, gates: std::ops::Range<usize>) -> ArrayD<f32> {
        let hidden = self.parts.hidden;
        let rows = of.index_axis(Axis(0), self.at);
        let rows = rows.slice_axis(Axis(0), Slice::from(gates.start * hidden..gates.end * hidden));
        rows.reversed_axes().as_standard_layout().into_owned()
    }

    /// The biases of the inputs, and of the state.
    fn biases(&self) -> Option<(Vec<f32>, Vec<f32>)> {
        let b = self.parts.b.as_ref()?;
        let all: Vec<f32> = b.index_axis(Axis(0), self.at).iter().copied().collect();
        let (x, h) = all.split_at(all.len() / 2);
        Some((x.to_vec(), h.to_vec()))
    }

    /// The states behind the last step, and the sequence of the first one.
    fn build(
        &self,
        graph: &mut Graph,
        node: &Node,
        x: ValueId,
        turned: bool,
    ) -> Result<Vec<ValueId>, PassError> {
        let (cell, hidden) = (self.parts.cell, self.parts.hidden);
        let gates = cell.gates();
        let mut make = Make { graph, name: &self.name };
        let w = make.constant("W", self.weights(&self.parts.w, 0..gates));
        let mut sums = make.add("x", MatMul {}, &[x, w]);
        // Biases of a state that is multiplied with a gate stay within the loop.
        let own = if let Cell::Gru { .. } = cell { 2 * hidden } else { gates * hidden };
        let mut inside = None;
        if let Some((mut b, of_state)) = self.biases() {
            b.iter_mut().zip(&of_state[..own]).for_each(|(b, s)| *b += s);
            let b = make.constant("b", Tensor::vector(b));
            sums = make.add("x.biased", Add {}, &[sums, b]);
            inside = Some(of_state[own..].to_vec()).filter(|rest| !rest.is_empty());
        }
        let states = if let Cell::Lstm { .. } = cell { 2 } else { 1 };
        let mut inputs = Vec::new();
        for (place, what) in [(5, "h"), (6, "c")].into_iter().take(states) {
            inputs.push(Some(match node.input(place) {
                Some(mut given) => {
                    if turned {
                        let op = Transpose { order: vec![1, 0, 2] };
                        given = make.add(&format!("{what}.turned"), op, &[given]);
                    }
                    let at = make.constant(&format!("{what}.at"), Tensor::scalar(self.at as i64));
                    make.add(&format!("{what}.first"), Gather { axis: 0 }, &[given, at])
                }
                None => {
                    let op = Shape { start: 1, end: Some(2) };
                    let batch = make.add(&format!("{what}.batch"), op, &[x]);
                    let name = format!("{what}.size");
                    let size = make.constant(&name, Tensor::vector(vec![hidden as i64]));
                    let op = Concat { axis: 0 };
                    let shape = make.add(&format!("{what}.shape"), op, &[batch, size]);
                    let zeros = ConstantOfShape { value: Tensor::vector(vec![0.0f32]) };
                    make.add(&format!("{what}.first"), zeros, &[shape])
                }
            }));
        }
        inputs.push(Some(sums));
        let body = self.body(inside)?;
        let op = Scan { body, states, sequences: 1, direction: self.direction };
        let results: Vec<ValueId> = ["h.last", "c.last"][..states]
            .iter()
            .chain(&["h.all"])
            .map(|what| {
                let name = format!("{}.{what}", self.name);
                make.graph.add_value(&name, crate::ops::Fact::default())
            })
            .collect();
        let outputs = results.iter().copied().map(Some).collect();
        make.graph.add_node(Node { name: self.name.clone(), op: op.into(), inputs, outputs });
        Ok(results)
    }

    /// One step.
    fn body(&self, bias: Option<Vec<f32>>) -> Result<Graph, PassError> {
        let Parts { cell, hidden, .. } = *self.parts;
        let count = cell.functions().len();
        let f = &self.parts.functions[self.at * count..][..count];
        let mut graph = Graph::new(&*self.name);
        let fact = crate::ops::Fact::default;
        let h = graph.add_input(&format!("{}.h", self.name), fact());
        let c = match cell {
            Cell::Lstm { .. } => Some(graph.add_input(&format!("{}.c", self.name), fact())),
            _ => None,
        };
        let x = graph.add_input(&format!("{}.gates.x", self.name), fact());
        let mut make = Make { graph: &mut graph, name: &self.name };
        let mut outputs = Vec::new();
        match (cell, c) {
            (Cell::Lstm { coupled }, Some(c)) => {
                let r = make.constant("R", self.weights(&self.parts.r, 0..4));
                let sums = make.add("h.product", MatMul {}, &[h, r]);
                let sums = make.add("gates", Add {}, &[sums, x]);
                let sums = self.clipped(&mut make, sums);
                let gates = [("i", hidden), ("o", hidden), ("f", hidden), ("g", hidden)];
                let gates = make.split("gates.split", sums, &gates);
                let forget = make.function("f.function", f[0], gates[2]);
                let input = match coupled {
                    false => make.function("i.function", f[0], gates[0]),
                    true => {
                        let one = make.constant("one", Tensor::scalar(1f32));
                        make.add("i.function", Sub {}, &[one, forget])
                    }
                };
                let new = make.function("g.function", f[1], gates[3]);
                let out = make.function("o.function", f[0], gates[1]);
                let kept = make.add("c.kept", Mul {}, &[forget, c]);
                let new = make.add("c.new", Mul {}, &[input, new]);
                let c = make.add("c.next", Add {}, &[kept, new]);
                let shown = make.function("c.function", f[2], c);
                outputs.extend([make.add("h.next", Mul {}, &[out, shown]), c]);
            }
            (Cell::Gru { reset_after }, _) => {
                let count = if reset_after { 3 } else { 2 };
                let r = make.constant("R", self.weights(&self.parts.r, 0..count));
                let mut sums = make.add("h.product", MatMul {}, &[h, r]);
                if let (Some(bias), true) = (&bias, reset_after) {
                    // The others are added to those of the inputs.
                    let all = [vec![0.0; 2 * hidden], bias.clone()].concat();
                    let b = make.constant("h.b", Tensor::vector(all));
                    sums = make.add("h.biased", Add {}, &[sums, b]);
                }
                let x = make.split("x.split", x, &[("zr.x", 2 * hidden), ("n.x", hidden)]);
                let mut parts = vec![("zr.h", 2 * hidden)];
                if reset_after {
                    parts.push(("n.h", hidden));
                }
                let own = make.split("h.split", sums, &parts);
                let zr = make.add("zr", Add {}, &[own[0], x[0]]);
                let zr = self.clipped(&mut make, zr);
                let gates = make.split("zr.split", zr, &[("z", hidden), ("r", hidden)]);
                let update = make.function("z.function", f[0], gates[0]);
                let reset = make.function("r.function", f[0], gates[1]);
                let inner = match own.get(1) {
                    Some(&own) => make.add("n.reset", Mul {}, &[reset, own]),
                    None => {
                        let kept = make.add("n.reset", Mul {}, &[reset, h]);
                        let r = make.constant("R.n", self.weights(&self.parts.r, 2..3));
                        let sums = make.add("n.product", MatMul {}, &[kept, r]);
                        match bias {
                            None => sums,
                            Some(bias) => {
                                let b = make.constant("n.b", Tensor::vector(bias));
                                make.add("n.biased", Add {}, &[sums, b])
                            }
                        }
                    }
                };
                let new = make.add("n", Add {}, &[inner, x[1]]);
                let new = self.clipped(&mut make, new);
                let new = make.function("n.function", f[1], new);
                let one = make.constant("one", Tensor::scalar(1f32));
                let rest = make.add("z.rest", Sub {}, &[one, update]);
                let new = make.add("h.new", Mul {}, &[rest, new]);
                let kept = make.add("h.kept", Mul {}, &[update, h]);
                outputs.push(make.add("h.next", Add {}, &[new, kept]));
            }
            _ => {
                let r = make.constant("R", self.weights(&self.parts.r, 0..1));
                let sums = make.add("h.product", MatMul {}, &[h, r]);
                let sums = make.add("gate", Add {}, &[sums, x]);
                let sums = self.clipped(&mut make, sums);
                outputs.push(make.function("h.next", f[0], sums));
            }
        }
        outputs.push(make.add("h.step", Identity {}, &outputs[..1]));
        outputs.into_iter().for_each(|id| graph.add_output(id));
        graph.sort()?;
        Ok(graph)
    }

    /// Sums within the clip, if there is one.
    fn clipped(&self, make: &mut Make<'_>, sums: ValueId) -> ValueId {
        let Some(clip) = self.parts.recurrence.clip.filter(|&clip| clip > 0.0) else { return sums };
        let name = make.graph.name_of(sums).to_owned();
        let name = name.strip_prefix(&format!("{}.", self.name)).unwrap_or(&name).to_owned();
        let low = make.constant(&format!("{name}.least"), Tensor::scalar(-clip));
        let high = make.constant(&format!("{name}.most"), Tensor::scalar(clip));
        make.add(&format!("{name}.clipped"), Clip {}, &[sums, low, high])
    }
}
