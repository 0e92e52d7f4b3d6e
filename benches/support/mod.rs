//! What the benches share: races, their lines, loops compiled for the running CPU, and numbers.
//!
//! A bench prints one line per contestant:
//!
//! ```text
//! accumulators/w4a8-uniform/saturate/loop          15.1 GMAC/s    peer
//! accumulators/w4a8-uniform/saturate/none          97.3 GMAC/s    6.44 x loop
//! ```
//!
//! the name, which stays the same from one version to the next; the value, of which more is better in rates and less in
//! seconds and MiB; the unit; then either `peer`, for what is not fewbit's, or how many times as fast it is as each peer
//! of the same race. Lines that begin with `#` say where and how. `benches/compare.sh` reads these lines.
//!
//! `cargo bench -p fewbit --bench products -- [--quick] [--filter] [TEXT...]` runs the lines with one of the texts in their names,
//! and their peers; `--quick` takes fewer and shorter samples, and leaves out the largest sizes.

#![allow(dead_code, reason = "each bench uses its own part")]
#![allow(unused_imports, unused_macros, reason = "each bench uses its own part")]

mod memory;
mod native;
mod numbers;
mod race;

pub(crate) use memory::{peak_mib, reset_peak};
pub(crate) use native::native;
pub(crate) use numbers::{Numbers, normal_values};
pub(crate) use race::{Bench, Contestant, Unit, on_threads};
