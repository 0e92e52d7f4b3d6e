//! Learned rounding: which way each weight is rounded, found by gradient descent on the error of the output.
//!
//! [`adaround`] learns a number between both neighbours per weight and drives it to one of them; [`sign_round`] learns an
//! offset of at most half a step before rounding, and the scales if wanted. Both take one layer or several through a
//! [`Objective`]: [`LayerObjective`] is one layer by its Gram matrices, [`BlockObjective`] a chain of layers with data.
//! Gradients are in closed form, in f64. Results depend on the seed alone, and are never worse on the calibration data than
//! rounding to nearest, which is the first candidate.

mod adaround;
mod block;
mod objective;
mod optimizer;
mod sign_round;
mod target;

pub use adaround::{AdaroundParams, Gate, adaround};
pub use block::{Activation, BlockLayer, BlockObjective};
pub use objective::{Evaluation, LayerObjective, Objective};
pub use optimizer::{Optimizer, Schedule};
pub use sign_round::{SignRoundParams, sign_round};
pub use target::{Learned, LearnedInfo, Target};
