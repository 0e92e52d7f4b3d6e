//! Reports in the making: totals per stage, in lanes and over outputs.

pub(crate) mod lane_tally;
pub(crate) mod tally;
