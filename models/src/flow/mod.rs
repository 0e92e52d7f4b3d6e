//! What an entry point does, step by step.

mod config;
mod error;
mod key;
mod quantizers;
mod rounding;
mod vision;

pub use config::{
    AccumulatorKind, ActivationCalibration, Backend, EqualizationFlow, OptimizerKind, RoundingKind,
    RoundingLossKind, RoundingMode, ScaleKind, ScaleTime, ScheduleKind, Sharing, Symmetry,
    ValueFormat, VisionConfig, WeightCalibration,
};
pub use error::FlowError;
pub use key::{Key, Keys};
pub use quantizers::{activation_quantizers, weight_quantizer};
pub use rounding::learned_rounding;
pub use vision::{Phase, QuantizedNetwork, VisionFlow};
