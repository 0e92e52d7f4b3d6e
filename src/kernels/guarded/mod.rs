//! Products of bytes through registers that may overflow, without stepping what cannot.
//!
//! 1. The [worst case](worst_case) of every row and column tells whose outputs cannot overflow, whatever the other operand
//!    holds: where that is all, the product is an exact one; else such panels are exact sums.
//! 2. The outputs are cut into [jobs](product), and a job into tiles.
//! 3. In a [tile](tile), a [block](block) of k is an exact sum where the [norm bound](norm_bound) or the
//!    [block bound](block_bound) holds, and stepped else, in [lanes of 16 bits](lanes16) where the register fits them,
//!    else in [lanes of 32](lanes32) where these saturate by an instruction. Extremes are looked for in those steps alone
//!    that [may show](reach) any.

pub(crate) mod block;
pub(crate) mod block_bound;
pub(crate) mod job;
mod lanes16;
pub(crate) mod lanes32;
pub(crate) mod norm_bound;
mod open;
pub(crate) mod product;
pub(crate) mod reach;
mod step32;
mod tile;
pub(crate) mod worst_case;
