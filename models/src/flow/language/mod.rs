//! The language flow: from a float language model to a quantized one, under the keys of `brevitas_ptq_llm`.

mod config;
mod quantizers;
mod run;

pub use config::{
    AttentionParts, ExportTarget, LanguageFlowConfig, ModelFloats, ParamMethod, QuantSdpa,
    RotationFlow, RotationMatrices, RotationObjective, ScaleRounding, ScaleTiming, TensorSharing,
};
pub use run::LanguageFlow;
