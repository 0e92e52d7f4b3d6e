//! Post-training quantization on matrices.
//!
//! Weights are `[out, in]`, inputs `[samples, in]`. A [`Collector`] reduces calibration inputs to [`Statistics`]; a
//! [`Problem`] joins them with the weights, a [`Grid`] of values to choose from and, if wanted, a [`Constraint`] that an
//! accumulator imposes; a solver turns it into a [`Solution`].
//!
//! Every solver is a function of a problem and a `Params` value whose default is the published one, works with every grid
//! and every constraint, and gives the same bits for every number of threads. Weights are never NaN: input that is not
//! finite is refused.

mod accumulator;
mod constraint;
pub mod equalize;
mod error;
mod factor;
mod feedback;
mod grid;
mod joint;
pub mod layer;
pub mod learned;
pub mod linalg;
pub mod lowrank;
mod order;
mod problem;
pub mod random;
pub mod rotate;
pub mod scale;
mod solution;
mod solvers;
mod statistics;

pub use accumulator::{
    A2qParams, Axe, DataTypes, MinimalBits, SoftThreshold, WeightNorm, a2q, data_types_for,
    ep_init, l1_budget, l1_threshold, minimal_bits, project_l1, published_l1_budget,
};
pub use constraint::{Budget, Constraint, Limits};
pub use error::AlgorithmError;
pub use feedback::Clipping;
pub use grid::Grid;
pub use joint::{
    Effort, ScaleChoice, Scaled, SequentialSolver, joint, polish, search_scales, search_scales_by,
};
pub use linalg::Precision;
pub use order::Order;
pub use problem::Problem;
pub use solution::{Info, Solution};
pub use solvers::{
    Beacon, BeaconParams, GpfqParams, GptaqParams, GptqParams, QronosParams, RtnParams, beacon,
    gpfq, gptaq, gptq, qronos, rtn,
};
pub use statistics::{BLOCK, Collector, Gram, Moments, Statistics, WindowCollector, unfold};
