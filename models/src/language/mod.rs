//! Language models: what a checkpoint says of its architecture, its weights by name, and its tokenizer.
//!
//! | part | what it is |
//! |---|---|
//! | [`LanguageConfig`] | the architecture, in the names of Hugging Face's `config.json` |
//! | [`Checkpoint`] | weights by Hugging Face's names, one at a time |
//! | [`Tokenizer`] | text to tokens and back |
//! | [`GgufCheckpoint`] | a checkpoint in a GGUF file; [`gguf_name`], [`hf_name`] and [`RowOrder`] translate |

mod checkpoint;
mod config;
mod error;
mod gguf;
mod tokenizer;

pub use checkpoint::Checkpoint;
pub use config::{Architecture, LanguageConfig, RopeScaling};
pub use error::LanguageError;
pub use gguf::{GgufCheckpoint, RowOrder, gguf_name, hf_name, language_config};
pub use tokenizer::Tokenizer;
