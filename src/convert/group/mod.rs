//! Groups in bulk.
//!
//! ```text
//! format + policy --plan--> how scales are found, how quotients are made
//! values of a tile --scales--> scales, quotients (f32)      (quotients: compiled for every instruction set)
//! quotients --Encoder--> codes                              (the lanes of scalar formats)
//! ```
//!
//! The quotient that goes to the lanes is an `f32` that is encoded as the exact one is. A block for which there is none,
//! or that holds NaN or infinity, goes through the specification; so does every run of groups whose scales are coupled. With
//! zero points it is the quotient and the zero point together.

mod block_lanes;
mod columns;
mod decode;
mod encode;
mod extent;
mod factors;
mod find;
mod numbers;
mod plan;
mod powers;
mod quotient;
mod rows;
mod runs;
mod scale_lanes;
mod shifted;
mod tile;

pub use decode::GroupDecoder;
pub use encode::GroupEncoder;
