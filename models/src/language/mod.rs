//! Language models: what a checkpoint says of its architecture, its weights by name, its tokenizer, and the graph built of them.
//!
//! | part | what it is |
//! |---|---|
//! | [`LanguageConfig`] | the architecture, in the names of Hugging Face's `config.json` |
//! | [`Checkpoint`] | weights by Hugging Face's names, one at a time |
//! | [`Tokenizer`] | text to tokens and back |
//! | [`GgufCheckpoint`] | a checkpoint in a GGUF file; [`gguf_name`], [`hf_name`] and [`RowOrder`] translate |
//! | [`HuggingFaceCheckpoint`] | a checkpoint in a folder of Hugging Face's |
//! | [`open_checkpoint`] | either, by path |
//! | [`build()`] | the graph of a checkpoint |
//! | [`SavedModel`] | a quantized model in a folder that this crate has written |
//! | [`LanguageModel`] | a graph with tokens going in and logits coming out; [`generate()`] lets it go on with a text |

mod build;
mod check;
mod checkpoint;
mod config;
mod error;
mod generate;
mod gguf;
mod header;
mod hugging_face;
mod model;
mod open;
mod rope;
mod saved;
mod tokenizer;

pub use build::{BuildOptions, KeyValueCache, LogitsToKeep, build};
pub use checkpoint::Checkpoint;
pub use config::{Architecture, LanguageConfig, RopeScaling};
pub use error::LanguageError;
pub use generate::{GenerateOptions, generate};
pub(crate) use gguf::rope_divisors;
pub use gguf::{GgufCheckpoint, RowOrder, gguf_name, hf_name, language_config};
pub use hugging_face::HuggingFaceCheckpoint;
pub use model::LanguageModel;
pub use open::{is_checkpoint, open_checkpoint};
pub use rope::inverse_frequencies;
pub use saved::SavedModel;
pub(crate) use saved::{SAVED_KEY, SAVED_MODEL, SAVED_VOCABULARY, SAVED_WEIGHTS};
pub use tokenizer::Tokenizer;
