//! Types and shapes of all values.

use crate::ops::{Fact, Inputs};

use super::{Graph, GraphError};

impl Graph {
    /// Finds types and shapes of all values from those of inputs and initializers.
    ///
    /// # Errors
    /// Inputs that an operator cannot have.
    pub fn infer(&mut self) -> Result<(), GraphError> {
        for id in self.order.clone() {
            let node = self.node(id);
            let facts: Vec<Option<Fact>> = node
                .inputs
                .iter()
                .map(|input| {
                    let value = self.value((*input)?);
                    Some(value.data.as_ref().map_or_else(|| value.fact.clone(), Fact::of))
                })
                .collect();
            let facts: Vec<Option<&Fact>> = facts.iter().map(Option::as_ref).collect();
            let found = node.op.infer(Inputs::new(&facts)).map_err(|source| GraphError::Node {
                node: node.name.clone(),
                op: node.op.name(),
                source,
            })?;
            let outputs = node.outputs.clone();
            for (output, fact) in outputs.into_iter().zip(found) {
                if let Some(output) = output {
                    // What a file says stays where nothing follows from the inputs.
                    let old = &mut self.value_mut(output).fact;
                    let element = fact.element.or(old.element);
                    let shape = fact.shape.or_else(|| old.shape.take());
                    *old = Fact { element, shape, known: fact.known };
                }
            }
        }
        Ok(())
    }
}
