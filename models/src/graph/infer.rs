//! Types and shapes of all values.

use crate::ops::{Fact, Inputs, Op};

use super::{Graph, GraphError, ValueId};

impl Graph {
    /// What is known of a value; of an initializer, all of it.
    #[must_use]
    pub fn fact(&self, id: ValueId) -> Fact {
        let value = self.value(id);
        value.data.as_ref().map_or_else(|| value.fact.clone(), Fact::of)
    }

    /// Finds types and shapes of all values from those of inputs and initializers, in branches too.
    ///
    /// # Errors
    /// Inputs that an operator cannot have.
    pub fn infer(&mut self) -> Result<(), GraphError> {
        for id in self.order.clone() {
            let inputs = self.node(id).inputs.clone();
            let facts: Vec<Option<Fact>> =
                inputs.into_iter().map(|input| Some(self.fact(input?))).collect();
            let facts: Vec<Option<&Fact>> = facts.iter().map(Option::as_ref).collect();
            let node = self.node_mut(id);
            let found = match &mut node.op {
                Op::If(op) => op.settle(Inputs::new(&facts)),
                op => op.infer(Inputs::new(&facts)),
            };
            let found = found.map_err(|source| GraphError::Node {
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
