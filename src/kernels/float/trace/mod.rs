//! Reports in lanes: what the reference's [`FloatTrace`](crate::reference::FloatTrace) says of every output.
//!
//! ```text
//! steps        from the shape of the stages alone                                     (resolve)
//! inexact      the register after a step is not the exact sum: counted in lanes
//! underflows   inexact, and the sum below the smallest normal value after rounding
//! absorbed     inexact, and the register is what it was
//! events       the finite sum lies beyond the largest value after rounding
//! invalid      NaN from other values
//! min, max     of the sums rounded to odd; see below
//! first        which output it was; the reference steps that output again             (resolve)
//! ```
//!
//! **Why odd sums tell.** A sum that is rounded to odd in a grid of more digits than the register has is the exact sum if
//! it is even; and where it is not exact it is odd, so that no register equals it: the register differs from the odd sum
//! just where it differs from the exact one. Odd rounding is monotonic and leaves even numbers alone, so that comparing it
//! with an even limit compares the exact sum, and the extremes of odd sums are at the outputs of the exact extremes. An
//! extreme that is even is the exact one; of an odd one the reference steps the outputs that reached it.
//!
//! What a lane cannot decide, such as sums at the end of the range of `f32`, the reference steps too, that output alone.

mod aligned;
mod chain;
mod driver;
mod fma;
mod grouped;
mod inner;
mod outputs;
mod panels;
pub(super) mod plan;
mod resolve;
mod tally;

pub(super) use driver::multiply;
pub(super) use resolve::report;
