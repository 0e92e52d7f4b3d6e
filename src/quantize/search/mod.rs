//! Scales and zero points that are looked for: the least squared error, half-quadratic optimisation.
//!
//! Both follow Brevitas 0.12.1 to the bit where [`reference::torch`](crate::reference::torch) has its sums, and may then
//! end with a larger squared error than the statistic they start from: Brevitas's grid tries fractions from 2/20 on and
//! keeps the first of equals, and half-quadratic optimisation has another aim. [`Guard`] says what happens then.

mod hqo;
mod median;
mod mse;
mod options;
mod per_group;
mod shrink;
mod tried;

pub(crate) use hqo::{scales as hqo_scales, zero_points as hqo_zero_points};
pub(crate) use mse::{scales as mse_scales, zero_points as mse_zero_points};
pub use options::{Guard, HqoScale, HqoVariant, HqoZeroPoint, MseMethod, MseSearch, Trial};
