//! Generators and exact oracles; nothing here uses fewbit itself.

pub mod accumulate;
pub mod arithmetic;
mod random;
pub mod rounding;

pub use random::Random;
