//! Accumulators, written down a second time: descriptions, an exact oracle, operands and strategies.

mod operands;
mod oracle;
mod spec;
mod strategy;

pub use operands::{Matrix, Pattern, Range};
pub use oracle::{FirstEvent, Product, StageReport, matmul};
pub use spec::{Overflow, Spec, StageSpec};
pub use strategy::{Case, any_case, any_spec};
