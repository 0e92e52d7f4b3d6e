//! AXE: accumulator-aware rounding for any solver (Colbert et al., arXiv 2409.17092).

mod budget;
mod constraint;
mod ledger;
mod project;
mod tiers;

pub(in crate::algorithms) use ledger::Ledger;
pub use tiers::{Axe, SoftThreshold};
