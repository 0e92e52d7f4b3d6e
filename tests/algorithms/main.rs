//! The algorithms against their definitions, and their guarantees against the emulated accumulator.

mod axe;
mod beacon;
mod brevitas;
mod common;
mod data;
mod edges;
mod joint;
mod layer;
mod least_squares;
mod quantizers;
mod solvers;
mod statistics;
