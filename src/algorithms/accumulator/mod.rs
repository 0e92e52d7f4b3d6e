//! Weights for narrow accumulators: AXE, A2Q and A2Q+, and the choice of data types that they are compared with.

mod a2q;
mod axe;
mod data_types;
mod l1;

pub use a2q::{A2qParams, Centring, a2q};
pub use axe::{Axe, SoftThreshold};
pub use data_types::{DataTypes, data_types_for};
pub use l1::{l1_threshold, project_l1};
