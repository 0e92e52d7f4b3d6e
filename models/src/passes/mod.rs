//! Passes: graph to graph.
//!
//! Each changes one thing and says what it did in a [`PassReport`].

mod activations;
mod awq;
mod bias;
mod bias_correction;
mod block_objective;
mod block_round;
mod blocks;
mod calibrate;
mod channel_maxima;
mod channel_runs;
mod choose;
mod correct_norms;
mod decompose_attention;
mod decompose_recurrent;
mod equalize;
mod equalize_activations;
mod error;
mod functions;
mod inline_branches;
mod insert;
mod insert_attention;
mod insert_recurrent;
mod journal;
mod layer_norm_to_rms;
mod learned_round;
mod loop_inputs;
mod magr;
mod make;
mod means;
mod merge_batch_norm;
mod merge_norm;
mod place;
mod regions;
mod report;
mod rotate;
mod scaled_round;
mod shared_scale;
mod solve;
mod source;
mod split_channels;
mod statistics;
mod svd_quant;
mod walk;
mod weights;

pub use activations::relu6_to_relu;
pub use awq::{clip_weights, scale_by_activations};
pub use bias::quantize_biases;
pub use bias_correction::correct_biases;
pub use block_round::{BlockRoundParams, learn_rounding_of_blocks};
pub use blocks::Blocks;
pub use calibrate::calibrate;
pub use choose::SolveInputs;
pub use correct_norms::{VarianceRule, correct_norms};
pub use decompose_attention::decompose_attention;
pub use decompose_recurrent::decompose_recurrent;
pub use equalize::{BiasShrinkage, EqualizeParams, equalize};
pub use equalize_activations::{
    ActivationEqualizeParams, EqualizationTarget, equalize_activations,
};
pub use error::PassError;
pub use inline_branches::inline_branches;
pub use insert::{
    ActivationQuantizers, OutputCodes, insert_activation_quantizers, insert_input_quantizers,
};
pub use insert_attention::{SdpaQuantizers, insert_attention_quantizers};
pub use insert_recurrent::insert_recurrent_quantizers;
pub use journal::{Chosen, Journal, NoJournal};
pub use layer_norm_to_rms::layer_norm_to_rms;
pub use learned_round::{
    LearnedRoundParams, LearnedScales, RoundingLoss, RoundingMethod, learn_rounding,
};
pub use magr::reduce_magnitudes;
pub use means::ChannelMeans;
pub use merge_batch_norm::merge_batch_norm;
pub use merge_norm::merge_norm_affine;
pub use regions::{Region, regions};
pub use report::PassReport;
pub use rotate::{
    LossDescent, OrphanSinks, RotateParams, RotationKind, RotationMode, SdpaRegions, rotate,
    rotate_for_loss, rotate_for_weights, untie_weights,
};
pub use scaled_round::ScaleParams;
pub use solve::{SolveParams, SolvedLayer, solve};
pub(crate) use solve::{input_range, source_quantizer};
pub use source::{Factors, Source};
pub use split_channels::{SplitSide, split_channels};
pub use svd_quant::svd_quant;
pub use weights::{insert_weight_quantizers, insert_weight_quantizers_but};
