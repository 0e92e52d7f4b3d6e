//! The `fewbit` command line.
fn main() {}
