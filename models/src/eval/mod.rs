//! What a quantized network is worth: accuracy, error and events per layer, accuracy against accumulator bits.

mod accuracy;
mod batches;
mod bounds;
mod comparison;
#[cfg(feature = "language")]
mod language;
mod layers;
mod least_bits;
mod report;
mod rows;
mod sweep;

pub use accuracy::{ExecutionKind, Labels, Outputs, predictions, run_batches, run_batches_with};
pub use batches::batches;
pub use bounds::{NodeBounds, RowBound, StageBound, network_bounds};
pub use comparison::{Comparison, ComparisonJob, Series, compare};
#[cfg(feature = "language")]
pub use language::{
    ChoiceItem, ChoiceOptions, ChoiceResult, IntegerPerplexity, LanguageReport, LanguageSweep,
    LanguageSweepPoint, Perplexity, PerplexityWindows, Scored, Text, choice_items,
    integer_perplexity, language_sweep, multiple_choice, perplexity,
};
pub use layers::{LayerResult, layer_results};
pub use least_bits::{LeastBits, least_bits};
pub use report::{Accuracy, Report};
pub use sweep::{SweepPoint, sweep};
