//! What a quantized network is worth: accuracy, error and events per layer, accuracy against accumulator bits.

mod accuracy;
mod batches;
mod bounds;
#[cfg(feature = "language")]
mod choice;
mod comparison;
mod layers;
mod least_bits;
#[cfg(feature = "language")]
mod perplexity;
mod report;
mod sweep;

pub use accuracy::{ExecutionKind, Labels, Outputs, predictions, run_batches, run_batches_with};
pub use batches::batches;
pub use bounds::{NodeBounds, RowBound, StageBound, network_bounds};
#[cfg(feature = "language")]
pub use choice::{ChoiceItem, ChoiceOptions, ChoiceResult, choice_items, multiple_choice};
pub use comparison::{Comparison, ComparisonJob, Series, compare};
pub use layers::{LayerResult, layer_results};
pub use least_bits::{LeastBits, least_bits};
#[cfg(feature = "language")]
pub use perplexity::{Perplexity, PerplexityWindows, perplexity};
pub use report::{Accuracy, Report};
pub use sweep::{SweepPoint, sweep, sweep_with};
