//! From numbers to quantized tensors.
//!
//! A [`Scheme`] says what is made (format, granularity, zero point), a [`ScaleRule`] how scales are chosen, a
//! [`Policy`](fewbit_formats::Policy) how an element is rounded and what happens at the ends. A [`Quantizer`] is the
//! three together.

pub mod calibration;
mod error;
mod execute;
pub(crate) mod log2;
mod parameters;
mod quantizer;
mod scale;
mod scheme;
mod statistic;

pub use crate::tensor::Granularity;
pub use error::QuantizeError;
pub use parameters::Parameters;
pub use quantizer::Quantizer;
pub use scale::{Restriction, ScaleFloor, ScaleRule, ScaleSource, Threshold};
pub use scheme::{Scheme, ZeroPoint, ZeroPointRounding, ZeroPointSource};
pub use statistic::Statistic;
