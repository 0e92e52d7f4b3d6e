//! `If`.

use crate::graph::Graph;
use crate::tensor::{ElementType, Tensor};

use super::{AttributeSet, Attributes, Dim, Fact, Inputs, OpError, Operator};

/// One graph or another, as the first input says. The other inputs are those of both graphs.
///
/// An executor runs the graph: [`Operator::run`] is an error.
#[derive(Clone, Debug, PartialEq)]
pub struct If {
    /// What is computed where the condition is true.
    pub then_branch: Graph,
    /// What is computed where it is false.
    pub else_branch: Graph,
}

impl AttributeSet for If {
    fn from_attributes(_: &mut Attributes) -> Result<Self, OpError> {
        Err(OpError::Unsupported("its graphs are no attributes".into()))
    }

    fn put_attributes(&self, _: &mut Attributes) {}
}

/// Types and shapes in a branch with these inputs, and those of its outputs.
fn settle(branch: &mut Graph, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
    for (place, id) in branch.inputs().to_vec().into_iter().enumerate() {
        if let Some(fact) = inputs.optional(place + 1) {
            branch.value_mut(id).fact = fact.clone().without_known();
        }
    }
    branch.infer().map_err(|error| OpError::Shape(error.to_string()))?;
    Ok(branch.outputs().iter().map(|&id| branch.fact(id)).collect())
}

/// What two facts have in common.
fn common(a: Fact, b: Fact) -> Fact {
    let dim = |(a, b): (&Dim, &Dim)| if a == b { a.clone() } else { Dim::Unknown };
    let shape = match (&a.shape, &b.shape) {
        (Some(a), Some(b)) if a.len() == b.len() => Some(a.iter().zip(b).map(dim).collect()),
        _ => None,
    };
    Fact { element: a.element.filter(|_| a.element == b.element), shape, known: None }
}

impl If {
    /// The graph that a condition chooses.
    ///
    /// # Errors
    /// A condition that is not one truth value.
    pub fn branch(&self, condition: &Tensor) -> Result<&Graph, OpError> {
        let wrong = || OpError::Shape("the condition is not one truth value".into());
        let Tensor::Bool(condition) = condition else { return Err(wrong()) };
        let mut values = condition.iter();
        match (values.next(), values.next()) {
            (Some(true), None) => Ok(&self.then_branch),
            (Some(false), None) => Ok(&self.else_branch),
            _ => Err(wrong()),
        }
    }
}

impl If {
    /// Finds types and shapes in both branches, and those of the outputs.
    ///
    /// # Errors
    /// Inputs that an operator of a branch cannot have; branches that have not as many outputs.
    pub fn settle(&mut self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        let condition = inputs.required(0, "cond")?;
        if condition.element.is_some_and(|element| element != ElementType::Bool) {
            return Err(OpError::Shape("the condition is not a truth value".into()));
        }
        let then = settle(&mut self.then_branch, inputs)?;
        let other = settle(&mut self.else_branch, inputs)?;
        if then.len() != other.len() {
            return Err(OpError::Shape("the branches have not as many outputs".into()));
        }
        Ok(then.into_iter().zip(other).map(|(a, b)| common(a, b)).collect())
    }
}

impl Operator for If {
    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        self.clone().settle(inputs)
    }

    fn run(&self, _: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        Err(OpError::Unsupported("an executor runs its graphs".into()))
    }
}
