//! `fewbit vectors` and `fewbit verify` as a user runs them: expected results against oracles of exact rationals and big
//! integers, files of every kind back through `verify`, flipped bits, answers of a device, and other people's readers.

#[path = "../common/mod.rs"]
mod common;

mod arithmetic;
mod classes;
mod csv;
mod flips;
mod got;
mod products;
mod quantized;
mod readers;
mod round_trip;
mod traces;
