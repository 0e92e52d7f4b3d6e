//! What a language model is worth: perplexity, in floats and through accumulators of any width; multiple choice.

mod choice;
mod integer;
mod perplexity;
mod report;
mod sweep;

pub use choice::{ChoiceItem, ChoiceOptions, ChoiceResult, choice_items, multiple_choice};
pub use integer::{IntegerPerplexity, Text, integer_perplexity};
pub use perplexity::{Perplexity, PerplexityWindows, perplexity};
pub use report::{LanguageReport, Scored};
pub use sweep::{LanguageSweep, LanguageSweepPoint, language_sweep};
