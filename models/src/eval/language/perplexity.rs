//! Perplexity: how surprising a text is to a language model.

use std::ops::Range;

use rayon::prelude::*;

use crate::language::{LanguageError, LanguageModel};

/// Which tokens are scored, each given which before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PerplexityWindows {
    /// Brevitas 0.12.1 (`compute_perplexity` of its language-model examples): windows of `seqlen` tokens one after the other, what is
    /// left over dropped; the first half of each is context, the second half is scored; the exponential of the mean over windows
    /// of the mean over tokens of `-ln p`. An odd `seqlen` leaves Brevitas with an empty window at the end of each and no
    /// number; here it has `seqlen / 2` tokens of context, rounded down.
    Halves {
        /// Tokens of a window.
        seqlen: usize,
    },
    /// The sliding window of Hugging Face's guide to perplexity: windows of `seqlen` tokens, each `stride` behind the one before, the
    /// last one as long as the text lasts; of each the tokens that no window before it had are scored, but not one without any
    /// before it; the exponential of the mean over tokens of `-ln p`.
    Sliding {
        /// Tokens of a window.
        seqlen: usize,
        /// Tokens from the start of a window to the start of the next, at most `seqlen`.
        stride: usize,
    },
}

/// A stretch of a text, and how much of it is context.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Window {
    tokens: Range<usize>,
    /// The first token that is scored, counted from the window's start; at least 1.
    first: usize,
}

impl PerplexityWindows {
    /// Checks that there is a window in a text of so many tokens.
    ///
    /// # Errors
    /// A text shorter than a window; windows that cannot be.
    pub fn check(self, tokens: usize, most: usize) -> Result<(), LanguageError> {
        self.of(tokens, most).map(|_| ())
    }

    fn of(self, tokens: usize, most: usize) -> Result<Vec<Window>, LanguageError> {
        let wrong = |problem: String| Err(LanguageError::Tokens(problem));
        let (Self::Halves { seqlen } | Self::Sliding { seqlen, .. }) = self;
        if seqlen < 2 {
            return wrong(format!("windows of {seqlen} tokens: expected 2 or more"));
        }
        let windows: Vec<Window> = match self {
            Self::Halves { .. } => (0..tokens / seqlen)
                .map(|at| Window { tokens: at * seqlen..(at + 1) * seqlen, first: seqlen / 2 })
                .take(most)
                .collect(),
            Self::Sliding { stride, .. } => {
                if stride == 0 || stride > seqlen {
                    return wrong(format!("a stride of {stride}: expected 1 to {seqlen}"));
                }
                let mut windows = Vec::new();
                let (mut start, mut scored) = (0, 1);
                while scored.max(start + 1) < tokens && windows.len() < most {
                    let end = tokens.min(start + seqlen);
                    let first = scored.max(start + 1) - start;
                    windows.push(Window { tokens: start..end, first });
                    (start, scored) = (start + stride, end);
                }
                windows
            }
        };
        match windows.is_empty() {
            true if most == 0 => wrong("no window is to be scored: expected 1 or more".into()),
            true => wrong(format!(
                "the text has {tokens} tokens, and a window {seqlen}: expected a longer text, or shorter windows"
            )),
            false => Ok(windows),
        }
    }
}

/// How surprising a text is.
#[derive(Clone, Debug, PartialEq)]
pub struct Perplexity {
    /// `exp(mean of -ln p)`.
    pub perplexity: f64,
    /// The mean over scored tokens of `-ln p`, window by window.
    pub windows: Vec<f64>,
    /// Tokens that were scored.
    pub scored: usize,
    /// Tokens that went through the model.
    pub tokens: usize,
}

/// The perplexity of the first windows of a text, at most `most` of them.
///
/// `ln p` of a token is its logit less the logarithm of the sum of the exponentials of all, in f64 from float32 logits; sums are in
/// the order of the text. Windows run side by side, as many as there are threads, and the logits of no more are held; the result is
/// the same to the last bit for any number of threads, if the model's is. `progress` hears how many windows are done, of how many.
///
/// # Errors
/// A text shorter than a window; windows that cannot be; what the model refuses.
pub fn perplexity(
    model: &LanguageModel<'_>,
    tokens: &[u32],
    windows: PerplexityWindows,
    most: usize,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Perplexity, LanguageError> {
    let one = |tokens: &[u32], first| Ok((surprises(model, tokens, first)?, ()));
    Ok(scored(tokens, windows, most, &one, progress)?.0)
}

/// What scores a window: its tokens and the first one that is scored, to `-ln p` of each and whatever else it found.
type Score<'a, T> = &'a (dyn Fn(&[u32], usize) -> Result<(Vec<f64>, T), LanguageError> + Sync);

/// The perplexity of windows that `one` scores, and what else it found, window by window.
///
/// # Errors
/// As [`perplexity`].
pub(super) fn scored<T: Send>(
    tokens: &[u32],
    windows: PerplexityWindows,
    most: usize,
    one: Score<'_, T>,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<(Perplexity, Vec<T>), LanguageError> {
    let all = windows.of(tokens.len(), most)?;
    progress(0, all.len());
    let (mut sums, mut found) = (Vec::with_capacity(all.len()), Vec::with_capacity(all.len()));
    for some in all.chunks(rayon::current_num_threads().max(1)) {
        let score = |window: &Window| {
            let (nlls, found) = one(&tokens[window.tokens.clone()], window.first)?;
            Ok(((nlls.iter().sum::<f64>(), nlls.len()), found))
        };
        let scores: Result<Vec<_>, LanguageError> = some.par_iter().map(score).collect();
        for (sum, more) in scores? {
            sums.push(sum);
            found.push(more);
        }
        progress(sums.len(), all.len());
    }
    let scored: usize = sums.iter().map(|(_, count)| count).sum();
    let means: Vec<f64> = sums.iter().map(|(sum, count)| sum / *count as f64).collect();
    let mean = match windows {
        PerplexityWindows::Halves { .. } => means.iter().sum::<f64>() / means.len() as f64,
        PerplexityWindows::Sliding { .. } => {
            sums.iter().map(|(sum, _)| sum).sum::<f64>() / scored as f64
        }
    };
    let tokens = all.iter().map(|window| window.tokens.len()).sum();
    Ok((Perplexity { perplexity: mean.exp(), windows: means, scored, tokens }, found))
}

/// `-ln p` of each token from place `first` on, given all before it; `first` is at least 1.
pub(super) fn surprises(
    model: &LanguageModel<'_>,
    tokens: &[u32],
    first: usize,
) -> Result<Vec<f64>, LanguageError> {
    let logits = model.logits(tokens, first - 1..tokens.len() - 1)?;
    let targets = &tokens[first..];
    let rows: Vec<_> = logits.rows().into_iter().zip(targets).collect();
    let one = |(row, target): &(ndarray::ArrayView1<'_, f32>, &u32)| {
        let target = **target;
        let vocabulary = row.len();
        let own = row.get(target as usize).ok_or_else(|| {
            LanguageError::Tokens(format!("token {target} is none of {vocabulary}"))
        })?;
        let most = row.iter().fold(f32::NEG_INFINITY, |most, &x| most.max(x));
        let most = f64::from(most);
        let sum: f64 = row.iter().map(|&x| (f64::from(x) - most).exp()).sum();
        Ok(sum.ln() + most - f64::from(*own))
    };
    rows.par_iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(windows: PerplexityWindows, tokens: usize) -> Vec<(usize, usize, usize)> {
        let windows = windows.of(tokens, usize::MAX).unwrap();
        windows.into_iter().map(|w| (w.tokens.start, w.first, w.tokens.end)).collect()
    }

    #[test]
    fn halves_of_windows_one_after_the_other() {
        let halves = |seqlen| PerplexityWindows::Halves { seqlen };
        assert_eq!(of(halves(4), 11), [(0, 2, 4), (4, 2, 8)]);
        assert_eq!(of(halves(5), 11), [(0, 2, 5), (5, 2, 10)]);
        assert_eq!(halves(4).of(11, 1).unwrap().len(), 1);
        assert_eq!(
            halves(12).of(11, 9).unwrap_err().to_string(),
            "the text has 11 tokens, and a window 12: expected a longer text, or shorter windows"
        );
        assert!(halves(1).of(11, 9).is_err() && halves(4).of(11, 0).is_err());
    }

    #[test]
    fn sliding_windows_score_each_token_once() {
        let sliding = |seqlen, stride| PerplexityWindows::Sliding { seqlen, stride };
        assert_eq!(of(sliding(4, 2), 9), [(0, 1, 4), (2, 2, 6), (4, 2, 8), (6, 2, 9)]);
        for (seqlen, stride, tokens) in [(4, 4, 9), (5, 3, 20), (7, 1, 8), (7, 7, 3), (2, 1, 6)] {
            let mut scored = vec![0; tokens];
            for (start, first, end) in of(sliding(seqlen, stride), tokens) {
                assert!(end - start <= seqlen && first >= 1);
                scored[start + first..end].iter_mut().for_each(|n| *n += 1);
            }
            // With windows that do not overlap the first token of each has no context, and is not scored.
            let missed = scored.iter().enumerate().filter(|(_, n)| **n != 1);
            assert!(missed.clone().all(|(at, n)| *n == 0 && at % stride == 0), "{scored:?}");
            assert!(stride == seqlen || missed.count() == 1, "{scored:?}");
        }
        assert!(sliding(4, 5).of(9, 9).is_err() && sliding(4, 0).of(9, 9).is_err());
    }
}
