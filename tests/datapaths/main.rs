//! Units of existing machines against models of them and against the machines themselves.

mod case;
mod h100;
mod mma_sim;
mod x86;
