//! Full reports of products of bytes.
//!
//! 1. The exact trajectory of a tile of outputs, of which a report tells the width, is [stepped by prefix
//!    sums](prefixes), or [product by product](each_product), where sums are short, and else [bounded block by
//!    block](bounds); only ambiguous blocks are stepped then.
//! 2. What an output [reaches](sums) without overflow is what it reaches.
//! 3. A tile in which a register would overflow runs a second time, through the real registers, as
//!    [guarded](super::guarded) ones.

mod bounds;
mod each_product;
mod prefixes;
pub(crate) mod product;
mod sums;
