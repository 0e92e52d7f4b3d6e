//! The nodes of a network, one after the other, in integers.

use std::collections::{HashMap, HashSet};

use fewbit::requantize::RequantizePolicy;
use fewbit::{Accumulator, ReportLevel};
use ndarray::ArrayD;
use rayon::prelude::*;

use crate::exec::ExecError;
use crate::exec::float::placed;
use crate::exec::pieces::{CODES, joined, pieces};
use crate::graph::{Graph, Node, NodeId, Product, ProductLayout, ValueId};
use crate::ops::{Conv, Inputs, Op, Quantize};
use crate::tensor::Tensor;

use super::arithmetic;
use super::bias::biased;
use super::conv_lines::{ConvLines, Convolved};
use super::datum::{Codes, Datum};
use super::line_job::{LineProduct, Outcome};
use super::lines::Lines;
use super::matrices::{has_one_scale, matmul};
use super::matrix_lines::matmul_lines;
use super::prepared::IntegerWeights;
use super::product::Job;
use super::report::{IntegerRun, NodeReport, Reported, joined_nodes};
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
    let in_pieces = match pieces(graph, inputs, CODES).filter(|_| may_cut) {
        Some(pieces) => run_pieces(graph, weights, &pieces, options),
        None => None,
    };
    let run = match in_pieces {
        Some(run) => run,
        None => run_piece(graph, weights, inputs, options)?,
    };
    Ok(IntegerRun { outputs: run.outputs, nodes: run.nodes, in_floats: run.in_floats })
}

/// What a network makes of some images.
struct Done {
    outputs: Vec<Tensor>,
    nodes: Vec<NodeReport>,
    rows: Vec<u64>,
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
        nodes.push((run.nodes, run.rows));
        in_floats = run.in_floats;
    }
    let (nodes, rows) = joined_nodes(nodes)?;
    Some(Done { outputs: joined(&outputs)?, nodes, rows, in_floats })
}

/// All nodes on one batch, at once.
fn run_piece(
    graph: &Graph,
    weights: &IntegerWeights,
    inputs: &[Tensor],
    options: &IntegerOptions,
) -> Result<Done, ExecError> {
    let inputs = placed(graph, inputs)?;
    let mut run = Run::new(graph, weights, options);
    run.values.extend(inputs.into_iter().map(|(id, tensor)| (id, Datum::Plain(tensor))));
    run.all()?;
    let outputs = graph.outputs().iter().map(|&id| Ok(run.value(id)?.tensor()));
    let outputs = outputs.collect::<Result<_, ExecError>>()?;
    Ok(Done { outputs, nodes: run.nodes, rows: run.rows, in_floats: run.in_floats })
}

/// A graph on its way through one batch.
pub(super) struct Run<'a> {
    pub(super) graph: &'a Graph,
    pub(super) options: &'a IntegerOptions,
    pub(super) weights: &'a IntegerWeights,
    pub(super) values: HashMap<ValueId, Datum>,
    /// Nodes whose work is done by one before them.
    passed: HashSet<NodeId>,
    pub(super) nodes: Vec<NodeReport>,
    /// How many rows of outputs the reports of each node name, where they can be put together.
    rows: Vec<u64>,
    pub(super) in_floats: Vec<String>,
}

impl<'a> Run<'a> {
    /// Before the first node.
    pub(super) fn new(
        graph: &'a Graph,
        weights: &'a IntegerWeights,
        options: &'a IntegerOptions,
    ) -> Self {
        Self {
            graph,
            options,
            weights,
            values: HashMap::new(),
            passed: HashSet::new(),
            nodes: Vec::new(),
            rows: Vec::new(),
            in_floats: Vec::new(),
        }
    }

    /// Runs all nodes; values are let go after their last use.
    pub(super) fn all(&mut self) -> Result<(), ExecError> {
        for (place, &id) in self.graph.order().iter().enumerate() {
            self.step(id)?;
            for &input in self.graph.node(id).inputs.iter().flatten() {
                if self.weights.is_last(input, place) {
                    self.values.remove(&self.weights.held(input));
                }
            }
        }
        Ok(())
    }

    pub(super) fn value(&self, id: ValueId) -> Result<Datum, ExecError> {
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
            (Op::Scan(op), _) => self.scan(id, op, &inputs)?,
            (Op::If(op), _) => self.branch(id, op, &inputs)?,
            _ => {
                let views: Vec<Option<&Datum>> = inputs.iter().map(Option::as_ref).collect();
                match arithmetic::run(node, &views, self.options.requantization).map_err(of_node)? {
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
                let (codes, reported) = job.finished(bias, &tail.finish)?;
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
            accumulator.is_integer() && (is_convolution || plain)
        };
        let done = match (operand(0), weights.codes(), &node.op) {
            (Some(Datum::Codes(input)), Some(codes), Op::ConvTranspose(op))
                if accumulator.is_integer() =>
            {
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
            (Some(input), _, Op::Conv(conv)) if weights.datum().is_some() => {
                return self.convolve_lines(product.node, conv, (input, weights), inputs);
            }
            (Some(_), _, Op::ConvTranspose(_)) if weights.datum().is_some() => {
                let why = "transposed convolutions multiply codes of integers, through registers of integers";
                return self.in_floats_because(node, inputs, why);
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
        let bias = bias_of(inputs, n)?;
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

    /// A convolution whose codes are no integers with one scale, or whose accumulator is not one of integers.
    fn convolve_lines(
        &mut self,
        id: NodeId,
        conv: &Conv,
        (input, weights): (&Datum, &Weights),
        inputs: &[Option<Datum>],
    ) -> Result<Datum, String> {
        let node = self.graph.node(id);
        let Some(datum) = weights.datum() else {
            return Ok(self.in_floats(node, inputs)?.swap_remove(0));
        };
        let outputs = datum.shape().first().copied().unwrap_or(0);
        let bias = bias_of(inputs, outputs)?;
        let (accumulator, report) = (self.accumulator(id), self.options.report);
        let job =
            ConvLines { conv, input, weights: datum, accumulator, report, bias: bias.as_deref() };
        match job.run()? {
            Convolved::InFloats(why) => self.in_floats_because(node, inputs, &why),
            Convolved::Done(values, reported) => {
                self.note_apart(id, values.len(), reported);
                Ok(Datum::Plain(values.into()))
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
        // The rows that reports name: of convolutions each image's channels, else all but the last axis. Convolutions of three
        // axes go group by group through all images.
        let is_conv = matches!(self.graph.node(id).op, Op::Conv(_) | Op::ConvTranspose(_));
        let rows: Option<usize> = match (is_conv, shape) {
            (true, [images, channels, _] | [images, channels, _, _]) => Some(images * channels),
            (true, _) => None,
            (false, shape) => Some(shape.split_last().map_or(1, |(_, rows)| rows.iter().product())),
        };
        self.rows.extend(rows.map(|rows| rows as u64));
        self.note_apart(id, shape.iter().product(), reported);
    }

    /// The same where reports of pieces of a batch do not add up to those of all of it.
    fn note_apart(&mut self, id: NodeId, outputs: usize, reported: Reported) {
        let Reported { events, report, float } = reported;
        self.nodes.push(NodeReport {
            name: self.graph.node(id).name.clone(),
            accumulator: self.accumulator(id).to_string(),
            outputs: outputs as u64,
            events,
            report,
            float,
        });
        if self.options.report == ReportLevel::None {
            self.rows.resize(self.nodes.len(), 0);
        }
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
        // Extents are asked of codes as of any array.
        let is_of_shape = matches!(node.op, Op::Shape(_) | Op::Size(_));
        if !is_of_shape && !inputs.iter().all(is_plain) {
            let why = match (&node.op, inputs) {
                (Op::Add(_), [Some(Datum::Sums(_)), Some(Datum::Sums(_))]) => {
                    " (sums of two scales meet in f32 and are rounded once, by the quantizer behind them: \
                     a requantization policy brings them to one scale in integers)"
                }
                _ => "",
            };
            self.in_floats.push(format!("{}{why}", node.name));
        }
        let tensors: Vec<Option<Tensor>> =
            inputs.iter().map(|input| input.as_ref().map(Datum::tensor)).collect();
        let views: Vec<Option<&Tensor>> = tensors.iter().map(Option::as_ref).collect();
        let outputs = node.op.run(Inputs::new(&views)).map_err(|error| error.to_string())?;
        Ok(outputs.into_iter().map(Datum::Plain).collect())
    }
}

/// The bias of a product as one number per output channel.
fn bias_of(inputs: &[Option<Datum>], outputs: usize) -> Result<Option<Vec<f32>>, String> {
    let Some(bias) = inputs.get(2).and_then(Option::as_ref) else { return Ok(None) };
    let tensor = bias.tensor();
    let bias = tensor.get::<f32>().map_err(|error| error.to_string())?;
    match bias.len() {
        1 => Ok(Some(vec![bias.iter().copied().next().unwrap_or(0.0); outputs])),
        found if found == outputs => Ok(Some(bias.iter().copied().collect())),
        found => Err(format!("a bias of {found} elements for {outputs} outputs")),
    }
}
