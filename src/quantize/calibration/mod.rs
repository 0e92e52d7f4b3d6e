//! Scales of activations from calibration data, batch by batch.
//!
//! A [`Calibrator`] sees batches one at a time, and in the end has one statistic per group, which a threshold divides to
//! give a scale. What it keeps in between decides whether the order of batches matters:
//!
//! | method | keeps, per group | order of batches | merges |
//! |---|---|---|---|
//! | [`Method::Pooled`] of extremes | two numbers | does not matter | yes |
//! | [`Method::Pooled`] of means | sums, exact to the last bit | does not matter | yes |
//! | [`Method::Pooled`] of percentiles | every element | does not matter | yes |
//! | [`Method::Mse`] | every element | does not matter | yes |
//! | [`Method::Histogram`] | counts in bins | does not matter | yes |
//! | [`Method::Batches`], [`Average::Mean`] | an exact sum | does not matter; how elements are batched does | yes |
//! | [`Method::Batches`], [`Average::Cumulative`] | one number | matters, in the last bits | no |
//! | [`Method::Batches`], [`Average::Momentum`] | one number | matters: later batches weigh more | no |
//!
//! Where the order does not matter, the result is the same to the bit for any order, any cut into shards, and any order
//! of merging them.

mod average;
mod calibrator;
mod error;
mod exact_sum;
mod extremes;
mod histogram;
mod least_squares;
mod method;
mod state;

pub use average::Average;
pub use calibrator::{Calibration, Calibrator};
pub use error::CalibrationError;
pub use exact_sum::ExactSum;
pub use histogram::{Binned, Histogram};
pub use method::Method;
