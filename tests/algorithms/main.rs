//! The algorithms against their definitions, and their guarantees against the emulated accumulator.

mod axe;
mod data;
mod least_squares;
mod solvers;
mod statistics;
