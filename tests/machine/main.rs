//! Machines that are stepped equal the reference and the oracles: in every step, value and field of the report.

mod arrays;
mod codes;
mod errors;
mod integers;
