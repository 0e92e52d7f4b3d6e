//! Accumulators, written down a second time: descriptions, exact oracles, operands and strategies.

mod operands;
mod oracle;
pub mod real;
mod real_oracle;
mod real_strategy;
mod spec;
mod strategy;

pub use operands::{Matrix, Pattern, Range};
pub use oracle::{FirstEvent, Product, StageReport, matmul};
pub use real_oracle::{Real, RealProduct, RealStageReport, real_matmul};
pub use real_strategy::{RealCase, any_real_case, any_real_format, any_real_spec};
pub use spec::{Overflow, Spec, StageSpec};
pub use strategy::{Case, any_case, any_spec};
