//! The least width of each product's accumulator under a budget of changed answers.

use fewbit::ReportLevel;
use fewbit::sweep::AccumulatorTemplate;
use serde::Serialize;

use crate::exec::ExecError;
use crate::exec::integer::{IntegerOptions, IntegerWeights};
use crate::graph::Graph;
use crate::tensor::Tensor;

use super::accuracy::{ExecutionKind, predictions, run_batches_with};
use super::rows::Row;

/// The least width of one product's accumulator.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LeastBits {
    /// The node.
    pub name: String,
    /// What `{P}` stands for.
    pub bits: u32,
    /// The accumulator.
    pub acc: String,
}

/// The least widths of all products, one after the other, such that no more than this share of the images get another class than
/// through exact accumulators.
///
/// 1. Every product begins with the width that these images need.
/// 2. Product after product gives bits away, one at a time, as long as the share of changed classes stays within the part of
///    `budget` that it and those before it have: `budget * products so far / products`.
///
/// Labels are not needed: a class that does not change is as right as it was.
///
/// # Errors
/// What the network refuses.
pub fn least_bits(
    graph: &Graph,
    batches: &[Vec<Tensor>],
    template: &AccumulatorTemplate,
    budget: f64,
    options: &IntegerOptions,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Vec<LeastBits>, ExecError> {
    let weights = IntegerWeights::of(graph)?;
    let run = |graph: &Graph, report| {
        let options = IntegerOptions { report, ..options.clone() };
        let how = ExecutionKind::Integer(&options);
        run_batches_with(graph, Some(&weights), batches, &how, &mut |_, _| ())
    };
    let mut exact = graph.clone();
    exact.clear_accumulators();
    let reference = run(&exact, ReportLevel::Full)?;
    let classes = predictions(&reference.batches)?;
    let needed = |name: &str| -> Option<u32> {
        let node = reference.nodes.iter().find(|node| node.name == name)?;
        Some(node.report.as_ref()?.stages.first()?.required_bits)
    };
    let mut chosen: Vec<(Row, LeastBits)> = Vec::new();
    let mut graph = exact;
    for row in Row::all(&graph) {
        let name = row.name.clone();
        if let Some(bits) = needed(&name) {
            let bits = bits.max(2);
            let acc = set(&mut graph, &row, template, bits)?;
            chosen.push((row, LeastBits { name, bits, acc }));
        }
    }
    let count = chosen.len();
    for (index, (row, least)) in chosen.iter_mut().enumerate() {
        progress(index, count);
        let allowed = budget * (index + 1) as f64 / count as f64;
        while least.bits > 2 {
            set(&mut graph, row, template, least.bits - 1)?;
            let found = predictions(&run(&graph, ReportLevel::None)?.batches)?;
            let changed = found.iter().zip(&classes).filter(|(a, b)| a != b).count();
            if changed as f64 > allowed * classes.len() as f64 {
                break;
            }
            least.bits -= 1;
        }
        least.acc = set(&mut graph, row, template, least.bits)?;
    }
    progress(count, count);
    Ok(chosen.into_iter().map(|(_, least)| least).collect())
}

/// Gives a product the accumulator of this width.
fn set(
    graph: &mut Graph,
    row: &Row,
    template: &AccumulatorTemplate,
    bits: u32,
) -> Result<String, ExecError> {
    let accumulator = template
        .at(bits)
        .map_err(|error| ExecError::Node { node: row.name.clone(), problem: error.to_string() })?;
    let text = accumulator.to_string();
    row.set_accumulator(graph, accumulator);
    Ok(text)
}
