//! Running a network node after node.

use std::collections::HashMap;
use std::sync::Arc;

use rayon::prelude::*;

use crate::graph::{Graph, GraphError, Node, NodeId, ValueId};
use crate::ops::{Inputs, Op, Packed};
use crate::tensor::Tensor;

use super::ExecError;
use super::float::{compute, placed};
use super::pieces::{FLOATS, joined, pieces};
use super::scan::{Watch, run_scan};

/// What becomes of the quantizers of a network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum QuantizerMode {
    /// They round.
    #[default]
    Apply,
    /// They hand on what they get.
    Skip,
    /// Those of constants round, those of computed values hand on what they get.
    Constants,
}

impl QuantizerMode {
    /// The input that a node hands on, if it is a quantizer that rounds nothing.
    pub(super) fn skips(self, graph: &Graph, node: &Node) -> Option<ValueId> {
        let Op::Quantize(_) = node.op else { return None };
        let input = node.input(0)?;
        let skips = match self {
            Self::Apply => false,
            Self::Skip => true,
            Self::Constants => graph.data(input).is_none(),
        };
        skips.then_some(input)
    }
}

/// What follows from constants alone: computed once, used by every batch.
#[derive(Clone, Debug, Default)]
pub struct Constants {
    /// What their quantizers give.
    values: HashMap<ValueId, Tensor>,
    /// Right operands of products, in the order that products take them in.
    packed: Arc<HashMap<NodeId, Packed>>,
}

impl Constants {
    /// Runs the quantizers of constants, and packs the constants of products; these take up memory once more.
    ///
    /// # Errors
    /// What a quantizer refuses.
    pub fn of(graph: &Graph, mode: QuantizerMode) -> Result<Self, ExecError> {
        let Self { values, .. } = Self::unpacked(graph, mode)?;
        let nodes: Vec<_> = graph.nodes().collect();
        let pack = |(id, node): &(NodeId, &Node)| {
            let inputs = node.inputs.iter().enumerate();
            let mut packed = inputs.filter_map(|(place, input)| {
                let input = (*input)?;
                node.op.pack(place, values.get(&input).or_else(|| graph.data(input))?)
            });
            Some((*id, packed.next()?))
        };
        let packed = nodes.par_iter().filter_map(pack).collect();
        Ok(Self { values, packed: Arc::new(packed) })
    }

    /// Runs the quantizers of constants, for a network whose weights change on the way.
    ///
    /// # Errors
    /// What a quantizer refuses.
    pub fn unpacked(graph: &Graph, mode: QuantizerMode) -> Result<Self, ExecError> {
        let mut values = HashMap::new();
        for (_, node) in graph.nodes() {
            let data = node.input(0).and_then(|input| graph.data(input));
            let (Op::Quantize(_), Some(data), Some(output)) = (&node.op, data, node.output(0))
            else {
                continue;
            };
            let tensor = match mode {
                QuantizerMode::Skip => data.clone(),
                QuantizerMode::Apply | QuantizerMode::Constants => {
                    compute(graph, node, &HashMap::new(), None, mode)?.swap_remove(0)
                }
            };
            values.insert(output, tensor);
        }
        Ok(Self { values, packed: Arc::default() })
    }
}

/// A network on its way through one batch.
///
/// Values are let go after their last use.
#[derive(Clone, Debug)]
pub struct Execution {
    values: HashMap<ValueId, Tensor>,
    /// How often a value is still needed.
    uses: HashMap<ValueId, usize>,
    mode: QuantizerMode,
    packed: Arc<HashMap<NodeId, Packed>>,
}

impl Execution {
    /// Before the first node, with these inputs in the order of the graph's.
    ///
    /// # Errors
    /// Another number of inputs, or other types or shapes than the graph's; the same name of an extent for two numbers.
    pub fn new(graph: &Graph, inputs: &[Tensor], mode: QuantizerMode) -> Result<Self, ExecError> {
        Self::with_constants(graph, inputs, mode, &Constants::default())
    }

    /// The same, with what the quantizers of constants gave.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_constants(
        graph: &Graph,
        inputs: &[Tensor],
        mode: QuantizerMode,
        constants: &Constants,
    ) -> Result<Self, ExecError> {
        let mut values: HashMap<ValueId, Tensor> = placed(graph, inputs)?.into_iter().collect();
        values.extend(constants.values.iter().map(|(&id, tensor)| (id, tensor.clone())));
        let mut uses = HashMap::new();
        for (_, node) in graph.nodes() {
            for &input in node.inputs.iter().flatten() {
                *uses.entry(input).or_default() += 1;
            }
        }
        for &output in graph.outputs() {
            *uses.entry(output).or_default() += 1;
        }
        Ok(Self { values, uses, mode, packed: constants.packed.clone() })
    }

    /// The elements of a value that has been computed and is still needed, or of an initializer.
    ///
    /// # Errors
    /// Neither.
    pub fn value<'a>(&'a self, graph: &'a Graph, id: ValueId) -> Result<&'a Tensor, ExecError> {
        let found = self.values.get(&id).or_else(|| graph.data(id));
        found.ok_or_else(|| ExecError::NotComputed(graph.name_of(id).into()))
    }

    /// Takes a value out, to be replaced.
    pub fn take(&mut self, id: ValueId) -> Option<Tensor> {
        self.values.remove(&id)
    }

    /// Puts other elements into the place of a value.
    pub fn replace(&mut self, id: ValueId, tensor: Tensor) {
        self.values.insert(id, tensor);
    }

    /// Runs a node whose inputs are there.
    ///
    /// # Errors
    /// Inputs that are not there, or that the operator cannot have.
    pub fn step(&mut self, graph: &Graph, id: NodeId) -> Result<(), ExecError> {
        let node = graph.node(id);
        if let [Some(output)] = node.outputs[..]
            && self.values.contains_key(&output)
        {
            // It is one of the constants.
            return Ok(());
        }
        let outputs = match self.mode.skips(graph, node) {
            Some(input) => vec![self.value(graph, input)?.clone()],
            None => match self.in_place(graph, node)? {
                Some(tensor) => vec![tensor],
                None => compute(graph, node, &self.values, self.packed.get(&id), self.mode)?,
            },
        };
        self.done(node, outputs);
        Ok(())
    }

    /// The same; where it is a loop, every step of every node in it is shown.
    ///
    /// # Errors
    /// As [`Self::step`]; what the watcher refuses.
    pub(crate) fn step_watched(
        &mut self,
        graph: &Graph,
        id: NodeId,
        watch: &mut Watch<'_>,
    ) -> Result<(), ExecError> {
        let node = graph.node(id);
        let Op::Scan(op) = &node.op else { return self.step(graph, id) };
        let inputs = node.inputs.iter().map(|input| match input {
            None => Ok(None),
            Some(input) => self.value(graph, *input).map(Some),
        });
        let inputs = inputs.collect::<Result<Vec<_>, _>>()?;
        let outputs = run_scan(op, &inputs, self.mode, watch)?;
        self.done(node, outputs);
        Ok(())
    }

    /// Keeps what a node gave, and lets go what nothing needs any more.
    fn done(&mut self, node: &Node, outputs: Vec<Tensor>) {
        for &input in node.inputs.iter().flatten() {
            self.used(input);
        }
        for (output, tensor) in node.outputs.iter().zip(outputs) {
            if let &Some(output) = output
                && self.uses.get(&output).is_some_and(|&uses| uses > 0)
            {
                self.values.insert(output, tensor);
            }
        }
    }

    /// Runs a node in the memory of its first input, where nothing else needs that and the operator can.
    fn in_place(&mut self, graph: &Graph, node: &Node) -> Result<Option<Tensor>, ExecError> {
        let ([Some(first), ..], [Some(_)]) = (&node.inputs[..], &node.outputs[..]) else {
            return Ok(None);
        };
        if !node.op.may_change() || self.uses.get(first) != Some(&1) {
            return Ok(None);
        }
        let array = match self.values.remove(first) {
            Some(Tensor::F32(array)) => array,
            other => {
                self.values.extend(other.map(|tensor| (*first, tensor)));
                return Ok(None);
            }
        };
        let mut array = match array.try_into_owned_nocopy() {
            Ok(array) => array,
            Err(array) => {
                self.values.insert(*first, array.into());
                return Ok(None);
            }
        };
        let others = node.inputs.iter().map(|input| {
            let id = (*input)?;
            self.values.get(&id).or_else(|| graph.data(id))
        });
        let others: Vec<Option<&Tensor>> = others.collect();
        let wrong =
            |source| GraphError::Node { node: node.name.clone(), op: node.op.name(), source };
        let done = node.op.change(&mut array, Inputs::new(&others)).map_err(wrong)?;
        if done {
            return Ok(Some(array.into()));
        }
        self.values.insert(*first, array.into());
        Ok(None)
    }

    /// Runs a node once more, whose inputs are still there or initializers.
    ///
    /// # Errors
    /// As [`Self::step`].
    pub fn rerun(&mut self, graph: &Graph, id: NodeId) -> Result<(), ExecError> {
        let node = graph.node(id);
        let outputs = compute(graph, node, &self.values, self.packed.get(&id), self.mode)?;
        for (output, tensor) in node.outputs.iter().zip(outputs) {
            if let Some(output) = output {
                self.values.insert(*output, tensor);
            }
        }
        Ok(())
    }

    fn used(&mut self, id: ValueId) {
        if let Some(uses) = self.uses.get_mut(&id) {
            *uses = uses.saturating_sub(1);
            if *uses == 0 {
                self.values.remove(&id);
            }
        }
    }

    /// The outputs of the network, once all nodes have run.
    ///
    /// # Errors
    /// One that has not been computed.
    pub fn outputs(self, graph: &Graph) -> Result<Vec<Tensor>, ExecError> {
        graph.outputs().iter().map(|&id| self.value(graph, id).cloned()).collect()
    }
}

/// What the network makes of a batch, in floats; inputs in the order of the graph's.
///
/// Where images do not meet in any node, a few at a time go through all nodes: the result is the same, and what stands between
/// nodes stays in the cache.
///
/// # Errors
/// As [`Execution::new`] and [`Execution::step`].
pub fn run_batch(
    graph: &Graph,
    inputs: &[Tensor],
    mode: QuantizerMode,
    constants: &Constants,
) -> Result<Vec<Tensor>, ExecError> {
    placed(graph, inputs)?;
    let Some(pieces) = pieces(graph, inputs, FLOATS) else {
        return run_piece(graph, inputs, mode, constants);
    };
    let run = |piece: &Vec<Tensor>| run_piece(graph, piece, mode, constants);
    let outputs: Vec<Vec<Tensor>> = pieces.par_iter().map(run).collect::<Result<_, _>>()?;
    match joined(&outputs) {
        Some(outputs) => Ok(outputs),
        None => run_piece(graph, inputs, mode, constants),
    }
}

fn run_piece(
    graph: &Graph,
    inputs: &[Tensor],
    mode: QuantizerMode,
    constants: &Constants,
) -> Result<Vec<Tensor>, ExecError> {
    let mut execution = Execution::with_constants(graph, inputs, mode, constants)?;
    for &id in graph.order() {
        execution.step(graph, id)?;
    }
    execution.outputs(graph)
}
