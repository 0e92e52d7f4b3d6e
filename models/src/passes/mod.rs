//! Passes: graph to graph.
//!
//! Each changes one thing and says what it did in a [`PassReport`].

mod activations;
mod bias;
mod bias_correction;
mod calibrate;
mod decompose_attention;
mod equalize;
mod error;
mod functions;
mod insert;
mod means;
mod merge_batch_norm;
mod regions;
mod report;
mod shared_scale;
mod solve;
mod walk;
mod weights;

pub use activations::relu6_to_relu;
pub use bias::quantize_biases;
pub use bias_correction::correct_biases;
pub use calibrate::calibrate;
pub use decompose_attention::decompose_attention;
pub use equalize::{BiasShrinkage, EqualizeParams, equalize};
pub use error::PassError;
pub use insert::{
    ActivationQuantizers, OutputCodes, insert_activation_quantizers, insert_input_quantizers,
};
pub use means::ChannelMeans;
pub use merge_batch_norm::merge_batch_norm;
pub use regions::{Region, regions};
pub use report::PassReport;
pub use solve::{SolveParams, SolvedLayer, solve};
pub(crate) use solve::{input_range, source_quantizer};
pub use weights::insert_weight_quantizers;
