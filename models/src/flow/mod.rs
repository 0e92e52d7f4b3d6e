//! What an entry point does, step by step.

mod accumulators;
mod config;
mod error;
mod key;
#[cfg(feature = "language")]
mod language;
mod quantized;
mod quantizers;
mod rounding;
mod table;
mod timer;
mod vision;

pub use accumulators::AccumulatorKind;
pub use config::{
    ActivationCalibration, Backend, EqualizationFlow, OptimizerKind, RoundingKind,
    RoundingLossKind, RoundingMode, ScaleKind, ScaleTime, ScheduleKind, Sharing, Symmetry,
    ValueFormat, VisionConfig, WeightCalibration,
};
pub use error::FlowError;
pub use key::{Key, Keys};
#[cfg(feature = "language")]
pub use language::{
    AttentionParts, ExportTarget, LanguageFlow, LanguageFlowConfig, ModelFloats, ParamMethod,
    QuantSdpa, RotationFlow, RotationMatrices, RotationObjective, ScaleRounding, ScaleTiming,
    TensorSharing,
};
pub use quantized::QuantizedNetwork;
pub use quantizers::{activation_quantizers, weight_quantizer};
pub use rounding::{LearnedRounding, learned_rounding};
pub use timer::Phase;
pub use vision::VisionFlow;
