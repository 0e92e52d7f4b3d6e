//! A region as a network of its own.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::ops::Fact;
use crate::tensor::ElementType;

use super::{Graph, GraphError, Node, NodeId, ValueId};

impl Graph {
    /// A region ([`Self::region`]) as a graph of its own, with its quantizers and accumulators.
    ///
    /// Its inputs are what the region takes of the rest, in the order of their first use; its outputs what the rest takes of
    /// it. Extents, indices and masks are computed in it, from inputs of the whole graph: floats alone are cut.
    ///
    /// ```
    /// use fewbit_models::{graph::Graph, ops::{Fact, Relu, Sigmoid}, tensor::ElementType};
    /// let mut graph = Graph::new("two blocks");
    /// let x = graph.add_input("x", Fact::new(ElementType::F32, vec![2.into()]));
    /// let y = graph.add("layers.0.act", Relu {}, &[x]);
    /// let z = graph.add("layers.1.act", Sigmoid {}, &[y]);
    /// graph.add_output(z);
    /// graph.infer()?;
    /// let block = graph.extract_region("layers.1")?;
    /// let names = |ids: &[_]| ids.iter().map(|&id| block.name_of(id).to_owned()).collect::<Vec<_>>();
    /// assert_eq!((names(block.inputs()), names(block.outputs())), (vec!["layers.0.act".into()], vec!["layers.1.act".into()]));
    /// assert!(graph.extract_region("layers.2").is_err());
    /// # Ok::<(), fewbit_models::graph::GraphError>(())
    /// ```
    ///
    /// # Errors
    /// A region without nodes.
    pub fn extract_region(&self, name: &str) -> Result<Self, GraphError> {
        let region: HashSet<NodeId> = self.region(name).into_iter().collect();
        if region.is_empty() {
            let parent = name.rsplit_once('.').map_or("", |(parent, _)| parent);
            let known = self.regions(parent).join(", ");
            let expected = format!("it names no region; those of `{parent}` are: {known}");
            return Err(GraphError::UnknownValue { name: name.into(), expected });
        }
        let producers: HashMap<ValueId, NodeId> = self
            .nodes()
            .flat_map(|(id, node)| node.outputs.iter().flatten().map(move |&value| (value, id)))
            .collect();
        let members = self.with_indices(&region, &producers);
        let mut new = Self::new(name);
        let mut places: HashMap<ValueId, ValueId> = HashMap::new();
        for (id, node) in self.nodes().filter(|(id, _)| members.contains(id)) {
            let mut place = |new: &mut Self, value: ValueId| {
                *places.entry(value).or_insert_with(|| {
                    let old = self.value(value);
                    let is_made = producers.get(&value).is_some_and(|id| members.contains(id));
                    let fact =
                        if is_made { Fact::default() } else { old.fact.clone().without_known() };
                    let to = new.push_value(old.name.clone(), fact);
                    new.value_mut(to).data.clone_from(&old.data);
                    if !is_made && old.data.is_none() {
                        new.push_input(to);
                    }
                    to
                })
            };
            let mut all = |ids: &[Option<ValueId>]| -> Vec<Option<ValueId>> {
                ids.iter().map(|id| id.map(|id| place(&mut new, id))).collect()
            };
            let (inputs, outputs) = (all(&node.inputs), all(&node.outputs));
            let (name, op) = (node.name.clone(), node.op.clone());
            let to = new.push_node(Node { name, op, inputs, outputs });
            if let Some(accumulator) = self.accumulator(id) {
                new.set_accumulator(to, accumulator.clone());
            }
        }
        let outside = |value: ValueId| {
            let users = self.consumers(value);
            self.is_output(value) || users.iter().any(|(id, _)| !region.contains(id))
        };
        for (_, node) in self.nodes().filter(|(id, _)| region.contains(id)) {
            for &value in node.outputs.iter().flatten().filter(|&&value| outside(value)) {
                new.add_output(places[&value]);
            }
        }
        new.infer()?;
        Ok(new)
    }

    /// A region with the nodes around it that compute what is no float.
    fn with_indices(
        &self,
        region: &HashSet<NodeId>,
        producers: &HashMap<ValueId, NodeId>,
    ) -> BTreeSet<NodeId> {
        let mut members: BTreeSet<NodeId> = region.iter().copied().collect();
        let mut open: Vec<NodeId> = members.iter().copied().collect();
        while let Some(id) = open.pop() {
            for input in self.node(id).inputs.iter().flatten() {
                let element = self.value(*input).fact.element;
                let is_index = element.is_some_and(|element| element != ElementType::F32);
                if let Some(&before) = producers.get(input)
                    && is_index
                    && members.insert(before)
                {
                    open.push(before);
                }
            }
        }
        members
    }
}
