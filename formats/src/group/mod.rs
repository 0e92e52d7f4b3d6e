//! Groups: runs of elements that share a scale.
//!
//! A [`GroupFormat`] says what the elements are, what their scale is, how many share one, whether the scales have a
//! scale of their own and whether there is a zero point. A [`GroupPolicy`] names every choice on the way from numbers to
//! codes. This module is the specification, in plain scalar code:
//!
//! ```text
//! outer scale   S = amax over its span / (largest element * largest block scale), rounded to its format
//! block scale   s = amax of the block / (largest element * S), rounded to its format;
//!               by a scale rule where the format has powers of two alone
//! scale         f32(s * S); s itself where there is no outer scale
//! zero point    z = round(-least / scale) + lowest code, where there is one; `amax` is then greatest - least
//! code          encode(x / scale + z)
//! value         f32((decode(code) - z) * scale)
//! ```
//!
//! Where scales are coupled, blocks are encoded as a run ([`GroupFormat::encode_run`]): each block scale is at least half of
//! the largest one of its run.
//!
//! A scale that is NaN makes every value of its block NaN, and a scale of zero makes them zero. The last group of a row
//! may be shorter than the others: elements that are not there take no part in anything, which is what zeros in their
//! place would give, since zero never raises a magnitude or widens a range that contains it.

mod arithmetic;
mod coupled;
mod element;
mod error;
mod extent;
mod format;
mod hif4;
mod maximum;
mod name;
mod outer;
mod policy;
mod ratio;
mod scale;
mod table;
mod target;

pub use error::{GroupError, GroupFormatError};
pub use format::{GroupFormat, GroupZeroPoint, Outer, ScaleFormat, Span};
pub use hif4::{HIF4_BYTES, HIF4_ELEMENTS};
pub use outer::OuterScale;
pub use policy::GroupPolicy;
pub use scale::BlockScale;
pub use table::GroupRow;
