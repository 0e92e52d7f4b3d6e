//! The nodes of a network, one after the other, in integers.

use std::collections::{HashMap, HashSet};

use fewbit::requantize::RequantizePolicy;
use fewbit::{Accumulator, ReportLevel};
use ndarray::ArrayD;
use rayon::prelude::*;

use crate::exec::ExecError;
use crate::exec::float::placed;
use crate::exec::pieces::{joined, pieces};
use crate::graph::{Graph, Node, NodeId, Product, ProductLayout, ValueId};
use crate::ops::{Inputs, Op, Quantize};
use crate::tensor::Tensor;

use super::arithmetic;
use super::bias::biased;
use super::datum::{Codes, Datum};
use super::line_job::{LineProduct, Outcome};
use super::lines::Lines;
use super::matrices::{has_one_scale, matmul};
use super::matrix_lines::matmul_lines;
use super::prepared::IntegerWeights;
use super::product::Job;
use super::report::{IntegerRun, NodeReport, NodeRows, Reported, joined_nodes};
use super::requantize::quantized;
use super::tail::Tail;
use super::transposed::lowered;
use super::weights::Weights;

/// How a network runs in integers.
#[derive(Clone, Debug, PartialEq)]
pub struct IntegerOptions {
    /// The accumulator of products that have none of their own.
    pub accumulator: Accumulator,
    /// How sums become codes; without one they are multiplied with their scale in f32 and rounded by the quantizer.
    pub requantization: Option<RequantizePolicy>,
    /// What products report.
    pub report: ReportLevel,
}

impl Default for IntegerOptions {
    fn default() -> Self {
        let accumulator = Accumulator::exact();
        Self { accumulator, requantization: None, report: ReportLevel::None }
    }
}

/// What the network makes of a batch, in integers.
///
/// # Errors
/// Inputs that the graph does not have; a product whose operands are no codes of integers; what a policy refuses.
pub fn run_integer(
    graph: &Graph,
    inputs: &[Tensor],
    options: &IntegerOptions,
) -> Result<IntegerRun, ExecError> {
    run_integer_with(graph, &IntegerWeights::of(graph)?, inputs, options)
}

/// [`run_integer`] with weights that were prepared before, from this graph: whatever accumulators it had then.
///
/// # Errors
/// As [`run_integer`].
pub fn run_integer_with(
    graph: &Graph,
    weights: &IntegerWeights,
    inputs: &[Tensor],
    options: &IntegerOptions,
) -> Result<IntegerRun, ExecError> {
    placed(graph, inputs)?;
    // Reports of float registers hold sums of floats, which depend on where they are cut.
    let accumulators = graph.nodes().filter_map(|(id, _)| graph.accumulator(id));
    let mut accumulators = accumulators.chain([&options.accumulator]);
    let may_cut = options.report == ReportLevel::None || accumulators.all(Accumulator::is_integer);
    let in_pieces = match pieces(graph, inputs).filter(|_| may_cut) {
        Some(pieces) => run_pieces(graph, weights, &pieces, options),
        None => None,
    };
    let run = match in_pieces {
        Some(run) => run,
        None => run_piece(graph, weights, inputs, options)?,
    };
    let nodes = run.nodes.into_iter().map(|node| node.report).collect();
    Ok(IntegerRun { outputs: run.outputs, nodes, in_floats: run.in_floats })
}

/// What a network makes of some images.
struct Done {
    outputs: Vec<Tensor>,
    nodes: Vec<NodeRows>,
    in_floats: Vec<String>,
}

/// Pieces of a batch side by side; `None` where one of them fails, and where they do not fit together.
fn run_pieces(
    graph: &Graph,
    weights: &IntegerWeights,
    pieces: &[Vec<Tensor>],
    options: &IntegerOptions,
) -> Option<Done> {
    let run = |piece: &Vec<Tensor>| run_piece(graph, weights, piece, options).ok();
    let runs: Vec<Done> = pieces.par_iter().map(run).collect::<Option<_>>()?;
    let (mut outputs, mut nodes) = (Vec::new(), Vec::new());
    let mut in_floats = Vec::new();
    for run in runs {
        outputs.push(run.outputs);
        nodes.push(run.nodes);
        in_floats = run.in_floats;
    }
    Some(Done { outputs: joined(&outputs)?, nodes: joined_nodes(nodes)?, in_floats })
}

/// All nodes on one batch, at once.
fn run_piece(
    graph: &Graph,
    weights: &IntegerWeights,
    inputs: &[Tensor],
    options: &IntegerOptions,
) -> Result<Done, ExecError> {
    let inputs = placed(graph, inputs)?;
    let mut run = Run {
        graph,
        options,
        weights,
        values: HashMap::new(),
        passed: HashSet::new(),
        memory: Vec::new(),
        nodes: Vec::new(),
        in_floats: Vec::new(),
    };
    run.values.extend(inputs.into_iter().map(|(id, tensor)| (id, Datum::Plain(tensor))));
    for (place, &id) in graph.order().iter().enumerate() {
        run.step(id)?;
        for &input in graph.node(id).inputs.iter().flatten() {
            if weights.is_last(input, place) {
                run.values.remove(&weights.held(input));
            }
        }
    }
    let outputs = graph.outputs().iter().map(|&id| Ok(run.value(id)?.tensor()));
    let outputs = outputs.collect::<Result<_, ExecError>>()?;
    Ok(Done { outputs, nodes: run.nodes, in_floats: run.in_floats })
}

struct Run<'a> {
    graph: &'a Graph,
    options: &'a IntegerOptions,
    weights: &'a IntegerWeights,
    values: HashMap<ValueId, Datum>,
    /// Nodes whose work is done by one before them.
    passed: HashSet<NodeId>,
    /// Sums that become codes at once.
    memory: Vec<i32>,
    nodes: Vec<NodeRows>,
    in_floats: Vec<String>,
}

impl<'a> Run<'a> {
    fn value(&self, id: ValueId) -> Result<Datum, ExecError> {
        let id = self.weights.held(id);
        if let Some(datum) = self.values.get(&id).or_else(|| self.weights.constant(id)) {
            return Ok(datum.clone());
        }
        let data = self.graph.data(id).cloned().map(Datum::Plain);
        data.ok_or_else(|| ExecError::NotComputed(self.graph.name_of(id).into()))
    }

    /// Whether the output of a node is there already: it is that of another quantizer, or of one of a constant.
    fn is_there(&self, node: &Node) -> bool {
        let [Some(output)] = node.outputs[..] else { return false };
        self.weights.held(output) != output || self.weights.constant(output).is_some()
    }

    fn step(&mut self, id: NodeId) -> Result<(), ExecError> {
        let node = self.graph.node(id);
        if self.passed.contains(&id) || self.is_there(node) {
            return Ok(());
        }
        let of_node = |problem: String| ExecError::Node { node: node.name.clone(), problem };
        let inputs = node
            .inputs
            .iter()
            .map(|input| input.map(|id| self.value(id)).transpose())
            .collect::<Result<Vec<_>, _>>()?;
        if let Some(tail) = self.weights.tail(id)
            && let Some(codes) = self.finished(id, tail, &inputs)
        {
            self.values.insert(tail.output, Datum::Codes(codes));
            self.passed.extend(&tail.nodes);
            return Ok(());
        }
        let outputs = match (&node.op, self.weights.product(id)) {
            (Op::Quantize(op), _) => vec![self.quantize(op, &inputs).map_err(of_node)?],
            (_, Some((product, weights))) => {
                vec![self.multiply(node, product, weights, &inputs).map_err(of_node)?]
            }
            (Op::MatMul(_), None) => vec![self.matmul(id, &inputs).map_err(of_node)?],
            _ => {
                let views: Vec<Option<&Datum>> = inputs.iter().map(Option::as_ref).collect();
                match arithmetic::run(node, &views).map_err(of_node)? {
                    Some(outputs) => outputs,
                    None => self.in_floats(node, &inputs).map_err(of_node)?,
                }
            }
        };
        for (output, datum) in node.outputs.iter().zip(outputs) {
            if let &Some(output) = output {
                self.values.insert(output, datum);
            }
        }
        Ok(())
    }

    fn quantize(&self, op: &Quantize, inputs: &[Option<Datum>]) -> Result<Datum, String> {
        let input = inputs.first().and_then(Option::as_ref).ok_or("its input is missing")?;
        quantized(op, input, self.options.requantization)
    }

    /// The codes behind a node and its tail, where they follow at once.
    fn finished(&mut self, id: NodeId, tail: &Tail, inputs: &[Option<Datum>]) -> Option<Codes> {
        if self.options.requantization.is_some() {
            return None;
        }
        let (first, second) = (inputs.first()?.as_ref()?, inputs.get(1)?.as_ref()?);
        match (&self.graph.node(id).op, first, second) {
            (Op::Add(_), Datum::Codes(a), Datum::Codes(b)) => tail.finish.pair(a, b),
            (Op::Conv(conv), Datum::Codes(input), _) => {
                let (product, weights) = self.weights.product(id)?;
                let (accumulator, report) = (self.accumulator(id), self.options.report);
                let (layout, conv) = (product.layout, Some(conv));
                let job = Job { layout, conv, input, weights, accumulator, report };
                let bias = inputs.get(2).and_then(Option::as_ref);
                let (codes, reported) = job.finished(bias, &tail.finish, &mut self.memory)?;
                self.note(id, codes.ints.shape(), reported);
                Some(codes)
            }
            _ => None,
        }
    }

    fn multiply(
        &mut self,
        node: &Node,
        product: &Product,
        weights: &Weights,
        inputs: &[Option<Datum>],
    ) -> Result<Datum, String> {
        let operand = |at: usize| inputs.get(at).and_then(Option::as_ref);
        let accumulator = self.accumulator(product.node);
        let report = self.options.report;
        let is_convolution = product.layout.is_convolution();
        let sums = |input: &Codes, codes: &Codes| {
            let plain = input.scales.single().is_some() && codes.zero_point == 0;
            is_convolution || plain && accumulator.is_integer()
        };
        let done = match (operand(0), weights.codes(), &node.op) {
            (Some(Datum::Codes(input)), Some(codes), Op::ConvTranspose(op)) => {
                let (conv, input, weights) = lowered(op, input, codes)?;
                let (layout, conv) = (ProductLayout::Conv, Some(&conv));
                let weights = Weights::new(layout, Some(Datum::Codes(weights)));
                let (input, weights) = (&input, &weights);
                Job { layout, conv, input, weights, accumulator, report }.run()?
            }
            (Some(Datum::Codes(input)), Some(codes), op) if sums(input, codes) => {
                let conv = if let Op::Conv(conv) = op { Some(conv) } else { None };
                Job { layout: product.layout, conv, input, weights, accumulator, report }.run()?
            }
            (Some(input), _, _) if !is_convolution => {
                return self.multiply_lines(node, product, (input, weights), inputs);
            }
            // A product that nobody quantized stays one of floats.
            _ => return Ok(self.in_floats(node, inputs)?.swap_remove(0)),
        };
        self.note(product.node, done.sums.values.shape(), done.reported());
        match operand(2) {
            None => Ok(Datum::Sums(done.sums)),
            Some(bias) => biased(done.sums, bias),
        }
    }

    /// A product of rows with weights, whatever their quantizers.
    fn multiply_lines(
        &mut self,
        node: &Node,
        product: &Product,
        (input, weights): (&Datum, &Weights),
        inputs: &[Option<Datum>],
    ) -> Result<Datum, String> {
        let along = input.rank().saturating_sub(1);
        let (Some(x), Some(w)) = (Lines::of(input, along)?, weights.right()?) else {
            return Ok(self.in_floats(node, inputs)?.swap_remove(0));
        };
        let n = w.lines.dim().0;
        let bias = match inputs.get(2).and_then(Option::as_ref) {
            None => None,
            Some(bias) => {
                let tensor = bias.tensor();
                let bias = tensor.get::<f32>().map_err(|error| error.to_string())?;
                match bias.len() {
                    1 => Some(vec![bias.iter().copied().next().unwrap_or(0.0); n]),
                    found if found == n => Some(bias.iter().copied().collect::<Vec<f32>>()),
                    found => return Err(format!("a bias of {found} elements for {n} outputs")),
                }
            }
        };
        let (accumulator, report) = (self.accumulator(product.node), self.options.report);
        let job = LineProduct { x: &x, w, accumulator, report, bias: bias.as_deref() };
        match job.run()? {
            Outcome::InFloats(why) => self.in_floats_because(node, inputs, &why),
            Outcome::Done(done) => {
                let mut shape = input.shape();
                if let Some(last) = shape.last_mut() {
                    *last = n;
                }
                self.note(product.node, &shape, done.reported);
                let values = ArrayD::from_shape_vec(shape, done.values);
                Ok(Datum::Plain(values.map_err(|error| error.to_string())?.into()))
            }
        }
    }

    /// A product of two values that are computed.
    fn matmul(&mut self, id: NodeId, inputs: &[Option<Datum>]) -> Result<Datum, String> {
        let node = self.graph.node(id);
        let (accumulator, report) = (self.accumulator(id), self.options.report);
        let [Some(x), Some(w)] = inputs else {
            return Ok(self.in_floats(node, inputs)?.swap_remove(0));
        };
        if let (Datum::Codes(x), Datum::Codes(w)) = (x, w)
            && accumulator.is_integer()
            && has_one_scale(x, w)
        {
            let done = matmul(x, w, accumulator, report)?;
            self.note(id, done.sums.values.shape(), done.reported());
            return Ok(Datum::Sums(done.sums));
        }
        match matmul_lines(x, w, accumulator, report)? {
            None => Ok(self.in_floats(node, inputs)?.swap_remove(0)),
            Some((Outcome::InFloats(why), _)) => self.in_floats_because(node, inputs, &why),
            Some((Outcome::Done(done), shape)) => {
                self.note(id, &shape, done.reported);
                let values = ArrayD::from_shape_vec(shape, done.values);
                Ok(Datum::Plain(values.map_err(|error| error.to_string())?.into()))
            }
        }
    }

    /// The accumulator of a product.
    fn accumulator(&self, id: NodeId) -> &'a Accumulator {
        self.graph.accumulator(id).unwrap_or(&self.options.accumulator)
    }

    /// Keeps what the accumulator of a product did, whose outputs have this shape.
    fn note(&mut self, id: NodeId, shape: &[usize], reported: Reported) {
        let Reported { events, report, float } = reported;
        let node = self.graph.node(id);
        let outputs = shape.iter().product::<usize>() as u64;
        // As reports name them: of convolutions of one and two axes each image's channels, else all but the last axis.
        let rows: usize = match (&node.op, shape) {
            (
                Op::Conv(_) | Op::ConvTranspose(_),
                [images, channels, _] | [images, channels, _, _],
            ) => images * channels,
            (Op::Conv(_) | Op::ConvTranspose(_), [images, _, positions @ ..]) => {
                images * positions.iter().product::<usize>()
            }
            (_, [rows @ .., _]) => rows.iter().product(),
            (_, []) => 1,
        };
        let report = NodeReport {
            name: node.name.clone(),
            accumulator: self.accumulator(id).to_string(),
            outputs,
            events,
            report,
            float,
        };
        self.nodes.push(NodeRows { report, rows: rows as u64 });
    }

    /// Runs a product of codes on what they stand for, and says why.
    fn in_floats_because(
        &mut self,
        node: &Node,
        inputs: &[Option<Datum>],
        why: &str,
    ) -> Result<Datum, String> {
        let output = self.in_floats(node, inputs)?.swap_remove(0);
        if let Some(name) = self.in_floats.last_mut() {
            *name = format!("{name} ({why})");
        }
        Ok(output)
    }

    /// Runs a node on what its inputs stand for.
    fn in_floats(&mut self, node: &Node, inputs: &[Option<Datum>]) -> Result<Vec<Datum>, String> {
        let is_plain = |datum: &Option<Datum>| matches!(datum, None | Some(Datum::Plain(_)));
        if !inputs.iter().all(is_plain) {
            self.in_floats.push(node.name.clone());
        }
        let tensors: Vec<Option<Tensor>> =
            inputs.iter().map(|input| input.as_ref().map(Datum::tensor)).collect();
        let views: Vec<Option<&Tensor>> = tensors.iter().map(Option::as_ref).collect();
        let outputs = node.op.run(Inputs::new(&views)).map_err(|error| error.to_string())?;
        Ok(outputs.into_iter().map(Datum::Plain).collect())
    }
}
