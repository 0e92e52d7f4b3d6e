//! Many values to codes and back, at the speed of memory.
//!
//! [`Encoder`] and [`Decoder`] give exactly what [`Format::encode`] and [`Format::decode`] give, element by element, on
//! every instruction set and any number of threads; those two are the specification. A stochastic rounding mode takes
//! the random bits of an element from the seed and the element's index ([`fewbit_formats::philox`]), so its results do
//! not depend on the order either.
//!
//! ```text
//! format + policy --plan--> constants of a lane      (plan: every special code is asked of the specification)
//! f32 bits + random bits --lane--> code              (lane: integer arithmetic without branches)
//! slices --blocks of 64, one loop per instruction set and lane--> slices   (blocks, loops)
//! ```
//!
//! [`Caster`] is the one after the other where only values are asked for. [`GroupEncoder`] and [`GroupDecoder`] do the same for elements that share scales; [`GroupFormat`] is their specification.
//!
//! The last elements of a slice go through the same loop, in a padded block. A format that no lane covers goes through
//! the specification itself.
//!
//! [`Format::encode`]: fewbit_formats::Format::encode
//! [`Format::decode`]: fewbit_formats::Format::decode
//! [`GroupFormat`]: fewbit_formats::GroupFormat

mod blocks;
mod cast;
mod code;
mod decode;
mod encode;
mod error;
mod every_f32;
mod group;
mod halves;
mod lane;
mod look_up;
mod loops;
mod pack;
mod pack_order;
mod plan;
mod random;
mod source;

pub use cast::{Caster, Target};
pub use code::Code;
pub use decode::Decoder;
pub use encode::Encoder;
pub use error::ConvertError;
pub use every_f32::{every_f32, every_f32_pieces};
pub use group::{GroupDecoder, GroupEncoder};
pub use pack::{pack, packed_len, unpack};
pub use pack_order::PackOrder;
pub use source::Source;

pub use crate::layout::GroupLayout;
