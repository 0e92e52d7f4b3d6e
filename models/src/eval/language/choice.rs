//! Multiple choice: which of some continuations a language model finds most probable.
//!
//! As EleutherAI's lm-eval scores tasks of `output_type: multiple_choice`: `acc` takes the continuation of the greatest log-likelihood,
//! `acc_norm` that of the greatest log-likelihood per character.

use std::ops::Range;

use rayon::prelude::*;
use serde::Deserialize;

use crate::language::{LanguageError, LanguageModel};

use super::perplexity::surprises;

/// A question: a context, what may follow it, and which of these is right, counted from 0. Other keys of a line say nothing here.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ChoiceItem {
    /// What the continuations follow.
    pub context: String,
    /// The continuations.
    pub choices: Vec<String>,
    /// The right one.
    pub answer: usize,
}

/// How a question becomes tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChoiceOptions {
    /// What is put between context and continuation; it counts among the tokens, and not among the characters. A space in lm-eval.
    pub target_delimiter: String,
    /// What stands for an empty context: the token that begins a text, or that ends one.
    pub empty_context: u32,
    /// The most tokens that the model takes; of longer questions the last ones.
    pub max_length: usize,
}

/// What multiple choice gives.
#[derive(Clone, Debug, PartialEq)]
pub struct ChoiceResult {
    /// The share of questions whose right continuation has the greatest log-likelihood.
    pub acc: f64,
    /// The standard error of that: `sqrt(acc (1 - acc) / (n - 1))`.
    pub acc_stderr: f64,
    /// The share of questions whose right continuation has the greatest log-likelihood per character.
    pub acc_norm: f64,
    /// The standard error of that.
    pub acc_norm_stderr: f64,
    /// The log-likelihoods, question by question.
    pub log_likelihoods: Vec<Vec<f64>>,
}

/// The questions of a text with a JSON object per line; lines of nothing but spaces are passed over.
///
/// ```
/// let items = fewbit_models::eval::choice_items(r#"{"context": "1 + 1 =", "choices": ["2", "3"], "answer": 0}"#)?;
/// assert_eq!(items[0].choices, ["2", "3"]);
/// # Ok::<(), fewbit_models::language::LanguageError>(())
/// ```
///
/// # Errors
/// A line that is no such object, with its number; no question at all.
pub fn choice_items(text: &str) -> Result<Vec<ChoiceItem>, LanguageError> {
    let mut items = Vec::new();
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let wrong = |problem: String| LanguageError::Tokens(format!("line {number}: {problem}"));
        let item: ChoiceItem =
            serde_json::from_str(line).map_err(|error| wrong(error.to_string()))?;
        let (answer, count) = (item.answer, item.choices.len());
        if answer >= count {
            return Err(wrong(format!("answer {answer} of {count} choices, counted from 0")));
        }
        if let Some(empty) = item.choices.iter().position(String::is_empty) {
            return Err(wrong(format!("choice {empty} is empty")));
        }
        items.push(item);
    }
    match items.is_empty() {
        true => Err(LanguageError::Tokens("there is no question: expected one per line".into())),
        false => Ok(items),
    }
}

/// Scores every continuation of every question.
///
/// The tokens of a continuation are those of context and continuation together behind those of the context alone; spaces at the end of
/// the context belong to the continuation. Questions run side by side; `progress` hears how many are done, of how many.
///
/// # Errors
/// Texts that have no tokens; a continuation that adds none to its context; what the model refuses.
pub fn multiple_choice(
    model: &LanguageModel<'_>,
    encode: &(dyn Fn(&str) -> Result<Vec<u32>, LanguageError> + Sync),
    items: &[ChoiceItem],
    options: &ChoiceOptions,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<ChoiceResult, LanguageError> {
    progress(0, items.len());
    let mut log_likelihoods = Vec::with_capacity(items.len());
    for some in items.chunks(rayon::current_num_threads().max(1)) {
        let one = |item: &ChoiceItem| -> Result<Vec<f64>, LanguageError> {
            let scored = item.choices.iter().map(|choice| {
                let (tokens, own) = tokens(encode, &item.context, choice, options)?;
                Ok(-surprises(model, &tokens, own.start)?.iter().sum::<f64>())
            });
            scored.collect()
        };
        let found: Result<Vec<_>, LanguageError> = some.par_iter().map(one).collect();
        log_likelihoods.extend(found?);
        progress(log_likelihoods.len(), items.len());
    }
    let right = |score: &dyn Fn(f64, &str) -> f64| {
        let pairs = items.iter().zip(&log_likelihoods);
        let hits = pairs.filter(|(item, found)| {
            let scores = found.iter().zip(&item.choices).map(|(&ll, choice)| score(ll, choice));
            best(scores) == Some(item.answer)
        });
        hits.count() as f64 / items.len() as f64
    };
    let acc = right(&|ll, _| ll);
    let acc_norm = right(&|ll, choice| ll / choice.chars().count() as f64);
    let stderr = |p: f64| (p * (1.0 - p) / (items.len() as f64 - 1.0)).sqrt();
    let (acc_stderr, acc_norm_stderr) = (stderr(acc), stderr(acc_norm));
    Ok(ChoiceResult { acc, acc_stderr, acc_norm, acc_norm_stderr, log_likelihoods })
}

/// The place of the greatest number; the first of equal ones.
fn best(scores: impl Iterator<Item = f64>) -> Option<usize> {
    let mut best: Option<(usize, f64)> = None;
    for (place, score) in scores.enumerate() {
        if best.is_none_or(|(_, most)| score > most) {
            best = Some((place, score));
        }
    }
    best.map(|(place, _)| place)
}

/// All tokens, and the places of those that are scored.
fn tokens(
    encode: &dyn Fn(&str) -> Result<Vec<u32>, LanguageError>,
    context: &str,
    choice: &str,
    options: &ChoiceOptions,
) -> Result<(Vec<u32>, Range<usize>), LanguageError> {
    let kept = context.trim_end();
    let continuation = format!("{}{}{choice}", &context[kept.len()..], options.target_delimiter);
    let (before, mut tokens) = match kept.is_empty() {
        true => {
            let mut tokens = vec![options.empty_context];
            tokens.extend(encode(&continuation)?);
            (1, tokens)
        }
        false => (encode(kept)?.len(), encode(&format!("{kept}{continuation}"))?),
    };
    let scored = tokens.len().saturating_sub(before);
    if scored == 0 || before == 0 {
        let problem = format!("`{continuation}` adds no token to its context");
        return Err(LanguageError::Tokens(problem));
    }
    // One more than the model takes: the last token is only predicted.
    let most = options.max_length.saturating_add(1).max(scored + 1);
    if tokens.len() > most {
        tokens.drain(..tokens.len() - most);
    }
    let first = tokens.len() - scored;
    let end = tokens.len();
    Ok((tokens, first..end))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A token per character.
    fn encode(text: &str) -> Result<Vec<u32>, LanguageError> {
        Ok(text.chars().map(|c| c as u32).collect())
    }

    #[test]
    fn spaces_at_the_end_of_a_context_are_the_continuations() {
        let mut options =
            ChoiceOptions { target_delimiter: " ".into(), empty_context: 0, max_length: 100 };
        let of = |context: &str, choice: &str, options: &ChoiceOptions| {
            let (tokens, own) = tokens(&encode, context, choice, options).unwrap();
            let text = |tokens: &[u32]| -> String {
                tokens.iter().filter_map(|&token| char::from_u32(token)).collect()
            };
            (text(&tokens[..own.start]), text(&tokens[own]))
        };
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(of("ab", "cd", &options), pair("ab", " cd"));
        assert_eq!(of("ab\n", "cd", &options), pair("ab", "\n cd"));
        assert_eq!(of("", "cd", &options), pair("\0", " cd"));
        options.max_length = 4;
        assert_eq!(of("abxyz", "cd", &options), pair("yz", " cd"));
        options.target_delimiter.clear();
        assert_eq!(of("abxyz", "c", &options), pair("bxyz".trim_start_matches('a'), "c"));
    }

    #[test]
    fn lines_are_checked() {
        let wrong = |text: &str| choice_items(text).unwrap_err().to_string();
        assert_eq!(wrong("\n"), "there is no question: expected one per line");
        let text = r#"{"context": "a", "choices": ["b"], "answer": 1}"#;
        assert_eq!(wrong(&format!("\n{text}")), "line 2: answer 1 of 1 choices, counted from 0");
        assert!(wrong("{}").starts_with("line 1: missing field `context`"));
        assert!(
            wrong(r#"{"context": "a", "id": 1}"#).starts_with("line 1: missing field `choices`")
        );
        assert_eq!(
            wrong(r#"{"context": "a", "choices": [""], "answer": 0}"#),
            "line 1: choice 0 is empty"
        );
    }
}
