//! The nodes of a network, one after the other, in integers.

use std::collections::{BTreeMap, HashMap};

use fewbit::requantize::RequantizePolicy;
use fewbit::{Accumulator, ReportLevel};

use crate::exec::ExecError;
use crate::exec::float::placed;
use crate::graph::{Graph, Node, NodeId, Product, ProductLayout, ValueId, products};
use crate::ops::{Inputs, Op, Quantize};
use crate::tensor::Tensor;

use super::arithmetic;
use super::bias::biased;
use super::datum::Datum;
use super::matrices::matmul;
use super::product::{Done, Job};
use super::report::{IntegerRun, NodeReport};
use super::requantize::{codes, quantized};
use super::transposed::lowered;

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
    let inputs = placed(graph, inputs)?;
    let products: BTreeMap<NodeId, Product> =
        products(graph).into_iter().map(|product| (product.node, product)).collect();
    let mut run = Run {
        graph,
        options,
        products,
        values: HashMap::new(),
        nodes: Vec::new(),
        in_floats: Vec::new(),
    };
    run.values.extend(inputs.into_iter().map(|(id, tensor)| (id, Datum::Plain(tensor))));
    let last = last_uses(graph);
    for (place, &id) in graph.order().iter().enumerate() {
        run.step(id)?;
        for input in graph.node(id).inputs.iter().flatten() {
            if last.get(input) == Some(&place) && !graph.is_output(*input) {
                run.values.remove(input);
            }
        }
    }
    let outputs = graph.outputs().iter().map(|&id| Ok(run.value(id)?.tensor()));
    let outputs = outputs.collect::<Result<_, ExecError>>()?;
    Ok(IntegerRun { outputs, nodes: run.nodes, in_floats: run.in_floats })
}

/// The place in the order of the last node that uses each value.
fn last_uses(graph: &Graph) -> HashMap<ValueId, usize> {
    let mut last = HashMap::new();
    for (place, (_, node)) in graph.nodes().enumerate() {
        for &input in node.inputs.iter().flatten() {
            last.insert(input, place);
        }
    }
    last
}

struct Run<'a> {
    graph: &'a Graph,
    options: &'a IntegerOptions,
    products: BTreeMap<NodeId, Product>,
    values: HashMap<ValueId, Datum>,
    nodes: Vec<NodeReport>,
    in_floats: Vec<String>,
}

impl<'a> Run<'a> {
    fn value(&self, id: ValueId) -> Result<Datum, ExecError> {
        if let Some(datum) = self.values.get(&id) {
            return Ok(datum.clone());
        }
        let data = self.graph.data(id).cloned().map(Datum::Plain);
        data.ok_or_else(|| ExecError::NotComputed(self.graph.name_of(id).into()))
    }

    fn step(&mut self, id: NodeId) -> Result<(), ExecError> {
        let node = self.graph.node(id);
        let of_node = |problem: String| ExecError::Node { node: node.name.clone(), problem };
        let inputs = node
            .inputs
            .iter()
            .map(|input| input.map(|id| self.value(id)).transpose())
            .collect::<Result<Vec<_>, _>>()?;
        let outputs = match (&node.op, self.products.get(&id).cloned()) {
            (Op::Quantize(op), _) => vec![self.quantize(op, &inputs).map_err(of_node)?],
            (_, Some(product)) => vec![self.multiply(node, &product, &inputs).map_err(of_node)?],
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
        let input = inputs.first().cloned().flatten().ok_or("its input is missing")?;
        match quantized(op, &input, self.options.requantization)? {
            Some(codes) => Ok(Datum::Codes(codes)),
            None => {
                let tensor = input.tensor();
                let x = tensor.get::<f32>().map_err(|error| error.to_string())?;
                let tensor = op.codes(x).map_err(|error| error.to_string())?;
                Ok(match codes(&tensor)? {
                    Some(codes) => Datum::Codes(codes),
                    None => Datum::Plain(tensor.dequantize().into()),
                })
            }
        }
    }

    fn multiply(
        &mut self,
        node: &Node,
        product: &Product,
        inputs: &[Option<Datum>],
    ) -> Result<Datum, String> {
        let operand = |at: usize| inputs.get(at).and_then(Option::as_ref);
        let (Some(Datum::Codes(input)), Some(Datum::Codes(weights))) = (operand(0), operand(1))
        else {
            // A product that nobody quantized stays one of floats.
            return Ok(self.in_floats(node, inputs)?.swap_remove(0));
        };
        let accumulator = self.accumulator(product.node);
        let report = self.options.report;
        let done = match &node.op {
            Op::ConvTranspose(op) => {
                let (conv, input, weights) = lowered(op, input, weights)?;
                let (layout, conv) = (ProductLayout::Conv, Some(&conv));
                let (input, weights) = (&input, &weights);
                Job { layout, conv, input, weights, accumulator, report }.run()?
            }
            op => {
                let conv = if let Op::Conv(conv) = op { Some(conv) } else { None };
                Job { layout: product.layout, conv, input, weights, accumulator, report }.run()?
            }
        };
        self.note(product.node, &done);
        match operand(2) {
            None => Ok(Datum::Sums(done.sums)),
            Some(bias) => biased(done.sums, bias),
        }
    }

    /// A product of two values that are computed.
    fn matmul(&mut self, id: NodeId, inputs: &[Option<Datum>]) -> Result<Datum, String> {
        let [Some(Datum::Codes(x)), Some(Datum::Codes(w))] = inputs else {
            let node = self.graph.node(id);
            return Ok(self.in_floats(node, inputs)?.swap_remove(0));
        };
        let done = matmul(x, w, self.accumulator(id), self.options.report)?;
        self.note(id, &done);
        Ok(Datum::Sums(done.sums))
    }

    /// The accumulator of a product.
    fn accumulator(&self, id: NodeId) -> &'a Accumulator {
        self.graph.accumulator(id).unwrap_or(&self.options.accumulator)
    }

    /// Keeps what the accumulator of a product did.
    fn note(&mut self, id: NodeId, done: &Done) {
        self.nodes.push(NodeReport {
            name: self.graph.node(id).name.clone(),
            accumulator: self.accumulator(id).to_string(),
            outputs: done.sums.values.len() as u64,
            events: done.events.clone(),
            report: done.report.clone(),
        });
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
