//! Scales and zero points that are looked for: the least squared error, half-quadratic optimisation.
//!
//! Both follow Brevitas 0.12.1 to the bit where [`reference::torch`](crate::reference::torch) has its sums, and may then
//! end with a larger squared error than the statistic they start from: Brevitas's grid tries fractions from 2/20 on and
//! keeps the first of equals, and half-quadratic optimisation has another aim. [`Guard`] says what happens then.

mod hqo;
mod median;
mod mse;
mod shrink;
mod tried;

use serde::{Deserialize, Serialize};

pub use hqo::{HqoScale, HqoZeroPoint};
pub(crate) use hqo::{scales as hqo_scales, zero_points as hqo_zero_points};
pub use mse::{MseMethod, MseSearch};
pub(crate) use mse::{scales as mse_scales, zero_points as mse_zero_points};

/// What happens where a search ends with a larger squared error than what it began with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Guard {
    /// Its result is taken, as Brevitas does.
    #[default]
    None,
    /// The group keeps the statistic that the search began with. Squared errors are compared in f64.
    NeverWorse,
}

/// In which scale the candidates of a search are tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trial {
    /// In the scale that a candidate becomes.
    #[default]
    Restricted,
    /// In the candidate over the threshold, without restrictions: what Brevitas does for activations, whose scales are
    /// restricted when they are used and not while they are collected.
    Unrestricted,
}
