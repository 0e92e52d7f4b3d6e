//! A checkpoint in a GGUF file.
//!
//! llama.cpp's names and orders on one side, Hugging Face's on the other:
//!
//! - [`gguf_name`] and [`hf_name`] translate names: `blk.0.attn_q.weight` is `model.layers.0.self_attn.q_proj.weight`;
//! - [`RowOrder`]: in files of the architecture `llama` the rows of queries and keys are in llama.cpp's order;
//! - [`language_config`] reads the architecture from the metadata.

mod checkpoint;
mod config;
mod metadata;
mod names;
mod rope;
mod rows;

pub use checkpoint::GgufCheckpoint;
pub use config::language_config;
pub(in crate::language) use metadata::architecture_metadata;
pub use names::{gguf_name, hf_name};
pub(crate) use rope::rope_divisors;
pub use rows::RowOrder;
