//! SHA-256 of what a codec answers to all 2^32 `f32`.

mod compute;
mod line;

pub(crate) use compute::digests;
pub(crate) use line::{DigestLine, DigestRule, NanRule};
