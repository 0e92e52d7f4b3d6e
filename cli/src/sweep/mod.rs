//! How many accumulator bits a network needs: its accuracy against `P`, policy by policy.
//!
//! ```text
//! float network -> codes and scales (network, codes)
//! per template and P: every layer's product through the accumulator -> accuracy, overflows, SQNR (run)
//! -> table, JSON, picture (results, plot)
//! ```

mod codes;
mod network;
mod plot;
mod results;
mod run;
mod template;

pub(crate) use codes::CodeFormat;
pub(crate) use network::{FloatLayer, Network};
pub(crate) use plot::draw;
pub(crate) use results::{Point, Sweep};
pub(crate) use run::{Task, run};
pub(crate) use template::{BitRange, Template};
