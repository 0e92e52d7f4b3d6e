//! Cycles of a graph of files.

use std::collections::{BTreeMap, BTreeSet};

use crate::modules::Arrow;

/// The sets of files that reach each other, of two files or more (Tarjan's strongly connected components).
pub(crate) fn cycles(arrows: &BTreeSet<Arrow>) -> Vec<BTreeSet<String>> {
    let mut next: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (from, to) in arrows {
        next.entry(from).or_default().push(to);
        next.entry(to).or_default();
    }
    let mut search = Search { next: &next, ..Search::default_for(&next) };
    for node in next.keys() {
        if !search.index.contains_key(node) {
            search.visit(node);
        }
    }
    search.found
}

struct Search<'a> {
    next: &'a BTreeMap<&'a str, Vec<&'a str>>,
    index: BTreeMap<&'a str, usize>,
    low: BTreeMap<&'a str, usize>,
    stack: Vec<&'a str>,
    found: Vec<BTreeSet<String>>,
}

impl<'a> Search<'a> {
    fn default_for(next: &'a BTreeMap<&'a str, Vec<&'a str>>) -> Self {
        let (index, low) = (BTreeMap::new(), BTreeMap::new());
        Self { next, index, low, stack: Vec::new(), found: Vec::new() }
    }

    fn visit(&mut self, node: &'a str) {
        let number = self.index.len();
        self.index.insert(node, number);
        self.low.insert(node, number);
        self.stack.push(node);
        for &other in &self.next[node] {
            if !self.index.contains_key(other) {
                self.visit(other);
                self.lower(node, self.low[other]);
            } else if self.stack.contains(&other) {
                self.lower(node, self.index[other]);
            }
        }
        if self.low[node] == number {
            let start = self.stack.iter().rposition(|n| *n == node).unwrap_or(0);
            let component: BTreeSet<String> =
                self.stack.drain(start..).map(str::to_owned).collect();
            if component.len() > 1 {
                self.found.push(component);
            }
        }
    }

    fn lower(&mut self, node: &'a str, to: usize) {
        let low = self.low.entry(node).or_insert(to);
        *low = (*low).min(to);
    }
}
