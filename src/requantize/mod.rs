//! Integer requantization: from an accumulator's value to the next layer's integer.
//!
//! ```text
//! output = fit(scale(value + bias) + zero point)
//! ```
//!
//! `scale` is what stacks disagree about: how a real factor becomes integers, what is rounded, how often and which way,
//! and what becomes of a value that 32 bits do not hold on the way. Each rule is a [`RequantizePolicy`] with a name;
//! [`ScaleParameters`] are its numbers, per tensor or per channel; [`Requantization`] is both with bias, zero point and
//! output format, checked. [`reference::requantize`](mod@crate::reference::requantize) says what each policy computes.
//!
//! ```
//! use fewbit::reference;
//! use fewbit::formats::{Format, IntFormat};
//! use fewbit::requantize::{PerChannel, RequantizePolicy, Requantization, ScaleParameters};
//!
//! let Format::Int(int8) = Format::INT8 else { unreachable!() };
//! // A factor of 2^30 / 2^31 / 2^1 = 1/4, by two roundings and by one.
//! let by = ScaleParameters::multiplier_shift(1 << 30, -1);
//! let twice = Requantization::new("gemmlowp".parse()?, by.clone(), int8)?;
//! let once = Requantization::new("tflite-single".parse()?, by, int8)?;
//! assert_eq!(reference::requantize::element(&twice, 0, -3)?, -1); // -1.5 to -1, then -0.5 to -1
//! assert_eq!(reference::requantize::element(&once, 0, -3)?, -1); // -0.75 to -1
//! assert_eq!(reference::requantize::element(&twice, 0, 5)?, 2); // 2.5 to 3, then 1.5 to 2
//! assert_eq!(reference::requantize::element(&once, 0, 5)?, 1); // 1.25 to 1
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod derive;
mod error;
mod grammar;
mod parameters;
mod policy;
mod requantization;

pub use derive::MultiplierShift;
pub use error::{RequantizeError, RequantizeValueError};
pub use parameters::{PerChannel, ScaleParameters};
pub use policy::{Excess, RequantizePolicy, ScaleKind};
pub use requantization::Requantization;
