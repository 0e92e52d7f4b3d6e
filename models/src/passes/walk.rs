//! Running the quantized network, and the float one beside it, on all batches at once.

use ndarray::{ArrayD, Axis};
use rayon::prelude::*;

use crate::exec::{Constants, Execution, QuantizerMode};
use crate::graph::{Graph, NodeId, Product, ValueId};
use crate::ops::Op;
use crate::ops::parallel::change;
use crate::tensor::Tensor;

use super::PassError;
use super::loop_inputs::loop_inputs;

/// The quantized network on all batches, node after node, and the float one where it is asked for: what comes before a node has
/// been computed in either.
///
/// The quantized graph may be changed at the node that comes next, and from there on.
pub(super) struct Walk<'a> {
    float: Option<(&'a Graph, Vec<Execution>)>,
    quantized: Vec<Execution>,
    mode: QuantizerMode,
}

fn start(
    graph: &Graph,
    batches: &[Vec<Tensor>],
    mode: QuantizerMode,
) -> Result<Vec<Execution>, PassError> {
    let constants = Constants::unpacked(graph, mode)?;
    let all = batches.iter().map(|batch| Execution::with_constants(graph, batch, mode, &constants));
    Ok(all.collect::<Result<Vec<_>, _>>()?)
}

impl<'a> Walk<'a> {
    /// The quantized network alone, its quantizers as the mode says.
    pub(super) fn quantized(
        graph: &Graph,
        batches: &[Vec<Tensor>],
        mode: QuantizerMode,
    ) -> Result<Self, PassError> {
        Ok(Self { float: None, quantized: start(graph, batches, mode)?, mode })
    }

    /// Both networks, side by side.
    pub(super) fn pairs(
        float: &'a Graph,
        graph: &Graph,
        batches: &[Vec<Tensor>],
        mode: QuantizerMode,
    ) -> Result<Self, PassError> {
        let both = (float, start(float, batches, QuantizerMode::Skip)?);
        Ok(Self { float: Some(both), ..Self::quantized(graph, batches, mode)? })
    }

    /// Runs a node: in both networks where both have it.
    pub(super) fn step(&mut self, graph: &Graph, id: NodeId) -> Result<(), PassError> {
        self.step_quantized(graph, id)?;
        self.step_float(id)
    }

    /// Runs a node in the quantized network alone.
    pub(super) fn step_quantized(&mut self, graph: &Graph, id: NodeId) -> Result<(), PassError> {
        Ok(self.quantized.par_iter_mut().try_for_each(|execution| execution.step(graph, id))?)
    }

    /// Runs a node in the float network alone, where it has it.
    pub(super) fn step_float(&mut self, id: NodeId) -> Result<(), PassError> {
        if let Some((float, executions)) = &mut self.float
            && float.has(id)
        {
            executions.par_iter_mut().try_for_each(|execution| execution.step(float, id))?;
        }
        Ok(())
    }

    /// A value of the quantized network, batch by batch.
    pub(super) fn values<'b>(
        &'b self,
        graph: &'b Graph,
        value: ValueId,
    ) -> Result<Vec<&'b Tensor>, PassError> {
        self.quantized.iter().map(|execution| Ok(execution.value(graph, value)?)).collect()
    }

    /// The same of the float network, if it runs beside; of the input at a place of a node.
    pub(super) fn float_inputs(
        &self,
        node: NodeId,
        place: usize,
    ) -> Option<Result<Vec<&Tensor>, PassError>> {
        let (float, _) = self.float.as_ref()?;
        self.float_values(float.node(node).input(place)?)
    }

    /// A value of the float network, if it runs beside, batch by batch.
    pub(super) fn float_values(&self, value: ValueId) -> Option<Result<Vec<&Tensor>, PassError>> {
        let (float, executions) = self.float.as_ref()?;
        let all = executions.iter().map(|execution| Ok(execution.value(float, value)?));
        Some(all.collect())
    }

    /// What a product within the loop that comes next takes, and what it takes in the float network if that runs beside: all steps of
    /// a batch together.
    pub(super) fn inputs_within(
        &self,
        graph: &Graph,
        id: NodeId,
        product: &Product,
    ) -> Result<(Vec<Tensor>, Option<Vec<Tensor>>), PassError> {
        let within = |graph: &Graph, executions: &[Execution], mode| {
            let node = graph.node(id);
            let Op::Scan(scan) = &node.op else { return Ok(Vec::new()) };
            let of_batch = |execution: &Execution| -> Result<Vec<Option<Tensor>>, PassError> {
                let of = |input: &Option<ValueId>| {
                    input.map(|input| execution.value(graph, input).cloned()).transpose()
                };
                Ok(node.inputs.iter().map(of).collect::<Result<_, _>>()?)
            };
            let runs: Vec<_> = executions.iter().map(of_batch).collect::<Result<_, _>>()?;
            loop_inputs(scan, &runs, mode, product.node)
        };
        let quantized = within(graph, &self.quantized, self.mode)?;
        let float = match &self.float {
            Some((float, executions)) if float.has(id) => {
                Some(within(float, executions, QuantizerMode::Skip)?)
            }
            _ => None,
        };
        Ok((quantized, float))
    }

    /// Runs a node of the quantized network once more, whose inputs are constants.
    pub(super) fn rerun(&mut self, graph: &Graph, id: NodeId) -> Result<(), PassError> {
        // It depends on constants alone: what it gives for one batch it gives for all.
        let Some((first, others)) = self.quantized.split_first_mut() else { return Ok(()) };
        first.rerun(graph, id)?;
        for output in graph.node(id).outputs.iter().flatten() {
            let tensor = first.value(graph, *output)?.clone();
            others.iter_mut().for_each(|execution| execution.replace(*output, tensor.clone()));
        }
        Ok(())
    }

    /// Adds a number per channel to a value of the quantized network.
    pub(super) fn shift(
        &mut self,
        graph: &Graph,
        value: ValueId,
        shift: &[f64],
        channel: impl Fn(&ArrayD<f32>) -> Axis + Sync,
    ) -> Result<(), PassError> {
        self.quantized.par_iter_mut().try_for_each(|execution| {
            let Some(tensor) = execution.take(value) else { return Ok(()) };
            let array: Result<ArrayD<f32>, _> = tensor.try_into();
            let array = array.map_err(PassError::tensor(graph.name_of(value)))?;
            let mut array = match array.is_standard_layout() {
                true => array,
                false => array.as_standard_layout().into_owned(),
            };
            let Axis(axis) = channel(&array);
            let run: usize = array.shape().iter().skip(axis + 1).product();
            let mut shifts = shift.iter().map(|&shift| shift as f32).cycle();
            if let Some(elements) = array.as_slice_mut().filter(|_| run > 0) {
                for run in elements.chunks_exact_mut(run) {
                    let shift = shifts.next().unwrap_or_default();
                    change(run, move |x| x + shift);
                }
            }
            execution.replace(value, array.into());
            Ok(())
        })
    }
}
