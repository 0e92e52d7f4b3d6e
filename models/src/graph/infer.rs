//! Types and shapes of all values.

use crate::ops::{Dim, Fact, Inputs, Op, OpError};

use super::{Graph, GraphError, ValueId};

/// The largest extent: products of two, and sums of such, are numbers yet.
const LARGEST: usize = 1 << 31;

/// An extent that no network has.
fn too_large(fact: &Fact) -> Option<usize> {
    fact.shape.iter().flatten().filter_map(Dim::size).find(|&size| size > LARGEST)
}

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
                Op::Scan(op) => op.settle(Inputs::new(&facts)),
                op => op.infer(Inputs::new(&facts)),
            };
            let found = found.map_err(|source| GraphError::Node {
                node: node.name.clone(),
                op: node.op.name(),
                source,
            })?;
            if let Some(size) = found.iter().find_map(too_large) {
                let source = OpError::Shape(format!("an extent of {size} is too large"));
                let (node, op) = (node.name.clone(), node.op.name());
                return Err(GraphError::Node { node, op, source });
            }
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
