//! How many accumulator bits a network needs: its accuracy against `P`, policy by policy.
//!
//! ```text
//! float network -> codes and scales (network, codes)
//! per template and P: every layer's product through the accumulator -> accuracy, overflows, SQNR (run)
//! -> JSON, table, picture (results, table, plot)
//! ```

mod codes;
mod network;
mod plot;
mod results;
mod run;
mod table;
mod template;

pub(crate) use codes::CodeFormat;
pub(crate) use network::{FloatLayer, Network};
pub(crate) use plot::draw;
pub(crate) use results::{Point, Sweep};
pub(crate) use run::{Found, Task, run};
pub(crate) use table::percent;
pub(crate) use template::{BitRange, Template};
