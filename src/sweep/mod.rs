//! How many accumulator bits a network needs: its accuracy against `P`, accumulator by accumulator.
//!
//! ```text
//! float layers -> codes and scales
//! per template and P: every layer's product through the accumulator -> accuracy, overflows, SQNR
//! ```
//!
//! A network is a chain of linear layers ([`FloatLayer`]) with ReLU between them; [`Network`] is it in codes. An
//! [`AccumulatorTemplate`] is an accumulator with `{P}` for the number of bits. [`sweep()`] runs the one through the others.

mod error;
mod factor;
mod float;
mod layer;
mod network;
mod range;
mod results;
mod run;
mod template;

pub use error::SweepError;
pub use float::{FloatLayer, float_outputs};
pub use network::{Network, Pass};
pub use range::BitRange;
pub use results::{ExactResult, FloatResult, Sweep, SweepPoint};
pub use run::{SweepJob, sweep};
pub use template::{AccumulatorTemplate, TemplateError, TemplateKind};
