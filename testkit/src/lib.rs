//! Generators and exact oracles; nothing here uses fewbit itself.

pub mod accumulate;
pub mod arithmetic;
pub mod rounding;
