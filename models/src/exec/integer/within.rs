//! Graphs within nodes: the branches of an `If`, the body of a loop.

use crate::exec::ExecError;
use crate::exec::scan::{steps, wrong};
use crate::graph::{Graph, NodeId};
use crate::ops::{If, Scan, ScanDirection};

use super::datum::Datum;
use super::prepared::IntegerWeights;
use super::report::merge_nodes;
use super::run::Run;
use super::sequence::{element, stacked};

impl<'a> Run<'a> {
    /// The outputs of the branch that a condition chooses.
    pub(super) fn branch(
        &mut self,
        id: NodeId,
        op: &'a If,
        inputs: &[Option<Datum>],
    ) -> Result<Vec<Datum>, ExecError> {
        let node = self.graph.node(id);
        let of_node = |problem: String| ExecError::Node { node: node.name.clone(), problem };
        let condition = inputs.first().and_then(Option::as_ref).map(Datum::tensor);
        let condition = condition.ok_or_else(|| of_node("its condition is missing".into()))?;
        let branch = op.branch(&condition).map_err(|error| of_node(error.to_string()))?;
        let place = usize::from(!std::ptr::eq(branch, &op.then_branch));
        let weights = self.weights.within(id).get(place);
        let weights = weights.ok_or_else(|| of_node("its branches are not prepared".into()))?;
        let given = inputs.iter().skip(1).cloned().collect();
        self.inner(branch, weights, given)
    }

    /// The outputs of a loop: codes stay codes from step to step.
    pub(super) fn scan(
        &mut self,
        id: NodeId,
        op: &'a Scan,
        inputs: &[Option<Datum>],
    ) -> Result<Vec<Datum>, ExecError> {
        let weights = self.weights.within(id).first();
        let weights = weights.ok_or_else(|| wrong(op, "its body is not prepared".into()))?;
        let behind = op.states + op.sequences;
        if inputs.len() < behind {
            return Err(wrong(op, format!("{} inputs, and {behind} are needed", inputs.len())));
        }
        let length = |input: &Option<Datum>| input.as_ref()?.shape().first().copied();
        let steps = steps(op, inputs[op.states..].iter().map(length))?;
        let mut states = inputs[..op.states].to_vec();
        let mut sequences =
            vec![Vec::with_capacity(steps.len()); op.body.outputs().len() - op.states];
        for &step in &steps {
            let mut given = states;
            let now = inputs[op.states..behind].iter();
            given.extend(now.map(|x| x.as_ref().map(|x| element(x, step))));
            given.extend(inputs[behind..].iter().cloned());
            let outputs = self.inner(&op.body, weights, given)?;
            states = outputs.into_iter().map(Some).collect();
            for (all, one) in sequences.iter_mut().zip(states.split_off(op.states)) {
                all.extend(one);
            }
        }
        let mut outputs: Vec<Datum> = states.into_iter().flatten().collect();
        for mut all in sequences {
            if op.direction == ScanDirection::Backward {
                all.reverse();
            }
            outputs.push(stacked(&all).map_err(|problem| wrong(op, problem))?);
        }
        Ok(outputs)
    }

    /// Runs a graph within a node; what its accumulators did is what this one's did.
    fn inner(
        &mut self,
        graph: &'a Graph,
        weights: &'a IntegerWeights,
        inputs: Vec<Option<Datum>>,
    ) -> Result<Vec<Datum>, ExecError> {
        let mut run = Run::new(graph, weights, self.options);
        let given = graph.inputs().iter().zip(inputs);
        run.values.extend(given.filter_map(|(&id, datum)| Some((id, datum?))));
        run.all()?;
        let outputs = graph.outputs().iter().map(|&id| run.value(id));
        let outputs = outputs.collect::<Result<Vec<_>, _>>()?;
        merge_nodes(&mut self.nodes, run.nodes);
        for name in run.in_floats {
            if !self.in_floats.contains(&name) {
                self.in_floats.push(name);
            }
        }
        Ok(outputs)
    }
}
