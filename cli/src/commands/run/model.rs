//! Language models as `fewbit run` takes them: checkpoints in floats, quantized ones in every execution.

use std::borrow::Cow;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use fewbit::requantize::RequantizePolicy;
use fewbit::{Accumulator, ReportLevel};
use fewbit_models::exec::QuantizerMode;
use fewbit_models::exec::integer::{IntegerOptions, IntegerWeights, NodeReport, run_integer_with};
use fewbit_models::graph::Graph;
use fewbit_models::language::{BuildOptions, Checkpoint, LanguageModel, SavedModel, Tokenizer};

use super::execution::Execution;
use crate::error::CliError;
use crate::io::log::InputLog;
use crate::networks::{NetworkError, checkpoint, language_graph, saved_model};

/// How a language model runs.
#[derive(Debug)]
pub(super) struct How {
    pub(super) execution: Option<Execution>,
    pub(super) accumulator: Option<Accumulator>,
    pub(super) requantization: Option<RequantizePolicy>,
}

/// A language model, however it came.
pub(super) struct Model {
    source: Source,
    how: How,
    /// What accumulators did so far, product by product.
    nodes: Mutex<Vec<NodeReport>>,
}

enum Source {
    Checkpoint(Box<dyn Checkpoint>),
    Saved(Box<SavedModel>),
}

impl Model {
    /// The model of a path.
    ///
    /// # Errors
    /// What cannot be read; an execution that a model without quantizers does not have.
    pub(super) fn open(path: &Path, how: How, log: &InputLog) -> Result<Self, CliError> {
        let source = match SavedModel::is_in(path) {
            true => {
                let mut model = saved_model(path, log)?;
                if how.accumulator.is_some() {
                    model.graph.clear_accumulators();
                }
                Source::Saved(Box::new(model))
            }
            false => {
                let is_float = matches!(how.execution, None | Some(Execution::Float));
                if !is_float || how.accumulator.is_some() || how.requantization.is_some() {
                    let reason = "has no quantizers, and `--execution`, `--acc` and `--requantization` are about \
                                  them: quantize it with `fewbit ptq` first";
                    return Err(CliError::Array { path: path.to_owned(), reason: reason.into() });
                }
                Source::Checkpoint(checkpoint(path, log)?)
            }
        };
        Ok(Self { source, how, nodes: Mutex::default() })
    }

    pub(super) fn tokenizer(&self) -> Result<Tokenizer, CliError> {
        Ok(match &self.source {
            Source::Checkpoint(checkpoint) => checkpoint.tokenizer().map_err(NetworkError::from)?,
            Source::Saved(model) => model.tokenizer.clone(),
        })
    }

    /// The graph; that of a checkpoint is built as the options say.
    pub(super) fn graph(&self, options: &BuildOptions) -> Result<Cow<'_, Graph>, CliError> {
        Ok(match &self.source {
            Source::Checkpoint(checkpoint) => Cow::Owned(language_graph(&**checkpoint, options)?),
            Source::Saved(model) => Cow::Borrowed(&model.graph),
        })
    }

    /// The graph with how it is executed.
    pub(super) fn model<'a>(&'a self, graph: &'a Graph) -> Result<LanguageModel<'a>, CliError> {
        let how = match (&self.source, self.how.execution) {
            (_, Some(how)) => how,
            (Source::Checkpoint(_), None) => Execution::Float,
            (Source::Saved(_), None) => Execution::Fake,
        };
        let model = match how {
            Execution::Float => LanguageModel::float(graph, QuantizerMode::Skip),
            Execution::Fake => LanguageModel::float(graph, QuantizerMode::Apply),
            Execution::Integer => {
                let options = IntegerOptions {
                    accumulator: self.how.accumulator.clone().unwrap_or_else(Accumulator::exact),
                    requantization: self.how.requantization,
                    report: ReportLevel::Events,
                };
                let nodes = &self.nodes;
                let weights = IntegerWeights::of(graph).map_err(NetworkError::from)?;
                LanguageModel::new(graph, move |inputs| {
                    let run = run_integer_with(graph, &weights, inputs, &options)?;
                    note(nodes, run.nodes);
                    Ok(run.outputs)
                })
            }
        };
        Ok(model.map_err(NetworkError::from)?)
    }

    /// What accumulators did, product by product.
    pub(super) fn nodes(&self) -> Vec<NodeReport> {
        std::mem::take(&mut *self.nodes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn eos_token_ids(&self) -> &[u32] {
        match &self.source {
            Source::Checkpoint(checkpoint) => &checkpoint.config().eos_token_ids,
            Source::Saved(model) => &model.eos_token_ids,
        }
    }

    pub(super) fn bos_token_id(&self) -> Option<u32> {
        match &self.source {
            Source::Checkpoint(checkpoint) => checkpoint.config().bos_token_id,
            Source::Saved(model) => model.bos_token_id,
        }
    }

    pub(super) fn max_position_embeddings(&self) -> usize {
        match &self.source {
            Source::Checkpoint(checkpoint) => checkpoint.config().max_position_embeddings,
            Source::Saved(model) => model.max_position_embeddings,
        }
    }
}

/// Adds what the products of one run did.
fn note(all: &Mutex<Vec<NodeReport>>, mut nodes: Vec<NodeReport>) {
    // Windows run side by side, in any order: none of their events is the first.
    for stage in nodes.iter_mut().flat_map(|node| node.events.iter_mut().flatten()) {
        stage.first = None;
    }
    // Whoever panicked while holding the list has lost a report, and ends the command.
    let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
    if all.is_empty() {
        *all = nodes;
        return;
    }
    all.iter_mut().zip(&nodes).for_each(|(all, node)| all.merge(node));
}
