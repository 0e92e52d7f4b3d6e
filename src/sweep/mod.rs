//! How many accumulator bits a network needs: its accuracy against `P`, accumulator by accumulator.
//!
//! ```text
//! float layers -> codes and scales
//! per template and P: every layer's product through the accumulator -> accuracy, overflows, SQNR
//! ```
//!
//! A network is a chain of linear layers ([`FloatLayer`]) with ReLU between them; [`Network`] is it in codes. An
//! [`AccumulatorTemplate`] is an accumulator with `{P}` for the number of bits. [`sweep()`] runs the one through the others.
#![cfg_attr(
    feature = "algorithms",
    doc = "\nThere the codes are the same whatever the accumulator, and sums may overflow. [`guaranteed_points`] chooses codes for each \
           accumulator such that no input overflows it ([`Network::constrained`]), and says what that costs."
)]

#[cfg(feature = "algorithms")]
mod constrained;
mod error;
mod factor;
mod float;
#[cfg(feature = "algorithms")]
mod guaranteed;
mod layer;
mod network;
mod range;
mod results;
mod run;
mod template;

pub use error::SweepError;
pub use float::{FloatLayer, float_outputs};
#[cfg(feature = "algorithms")]
pub use guaranteed::guaranteed_points;
pub use network::{Network, Pass};
pub use range::BitRange;
#[cfg(feature = "algorithms")]
pub use results::GuaranteedPoint;
pub use results::{ExactResult, FloatResult, Sweep, SweepPoint};
pub use run::{SweepJob, sweep};
pub use template::{AccumulatorTemplate, TemplateError, TemplateKind};
