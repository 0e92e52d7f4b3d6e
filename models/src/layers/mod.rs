//! Quantized layers as plain structs: what a user composes by hand, with both executions.
//!
//! A layer takes Brevitas's four quantizers (input, weight, bias, output) by the names of presets or as recipes, in
//! Brevitas's order:
//!
//! ```text
//! x <- input quantizer(x)      w <- weight quantizer(w)      b <- bias quantizer(b; scales of x and w)
//! y  = operator(x, w, b)       y <- output quantizer(y)
//! ```
//!
//! [`forward`](QuantLinear::forward) computes it in floats, as Brevitas does; `forward_integer` multiplies codes through an
//! accumulator.

mod activation;
mod error;
mod quantizers;
mod value;
mod weighted;

pub use activation::{Activation, QuantActivation};
pub use error::LayerError;
pub use quantizers::LayerQuantizers;
pub use value::QuantValue;
pub use weighted::{QuantConv, QuantLinear};
