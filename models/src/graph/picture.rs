//! A graph as a picture, and as text for Graphviz.

use std::collections::HashMap;
use std::fmt::Write;

use crate::ops::Op;

use super::{Graph, Node, NodeId};

/// Extents of a box and the space around it.
const BOX: (usize, usize) = (170, 40);
const GAP: (usize, usize) = (24, 28);

impl Graph {
    /// The graph as an SVG: a box per node, from the inputs down; its rows are the lengths of the longest paths from them.
    #[must_use]
    pub fn svg(&self) -> String {
        let places = self.places();
        let rows = places.values().map(|&(row, _)| row + 1).max().unwrap_or(1);
        let columns = places.values().map(|&(_, column)| column + 1).max().unwrap_or(1);
        let width = columns * (BOX.0 + GAP.0) + GAP.0;
        let height = rows * (BOX.1 + GAP.1) + GAP.1;
        let corner = |id: NodeId| {
            let (row, column) = places.get(&id).copied().unwrap_or_default();
            (GAP.0 + column * (BOX.0 + GAP.0), GAP.1 + row * (BOX.1 + GAP.1))
        };
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" font-family=\"sans-serif\">\n<rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n"
        );
        // Writing into a String does not fail.
        for (from, to) in self.edges() {
            let ((x, y), (u, v)) = (corner(from), corner(to));
            let _ = writeln!(
                svg,
                "<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{v}\" stroke=\"#888888\"/>",
                x + BOX.0 / 2,
                y + BOX.1,
                u + BOX.0 / 2,
            );
        }
        for (id, node) in self.nodes() {
            let (x, y) = corner(id);
            let _ = writeln!(
                svg,
                "<g><title>{}</title><rect x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{}\" rx=\"5\" fill=\"{}\" stroke=\"#555555\"/><text x=\"{}\" y=\"{}\" font-size=\"13\" text-anchor=\"middle\">{}</text><text x=\"{}\" y=\"{}\" font-size=\"10\" fill=\"#444444\" text-anchor=\"middle\">{}</text></g>",
                escaped(&node.name),
                BOX.0,
                BOX.1,
                color(&node.op),
                x + BOX.0 / 2,
                y + 17,
                escaped(&label(node)),
                x + BOX.0 / 2,
                y + 32,
                escaped(&self.below(node)),
            );
        }
        svg.push_str("</svg>\n");
        svg
    }

    /// The graph in the language of Graphviz.
    #[must_use]
    pub fn dot(&self) -> String {
        let quoted =
            |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
        let mut dot =
            format!("digraph {} {{\n  node [shape=box, style=filled];\n", quoted(&self.name));
        for (_, node) in self.nodes() {
            let _ = writeln!(
                dot,
                "  {} [label={}, fillcolor={}];",
                quoted(&node.name),
                quoted(&format!("{}\n{}", label(node), self.below(node))).replace('\n', "\\n"),
                quoted(color(&node.op)),
            );
        }
        for (from, to) in self.edges() {
            let _ = writeln!(
                dot,
                "  {} -> {};",
                quoted(&self.node(from).name),
                quoted(&self.node(to).name)
            );
        }
        dot.push_str("}\n");
        dot
    }

    /// Which node's output another one takes.
    fn edges(&self) -> Vec<(NodeId, NodeId)> {
        let mut makers = HashMap::new();
        let mut edges = Vec::new();
        for (id, node) in self.nodes() {
            for input in node.inputs.iter().flatten() {
                if let Some(&maker) = makers.get(input) {
                    edges.push((maker, id));
                }
            }
            for output in node.outputs.iter().flatten() {
                makers.insert(*output, id);
            }
        }
        edges
    }

    /// Row and column of every node.
    fn places(&self) -> HashMap<NodeId, (usize, usize)> {
        let mut rows: HashMap<NodeId, usize> = HashMap::new();
        for (from, to) in self.edges() {
            let above = rows.get(&from).copied().unwrap_or(0);
            let row = rows.entry(to).or_default();
            *row = (*row).max(above + 1);
        }
        let mut filled: HashMap<usize, usize> = HashMap::new();
        let place = |id: NodeId| {
            let row = rows.get(&id).copied().unwrap_or(0);
            let column = filled.entry(row).or_default();
            *column += 1;
            (id, (row, *column - 1))
        };
        self.order().iter().copied().map(place).collect()
    }

    /// What stands below a node's operator: the shape of its first output.
    fn below(&self, node: &Node) -> String {
        let shape = node.output(0).and_then(|output| self.value(output).fact.shape.clone());
        let Some(shape) = shape else { return node.name.clone() };
        let dims: Vec<_> = shape.iter().map(ToString::to_string).collect();
        format!("[{}]", dims.join(", "))
    }
}

/// A node's operator; of a quantizer its format.
fn label(node: &Node) -> String {
    match &node.op {
        Op::Quantize(op) => op.quantizer.scheme().format.to_string(),
        op => op.name().to_owned(),
    }
}

fn color(op: &Op) -> &'static str {
    match op {
        Op::Quantize(_) => "#ffe8b8",
        Op::Conv(_) | Op::ConvTranspose(_) | Op::Gemm(_) | Op::MatMul(_) => "#cfe2f7",
        Op::Relu(_) | Op::Clip(_) | Op::Sigmoid(_) | Op::Tanh(_) => "#d9f0d4",
        _ => "#f2f2f2",
    }
}

/// A text as XML and HTML have it, between tags and in attributes.
///
/// ```
/// assert_eq!(fewbit_models::graph::escaped("a < \"b\""), "a &lt; &quot;b&quot;");
/// ```
#[must_use]
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
