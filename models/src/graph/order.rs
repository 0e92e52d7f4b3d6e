//! Orders in which nodes can run.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{Graph, GraphError, Node, NodeId, ValueId};

impl Graph {
    /// Puts the nodes into an order in which they can run: of those that can, the first as they were before.
    ///
    /// # Errors
    /// A name twice; a value that two nodes compute, or none; nodes that need each other.
    pub fn sort(&mut self) -> Result<(), GraphError> {
        self.check_names()?;
        let producers = self.producers()?;
        let place: HashMap<NodeId, usize> =
            self.order.iter().enumerate().map(|(place, &id)| (id, place)).collect();
        let mut waiting = HashMap::new();
        let mut users: HashMap<NodeId, Vec<NodeId>> = HashMap::new();
        let mut ready = BTreeSet::new();
        for (id, node) in self.nodes() {
            let needs: HashSet<NodeId> = node
                .inputs
                .iter()
                .flatten()
                .filter_map(|input| producers.get(input))
                .copied()
                .collect();
            if needs.is_empty() {
                ready.insert((place[&id], id));
            }
            needs.iter().for_each(|&needed| users.entry(needed).or_default().push(id));
            waiting.insert(id, needs.len());
        }
        let mut order = Vec::with_capacity(self.order.len());
        while let Some((_, id)) = ready.pop_first() {
            order.push(id);
            for &user in users.get(&id).into_iter().flatten() {
                if let Some(count) = waiting.get_mut(&user) {
                    *count -= 1;
                    if *count == 0 {
                        ready.insert((place[&user], user));
                    }
                }
            }
        }
        let done: HashSet<NodeId> = order.iter().copied().collect();
        if let Some(&left) = self.order.iter().find(|id| !done.contains(id)) {
            return Err(GraphError::Cycle(self.node(left).name.clone()));
        }
        self.order = order;
        Ok(())
    }

    fn check_names(&self) -> Result<(), GraphError> {
        fn unique<'a>(
            what: &'static str,
            mut names: impl Iterator<Item = &'a str>,
        ) -> Result<(), GraphError> {
            let mut seen = HashSet::new();
            match names.find(|name| !seen.insert(*name)) {
                Some(name) => Err(GraphError::Duplicate { what, name: name.into() }),
                None => Ok(()),
            }
        }
        unique("values", self.values.iter().map(|value| value.name.as_str()))?;
        unique("nodes", self.nodes().map(|(_, node)| node.name.as_str()))
    }

    /// Which node computes which value; every value that is used has one, or is an input or an initializer.
    fn producers(&self) -> Result<HashMap<ValueId, NodeId>, GraphError> {
        let mut producers = HashMap::new();
        let is_given = |id: ValueId| self.inputs.contains(&id) || self.data(id).is_some();
        for (id, node) in self.nodes() {
            for &output in node.outputs.iter().flatten() {
                if is_given(output) || producers.insert(output, id).is_some() {
                    return Err(GraphError::ComputedTwice(self.name_of(output).into()));
                }
            }
        }
        let used = self.nodes().flat_map(|(_, node): (_, &Node)| node.inputs.iter().flatten());
        let mut used = used.chain(&self.outputs);
        match used.find(|&&id| !is_given(id) && !producers.contains_key(&id)) {
            Some(&id) => Err(GraphError::NoProducer(self.name_of(id).into())),
            None => Ok(producers),
        }
    }
}
