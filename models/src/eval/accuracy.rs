//! Classes and how many are right.

use ndarray::ArrayD;

use rayon::prelude::*;

use crate::exec::integer::{
    IntegerOptions, IntegerRun, IntegerWeights, NodeReport, merge_nodes, run_integer,
    run_integer_with,
};
use crate::exec::{Constants, ExecError, QuantizerMode, run_batch};
use crate::graph::Graph;
use crate::tensor::Tensor;

use super::batches::rows;

/// The right classes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels(pub Vec<i64>);

/// How a network is run.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ExecutionKind<'a> {
    /// In floats, without its quantizers.
    Float,
    /// In floats, with its quantizers.
    Fake,
    /// In integers.
    Integer(&'a IntegerOptions),
}

/// What running batches gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Outputs {
    /// Per batch, the outputs of the network.
    pub batches: Vec<Vec<Tensor>>,
    /// What accumulators did.
    pub nodes: Vec<NodeReport>,
    /// Nodes between codes that ran in floats.
    pub in_floats: Vec<String>,
}

/// Runs all batches.
///
/// # Errors
/// What the network refuses.
pub fn run_batches(
    graph: &Graph,
    batches: &[Vec<Tensor>],
    how: &ExecutionKind<'_>,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Outputs, ExecError> {
    let weights = match how {
        ExecutionKind::Integer(_) => Some(IntegerWeights::of(graph)?),
        _ => None,
    };
    run_batches_with(graph, weights.as_ref(), batches, how, progress)
}

/// [`run_batches`] with weights that were prepared before, from this graph; made anew where there are none and they are needed.
///
/// # Errors
/// What the network refuses.
pub fn run_batches_with(
    graph: &Graph,
    weights: Option<&IntegerWeights>,
    batches: &[Vec<Tensor>],
    how: &ExecutionKind<'_>,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Outputs, ExecError> {
    let mut all = Outputs { batches: Vec::new(), nodes: Vec::new(), in_floats: Vec::new() };
    let mode = match how {
        ExecutionKind::Float => QuantizerMode::Skip,
        _ => QuantizerMode::Apply,
    };
    let constants = match how {
        ExecutionKind::Integer(_) => Constants::default(),
        _ => Constants::of(graph, mode)?,
    };
    let one = |batch: &Vec<Tensor>| match how {
        ExecutionKind::Float | ExecutionKind::Fake => {
            let outputs = run_batch(graph, batch, mode, &constants)?;
            Ok(IntegerRun { outputs, nodes: Vec::new(), in_floats: Vec::new() })
        }
        ExecutionKind::Integer(options) => match weights {
            Some(weights) => run_integer_with(graph, weights, batch, options),
            None => run_integer(graph, batch, options),
        },
    };
    // Side by side, as many as there are threads.
    let at_once = rayon::current_num_threads().max(1);
    for (done, some) in batches.chunks(at_once).enumerate() {
        progress(done * at_once, batches.len());
        let runs: Result<Vec<IntegerRun>, ExecError> = some.par_iter().map(one).collect();
        for run in runs? {
            all.batches.push(run.outputs);
            merge_nodes(&mut all.nodes, run.nodes);
            all.in_floats = run.in_floats;
        }
    }
    progress(batches.len(), batches.len());
    Ok(all)
}

/// The place of the greatest number of each row of the first output; the first of equal ones.
///
/// # Errors
/// An output that is no float.
pub fn predictions(outputs: &[Vec<Tensor>]) -> Result<Vec<usize>, ExecError> {
    let mut classes = Vec::new();
    for tensors in outputs {
        let Some(first) = tensors.first() else { continue };
        let array: Result<ArrayD<f32>, _> = first.clone().try_into();
        let array = array.map_err(|error| ExecError::Node {
            node: "output".into(),
            problem: error.to_string(),
        })?;
        let per_row = array.len().checked_div(rows(first)).unwrap_or(0);
        let flat: Vec<f32> = array.iter().copied().collect();
        classes.extend(flat.chunks_exact(per_row.max(1)).map(greatest));
    }
    Ok(classes)
}

fn greatest(row: &[f32]) -> usize {
    let mut best = 0;
    for (index, x) in row.iter().enumerate() {
        if *x > row[best] {
            best = index;
        }
    }
    best
}

impl Labels {
    /// The share of right classes.
    #[must_use]
    pub fn accuracy(&self, classes: &[usize]) -> f64 {
        let right = classes.iter().zip(&self.0).filter(|(class, label)| **class as i64 == **label);
        right.count() as f64 / classes.len().max(1) as f64
    }
}
