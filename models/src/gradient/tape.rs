//! A run whose values are kept, and the way back.

use std::collections::{HashMap, HashSet};

use ndarray::IxDyn;

use crate::exec::{QuantizerMode, compute};
use crate::graph::{Graph, Node, NodeId, ValueId};
use crate::ops::{Inputs, Op};
use crate::tensor::{ElementType, Tensor};

use super::GradientError;
use super::call::{Call, Gradient};
use super::loops;
use super::rules::backward;

/// Some nodes of a graph that have run, with all their values.
#[derive(Clone, Debug)]
pub struct Tape<'g> {
    graph: &'g Graph,
    /// Those that have run, in order.
    nodes: Vec<NodeId>,
    values: HashMap<ValueId, Tensor>,
}

impl<'g> Tape<'g> {
    /// Runs nodes, in this order, on values that are given. A node whose first output is among these is not run: its output counts
    /// as something that is put in.
    ///
    /// ```
    /// use std::collections::HashMap;
    /// use fewbit_models::{gradient::Tape, graph::Graph, ops::{Fact, Mul}, tensor::{ElementType, Tensor}};
    /// use ndarray::arr1;
    /// let mut graph = Graph::new("square");
    /// let x = graph.add_input("x", Fact::new(ElementType::F32, vec![2.into()]));
    /// let y = graph.add("y", Mul {}, &[x, x]);
    /// graph.add_output(y);
    /// let tape = Tape::run(&graph, graph.order(), HashMap::from([(x, Tensor::vector(vec![3.0f32, -1.0]))]))?;
    /// // The derivative of y₀ + 10 y₁ is [2 x₀, 20 x₁].
    /// let found = tape.backward(vec![(y, arr1(&[1.0, 10.0]).into_dyn().into_shared())], &[x])?;
    /// assert_eq!(found[0], arr1(&[6.0, -20.0]).into_dyn());
    /// # Ok::<(), fewbit_models::gradient::GradientError>(())
    /// ```
    ///
    /// # Errors
    /// A node that cannot be computed, or whose inputs are not there.
    pub fn run(
        graph: &'g Graph,
        nodes: &[NodeId],
        given: HashMap<ValueId, Tensor>,
    ) -> Result<Self, GradientError> {
        let mut tape = Self { graph, nodes: Vec::with_capacity(nodes.len()), values: given };
        for &id in nodes {
            let node = graph.node(id);
            if node.output(0).is_some_and(|output| tape.values.contains_key(&output)) {
                continue;
            }
            let found = compute(graph, node, &tape.values, None, QuantizerMode::Apply)?;
            let outputs = node.outputs.iter().zip(found);
            tape.values.extend(outputs.filter_map(|(id, tensor)| Some(((*id)?, tensor))));
            tape.nodes.push(id);
        }
        Ok(tape)
    }

    /// A value of the run, or an initializer.
    ///
    /// # Errors
    /// Neither.
    pub fn value(&self, id: ValueId) -> Result<&Tensor, GradientError> {
        let found = self.values.get(&id).or_else(|| self.graph.data(id));
        found.ok_or_else(|| GradientError::NotComputed(self.graph.name_of(id).into()))
    }

    /// The derivatives of a number by the values `wanted`, given its derivatives by some values that follow from them.
    ///
    /// # Errors
    /// A node on the way without a rule; a gradient of another shape than its value.
    pub fn backward(
        &self,
        seeds: Vec<(ValueId, Gradient)>,
        wanted: &[ValueId],
    ) -> Result<Vec<Gradient>, GradientError> {
        let reached = self.reached(wanted);
        let mut gradients = HashMap::new();
        for (id, gradient) in seeds {
            self.add(&mut gradients, id, gradient)?;
        }
        for &id in self.nodes.iter().rev() {
            let node = self.graph.node(id);
            let of_outputs: Vec<Option<&Gradient>> =
                node.outputs.iter().map(|output| gradients.get(&(*output)?)).collect();
            let is_reached = |input: &Option<ValueId>| input.is_some_and(|x| reached.contains(&x));
            let wants: Vec<bool> = node.inputs.iter().map(is_reached).collect();
            if of_outputs.iter().all(Option::is_none) || !wants.contains(&true) {
                continue;
            }
            let found = self.through(node, &of_outputs, &wants)?;
            for output in node.outputs.iter().flatten().filter(|output| !wanted.contains(output)) {
                gradients.remove(output);
            }
            for ((input, gradient), wants) in node.inputs.iter().zip(found).zip(wants) {
                if let (Some(input), Some(gradient), true) = (input, gradient, wants) {
                    self.add(&mut gradients, *input, gradient)?;
                }
            }
        }
        let zeros = |id| Ok(Gradient::zeros(IxDyn(self.value(id)?.shape())));
        wanted.iter().map(|id| gradients.remove(id).map_or_else(|| zeros(*id), Ok)).collect()
    }

    /// The floats that depend on some values, with these.
    fn reached(&self, wanted: &[ValueId]) -> HashSet<ValueId> {
        let mut reached: HashSet<ValueId> = wanted.iter().copied().collect();
        for &id in &self.nodes {
            let node = self.graph.node(id);
            if node.inputs.iter().flatten().any(|input| reached.contains(input)) {
                let outputs = node.outputs.iter().flatten().copied();
                let is_float = |id: &ValueId| {
                    self.values.get(id).is_some_and(|x| x.element_type() == ElementType::F32)
                };
                reached.extend(outputs.filter(is_float));
            }
        }
        reached
    }

    /// The gradients by the inputs of a node.
    fn through(
        &self,
        node: &Node,
        gradients: &[Option<&Gradient>],
        wants: &[bool],
    ) -> Result<Vec<Option<Gradient>>, GradientError> {
        let of = |id: &Option<ValueId>| id.map(|id| self.value(id)).transpose();
        let inputs: Vec<Option<&Tensor>> = node.inputs.iter().map(of).collect::<Result<_, _>>()?;
        let output = node.output(0).map(|id| self.value(id)).transpose()?;
        let call = Call { inputs: Inputs::new(&inputs), output, gradients, wants };
        let found = match &node.op {
            Op::Scan(op) => loops::scan::<Tape<'_>>(&call, op),
            op => backward(&call, op),
        };
        found.map_err(|source| GradientError::Operator {
            node: node.name.clone(),
            op: node.op.name(),
            source,
        })
    }

    /// Adds to the gradient of a value.
    fn add(
        &self,
        gradients: &mut HashMap<ValueId, Gradient>,
        id: ValueId,
        gradient: Gradient,
    ) -> Result<(), GradientError> {
        let expected = self.value(id)?.shape();
        if gradient.shape() != expected {
            return Err(GradientError::Shape {
                name: self.graph.name_of(id).into(),
                expected: expected.to_vec(),
                found: gradient.shape().to_vec(),
            });
        }
        let sum = match gradients.remove(&id) {
            None => gradient,
            Some(before) => {
                let mut sum = before.into_owned();
                sum += &gradient;
                sum.into_shared()
            }
        };
        gradients.insert(id, sum);
        Ok(())
    }
}

impl<'g> loops::Step<'g> for Tape<'g> {
    fn run(body: &'g Graph, given: HashMap<ValueId, Tensor>) -> Result<Self, GradientError> {
        Self::run(body, body.order(), given)
    }

    fn value(&self, id: ValueId) -> Result<&Tensor, GradientError> {
        self.value(id)
    }

    fn backward(
        &self,
        seeds: Vec<(ValueId, Gradient)>,
        wanted: &[ValueId],
    ) -> Result<Vec<Gradient>, GradientError> {
        self.backward(seeds, wanted)
    }
}
