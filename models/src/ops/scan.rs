//! `Scan`.

use crate::graph::Graph;
use crate::tensor::Tensor;

use super::{AttributeSet, Attributes, Dim, Fact, Inputs, Op, OpError, Operator};

/// In which order a [`Scan`] goes through its sequences.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ScanDirection {
    /// From their beginning.
    #[default]
    Forward,
    /// From their end; what it makes of a step lies where the step did.
    Backward,
}

/// A loop over the steps of sequences, along the first axis of each.
///
/// ```text
/// for each step t:   s[1..n], y[1..k] = body(s[1..n], x[1..m][t], others)
/// ```
/// Inputs are the `n` states before the first step, `m` sequences, and what the body sees of the graph around; outputs the
/// states behind the last step and `k` sequences. The body's inputs and outputs lie in the same order.
///
/// An executor runs the graph: [`Operator::run`] is an error.
#[derive(Clone, Debug, PartialEq)]
pub struct Scan {
    /// One step.
    pub body: Graph,
    /// How many states there are.
    pub states: usize,
    /// How many sequences go in.
    pub sequences: usize,
    /// The order of the steps.
    pub direction: ScanDirection,
}

impl AttributeSet for Scan {
    fn from_attributes(_: &mut Attributes) -> Result<Self, OpError> {
        Err(OpError::Unsupported("its graph is no attribute".into()))
    }

    fn put_attributes(&self, _: &mut Attributes) {}
}

impl Scan {
    /// Finds types and shapes in the body, and those of the outputs.
    ///
    /// # Errors
    /// Inputs that an operator of the body cannot have; sequences without axes; another number of inputs or outputs.
    pub fn settle(&mut self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        let wrong = |problem: String| Err(OpError::Shape(problem));
        if self.body.outputs().len() < self.states {
            let found = self.body.outputs().len();
            return wrong(format!("{found} outputs of a body with {} states", self.states));
        }
        let mut steps = Dim::Unknown;
        for (place, id) in self.body.inputs().to_vec().into_iter().enumerate() {
            let Some(fact) = inputs.optional(place) else { continue };
            let mut fact = fact.clone().without_known();
            if (self.states..self.states + self.sequences).contains(&place)
                && let Some(shape) = &mut fact.shape
            {
                if shape.is_empty() {
                    return wrong(format!("sequence {place} has no axes"));
                }
                steps = shape.remove(0);
            }
            self.body.value_mut(id).fact = fact;
        }
        self.body.infer().map_err(|error| OpError::Shape(error.to_string()))?;
        let of_sequence = |mut fact: Fact| {
            if let Some(shape) = &mut fact.shape {
                shape.insert(0, steps.clone());
            }
            fact
        };
        let facts = self.body.outputs().iter().map(|&id| self.body.fact(id).without_known());
        let facts = facts.enumerate().map(|(place, fact)| match place < self.states {
            true => fact,
            false => of_sequence(fact),
        });
        Ok(facts.collect())
    }
}

impl Operator for Scan {
    fn since(&self) -> i64 {
        9
    }

    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        self.clone().settle(inputs)
    }

    fn run(&self, _: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        Err(OpError::Unsupported("an executor runs its graph".into()))
    }
}

impl Op {
    /// The graphs within a node: the branches of an `If`, the body of a `Scan`.
    #[must_use]
    pub fn graphs(&self) -> Vec<&Graph> {
        match self {
            Self::If(op) => vec![&op.then_branch, &op.else_branch],
            Self::Scan(op) => vec![&op.body],
            _ => Vec::new(),
        }
    }

    /// The same, to be changed.
    pub fn graphs_mut(&mut self) -> Vec<&mut Graph> {
        match self {
            Self::If(op) => vec![&mut op.then_branch, &mut op.else_branch],
            Self::Scan(op) => vec![&mut op.body],
            _ => Vec::new(),
        }
    }
}
