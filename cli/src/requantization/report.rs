//! What was done by a requantization, for tables and for `--json`.

use std::fmt;

use fewbit::Requantizer;
use fewbit::requantize::{PerChannel, ScaleParameters};
use serde::Serialize;

use super::job::Outputs;

/// What was done.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RequantizeReport {
    policy: String,
    to: String,
    /// NumPy's name of the type that the outputs have.
    dtype: &'static str,
    /// Lists of one number are for all channels.
    #[serde(flatten)]
    numbers: NumberLists,
    zero_point: i64,
    overflow: &'static str,
    min: i64,
    max: i64,
    /// Outputs that are the format's least value.
    at_min: usize,
    /// Outputs that are its greatest one.
    at_max: usize,
}

/// The numbers of the policy.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
enum NumberLists {
    MultiplierShift { multiplier: Vec<i32>, shift: Vec<i32> },
    Shift { shift: Vec<i32> },
    Float { scale: Vec<f32> },
    Exact { scale: Vec<f64> },
    Affine { scale: Vec<f32>, out_bias: Vec<f32> },
    Thresholds { thresholds: Vec<usize>, out_scale: i64, out_bias: i64 },
    Other,
}

impl RequantizeReport {
    /// Of a run.
    pub(crate) fn new(by: &Requantizer, outputs: &Outputs) -> Self {
        let job = by.requantization();
        let format = job.format();
        Self {
            policy: job.policy().to_string(),
            to: format.to_string(),
            dtype: outputs.dtype,
            numbers: job.scale().into(),
            zero_point: job.zero_point(),
            overflow: job.overflow().name(),
            min: format.min(),
            max: format.max(),
            at_min: outputs.ends.0,
            at_max: outputs.ends.1,
        }
    }
}

fn list<T: Clone>(of: &PerChannel<T>) -> Vec<T> {
    of.iter().cloned().collect()
}

impl From<&ScaleParameters> for NumberLists {
    fn from(of: &ScaleParameters) -> Self {
        match of {
            ScaleParameters::MultiplierShift { multiplier, shift } => {
                Self::MultiplierShift { multiplier: list(multiplier), shift: list(shift) }
            }
            ScaleParameters::Shift(shift) => Self::Shift { shift: list(shift) },
            ScaleParameters::Float(scale) => Self::Float { scale: list(scale) },
            ScaleParameters::Exact(scale) => Self::Exact { scale: list(scale) },
            ScaleParameters::Affine { scale, bias } => {
                Self::Affine { scale: list(scale), out_bias: list(bias) }
            }
            ScaleParameters::Thresholds { thresholds, out_scale, out_bias } => Self::Thresholds {
                thresholds: thresholds.iter().map(Vec::len).collect(),
                out_scale: *out_scale,
                out_bias: *out_bias,
            },
            // A kind that a later version of the library has.
            _ => Self::Other,
        }
    }
}

/// A name with its one number, or with the first ones of many.
struct Named<'a, T>(&'a str, &'a [T]);

impl<T: fmt::Display> fmt::Display for Named<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// More are not shown.
        const SHOWN: usize = 3;
        let Self(name, numbers) = self;
        write!(f, "{name}")?;
        for (place, number) in numbers.iter().take(SHOWN).enumerate() {
            write!(f, "{}{number}", if place == 0 { " " } else { ", " })?;
        }
        match numbers.len() {
            ..=SHOWN => Ok(()),
            channels => write!(f, " ... ({channels} channels)"),
        }
    }
}

impl fmt::Display for NumberLists {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MultiplierShift { multiplier, shift } => {
                write!(f, "{}; {}", Named("multiplier", multiplier), Named("shift", shift))
            }
            Self::Shift { shift } => Named("shift", shift).fmt(f),
            Self::Float { scale } => Named("scale", scale).fmt(f),
            Self::Exact { scale } => Named("scale", scale).fmt(f),
            Self::Affine { scale, out_bias } => {
                write!(f, "{}; {}", Named("scale", scale), Named("out-bias", out_bias))
            }
            Self::Thresholds { thresholds, out_scale, out_bias } => {
                let thresholds = Named("thresholds", thresholds);
                write!(f, "{thresholds}; out-scale {out_scale}; out-bias {out_bias}")
            }
            Self::Other => Ok(()),
        }
    }
}

impl fmt::Display for RequantizeReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { policy, to, numbers, zero_point, at_min, at_max, min, max, .. } = self;
        write!(
            f,
            "to {to} by {policy}: {at_min} at {min}, {at_max} at {max}\n{numbers}; zero point {zero_point}"
        )
    }
}
