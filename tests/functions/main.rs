//! Tables and integer functions: the reference against oracles in rationals and big integers, and against what LiteRT computes.

mod docs;
mod entries;
mod exact;
mod fixed;
mod fixed_point;
#[cfg(feature = "quantize")]
mod golden;
mod ibert;
mod norm;
mod root;
mod softmax;
mod table;
