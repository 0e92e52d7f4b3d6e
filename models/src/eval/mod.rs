//! What a quantized network is worth: accuracy, error and events per layer, accuracy against accumulator bits.

mod accuracy;
mod batches;
mod bounds;
mod layers;
mod report;
mod sweep;

pub use accuracy::{Labels, Verdict, predictions, run_batches};
pub use batches::batches;
pub use bounds::{NodeBounds, RowBound, StageBound, network_bounds};
pub use layers::{LayerResult, layer_results};
pub use report::{Accuracy, Report};
pub use sweep::{SweepPoint, sweep};
