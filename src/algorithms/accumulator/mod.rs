//! Weights for narrow accumulators: AXE, A2Q and A2Q+, and the choice of data types that they are compared with.

mod a2q;
mod axe;
mod budget;
mod data_types;
mod l1;
mod minimal;
mod weight_norm;

pub use a2q::{A2qParams, a2q};
pub(super) use axe::Ledger;
pub use axe::{Axe, SoftThreshold};
pub use budget::{l1_budget, published_l1_budget};
pub use data_types::{DataTypes, data_types_for};
pub use l1::{l1_threshold, project_l1};
pub use minimal::{MinimalBits, minimal_bits};
pub use weight_norm::{WeightNorm, ep_init};
