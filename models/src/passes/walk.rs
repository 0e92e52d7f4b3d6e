//! Running the float and the quantized network side by side.

use ndarray::{ArrayD, Axis};

use crate::exec::{Execution, QuantizerMode};
use crate::graph::{Graph, NodeId, ValueId};
use crate::tensor::Tensor;

use super::PassError;

/// Both networks on the same batches, node after node: what comes before a node has been computed in either.
///
/// The quantized graph may be changed at the node that comes next, and from there on.
pub(super) struct Walk {
    float: Vec<Execution>,
    quantized: Vec<Execution>,
}

impl Walk {
    /// Before the first node.
    pub(super) fn new(
        float: &Graph,
        graph: &Graph,
        batches: &[Vec<Tensor>],
    ) -> Result<Self, PassError> {
        let start = |graph: &Graph, mode| {
            let all = batches.iter().map(|batch| Execution::new(graph, batch, mode));
            all.collect::<Result<Vec<_>, _>>()
        };
        Ok(Self {
            float: start(float, QuantizerMode::Skip)?,
            quantized: start(graph, QuantizerMode::Apply)?,
        })
    }

    /// Runs a node: in both networks where both have it.
    pub(super) fn step(
        &mut self,
        float: &Graph,
        graph: &Graph,
        id: NodeId,
    ) -> Result<(), PassError> {
        for (index, execution) in self.quantized.iter_mut().enumerate() {
            execution.step(graph, id)?;
            if float.has(id) {
                self.float[index].step(float, id)?;
            }
        }
        Ok(())
    }

    /// Hands the values of every batch to `work`: of the quantized and of the float network.
    pub(super) fn each(
        &self,
        (float, float_value): (&Graph, ValueId),
        (graph, value): (&Graph, ValueId),
        mut work: impl FnMut(&Tensor, &Tensor) -> Result<(), PassError>,
    ) -> Result<(), PassError> {
        for (reference, quantized) in self.float.iter().zip(&self.quantized) {
            work(quantized.value(graph, value)?, reference.value(float, float_value)?)?;
        }
        Ok(())
    }

    /// Runs a node of the quantized network once more.
    pub(super) fn rerun(&mut self, graph: &Graph, id: NodeId) -> Result<(), PassError> {
        for execution in &mut self.quantized {
            execution.rerun(graph, id)?;
        }
        Ok(())
    }

    /// Adds a number per channel to a value of the quantized network.
    pub(super) fn shift(
        &mut self,
        graph: &Graph,
        value: ValueId,
        shift: &[f64],
        channel: impl Fn(&ArrayD<f32>) -> Axis,
    ) -> Result<(), PassError> {
        for execution in &mut self.quantized {
            let tensor = execution.value(graph, value)?.clone();
            let array: Result<ArrayD<f32>, _> = tensor.try_into();
            let mut array = array.map_err(PassError::tensor(graph.name_of(value)))?;
            let axis = channel(&array);
            for (mut slice, shift) in array.axis_iter_mut(axis).zip(shift) {
                slice.mapv_inplace(|x| (f64::from(x) + shift) as f32);
            }
            execution.replace(value, array.into());
        }
        Ok(())
    }
}
