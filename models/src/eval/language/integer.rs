//! Perplexity of a model whose products run through accumulators.

use std::sync::{Mutex, PoisonError};

use crate::exec::integer::{
    IntegerOptions, IntegerRun, IntegerWeights, NodeReport, merge_nodes, run_integer_with,
};
use crate::graph::Graph;
use crate::language::{LanguageError, LanguageModel};

use super::perplexity::{Perplexity, PerplexityWindows, scored, surprises};

/// A text as tokens, and which of them are scored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text<'a> {
    /// The tokens.
    pub tokens: &'a [u32],
    /// The windows.
    pub windows: PerplexityWindows,
    /// How many windows at most.
    pub most: usize,
}

/// How surprising a text is to a model that runs in integers.
#[derive(Clone, Debug, PartialEq)]
pub struct IntegerPerplexity {
    /// Of the text.
    pub perplexity: Perplexity,
    /// One per product, over all windows.
    pub nodes: Vec<NodeReport>,
    /// Nodes that had codes or sums for inputs and ran in floats.
    pub in_floats: Vec<String>,
}

impl IntegerPerplexity {
    /// Overflow events of all products.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.nodes.iter().map(NodeReport::total_events).sum()
    }
}

/// The perplexity of a text, every product of codes through its accumulator, with the weights of the graph prepared.
///
/// Reports are those of all windows together, as if their tokens lay one below the other.
///
/// # Errors
/// A text shorter than a window; windows that cannot be; what the model refuses.
pub fn integer_perplexity(
    graph: &Graph,
    weights: &IntegerWeights,
    options: &IntegerOptions,
    text: &Text<'_>,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<IntegerPerplexity, LanguageError> {
    let one = |tokens: &[u32], first: usize| {
        let kept: Mutex<Option<IntegerRun>> = Mutex::new(None);
        let model = LanguageModel::new(graph, |inputs| {
            let mut run = run_integer_with(graph, weights, inputs, options)?;
            let outputs = std::mem::take(&mut run.outputs);
            *kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(run);
            Ok(outputs)
        })?;
        let nlls = surprises(&model, tokens, first)?;
        drop(model);
        Ok((nlls, kept.into_inner().unwrap_or_else(PoisonError::into_inner)))
    };
    let (perplexity, runs) = scored(text.tokens, text.windows, text.most, &one, progress)?;
    let (mut nodes, mut in_floats): (Vec<NodeReport>, _) = (Vec::new(), Vec::new());
    for run in runs.into_iter().flatten() {
        merge_nodes(&mut nodes, run.nodes);
        in_floats = run.in_floats;
    }
    Ok(IntegerPerplexity { perplexity, nodes, in_floats })
}
