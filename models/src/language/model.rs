//! A graph as a language model: tokens in, logits out, however it is executed.

use std::fmt;
use std::ops::Range;

use ndarray::{Array2, Array4, ArrayD, Axis, Ix3, s};

use crate::exec::{Constants, ExecError, QuantizerMode, run_batch};
use crate::graph::Graph;
use crate::tensor::Tensor;

use super::LanguageError;

/// One run of a graph: inputs to outputs, both in the graph's order.
type Run<'a> = dyn Fn(&[Tensor]) -> Result<Vec<Tensor>, ExecError> + Sync + 'a;

/// A language model: a graph, where tokens go in and logits come out, and how it is executed.
///
/// The graph has an input `input_ids` `[batch, sequence]` and an output `logits` `[batch, sequence, vocab_size]`, as [`build`] makes
/// it and as files of other tools have it; it may have an input `logits_to_keep` and a cache, inputs `past_key_values.N.key` and
/// `.value` with outputs `present.N.key` and `.value`.
///
/// [`build`]: fn@super::build
pub struct LanguageModel<'a> {
    run: Box<Run<'a>>,
    inputs: Vec<Input>,
    logits: usize,
    /// The outputs that the cache's inputs take next time, in the order of these inputs.
    presents: Vec<usize>,
}

/// What is put into the graph at a place.
enum Input {
    Tokens,
    LogitsToKeep,
    /// Keys or values of so many heads of this size.
    Past {
        heads: usize,
        size: usize,
    },
}

/// Keys and values of the tokens so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Cache {
    tensors: Vec<Tensor>,
}

impl fmt::Debug for LanguageModel<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inputs = self.inputs.len();
        f.debug_struct("LanguageModel").field("inputs", &inputs).finish_non_exhaustive()
    }
}

impl<'a> LanguageModel<'a> {
    /// A graph that is executed by a function.
    ///
    /// # Errors
    /// A graph without the inputs and outputs of a language model, or with others beside them.
    pub fn new(
        graph: &Graph,
        run: impl Fn(&[Tensor]) -> Result<Vec<Tensor>, ExecError> + Sync + 'a,
    ) -> Result<Self, LanguageError> {
        let outputs: Vec<&str> = graph.outputs().iter().map(|&id| graph.name_of(id)).collect();
        let place = |name: &str| outputs.iter().position(|output| *output == name);
        let missing = |what: &str| LanguageError::Interface(format!("it has no {what}"));
        let (mut inputs, mut presents) = (Vec::new(), Vec::new());
        for &id in graph.inputs() {
            let name = graph.name_of(id);
            inputs.push(match name {
                "input_ids" => Input::Tokens,
                "logits_to_keep" => Input::LogitsToKeep,
                _ => {
                    let number = name.strip_prefix("past_key_values.");
                    let other = || {
                        let problem = format!("it has an input `{name}`, which is no part of one");
                        LanguageError::Interface(problem)
                    };
                    let present = format!("present.{}", number.ok_or_else(other)?);
                    let present = place(&present)
                        .ok_or_else(|| missing(&format!("output `{present}`, and `{name}`")))?;
                    presents.push(present);
                    let dims = graph.value(id).fact.shape.as_deref();
                    let Some([_, heads, _, size]) = dims else { return Err(other()) };
                    let sizes = heads.size().zip(size.size());
                    let (heads, size) = sizes.ok_or_else(other)?;
                    Input::Past { heads, size }
                }
            });
        }
        if !inputs.iter().any(|input| matches!(input, Input::Tokens)) {
            return Err(missing("input `input_ids`"));
        }
        let logits = place("logits").ok_or_else(|| missing("output `logits`"))?;
        Ok(Self { run: Box::new(run), inputs, logits, presents })
    }

    /// A graph in floats, its quantizers as the mode says.
    ///
    /// # Errors
    /// As [`Self::new`]; quantizers that refuse their constants.
    pub fn float(graph: &'a Graph, mode: QuantizerMode) -> Result<Self, LanguageError> {
        let constants = Constants::of(graph, mode)?;
        Self::new(graph, move |inputs| run_batch(graph, inputs, mode, &constants))
    }

    /// Whether it goes on from a cache, and does not compute earlier tokens anew.
    pub(super) fn has_cache(&self) -> bool {
        !self.presents.is_empty()
    }

    /// The logits of some places of a sequence, `[places, vocab_size]`: row `i` is about the token behind place
    /// `places.start + i`.
    ///
    /// # Errors
    /// Places that the sequence does not have; what the graph refuses, such as a token beyond the vocabulary.
    pub fn logits(
        &self,
        tokens: &[u32],
        places: Range<usize>,
    ) -> Result<Array2<f32>, LanguageError> {
        self.step(tokens, places, &mut Cache::default())
    }

    /// The same of tokens behind those of a cache, which takes them in.
    pub(super) fn step(
        &self,
        tokens: &[u32],
        places: Range<usize>,
        cache: &mut Cache,
    ) -> Result<Array2<f32>, LanguageError> {
        if places.is_empty() || places.end > tokens.len() {
            let (place, count) = (places.end, tokens.len());
            let problem = format!("logits of {place} places are asked for, of {count} tokens");
            return Err(LanguageError::Tokens(problem));
        }
        let mut past = std::mem::take(&mut cache.tensors).into_iter();
        let mut keeps = false;
        let given: Vec<Tensor> = self
            .inputs
            .iter()
            .map(|input| match input {
                Input::Tokens => {
                    let ids = tokens.iter().map(|&token| i64::from(token));
                    ndarray::Array1::from_iter(ids).insert_axis(Axis(0)).into()
                }
                Input::LogitsToKeep => {
                    keeps = true;
                    Tensor::vector(places.clone().map(|place| place as i64).collect())
                }
                Input::Past { heads, size } => past
                    .next()
                    .unwrap_or_else(|| Array4::<f32>::zeros((1, *heads, 0, *size)).into()),
            })
            .collect();
        let mut outputs = (self.run)(&given)?;
        let found = outputs.get(self.logits).cloned();
        let wrong = |problem: &str| LanguageError::Interface(format!("its logits {problem}"));
        let found: ArrayD<f32> = found
            .ok_or_else(|| wrong("are not computed"))?
            .try_into()
            .map_err(|_| wrong("are no float32"))?;
        let found = found.into_dimensionality::<Ix3>();
        let found = found.map_err(|_| wrong("have not three axes"))?;
        let all = if keeps { 0..places.len() } else { places };
        if found.shape()[0] != 1 || found.shape()[1] < all.end {
            return Err(wrong("are of another number of tokens than were put in"));
        }
        cache.tensors = self
            .presents
            .iter()
            .map(|&place| std::mem::replace(&mut outputs[place], Tensor::scalar(0.0f32)))
            .collect();
        let found = found.index_axis_move(Axis(0), 0);
        Ok(if all.len() == found.nrows() { found } else { found.slice(s![all, ..]).to_owned() })
    }
}
