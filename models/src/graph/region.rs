//! Named parts of a graph.

use super::{Graph, NodeId};

impl Graph {
    /// The nodes of a region, in the order in which they run: those whose names begin with its name and a dot.
    ///
    /// ```
    /// use fewbit_models::{graph::Graph, ops::{Fact, Relu}};
    /// let mut graph = Graph::new("two blocks");
    /// let x = graph.add_input("x", Fact::default());
    /// let y = graph.add("layers.0.act", Relu {}, &[x]);
    /// let z = graph.add("layers.10.act", Relu {}, &[y]);
    /// graph.add_output(z);
    /// assert_eq!(graph.regions("layers"), ["layers.0", "layers.10"]);
    /// assert_eq!(graph.region("layers.10"), graph.order()[1..]);
    /// assert_eq!(graph.region("layers.1"), []);
    /// ```
    #[must_use]
    pub fn region(&self, name: &str) -> Vec<NodeId> {
        let is_in = |node: &str| node.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'));
        self.nodes().filter(|(_, node)| is_in(&node.name)).map(|(id, _)| id).collect()
    }

    /// The regions under a name, such as the blocks `model.layers.0`, `model.layers.1`, ... of `model.layers`, in the order in which
    /// their first nodes run.
    #[must_use]
    pub fn regions(&self, name: &str) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for (_, node) in self.nodes() {
            let part = node.name.strip_prefix(name).and_then(|rest| rest.strip_prefix('.'));
            let Some((part, _)) = part.and_then(|rest| rest.split_once('.')) else { continue };
            let region = format!("{name}.{part}");
            if !found.contains(&region) {
                found.push(region);
            }
        }
        found
    }
}
