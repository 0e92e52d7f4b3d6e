//! From numbers to quantized tensors.
//!
//! A [`Scheme`] says what is made (format, granularity, zero point), a [`ScaleRule`] how scales are chosen, a
//! [`Policy`](fewbit_formats::Policy) how an element is rounded and what happens at the ends. A [`Quantizer`] is the
//! three together. A [`Recipe`] is a quantizer of any kind as data, and a [`Preset`] is a recipe under Brevitas's name.

pub(crate) mod a2q;
pub mod calibration;
mod code_format;
mod error;
mod execute;
mod fused;
mod group_scales;
mod groups;
pub(crate) mod log2;
mod parameters;
mod preset;
mod problem;
mod quantization;
mod quantizer;
mod recipe;
mod run;
mod scale;
mod scheme;
mod search;
mod solve;
mod statistic;
mod text;

pub use crate::tensor::Granularity;
pub use a2q::{A2qBits, Centring};
pub use code_format::{CodeFormat, CodeFormatError};
pub use error::QuantizeError;
pub use group_scales::GroupScales;
pub use parameters::Parameters;
pub use preset::{Family, Origin, Preset};
pub use quantization::Quantization;
pub use quantizer::Quantizer;
pub use recipe::{Bias, Decoupled, Normalization, Recipe, Truncation, TruncationScale};
pub use scale::{Restriction, ScaleFloor, ScaleRule, ScaleSource, Threshold};
pub use scheme::{Scheme, TailPadding, ZeroPoint, ZeroPointRounding, ZeroPointSource};
pub use search::{Guard, HqoScale, HqoVariant, HqoZeroPoint, MseMethod, MseSearch, Trial};
pub use statistic::Statistic;
