//! Quantized layers as plain structs: what a user composes by hand, with both executions.
//!
//! A layer takes Brevitas's quantizers by the names of presets or as recipes, in Brevitas's order:
//!
//! ```text
//! x <- input quantizer(x)      w <- weight quantizer(w)      b <- bias quantizer(b; scales of x and w)
//! y  = operator(x, w, b)       y <- output quantizer(y)
//! ```
//!
//! [`forward`](QuantLinear::forward) computes it in floats, as Brevitas does; `forward_integer` multiplies codes through an
//! accumulator. What goes from layer to layer is a [`QuantValue`], values and their codes.

mod accumulator;
mod activation;
mod attention;
mod conv;
mod conv_transpose;
mod embedding;
mod error;
mod join;
mod linear;
mod lstm;
mod moves;
mod multihead;
mod pool;
mod products;
mod quantizers;
mod recurrent;
mod rnn;
mod scale_bias;
mod upsample;
mod value;
mod weighted;

pub use accumulator::{ClampAccumulator, TruncAccumulator};
pub use activation::{Activation, QuantActivation};
pub use attention::{AttentionMask, QuantScaledDotProductAttention};
pub use conv::QuantConv;
pub use conv_transpose::{QuantConvTranspose, TransposedWindow};
pub use embedding::QuantEmbedding;
pub use error::LayerError;
pub use join::{QuantCat, QuantEltwiseAdd};
pub use linear::QuantLinear;
pub use lstm::{GateScales, LstmActivations, LstmDirection, LstmOutput, QuantLstm};
pub use multihead::{InProjection, QuantMultiheadAttention};
pub use pool::{QuantMaxPool, TruncAdaptiveAvgPool2d, TruncAvgPool};
pub use quantizers::{AttentionQuantizers, JoinQuantizers, LayerQuantizers, RecurrentQuantizers};
pub use recurrent::{GateWeights, InputWeights, SequenceLayout};
pub use rnn::{QuantRnn, RnnDirection, RnnOutput};
pub use scale_bias::QuantScaleBias;
pub use upsample::{QuantUpsample, UpsampleMode, UpsampleTo};
pub use value::QuantValue;
