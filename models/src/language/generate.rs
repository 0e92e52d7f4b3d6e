//! Greedy generation.

use super::model::Cache;
use super::{LanguageError, LanguageModel};

/// When generation ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GenerateOptions {
    /// The most tokens that are made.
    pub max_new_tokens: usize,
    /// Tokens that end a text; the one that is made is the last.
    pub eos_token_ids: Vec<u32>,
}

/// Appends the most probable token to a prompt again and again: `argmax logits`, the first of equal ones.
///
/// With a graph that has a cache each step computes one token; without, all of them anew. `hear` is told of each token as soon as it
/// is there. Returns the new tokens.
///
/// # Errors
/// An empty prompt; what the graph refuses; logits that are all NaN.
pub fn generate(
    model: &LanguageModel<'_>,
    prompt: &[u32],
    options: &GenerateOptions,
    hear: &mut dyn FnMut(u32),
) -> Result<Vec<u32>, LanguageError> {
    if prompt.is_empty() {
        return Err(LanguageError::Tokens("the prompt has no token: expected one or more".into()));
    }
    let mut tokens = prompt.to_vec();
    let mut done = 0;
    let mut cache = Cache::default();
    while tokens.len() - prompt.len() < options.max_new_tokens {
        let rest = &tokens[done..];
        let logits = model.step(rest, rest.len() - 1..rest.len(), &mut cache)?;
        if model.has_cache() {
            done = tokens.len();
        }
        let next = argmax(logits.iter().copied());
        let next = next.ok_or_else(|| {
            let place = tokens.len();
            LanguageError::Tokens(format!("no logit of token {place} is a number: all are NaN"))
        })?;
        tokens.push(next);
        hear(next);
        if options.eos_token_ids.contains(&next) {
            break;
        }
    }
    Ok(tokens.split_off(prompt.len()))
}

/// The place of the greatest number, the first of equal ones; NaNs are never it.
fn argmax(numbers: impl Iterator<Item = f32>) -> Option<u32> {
    let mut best: Option<(u32, f32)> = None;
    for (place, x) in (0..).zip(numbers) {
        if !x.is_nan() && best.is_none_or(|(_, most)| x > most) {
            best = Some((place, x));
        }
    }
    best.map(|(place, _)| place)
}
