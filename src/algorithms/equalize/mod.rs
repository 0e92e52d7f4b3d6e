//! Transformations that leave the float function alone and make it easier to quantize.
//!
//! [`smoothquant`] moves the range of activations into the weights that take them; [`equalize_layers`] evens out the ranges
//! of consecutive layers; [`split_channels`] halves outliers; [`awq_scale`] and [`awq_clip`] search for scales and clips on
//! calibration data; [`magr`] shrinks the greatest weights without changing the output much; [`correct_bias`] removes the
//! mean of the error.

mod awq;
mod bias;
mod cross_layer;
mod error;
mod magr;
mod smoothquant;
mod split;

pub use awq::{AwqClip, AwqParams, AwqScale, ClipParams, awq_clip, awq_scale};
pub use bias::{correct_bias, correct_bias_from_data};
pub use cross_layer::{ChainLayer, CrossLayerInfo, CrossLayerParams, Range, equalize_layers};
pub use error::output_error;
pub use magr::{Magr, MagrParams, magr};
pub use smoothquant::{ScaleValues, SmoothParams, Smoothing, smoothquant};
pub use split::{Split, SplitOutputs, split_channels, split_outputs};
